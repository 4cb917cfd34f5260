//! The ids of transactions, each with what became of it, for as long as their leases live.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use super::client::Client;
use super::fault::Fault;
use super::layout::{Layout, number, to_number};
use super::wire::{TxnRequest, get, put, read, version_is};
use crate::store::{OUTCOME_MEMORY, Revision, StoreError};

/// For how long one lease is given to new ids.
const SHARED_FOR: i64 = 600;
/// What a lease lives, so that the last id that it is given to is remembered for long enough.
const LIFE: i64 = OUTCOME_MEMORY + 2 * SHARED_FOR;
/// In the place of a revision: never committed, and never will be.
const VOID: Revision = Revision(0);

/// The lease that new ids get: a new one each few minutes, instead of one each.
#[derive(Debug, Default)]
pub(super) struct Lease {
    granted: Mutex<Option<(i64, Instant)>>,
}

impl Lease {
    /// Its id.
    pub(super) async fn id(&self, client: &Client, deadline: Instant) -> Result<i64, Fault> {
        let mut granted = self.granted.lock().await;
        match *granted {
            Some((id, since)) if since.elapsed() < Duration::from_secs(SHARED_FOR.unsigned_abs()) => Ok(id),
            _ => {
                let since = Instant::now();
                let id = client.grant(LIFE, deadline).await?;
                *granted = Some((id, since));
                Ok(id)
            }
        }
    }

    /// It is not there any more.
    pub(super) async fn forget(&self) {
        *self.granted.lock().await = None;
    }
}

/// A transaction's outcome as it was read: `None` if it never was committed and never will be.
pub(super) fn outcome(value: &[u8]) -> Result<Option<Revision>, StoreError> {
    to_number(value).map(|revision| Some(revision).filter(|revision| *revision != VOID))
}

/// The revision of a transaction. One that is not found is made void: a request that still is under way, and would come to
/// be done after this was answered, is refused then.
pub(super) async fn settle(
    client: &Client,
    layout: &Layout,
    lease: &Lease,
    id: [u8; 16],
    deadline: Instant,
) -> Result<Option<Revision>, StoreError> {
    let key = layout.outcome(id);
    let found = client.range(get(key.clone()), deadline).await?;
    if let Some(found) = found.kvs.first() {
        return outcome(&found.value);
    }
    let mut failures = 0;
    loop {
        let request = TxnRequest {
            compare: vec![version_is(key.clone(), 0)],
            success: vec![put(key.clone(), number(VOID), lease.id(client, deadline).await?)],
            failure: vec![read(get(key.clone()))],
        };
        match client.txn(request, deadline).await {
            Ok(done) if done.succeeded => return Ok(None),
            Ok(done) => match done.found().next().flatten() {
                Some(found) => return outcome(&found.value),
                None => return Err(StoreError("etcd contradicts itself".into())),
            },
            Err(Fault::NoLease) => lease.forget().await,
            Err(fault) if !fault.is_of_the_member() => return Err(fault.into()),
            Err(fault) if Instant::now() + super::client::ATTEMPT >= deadline => return Err(fault.into()),
            Err(_) => {
                failures += 1;
                client.pause(failures).await;
            }
        }
    }
}
