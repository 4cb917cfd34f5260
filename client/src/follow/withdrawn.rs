//! What is heard of long-lived keys reaches those that were asked for.

use brevet_validator::token::{Entry, WithdrawnKey};
use brevet_validator::validator::Changes;

use crate::OnlineKeys;

/// Forgets what is no longer good. Of another log nobody knows what it left out, so that everything goes.
pub(super) fn forget(keys: &OnlineKeys, changes: &Changes) {
    if changes.new_log {
        keys.forget_all();
    }
    for entry in &changes.entries {
        // What took effect is entries.
        if let Ok(Entry::Withdrawn(WithdrawnKey { access_key_id, revision, .. })) = Entry::decode(entry) {
            keys.forget(access_key_id, revision);
        }
    }
}
