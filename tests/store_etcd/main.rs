//! The store on a real etcd: what goes wrong between the two, and in etcd itself.

use std::time::Duration;

use brevet::store::{Change, Revision, Store, Transaction};
use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt};

#[path = "../etcd_support/mod.rs"]
mod etcd_support;
mod faults;
mod history;
mod kills;
mod limits;
mod proxy;
mod secured;

/// A transaction with an id of its own that puts one record.
fn put(key: &str, value: &str) -> Transaction {
    Transaction { puts: vec![(key.into(), Bytes::from(value.to_owned()))], ..empty() }
}

fn empty() -> Transaction {
    Transaction { id: *uuid::Uuid::new_v4().as_bytes(), ..Transaction::default() }
}

/// The revision of the next commit that a watcher sees; `None` if it lagged.
async fn next(changes: &mut BoxStream<'static, Change>) -> Option<Revision> {
    match soon(changes.next()).await {
        Some(Change::Committed { revision, .. }) => Some(revision),
        Some(Change::Lagged) => None,
        None => panic!("the stream ended"),
    }
}

/// What hangs must fail.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), future).await.expect("it hangs")
}

/// Commits until it works; gives the revision.
async fn commit_at_last(store: &dyn Store) -> Revision {
    soon(async {
        loop {
            match store.commit(put("again", "x")).await {
                Ok(revision) => return revision,
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    })
    .await
}
