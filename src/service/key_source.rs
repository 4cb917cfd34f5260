//! The directory as the validator's source of long-lived keys.

use std::sync::Arc;

use brevet_validator::credential::AccessKeyId;
use brevet_validator::timestamp::Timestamp;
use brevet_validator::validator::{KeySource, LongLivedKey};

use super::caller::long_lived_key;
use super::directory::Directory;

/// Finds keys that are enabled and not over, and whose owner is still there.
#[derive(Clone, Debug)]
pub struct DirectoryKeys(Arc<Directory>);

impl DirectoryKeys {
    /// Looks into this directory.
    pub fn new(directory: Arc<Directory>) -> Self {
        Self(directory)
    }
}

impl KeySource for DirectoryKeys {
    fn find(&self, id: AccessKeyId, now: Timestamp) -> Option<LongLivedKey> {
        long_lived_key(&self.0.snapshot(), id, now)
    }
}
