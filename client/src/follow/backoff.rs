//! How long to wait before the next attempt: exponential, with full jitter, so that those who lost the service at one moment do not
//! come back at one moment.

use std::time::Duration;

use ring::rand::{SecureRandom, SystemRandom};

const FIRST: Duration = Duration::from_millis(100);
const MOST: Duration = Duration::from_secs(10);

/// Counts failures in a row.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    /// Anything up to a bound that doubles with each failure.
    pub(super) fn next(&mut self) -> Duration {
        let most = FIRST.saturating_mul(1 << self.failures.min(10)).min(MOST);
        self.failures = self.failures.saturating_add(1);
        most.mul_f64(random())
    }
}

/// Between 0 and 1. Without randomness, 1.
fn random() -> f64 {
    let mut bytes = [0; 4];
    match SystemRandom::new().fill(&mut bytes) {
        Ok(()) => f64::from(u32::from_be_bytes(bytes)) / f64::from(u32::MAX),
        Err(_) => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_spread_below_a_bound_that_doubles_up_to_ten_seconds() {
        for (failures, most) in [(0, 100), (1, 200), (6, 6_400), (7, 10_000), (40, 10_000), (u32::MAX, 10_000)] {
            let waits: Vec<_> = (0..200).map(|_| Backoff { failures }.next()).collect();
            assert!(waits.iter().all(|wait| *wait <= Duration::from_millis(most)), "{failures}");
            assert!(waits.iter().any(|wait| *wait > Duration::from_millis(most / 2)), "{failures}");
            assert!(waits.iter().any(|wait| *wait < Duration::from_millis(most / 2)), "{failures}");
        }
    }
}
