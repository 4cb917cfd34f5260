//! The directory as the validator's source of revocations.

use std::sync::Arc;

use brevet_validator::token::Session;
use brevet_validator::validator::Revocations;

use crate::service::directory::Directory;

/// Knows what was revoked up to this moment.
#[derive(Clone, Debug)]
pub struct RevokedSessions(Arc<Directory>);

impl RevokedSessions {
    /// Looks into this directory.
    pub fn new(directory: Arc<Directory>) -> Self {
        Self(directory)
    }
}

impl Revocations for RevokedSessions {
    fn refuses(&self, session: &Session) -> bool {
        self.0.snapshot().revocations().refuses(session).is_some()
    }
}
