//! How long a validator goes on without hearing from the service.

use std::time::Duration;

use crate::timestamp::Timestamp;

/// How long a validator decides with what it knew, and what it does then.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Staleness {
    /// Since the service last confirmed that there is nothing newer. Whole seconds count. It cannot be stretched beyond the
    /// expiry of the bundle, at which everything is refused.
    pub max: Duration,
    /// What becomes of sessions then.
    pub when_stale: WhenStale,
}

/// What becomes of sessions when nobody knows which of them are revoked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WhenStale {
    /// They are refused with [`Rejection::KeysUnavailable`](crate::validator::Rejection::KeysUnavailable).
    FailClosed,
    /// They are accepted, and counted.
    FailOpen,
}

/// 15 minutes, and then nobody.
impl Default for Staleness {
    fn default() -> Self {
        Self { max: Duration::from_secs(15 * 60), when_stale: WhenStale::FailClosed }
    }
}

impl Staleness {
    /// Whether what was confirmed at that time is too old. A confirmation that lies as far in the future is as good as none:
    /// the clock was set back, and nobody knows by how much.
    pub fn is_over(&self, confirmed_at: Option<Timestamp>, now: Timestamp) -> bool {
        confirmed_at.is_none_or(|at| now.unix().abs_diff(at.unix()) > self.max.as_secs())
    }
}
