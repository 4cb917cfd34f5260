//! An audit sink for development: records go to the log, nothing is kept.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::service::audit::{AuditError, AuditSink, Durability};

/// Writes each record to the log at level `info`, target `brevet::audit`.
#[derive(Clone, Copy, Debug, Default)]
pub struct AuditLog;

impl AuditSink for AuditLog {
    fn record(&self, line: String, _: Durability) -> BoxFuture<'_, Result<(), AuditError>> {
        tracing::info!(target: "brevet::audit", "{line}");
        std::future::ready(Ok(())).boxed()
    }

    fn ready(&self) -> Result<(), AuditError> {
        Ok(())
    }
}
