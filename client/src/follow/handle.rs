//! What an owner holds of a validator that is followed.

use std::sync::{Arc, Mutex};

use brevet_validator::validator::{TrustCopy, Validator};
use tokio::task::JoinSet;

use super::status::{Shared, Status};

/// A validator that is kept up to date for as long as this lives. Afterwards it goes on with what it knows until that is stale.
pub struct FollowedValidator {
    validator: Arc<Validator>,
    status: Arc<Shared>,
    copy: Arc<Mutex<TrustCopy>>,
    /// Ended when dropped.
    _tasks: JoinSet<()>,
}

impl FollowedValidator {
    pub(super) fn new(
        validator: Arc<Validator>,
        status: Arc<Shared>,
        copy: Arc<Mutex<TrustCopy>>,
        tasks: JoinSet<()>,
    ) -> Self {
        Self { validator, status, copy, _tasks: tasks }
    }

    /// For the layer.
    pub fn validator(&self) -> Arc<Validator> {
        Arc::clone(&self.validator)
    }

    /// How it stands now.
    pub fn status(&self) -> Status {
        self.status.snapshot(&self.validator)
    }

    /// Gives [`FollowedValidator::status`] where the handle is not, such as in a page of metrics. It keeps nobody following.
    pub fn status_source(&self) -> impl Fn() -> Status + Clone + Send + Sync + 'static + use<> {
        let (validator, status) = (Arc::clone(&self.validator), Arc::clone(&self.status));
        move || status.snapshot(&validator)
    }
}

impl Drop for FollowedValidator {
    fn drop(&mut self) {
        // If someone is writing at this moment, what they write is as good.
        if let Ok(mut copy) = self.copy.try_lock() {
            let _ = copy.flush();
        }
    }
}

impl std::fmt::Debug for FollowedValidator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FollowedValidator").field("status", &self.status()).finish_non_exhaustive()
    }
}
