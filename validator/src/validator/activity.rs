//! When the sessions that a validator knows were last used.

use std::sync::Arc;

use super::{KnownSession, Validator};
use crate::credential::AccessKeyId;
use crate::signature::Scope;
use crate::timestamp::Timestamp;

/// The last use of a session.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Activity {
    /// `ASIA…`
    pub access_key_id: AccessKeyId,
    /// When a signature of its last passed here.
    pub last_used: Timestamp,
    /// The service whose scope it had.
    pub service: String,
}

impl Validator {
    /// The sessions that were used at this time or since, of those that are remembered.
    pub fn activities(&self, since: Timestamp) -> Vec<Activity> {
        let of = |known: Arc<KnownSession>| {
            let (last_used, scope) = known.derived.last_used()?;
            let service = Scope::parse(&scope)?.service().to_owned();
            Some(Activity { access_key_id: known.session.access_key_id, last_used, service })
        };
        self.sessions.iter().filter_map(of).filter(|activity| activity.last_used >= since).collect()
    }
}
