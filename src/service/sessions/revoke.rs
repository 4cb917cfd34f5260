//! RevokeSession: the sessions of a subject are refused from the moment that this is answered.

use brevet_validator::timestamp::Timestamp;
use brevet_validator::token::Subject;
use serde_json::{Value, json};

use super::target::{RevokeSession, Target};
use crate::service::caller::{Asked, Caller};
use crate::service::directory::{Directory, Edit, Snapshot};
use crate::service::error::{Error, Kind};

/// Times that can be revoked in an account at once, each earlier than those before it: more is no use to anyone, and each
/// costs something with every request.
const MOST_TIMES: usize = 100;

/// What was revoked.
#[derive(Clone, Copy, Debug)]
pub struct Revoked {
    /// When no session that it concerns is left, so that it is forgotten.
    pub until: Timestamp,
}

impl Revoked {
    /// What the audit record keeps.
    pub fn audit_elements(&self) -> Value {
        json!({ "keptUntil": self.until.to_string() })
    }
}

/// Revokes sessions of the caller's account. A session may always end itself; all else needs `brevet:RevokeSession`.
pub async fn revoke(directory: &Directory, caller: &Caller, input: &RevokeSession) -> Result<Revoked, Error> {
    let target = Target::read(input)?;
    directory.change_persistently(|edit| decide(edit, caller, &target)).await
}

fn decide(edit: &mut Edit, caller: &Caller, target: &Target) -> Result<Revoked, Error> {
    let before = edit.before();
    let found = target.find(caller, &before);
    if !target.is_own_session(caller) {
        let context = found.context(caller);
        caller.demand(&Asked { action: "brevet:RevokeSession", resource: &found.resource, context: &context })?;
    }
    let subject = found.subject()?;
    within_quota(&before, &subject)?;
    Ok(Revoked { until: edit.revoke(subject, caller.now()) })
}

fn within_quota(snapshot: &Snapshot, subject: &Subject) -> Result<(), Error> {
    let Subject::IssuedBefore { account, at } = subject else { return Ok(()) };
    // Earlier ones make room.
    if snapshot.revoked_times(*account).filter(|other| other > at).count() < MOST_TIMES {
        return Ok(());
    }
    Err(Error::new(Kind::LimitExceeded, format!("Cannot exceed quota for RevokedTimesPerAccount: {MOST_TIMES}")))
}
