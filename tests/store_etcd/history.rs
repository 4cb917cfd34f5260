//! Many who commit at once, through stores of their own: no update is lost, and all agree on the order.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use brevet::store::{Change, CommitError, EtcdStore, Precondition, Store};
use futures_util::future::join_all;
use futures_util::stream::StreamExt;

use super::etcd_support::{Etcd, connect, is_installed};
use super::{put, soon};

const REPLICAS: u64 = 4;
const WRITERS: u64 = 8;
const INCREMENTS: u64 = 10;
const COUNTERS: u64 = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f20_of_many_replicas_no_update_is_lost_and_revisions_are_one_order() {
    if !is_installed() {
        return;
    }
    let etcd = Etcd::start(1);
    let first = etcd.store().await;
    let start = first.latest().await.unwrap();
    let mut changes = first.watch(start).await.unwrap();
    let mut writers = Vec::new();
    for _ in 0..REPLICAS {
        let store = Arc::new(connect(&etcd.settings("/brevet/")).await);
        writers.extend((0..WRITERS).map(|n| tokio::spawn(increment(Arc::clone(&store), n % COUNTERS))));
    }
    let begin = Instant::now();
    let revisions: Vec<u64> = join_all(writers).await.into_iter().flat_map(Result::unwrap).collect();
    let total = REPLICAS * WRITERS * INCREMENTS;
    println!("{total} commits of {} writers at {REPLICAS} replicas in {:?}", REPLICAS * WRITERS, begin.elapsed());

    let mut sorted = revisions.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, (start.0 + 1..=start.0 + total).collect::<Vec<_>>(), "each revision once");
    let (_, records) = first.load().await.unwrap();
    let values = records.iter().map(|record| std::str::from_utf8(&record.value).unwrap().parse::<u64>().unwrap());
    assert_eq!(values.sum::<u64>(), total);
    assert!(records.iter().all(|record| record.value == record.version.to_string()), "one increment a version");

    // The watcher saw the same order: each counter grew by one.
    let mut counters = BTreeMap::new();
    for revision in start.0 + 1..=start.0 + total {
        let Some(Change::Committed { revision: seen, puts, .. }) = soon(changes.next()).await else { panic!() };
        assert_eq!(seen.0, revision);
        let count = counters.entry(puts[0].key.clone()).or_insert(0);
        *count += 1;
        assert_eq!(puts[0].value, count.to_string());
    }
}

/// Reads, adds one, and writes on the condition that nobody did so in between. Gives the revisions.
async fn increment(store: Arc<EtcdStore>, counter: u64) -> Vec<u64> {
    let key = format!("counter/{counter}");
    let mut revisions = Vec::new();
    while revisions.len() < INCREMENTS as usize {
        let (_, records) = store.load().await.unwrap();
        let found = records.iter().find(|record| record.key == key);
        let version = found.map_or(0, |record| record.version);
        let mut tx = put(&key, &(version + 1).to_string());
        tx.preconditions.push(match version {
            0 => Precondition::Absent(key.clone()),
            version => Precondition::Version(key.clone(), version),
        });
        match store.commit(tx).await {
            Ok(revision) => {
                assert!(revisions.last().is_none_or(|last| *last < revision.0));
                revisions.push(revision.0);
            }
            Err(CommitError::Conflict) => {}
            Err(error) => panic!("{error}"),
        }
    }
    revisions
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_clients_of_one_replica_are_served_in_turn() {
    if !is_installed() {
        return;
    }
    let etcd = Etcd::start(1);
    let store = etcd.store().await;
    let begin = Instant::now();
    let clients = (0..32).map(async |n| {
        for _ in 0..10 {
            store.commit(put(&format!("k/{n}"), "x")).await.unwrap();
        }
    });
    join_all(clients).await;
    println!("320 commits of 32 clients at one replica in {:?}", begin.elapsed());
    assert_eq!(store.latest().await.unwrap().0, 320);
}
