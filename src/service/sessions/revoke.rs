//! RevokeSession: the sessions of a subject are refused from the moment that this is answered.

use std::time::Duration;

use brevet_validator::timestamp::Timestamp;
use brevet_validator::token::Subject;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::target::{RevokeSession, Target};
use crate::service::caller::{Asked, Caller};
use crate::service::directory::{Directory, Edit, Snapshot};
use crate::service::error::{Error, Kind};
use crate::service::trust::Receipts;

/// Times that can be revoked in an account at once, each earlier than those before it: more is no use to anyone, and each
/// costs something with every request.
const MOST_TIMES: usize = 100;

/// Longest that anybody waits for validators.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// What was revoked.
#[derive(Clone, Copy, Debug)]
pub struct Revoked {
    /// When no session that it concerns is left, so that it is forgotten.
    pub until: Timestamp,
    /// When it was committed, and how long to wait for validators, if at all.
    pub awaited: Option<(Instant, Duration)>,
    /// What they said.
    pub receipts: Option<Receipts>,
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
    if input.wait.is_some_and(|wait| wait > LONGEST_WAIT) {
        return Err(Error::validation("It is waited at most 30 s."));
    }
    let until = directory.change_persistently(|edit| decide(edit, caller, &target)).await?;
    Ok(Revoked { until, awaited: input.wait.map(|wait| (Instant::now(), wait)), receipts: None })
}

fn decide(edit: &mut Edit, caller: &Caller, target: &Target) -> Result<Timestamp, Error> {
    let before = edit.before();
    let found = target.find(caller, &before);
    if !target.is_own_session(caller) {
        let context = found.context(caller);
        caller.demand(&Asked { action: "brevet:RevokeSession", resource: &found.resource, context: &context })?;
    }
    let subject = found.subject()?;
    within_quota(&before, &subject)?;
    Ok(edit.revoke(subject, caller.now()))
}

fn within_quota(snapshot: &Snapshot, subject: &Subject) -> Result<(), Error> {
    let Subject::IssuedBefore { account, at } = subject else { return Ok(()) };
    // Earlier ones make room.
    if snapshot.revoked_times(*account).filter(|other| other > at).count() < MOST_TIMES {
        return Ok(());
    }
    Err(Error::new(Kind::LimitExceeded, format!("Cannot exceed quota for RevokedTimesPerAccount: {MOST_TIMES}")))
}
