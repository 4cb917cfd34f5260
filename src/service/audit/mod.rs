//! One record for every issuance, denial, failed signature and change, durable before the answer leaves.

mod budget;
mod record;
mod repeats;

use futures_util::future::BoxFuture;

pub use budget::DenialBudget;
pub use record::{Outcome, Record};
pub use repeats::{DenialKey, RepeatedDenials};

/// How much a record must be worth before the caller is answered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Durability {
    /// On disk (or as far as the configuration says): issuances and changes.
    Durable,
    /// Handed over: denials never wait for the disk.
    Deferred,
}

/// The record could not be made as durable as it must be. What it stands for must not happen.
#[derive(Debug, thiserror::Error)]
#[error("the audit log cannot be written: {0}")]
pub struct AuditError(pub String);

/// Where records go.
pub trait AuditSink: Send + Sync + std::fmt::Debug {
    /// Takes one record: a JSON object without line breaks.
    fn record(&self, line: String, durability: Durability) -> BoxFuture<'_, Result<(), AuditError>>;

    /// Whether a durable record could be written now: asked before a change is committed.
    fn ready(&self) -> Result<(), AuditError>;
}
