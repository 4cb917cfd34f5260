//! What is counted, for Prometheus. Labels come from fixed sets, and of identity providers from the directory: nothing that a
//! caller wrote is ever one.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use super::error::{Fault, Row};
use super::providers::{ProviderSeries, Watch};
use super::sessions::{self, SessionSeries};
use super::trust_series::{TrustSeries, WatchTrust};

/// How a request ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// As the caller wished.
    Success,
    /// The caller was refused.
    Denied,
    /// The service failed.
    Error,
}

impl Outcome {
    /// Follows from the failure, if there was one.
    pub fn of(failure: Option<&Row>) -> Self {
        match failure.map(Row::fault) {
            None => Self::Success,
            Some(Fault::Sender) => Self::Denied,
            Some(Fault::Receiver) => Self::Error,
        }
    }

    /// The value of the label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Denied => "denied",
            Self::Error => "error",
        }
    }
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct RequestLabels {
    api: &'static str,
    operation: &'static str,
    outcome: &'static str,
    reason: String,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct DurationLabels {
    api: &'static str,
    operation: &'static str,
}

/// The counters of this process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    durations: Family<DurationLabels, Histogram>,
}

impl Metrics {
    /// Starts at zero.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("brevet");
        let requests = Family::default();
        // A quarter of a millisecond to about four seconds.
        let durations = Family::<DurationLabels, Histogram>::new_with_constructor(|| {
            Histogram::new(exponential_buckets(0.00025, 2.0, 15))
        });
        let build = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("requests", "Requests answered", requests.clone());
        registry.register_with_unit("request_duration", "Time to answer", Unit::Seconds, durations.clone());
        registry.register("build", "What is running", build);
        Self { registry, requests, durations }
    }

    /// Tells of identity providers, too.
    pub fn watch_providers(&mut self, watch: Watch) {
        self.registry.register_collector(Box::new(ProviderSeries(watch)));
    }

    /// Tells of what validators are told, too.
    pub fn watch_trust(&mut self, watch: WatchTrust) {
        self.registry.register_collector(Box::new(TrustSeries(watch)));
    }

    /// Tells of the list of sessions, too.
    pub fn watch_sessions(&mut self, watch: sessions::Watch) {
        self.registry.register_collector(Box::new(SessionSeries(watch)));
    }

    /// Counts one request. `operation` and `reason` must come from fixed sets.
    pub fn count(&self, api: &'static str, operation: &'static str, outcome: Outcome, reason: &str, took: Duration) {
        let labels = RequestLabels { api, operation, outcome: outcome.as_str(), reason: reason.to_owned() };
        self.requests.get_or_create(&labels).inc();
        self.durations.get_or_create(&DurationLabels { api, operation }).observe(took.as_secs_f64());
    }

    /// All of it in the OpenMetrics text format, version 1.0.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_outcome_and_reason() {
        let metrics = Metrics::new();
        metrics.count("grpc", "AssumeRole", Outcome::Success, "", Duration::from_millis(1));
        for _ in 0..2 {
            metrics.count("query", "AssumeRole", Outcome::Denied, "TRUST_NOT_SATISFIED", Duration::from_millis(1));
        }
        let text = metrics.text();
        for line in [
            r#"brevet_requests_total{api="grpc",operation="AssumeRole",outcome="success",reason=""} 1"#,
            r#"brevet_requests_total{api="query",operation="AssumeRole",outcome="denied",reason="TRUST_NOT_SATISFIED"} 2"#,
            r#"brevet_request_duration_seconds_count{api="query",operation="AssumeRole"} 2"#,
            concat!(r#"brevet_build_info{version=""#, env!("CARGO_PKG_VERSION"), r#""} 1"#),
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}
