//! Signing keys that a validator cannot derive: where they come from, and what comes with them.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use super::CallerPolicies;
use crate::credential::AccessKeyId;
use crate::signature::{Presented, Scope, SigningKey};
use crate::timestamp::Timestamp;

/// Where a validator finds signing keys that neither a token's box nor a secret of its own gives: those of long-lived keys,
/// and those of sessions in an online zone.
pub trait SigningKeySource: Send + Sync {
    /// What is known of a key without asking anyone: from memory, at once.
    fn find(&self, wanted: WantedKey<'_>, now: Timestamp) -> Lookup;

    /// Asks for a key that is not known. Takes a bounded time; [`Lookup::Unknown`]: nobody could be asked.
    ///
    /// A session's token has been opened before and is genuine; whoever named a long-lived key has proved nothing yet.
    fn fetch<'a>(&'a self, wanted: WantedKey<'a>, now: Timestamp) -> Fetching<'a>;
}

/// A key on its way.
pub type Fetching<'a> = Pin<Box<dyn Future<Output = Lookup> + Send + 'a>>;

/// Which key a request was signed with, as far as it says.
#[derive(Clone, Copy)]
pub struct WantedKey<'a> {
    /// Long-lived or temporary.
    pub access_key_id: AccessKeyId,
    /// Of a session.
    pub security_token: Option<&'a str>,
    /// Date, region and service.
    pub scope: Scope<'a>,
}

impl<'a> WantedKey<'a> {
    pub(super) fn of(presented: &'a Presented<'_>, access_key_id: AccessKeyId) -> Self {
        Self { access_key_id, security_token: presented.security_token(), scope: presented.scope() }
    }
}

/// Leaves out the token.
impl fmt::Debug for WantedKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WantedKey")
            .field("access_key_id", &self.access_key_id)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

/// What a source has of a key.
#[derive(Clone, Debug)]
pub enum Lookup {
    /// It is good.
    Found(OnlineKey),
    /// There is none, or none for this scope. As with unknown keys everywhere, nothing tells which.
    Absent,
    /// Nothing is known of it.
    Unknown,
}

/// A signing key that someone else derived.
#[derive(Clone, Debug)]
pub struct OnlineKey {
    /// Good for one date, region and service.
    pub signing_key: Arc<SigningKey>,
    /// Of a long-lived key: whose it is, and what they may do. A session's token says so itself.
    pub caller: Option<Arc<CallerPolicies>>,
}
