//! Sessions whose signature has passed, by their whole token.

use std::hash::{BuildHasher, DefaultHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use moka::sync::Cache;

use crate::signature::{Scope, SigningKey};
use crate::timestamp::Timestamp;
use crate::token::Session;

/// A session that nobody uses for so long is forgotten, and its keys are wiped.
const IDLE: Duration = Duration::from_secs(15 * 60);

/// An opened token with the signing keys derived from it so far.
pub(super) struct KnownSession {
    pub(super) session: Arc<Session>,
    pub(super) derived: DerivedKeys,
    /// Of the key ring that opened the token.
    generation: u64,
}

impl KnownSession {
    pub(super) fn new(session: Session, generation: u64) -> Self {
        Self { session: Arc::new(session), derived: DerivedKeys::default(), generation }
    }
}

/// Bounded. The whole token is the key and is compared whole.
pub(super) struct Sessions(Cache<Box<str>, Arc<KnownSession>, TailHash>);

impl Sessions {
    pub(super) fn new(max_cached: u64) -> Self {
        Self(Cache::builder().max_capacity(max_cached).time_to_idle(IDLE).build_with_hasher(TailHash::default()))
    }

    /// The session, if the ring that opened its token is the one in force.
    pub(super) fn find(&self, token: &str, generation: u64) -> Option<Arc<KnownSession>> {
        self.0.get(token).filter(|known| known.generation == generation)
    }

    /// Only for sessions whose signature has just passed: so nothing that a stranger sends takes up room.
    pub(super) fn remember(&self, token: &str, known: &Arc<KnownSession>) {
        self.0.insert(token.into(), Arc::clone(known));
    }

    /// All of them. Being looked at keeps none alive.
    pub(super) fn iter(&self) -> impl Iterator<Item = Arc<KnownSession>> + '_ {
        self.0.iter().map(|(_, known)| known)
    }

    pub(super) fn forget(&self, token: &str) {
        self.0.invalidate(token);
    }
}

/// Hashes the end of a token, under a key that is random per process. A token ends in a signature over all the rest, and
/// only genuine tokens are remembered, so their ends differ; and long tokens cost no more than short ones.
#[derive(Clone, Default)]
struct TailHash(RandomState);

struct TailHasher(DefaultHasher);

impl BuildHasher for TailHash {
    type Hasher = TailHasher;

    fn build_hasher(&self) -> TailHasher {
        TailHasher(self.0.build_hasher())
    }
}

impl Hasher for TailHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes.last_chunk::<32>().map_or(bytes, |tail| tail));
    }

    fn finish(&self) -> u64 {
        self.0.finish()
    }
}

/// Signing keys of one secret, by scope. Holds the few that are in use: two dates, some services.
#[derive(Default)]
pub(super) struct DerivedKeys(RwLock<Vec<(Box<str>, Arc<UsedKey>)>>);

/// A signing key to check a request with.
pub(super) enum DerivedKey {
    /// Derived here.
    Own { key: Arc<UsedKey>, remembered: bool },
    /// One that its source remembers, and lets go in time: it is remembered nowhere else.
    Online(Arc<SigningKey>),
}

/// A signing key, and when a signature last passed with it (Unix time).
pub(super) struct UsedKey {
    key: SigningKey,
    last_used: AtomicI64,
}

impl DerivedKey {
    pub(super) fn new(key: SigningKey) -> Self {
        Self::Own { key: Arc::new(UsedKey { key, last_used: AtomicI64::new(0) }), remembered: false }
    }

    pub(super) fn key(&self) -> &SigningKey {
        match self {
            Self::Own { key, .. } => &key.key,
            Self::Online(key) => key,
        }
    }

    /// A signature has passed with it.
    pub(super) fn note_use(&self, now: Timestamp) {
        if let Self::Own { key, .. } = self {
            key.last_used.store(now.unix(), Ordering::Relaxed);
        }
    }
}

impl DerivedKeys {
    const MAX: usize = 8;

    pub(super) fn find(&self, scope: Scope<'_>) -> Option<DerivedKey> {
        let keys = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let (_, key) = keys.iter().find(|(known, _)| **known == *scope.as_str())?;
        Some(DerivedKey::Own { key: Arc::clone(key), remembered: true })
    }

    /// The last use of any: when, and in which scope.
    pub(super) fn last_used(&self) -> Option<(Timestamp, Box<str>)> {
        let keys = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let used = keys.iter().map(|(scope, key)| (key.last_used.load(Ordering::Relaxed), scope));
        let (at, scope) = used.max_by_key(|(at, _)| *at)?;
        Some((Timestamp::from_unix(at)?, scope.clone()))
    }

    /// Only for keys that a signature has just passed with. The oldest makes room.
    pub(super) fn remember(&self, scope: Scope<'_>, derived: DerivedKey) {
        let DerivedKey::Own { key, remembered: false } = derived else { return };
        let mut keys = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if keys.iter().any(|(known, _)| **known == *scope.as_str()) {
            return;
        }
        if keys.len() == Self::MAX {
            keys.remove(0);
        }
        keys.push((scope.as_str().into(), key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derived_keys_are_found_by_scope_and_stay_few() {
        let keys = DerivedKeys::default();
        let texts: Vec<_> = (0..=DerivedKeys::MAX).map(|n| format!("20260101/r/s{n}/aws4_request")).collect();
        let scopes: Vec<_> = texts.iter().map(|text| Scope::parse(text).unwrap()).collect();
        for (mark, scope) in (0..).zip(&scopes) {
            for _ in 0..2 {
                keys.remember(*scope, DerivedKey::new(SigningKey::from_bytes([mark; 32])));
            }
            assert_eq!(keys.find(*scope).map(|found| *found.key().expose()), Some([mark; 32]));
        }
        assert!(keys.find(scopes[0]).is_none(), "the oldest made room");
        assert!(keys.find(scopes[1]).is_some());
    }

    #[test]
    fn tokens_are_told_apart_by_their_ends_and_hashed_under_a_random_key() {
        let hash = TailHash::default();
        let [one, other] = ["0", "1"].map(|end| format!("{}{end}", "x".repeat(4095)));
        assert_eq!(hash.hash_one(&one), hash.hash_one(&one));
        assert_ne!(hash.hash_one(&one), hash.hash_one(&other));
        assert_ne!(hash.hash_one(&one), TailHash::default().hash_one(&one));
        assert_ne!(hash.hash_one("short"), hash.hash_one("shorn"));
    }
}
