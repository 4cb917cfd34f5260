//! What opening a token gives: a session, or the step at which it failed.

use crate::credential::{AccessKeyId, Lifetime, SecretKey};
use crate::signature::{Scope, SigningKey};

use super::claims::{Claims, SessionId};
use super::signing_keys::{CoveredScopes, SigningKeys};

/// A genuine token, opened.
#[derive(Clone, Debug)]
pub struct Session {
    /// Names the session.
    pub id: SessionId,
    /// The access key id that the session signs with.
    pub access_key_id: AccessKeyId,
    /// Its life.
    pub lifetime: Lifetime,
    /// What it is.
    pub claims: Claims,
    /// What verifies its signatures.
    pub secret: SessionSecret,
}

/// What a box gave.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SessionSecret {
    /// The secret key itself (the STS, and the default zone).
    SecretKey(SecretKey),
    /// The keys for a scoped zone's services and the session's dates.
    SigningKeys(SigningKeys),
    /// Nothing: the token has no box for an online zone. The keys for these scopes are asked for.
    Online(CoveredScopes),
}

impl SessionSecret {
    /// The key for a scope, if this secret covers it. There is none for an online zone.
    pub fn signing_key(&self, scope: Scope<'_>) -> Option<SigningKey> {
        match self {
            Self::SecretKey(secret) => Some(SigningKey::derive(secret, scope)),
            Self::SigningKeys(keys) => keys.find(scope),
            Self::Online(_) => None,
        }
    }
}

/// Why a token does not open. Everything but [`TokenError::Expired`] is one answer on the wire.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// Cannot be a token, is not genuine, or is not for this access key or zone. The step is for tests and logs.
    #[error("the security token is invalid (step {0:?})")]
    Invalid(Step),
    /// Genuine, and over.
    #[error("the security token has expired")]
    Expired,
}

impl From<Step> for TokenError {
    fn from(step: Step) -> Self {
        Self::Invalid(step)
    }
}

/// Steps of the order of checks, in order.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Step {
    /// 1. Longer than [`MAX_LENGTH`](super::MAX_LENGTH) or too short.
    Length,
    /// 2. Not canonical base64url.
    Alphabet,
    /// 3. Version, suite or flags.
    Version,
    /// 4. Made in another trust domain.
    TrustDomain,
    /// 5. The access key id is another's.
    AccessKey,
    /// 6. Signing key unknown or distrusted, or not valid when the token was made.
    SigningKey,
    /// 7. Ed25519.
    Signature,
    /// 8. Lifetime absurd: negative, too long, from the future.
    Lifetime,
    /// 9. The body does not open or is not claims.
    Body,
    /// 10. No box for this zone, or it does not open or holds something else.
    Box,
}
