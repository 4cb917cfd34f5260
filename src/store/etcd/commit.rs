//! One transaction of ours as one of etcd's, tried until it is known what became of it.

use std::cmp::Ordering;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout_at};

use super::client::Client;
use super::fault::Fault;
use super::layout::{Layout, number, seal_value, to_number};
use super::outcomes::{self, Lease};
use super::wire::{KeyValue, TxnRequest, TxnResponse, delete, get, put, read, value_is, version_is};
use crate::store::{CommitError, Precondition, Revision, StoreError, Transaction};

/// For a commit, with all attempts.
const DEADLINE: Duration = Duration::from_secs(6);
/// How often other replicas may be first before this one waits a little.
const PATIENCE: u32 = 3;

/// Commits, one at a time: those of one replica would only stand in each other's way.
pub(super) struct Committer {
    client: Arc<Client>,
    layout: Layout,
    pub(super) lease: Lease,
    /// The latest revision that is known; others may have gone further.
    known: Mutex<Revision>,
}

/// What one attempt came to.
enum Attempt {
    Committed(Revision),
    /// Another commit came first; this is the latest revision.
    Overtaken(Revision),
    Conflict,
    /// The id has an outcome already.
    Known(Option<Revision>),
}

impl Committer {
    pub(super) fn new(client: Arc<Client>, layout: Layout, known: Revision) -> Self {
        Self { client, layout, lease: Lease::default(), known: Mutex::new(known) }
    }

    /// Commits. An attempt that may have happened is followed by another: the id sees to it that one at most counts.
    pub(super) async fn commit(&self, tx: &Transaction) -> Result<Revision, CommitError> {
        let deadline = Instant::now() + DEADLINE;
        let Ok(mut known) = timeout_at(deadline, self.known.lock()).await else {
            return Err(CommitError::NotDone("commits before it took too long".into()));
        };
        // Why it may have happened, if an attempt got no answer.
        let mut doubt = None;
        let (mut overtaken, mut failures, mut unreached) = (0, 0, 0);
        loop {
            let fault = match self.attempt(tx, *known, deadline).await {
                Ok(Attempt::Committed(revision)) => {
                    *known = revision;
                    return Ok(revision);
                }
                Ok(Attempt::Overtaken(latest)) => {
                    *known = latest;
                    overtaken += 1;
                    if overtaken > PATIENCE {
                        // Ids are random, so that replicas do not wait alike.
                        sleep(Duration::from_millis(u64::from(tx.id[15] % 16))).await;
                    }
                    if Instant::now() < deadline {
                        continue;
                    }
                    Fault::Refused("other replicas came first each time".into())
                }
                // An attempt in doubt can only be done at the revision it was made for, at which it met the same, so it never
                // will be.
                Ok(Attempt::Conflict) => return Err(CommitError::Conflict),
                Ok(Attempt::Known(Some(revision))) if doubt.is_some() => return Ok(revision),
                Ok(Attempt::Known(_)) => return Err(CommitError::id_used_before()),
                Err(fault) => fault,
            };
            let more_time = Instant::now() < deadline;
            match fault {
                Fault::NoLease if more_time => self.lease.forget().await,
                Fault::Unknown(cause) => {
                    doubt = Some(cause);
                    unreached = 0;
                }
                Fault::NoLeader if more_time => unreached = 0,
                // Whom nobody answers waits no longer than it takes to ask all members, unless there is doubt.
                Fault::Unreached(_) if more_time && (doubt.is_some() || unreached + 1 < self.client.members()) => {
                    unreached += 1;
                }
                definite => return Err(verdict(doubt, definite)),
            }
            if !more_time {
                return Err(verdict(doubt, Fault::Unreached("the time is up".into())));
            }
            failures += 1;
            self.client.pause(failures).await;
        }
    }

    async fn attempt(&self, tx: &Transaction, known: Revision, deadline: Instant) -> Result<Attempt, Fault> {
        let lease = self.lease.id(&self.client, deadline).await?;
        let Some(request) = self.request(tx, known, lease) else { return Ok(Attempt::Conflict) };
        let answer = self.client.txn(request, deadline).await?;
        if answer.succeeded {
            return Ok(Attempt::Committed(Revision(known.0 + 1)));
        }
        self.refusal(tx, known, answer).map_err(|error| Fault::Refused(error.to_string()))
    }

    /// The transaction, on top of a revision; `None` if a precondition can never hold.
    fn request(&self, tx: &Transaction, known: Revision, lease: i64) -> Option<TxnRequest> {
        let (counter, outcome) = (self.layout.revision(), self.layout.outcome(tx.id));
        let next = Revision(known.0 + 1);
        let at_known = match known {
            Revision(0) => version_is(counter.clone(), 0),
            known => value_is(counter.clone(), number(known)),
        };
        let mut compare = vec![at_known, version_is(outcome.clone(), 0)];
        let mut failure = vec![read(get(counter.clone())), read(get(outcome.clone()))];
        for precondition in &tx.preconditions {
            let key = self.layout.record(precondition.key());
            let version = match precondition {
                Precondition::Absent(_) => 0,
                // To etcd an absent key is one of version 0.
                Precondition::Version(_, 0) => return None,
                Precondition::Version(_, version) => i64::try_from(*version).ok()?,
            };
            compare.push(version_is(key.clone(), version));
            failure.push(read(super::wire::RangeRequest { keys_only: true, ..get(key) }));
        }
        let mut success = vec![put(counter, number(next), 0), put(outcome, number(next), lease)];
        let record = |key: &String| -> Bytes { self.layout.record(key) };
        success.extend(tx.deletes.iter().map(|key| delete(record(key))));
        success.extend(tx.puts.iter().map(|(key, value)| put(record(key), seal_value(next, value), 0)));
        Some(TxnRequest { compare, success, failure })
    }

    /// Why etcd did not do it: what it compared, as it was at that moment.
    fn refusal(&self, tx: &Transaction, known: Revision, answer: TxnResponse) -> Result<Attempt, StoreError> {
        let mut found = answer.found();
        let latest = revision(found.next().flatten())?;
        if let Some(outcome) = found.next().flatten() {
            return Ok(Attempt::Known(outcomes::outcome(&outcome.value)?));
        }
        let version = |found: Option<KeyValue>| found.and_then(|found| u64::try_from(found.version).ok());
        if tx.preconditions.iter().zip(found).any(|(precondition, found)| !precondition.holds(version(found))) {
            return Ok(Attempt::Conflict);
        }
        match latest.cmp(&known) {
            Ordering::Greater => Ok(Attempt::Overtaken(latest)),
            Ordering::Equal => Err(StoreError("it compares wrongly".into())),
            Ordering::Less => Err(went_back(known, latest)),
        }
    }
}

/// The latest revision, by its key.
pub(super) fn revision(found: Option<KeyValue>) -> Result<Revision, StoreError> {
    found.map_or(Ok(Revision(0)), |found| to_number(&found.value))
}

/// Only a restored backup, or someone who removed keys, takes commits back. Whoever knows of them must not go on as if they had
/// never been: that is for the operator to decide, by a restart.
pub(super) fn went_back(known: Revision, latest: Revision) -> StoreError {
    StoreError(format!(
        "the store went back from revision {} to {}: if that is meant, restart brevet",
        known.0, latest.0
    ))
}

fn verdict(doubt: Option<String>, fault: Fault) -> CommitError {
    match doubt {
        Some(cause) => CommitError::Unknown(cause),
        None => CommitError::NotDone(fault.to_string()),
    }
}
