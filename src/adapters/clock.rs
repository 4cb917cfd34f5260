//! The system's clock: the one place of the server that reads it for decisions.

use std::time::{SystemTime, UNIX_EPOCH};

use brevet_validator::timestamp::Timestamp;

use crate::service::clock::Clock;

/// The wall clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        // Before 1970 and after 9999 every credential is refused: the ends of the range do that.
        let seconds = i64::try_from(self.now_nanos() / 1_000_000_000).unwrap_or(i64::MAX);
        Timestamp::from_unix(seconds).unwrap_or(Timestamp::MAX)
    }

    fn now_nanos(&self) -> u128 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos())
    }
}
