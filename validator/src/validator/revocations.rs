//! Where a validator learns which sessions are revoked.

use arc_swap::ArcSwap;

use crate::token::{RevocationSet, Session};

/// Knows which sessions are revoked. Asked with each request, so it must answer from memory.
pub trait Revocations: Send + Sync {
    /// Whether a genuine session is refused.
    fn refuses(&self, session: &Session) -> bool;
}

/// A set that is replaced as a whole. Whoever follows the service keeps one up to date.
#[derive(Debug, Default)]
pub struct CurrentRevocations(ArcSwap<RevocationSet>);

impl CurrentRevocations {
    /// Puts another set in force, for the next request on.
    pub fn replace(&self, set: RevocationSet) {
        self.0.store(set.into());
    }

    /// The set in force, to be changed and put back. It is a copy, and copies cost nothing.
    pub fn get(&self) -> RevocationSet {
        RevocationSet::clone(&self.0.load())
    }
}

impl Revocations for CurrentRevocations {
    fn refuses(&self, session: &Session) -> bool {
        self.0.load().refuses(session).is_some()
    }
}
