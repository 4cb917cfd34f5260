//! The key ring in force, and until when it may be used.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;

use super::Rejection;
use crate::timestamp::Timestamp;
use crate::token::KeyRing;

/// A ring and the number that tells it from the rings before it.
pub(super) struct Keys {
    pub(super) ring: KeyRing,
    pub(super) generation: u64,
    /// First second at which nothing is decided with this ring any more.
    expires_at: Timestamp,
}

/// Holds the ring that new requests are checked with.
pub(super) struct CurrentKeys {
    current: ArcSwap<Keys>,
    next_generation: AtomicU64,
}

impl CurrentKeys {
    pub(super) fn new(ring: KeyRing, expires_at: Timestamp) -> Self {
        Self {
            current: ArcSwap::from_pointee(Keys { ring, generation: 0, expires_at }),
            next_generation: AtomicU64::new(1),
        }
    }

    pub(super) fn replace(&self, ring: KeyRing, expires_at: Timestamp) {
        let generation = self.next_generation.fetch_add(1, Ordering::Relaxed);
        self.current.store(Arc::new(Keys { ring, generation, expires_at }));
    }

    /// The keys, unless they are too old to decide with.
    pub(super) fn load(&self, now: Timestamp) -> Result<arc_swap::Guard<Arc<Keys>>, Rejection> {
        let keys = self.current.load();
        if now >= keys.expires_at { Err(Rejection::KeysUnavailable) } else { Ok(keys) }
    }
}
