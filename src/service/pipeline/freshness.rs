//! How old the directory may be that issues: a replica that is cut off from its store goes on for a while, and then stops.

use std::time::Duration;

use brevet_validator::timestamp::Timestamp;

use super::Service;
use crate::service::error::Error;

/// For how many seconds sessions are issued while the store does not answer, unless told otherwise.
pub(super) const MAX_POLICY_AGE: i64 = 15 * 60;
/// The store is asked each second; an answer may take some.
const DEGRADED: i64 = 10;

/// How long the store may take when it is asked once more.
const PATIENCE: Duration = Duration::from_secs(2);

impl Service {
    /// The same, and it issues by a directory of at most this age, in seconds.
    #[must_use]
    pub fn with_max_policy_age(self, max_policy_age: i64) -> Self {
        Self { max_policy_age, ..self }
    }

    /// Refuses to issue by a directory of which nobody knows whether it still holds: who was deleted or revoked meanwhile is good
    /// here.
    pub(super) async fn fresh_enough(&self, now: Timestamp) -> Result<(), Error> {
        let age = self.policy_age(now);
        if age <= self.max_policy_age {
            return Ok(());
        }
        // It may be the clock that jumped: whoever can ask the store need not go by it.
        let asked = tokio::time::timeout(PATIENCE, self.trust.confirm(&*self.clock)).await;
        if matches!(asked, Ok(Ok(()))) {
            return Ok(());
        }
        let bound = self.max_policy_age;
        Err(Error::unavailable(format!("the store last answered {age} s ago, and max_policy_age is {bound} s")))
    }

    /// Whether the store has not answered for a while. Sessions are issued all the same, up to the bound.
    pub(super) fn is_degraded(&self, now: Timestamp) -> bool {
        self.policy_age(now) > DEGRADED
    }

    /// Since the directory was last known to be what the store has, in seconds. It was when it was loaded.
    fn policy_age(&self, now: Timestamp) -> i64 {
        (now - self.trust.confirmed_at().unwrap_or(self.loaded_at)).max(0)
    }
}
