//! Sessions that this process has refused as expired. A clock that is set back does not bring them back.

use std::sync::atomic::{AtomicI64, Ordering};

use moka::sync::Cache;

use crate::credential::AccessKeyId;
use crate::timestamp::Timestamp;

/// Remembers the sessions themselves and not just the latest time seen: a clock that jumps ahead for a moment
/// must not lock out every session there is.
pub(super) struct ExpiredSessions {
    seen: Cache<AccessKeyId, ()>,
    /// Unix time of the latest refusal. While the clock is past it, every session in `seen` is over by the clock too.
    latest: AtomicI64,
}

impl ExpiredSessions {
    pub(super) fn new(max: u64) -> Self {
        Self { seen: Cache::new(max), latest: AtomicI64::new(0) }
    }

    /// A genuine session was found expired at `now`.
    pub(super) fn note(&self, id: AccessKeyId, now: Timestamp) {
        self.seen.insert(id, ());
        self.latest.fetch_max(now.unix(), Ordering::Relaxed);
    }

    /// Whether a session that is alive by the clock has been refused before.
    pub(super) fn contains(&self, id: AccessKeyId, now: Timestamp) -> bool {
        now.unix() < self.latest.load(Ordering::Relaxed) && self.seen.contains_key(&id)
    }
}
