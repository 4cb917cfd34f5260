//! A request between its credentials and its payload.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};

use super::long_lived::{KnownSecret, LongLivedKeys};
use super::sessions::{DerivedKey, KnownSession, Sessions};
use super::{CallerPolicies, Rejection, Verified};
use crate::credential::AccessKeyId;
use crate::identity::Principal;
use crate::signature::{DeclaredPayload, Payload, Presented, Scope};
use crate::timestamp::Timestamp;

/// A request that is in order up to its payload and signature.
pub struct Pending<'a> {
    presented: Presented<'a>,
    signer: Signer<'a>,
    key: DerivedKey,
}

/// Whose signature it must be, and the cache to put it into, unless it came from there.
pub(super) enum Signer<'a> {
    Session {
        known: Arc<KnownSession>,
        cache: Option<&'a Sessions>,
        now: Timestamp,
        /// Counts those accepted while nobody knew what is revoked.
        stale: Option<&'a AtomicU64>,
    },
    LongLived {
        id: AccessKeyId,
        principal: Principal,
        known: Arc<KnownSecret>,
        cache: Option<&'a LongLivedKeys>,
    },
    Online {
        id: AccessKeyId,
        caller: Arc<CallerPolicies>,
        /// The revision of the last withdrawal, before which the key was not derived.
        withdrawn: Option<u64>,
        /// As above.
        stale: Option<&'a AtomicU64>,
    },
}

impl std::fmt::Debug for Pending<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pending").field("access_key_id", &self.presented.access_key_id()).finish_non_exhaustive()
    }
}

impl<'a> Pending<'a> {
    pub(super) fn new(presented: Presented<'a>, signer: Signer<'a>, key: DerivedKey) -> Self {
        Self { presented, signer, key }
    }

    /// The access key id that the request names. Nothing proves yet that the key signed it.
    pub fn access_key_id(&self) -> &str {
        self.presented.access_key_id()
    }

    /// The scope of the signature.
    pub fn scope(&self) -> Scope<'_> {
        self.presented.scope()
    }

    /// What the request says of its payload.
    pub fn payload(&self) -> DeclaredPayload {
        self.presented.payload()
    }

    /// Checks payload hash and signature. Only now the session enters the cache.
    pub fn finish(self, body: &[u8]) -> Result<Verified, Rejection> {
        match self.presented.payload() {
            DeclaredPayload::Unsigned => self.accept(Payload::AsDeclared),
            DeclaredPayload::Undeclared | DeclaredPayload::Sha256(_) => self.finish_hashed(Sha256::digest(body).into()),
        }
    }

    /// [`Pending::finish`] for a body of which only the SHA-256 is at hand. A declared hash must be the same.
    pub fn finish_hashed(self, sha256: [u8; 32]) -> Result<Verified, Rejection> {
        self.accept(Payload::Sha256(sha256))
    }

    /// Checks the signature over what the request declares of its payload. A caller that gets a hash back from
    /// [`Pending::payload`] must compare it with the body before it lets the last byte through.
    pub(crate) fn finish_declared(self) -> Result<Verified, Rejection> {
        self.accept(Payload::AsDeclared)
    }

    fn accept(self, payload: Payload) -> Result<Verified, Rejection> {
        self.presented.verify(payload, self.key.key())?;
        let scope = self.presented.scope();
        match self.signer {
            Signer::Session { known, cache, now, stale } => {
                if let Some(accepted) = stale {
                    accepted.fetch_add(1, Ordering::Relaxed);
                }
                self.key.note_use(now);
                known.derived.remember(scope, self.key);
                if let (Some(cache), Some(token)) = (cache, self.presented.security_token()) {
                    cache.remember(token, &known);
                }
                Ok(Verified::by_session(Arc::clone(&known.session)))
            }
            Signer::LongLived { id, principal, known, cache } => {
                known.derived.remember(scope, self.key);
                if let Some(cache) = cache {
                    cache.remember(id, &known);
                }
                Ok(Verified::by_long_lived_key(id, principal))
            }
            Signer::Online { id, caller, withdrawn, stale } => {
                if let Some(accepted) = stale {
                    accepted.fetch_add(1, Ordering::Relaxed);
                }
                Ok(Verified::by_online_key(id, caller, withdrawn))
            }
        }
    }
}
