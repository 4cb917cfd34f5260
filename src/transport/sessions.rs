//! The list of sessions, told to operators: series of `/metrics`.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use crate::service::sessions::InventoryState;

/// Looks at the list now.
pub type Watch = Arc<dyn Fn() -> InventoryState + Send + Sync>;

/// Series of the list.
pub(super) struct SessionSeries(pub(super) Watch);

impl fmt::Debug for SessionSeries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionSeries").finish_non_exhaustive()
    }
}

impl Collector for SessionSeries {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let InventoryState { sessions, unwritten, failures } = (self.0)();
        one(&mut encoder, "sessions", "Sessions in the list", &gauge(sessions))?;
        one(&mut encoder, "sessions_unwritten", "Of these, not in the store yet", &gauge(unwritten))?;
        let help = "Times that sessions could not be written to the store";
        one(&mut encoder, "session_write_failures", help, &ConstCounter::new(failures))
    }
}

fn gauge(count: usize) -> ConstGauge<i64> {
    ConstGauge::new(i64::try_from(count).unwrap_or(i64::MAX))
}

fn one(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    metric: &impl EncodeMetric,
) -> Result<(), fmt::Error> {
    metric.encode(encoder.encode_descriptor(name, help, None, metric.metric_type())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::metrics::Metrics;

    #[test]
    fn operators_see_what_is_listed_and_what_a_crash_would_take_from_it() {
        let mut metrics = Metrics::new();
        metrics.watch_sessions(Arc::new(|| InventoryState { sessions: 7, unwritten: 3, failures: 2 }));
        let text = metrics.text();
        for line in ["brevet_sessions 7", "brevet_sessions_unwritten 3", "brevet_session_write_failures_total 2"] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}
