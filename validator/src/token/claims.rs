//! What a token says of its session.

use crate::credential::{AccessKeyId, KeyKind};
use crate::identity::{AccountId, Principal, UniqueId};
use crate::timestamp::Timestamp;

/// What a session is. Decoded only after the signature of the token has passed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Claims {
    /// Who acts with the session.
    pub principal: Principal,
    /// Raised when every earlier session of the principal is revoked.
    pub generation: u64,
    /// Set once, at the first hop, and kept.
    pub source_identity: Option<String>,
    /// Session tags.
    pub tags: Vec<SessionTag>,
    /// The session policy as it was passed.
    pub session_policy: Option<String>,
    /// ARNs of managed policies passed as session policies.
    pub session_policy_arns: Vec<String>,
    /// The web identity that took the role.
    pub federation: Option<Federation>,
    /// When a second factor was given.
    pub mfa_at: Option<Timestamp>,
    /// Sessions this one was made from, oldest first, at most [`Claims::MAX_ANCESTORS`].
    pub ancestors: Vec<SessionId>,
    /// When the first session of the chain ends.
    pub root_expires_at: Option<Timestamp>,
    /// Whether sessions made from this one end with the first of the chain, at the latest.
    pub ends_with_root: bool,
    /// The long-lived key that started it all.
    pub source_access_key: Option<AccessKeyId>,
    /// Unique id of the user who started it all.
    pub source_user: Option<UniqueId>,
    /// Revision of the directory that decided.
    pub directory_revision: u64,
    /// Services or zones meant to accept the session; empty for all.
    pub audience: Vec<String>,
    /// Region of the STS that issued it.
    pub region: String,
    /// How the session came to be.
    pub origin: Origin,
}

impl Claims {
    /// Longest chain of sessions that a token can carry.
    pub const MAX_ANCESTORS: usize = 8;

    /// The account the session belongs to.
    pub fn account(&self) -> AccountId {
        self.principal.account()
    }
}

/// The operation that made a session; it decides what the session may call.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Origin {
    /// AssumeRole and its kin.
    AssumeRole,
    /// GetSessionToken.
    SessionToken,
    /// GetFederationToken.
    FederationToken,
}

/// A tag of a session.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SessionTag {
    /// Key, case preserved.
    pub key: String,
    /// Value; may be empty.
    pub value: String,
    /// Whether sessions made from this one inherit it.
    pub transitive: bool,
}

/// The web identity behind a session.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Federation {
    /// `iss`
    pub issuer: String,
    /// `sub`
    pub subject: String,
    /// Unique id of the provider record.
    pub provider_id: String,
}

/// Sixteen bytes; the first ten make the access key id.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct SessionId(pub [u8; 16]);

impl SessionId {
    /// The access key id that the session signs with.
    pub fn access_key_id(&self) -> AccessKeyId {
        let mut bytes = [0; 10];
        bytes.copy_from_slice(&self.0[..10]);
        AccessKeyId::from_bytes(KeyKind::Temporary, bytes)
    }
}
