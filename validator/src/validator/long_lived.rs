//! Long-lived keys: where they come from, and the signing keys derived from them.

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use subtle::ConstantTimeEq;

use super::Rejection;
use super::pending::Signer;
use super::sessions::{DerivedKey, DerivedKeys};
use crate::credential::{AccessKeyId, SecretKey};
use crate::identity::Principal;
use crate::signature::{DeclaredPayload, Payload, Presented, SigningKey};
use crate::timestamp::Timestamp;

const IDLE: Duration = Duration::from_secs(15 * 60);

/// Where a validator finds long-lived keys. Resource services have none; the STS has its directory.
pub trait KeySource: Send + Sync {
    /// The key, if it exists, is enabled and lives at `now`. Unknown, disabled, expired and deleted are one answer.
    ///
    /// Asked for every request, so it must answer from memory.
    fn find(&self, id: AccessKeyId, now: Timestamp) -> Option<LongLivedKey>;
}

/// A long-lived key.
#[derive(Clone, Debug)]
pub struct LongLivedKey {
    /// The secret.
    pub secret: SecretKey,
    /// Whose it is.
    pub principal: Principal,
}

/// The source, and what has been derived from its secrets.
pub(super) struct LongLivedKeys {
    source: Option<Arc<dyn KeySource>>,
    derived: Cache<AccessKeyId, Arc<KnownSecret>>,
}

/// Derived keys hold for the secret they were derived from, and for no other that bears the same id.
pub(super) struct KnownSecret {
    secret: SecretKey,
    pub(super) derived: DerivedKeys,
}

impl KnownSecret {
    fn is(&self, secret: &SecretKey) -> bool {
        self.secret.expose().as_bytes().ct_eq(secret.expose().as_bytes()).into()
    }
}

impl LongLivedKeys {
    pub(super) fn new(max_cached: u64) -> Self {
        Self { source: None, derived: Cache::builder().max_capacity(max_cached).time_to_idle(IDLE).build() }
    }

    pub(super) fn set_source(&mut self, source: Arc<dyn KeySource>) {
        self.source = Some(source);
    }

    /// Whether the source still has a key.
    pub(super) fn knows(&self, id: AccessKeyId, now: Timestamp) -> bool {
        self.source.as_ref().is_some_and(|source| source.find(id, now).is_some())
    }

    /// The key that a signature must be made with.
    ///
    /// The source is asked first, each time: a key that it no longer gives is gone at once, whatever is cached. `None` if
    /// it has none.
    pub(super) fn find<'a>(
        &'a self,
        presented: &Presented<'_>,
        id: AccessKeyId,
        now: Timestamp,
    ) -> Option<(Signer<'a>, DerivedKey)> {
        let found = self.source.as_ref().and_then(|source| source.find(id, now));
        let Some(LongLivedKey { secret, principal }) = found else {
            self.derived.invalidate(&id);
            return None;
        };
        let remembered = self.derived.get(&id).filter(|known| known.is(&secret));
        let cache = if remembered.is_none() { Some(self) } else { None };
        let known = remembered.unwrap_or_else(|| Arc::new(KnownSecret { secret, derived: DerivedKeys::default() }));
        let key = match known.derived.find(presented.scope()) {
            Some(key) => key,
            None => DerivedKey::new(SigningKey::derive(&known.secret, presented.scope())),
        };
        Some((Signer::LongLived { id, principal, known, cache }, key))
    }

    /// Only for keys that a signature has just passed with.
    pub(super) fn remember(&self, id: AccessKeyId, known: &Arc<KnownSecret>) {
        self.derived.insert(id, Arc::clone(known));
    }
}

/// Refuses a key that is not there, after spending what a known one would have cost: time must not tell either.
pub(super) fn unknown(presented: &Presented<'_>) -> Rejection {
    let nobody = SecretKey::new("0".repeat(SecretKey::LENGTH));
    let key = SigningKey::derive(&nobody, presented.scope());
    let payload = match presented.payload() {
        DeclaredPayload::Undeclared => Payload::Sha256([0; 32]),
        DeclaredPayload::Sha256(_) | DeclaredPayload::Unsigned => Payload::AsDeclared,
    };
    // Whatever the signature is, it is nobody's.
    let _ = std::hint::black_box(presented.verify(payload, &key));
    Rejection::InvalidToken
}
