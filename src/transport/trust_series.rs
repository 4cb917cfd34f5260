//! What validators are told, as series of `/metrics`.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

use crate::service::trust::TrustFigures;

/// Looks at it now.
pub type WatchTrust = Arc<dyn Fn() -> TrustFigures + Send + Sync>;

/// Validators by zone, revocations, and how old the last comparison with the store is.
pub(super) struct TrustSeries(pub(super) WatchTrust);

impl fmt::Debug for TrustSeries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrustSeries").finish_non_exhaustive()
    }
}

/// Zones are the operator's: a stream is opened for none that does not exist.
#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Labels {
    zone: String,
}

impl Collector for TrustSeries {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let TrustFigures { watching, revocations, confirmation_age } = (self.0)();
        if !watching.is_empty() {
            let help = "Validators that follow, by zone";
            let mut metric = encoder.encode_descriptor("watching_validators", help, None, MetricType::Gauge)?;
            for (zone, count) in watching {
                ConstGauge::new(i64::from(count)).encode(metric.encode_family(&Labels { zone })?)?;
            }
        }
        let count = ConstGauge::new(i64::try_from(revocations).unwrap_or(i64::MAX));
        let help = "Revocations in force";
        count.encode(encoder.encode_descriptor("revocations", help, None, MetricType::Gauge)?)?;
        if let Some(age) = confirmation_age {
            let help = "Time since the directory was last compared with the store";
            let unit = Some(&Unit::Seconds);
            let metric = encoder.encode_descriptor("store_confirmation_age", help, unit, MetricType::Gauge)?;
            ConstGauge::new(age).encode(metric)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::metrics::Metrics;

    #[test]
    fn validators_are_counted_by_zone_and_what_is_not_known_is_not_told() {
        let text = |figures: TrustFigures| {
            let mut metrics = Metrics::new();
            metrics.watch_trust(Arc::new(move || figures.clone()));
            metrics.text()
        };
        let watching = [("default".to_owned(), 3), ("storage".to_owned(), 1)].into();
        let full = text(TrustFigures { watching, revocations: 7, confirmation_age: Some(2) });
        for line in [
            r#"brevet_watching_validators{zone="default"} 3"#,
            r#"brevet_watching_validators{zone="storage"} 1"#,
            "brevet_revocations 7",
            "brevet_store_confirmation_age_seconds 2",
        ] {
            assert!(full.lines().any(|found| found == line), "{line}\n{full}");
        }
        let empty = text(TrustFigures::default());
        assert!(empty.contains("brevet_revocations 0"), "{empty}");
        assert!(!empty.contains("watching") && !empty.contains("confirmation"), "{empty}");
    }
}
