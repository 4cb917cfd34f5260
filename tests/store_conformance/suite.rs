//! What every engine has to keep.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use brevet::store::{Change, CommitError, MAX_KEY, MAX_VALUE, Precondition, Record, Revision, Transaction};
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::join_all;
use futures_util::stream::{BoxStream, StreamExt};

use super::Fixture;

pub(crate) async fn a_new_store_is_empty_and_loads(at: Fixture) {
    assert_eq!(load(&at).await, []);
}

pub(crate) async fn what_is_committed_loads_with_its_version(at: Fixture) {
    let before = revision(&at).await;
    let committed = at.store.commit(put("users/1/ada", "x")).await.unwrap();
    assert_eq!(committed, Revision(before.0 + 1));
    assert_eq!(revision(&at).await, committed);
    assert_eq!(load(&at).await, [record("users/1/ada", "x", 1)]);
}

pub(crate) async fn every_put_raises_the_version_and_a_recreated_key_starts_at_one(at: Fixture) {
    for version in 1..=3 {
        at.store.commit(put("a", "x")).await.unwrap();
        assert_eq!(load(&at).await, [record("a", "x", version)]);
    }
    at.store.commit(delete("a")).await.unwrap();
    at.store.commit(put("a", "y")).await.unwrap();
    assert_eq!(load(&at).await, [record("a", "y", 1)]);
}

pub(crate) async fn a_record_tells_the_commit_that_put_it_last(at: Fixture) {
    let revisions = async || -> Vec<_> {
        let (_, records) = at.store.load().await.unwrap();
        records.into_iter().map(|record| (record.key, record.revision)).collect()
    };
    let first = at.store.commit(put("b", "x")).await.unwrap();
    let both = Transaction { puts: vec![pair("a", 1), pair("c", 1)], ..empty() };
    let second = at.store.commit(both).await.unwrap();
    assert_eq!(revisions().await, [("a".into(), second), ("b".into(), first), ("c".into(), second)]);
    at.store.commit(delete("a")).await.unwrap();
    let again = at.store.commit(put("c", "x")).await.unwrap();
    assert_eq!(revisions().await, [("b".into(), first), ("c".into(), again)], "versions do not tell the order");
    let made_again = at.store.commit(put("a", "x")).await.unwrap();
    assert_eq!(revisions().await[0], ("a".into(), made_again));
}

pub(crate) async fn deletes_remove_and_an_absent_key_is_no_error(at: Fixture) {
    at.store.commit(put("a", "x")).await.unwrap();
    let both = Transaction { deletes: vec!["a".into(), "never there".into()], ..put("b", "y") };
    at.store.commit(both).await.unwrap();
    assert_eq!(load(&at).await, [record("b", "y", 1)]);
}

pub(crate) async fn the_latest_revision_is_that_of_the_last_commit(at: Fixture) {
    assert_eq!(at.store.latest().await.unwrap(), revision(&at).await);
    for change in [put("a", "x"), delete("a"), empty()] {
        let committed = at.store.commit(change).await.unwrap();
        assert_eq!(at.store.latest().await.unwrap(), committed);
    }
    let refused = Transaction { preconditions: vec![Precondition::Version("a".into(), 1)], ..put("a", "y") };
    at.store.commit(refused).await.unwrap_err();
    assert_eq!(at.store.latest().await.unwrap(), revision(&at).await);
}

pub(crate) async fn the_latest_revision_counts_every_commit_that_was_answered(at: Fixture) {
    join_all((0..50).map(async |n| {
        let committed = at.store.commit(put(&format!("a/{n}"), "x")).await.unwrap();
        assert!(at.store.latest().await.unwrap() >= committed);
    }))
    .await;
}

pub(crate) async fn a_failed_precondition_conflicts_and_writes_nothing(at: Fixture) {
    at.store.commit(put("a", "x")).await.unwrap();
    let before = at.store.load().await.unwrap();
    for refused in [
        Precondition::Absent("a".into()),
        Precondition::Version("a".into(), 0),
        Precondition::Version("a".into(), 2),
        Precondition::Version("b".into(), 0),
        Precondition::Version("b".into(), 1),
    ] {
        let holds = [Precondition::Version("a".into(), 1), Precondition::Absent("b".into())];
        let tx = Transaction {
            preconditions: holds.into_iter().chain([refused.clone()]).collect(),
            deletes: vec!["a".into()],
            ..put("b", "y")
        };
        let id = tx.id;
        assert!(matches!(at.store.commit(tx).await, Err(CommitError::Conflict)), "{refused:?}");
        assert_eq!(at.store.outcome(id).await.unwrap(), None);
    }
    assert_eq!(at.store.load().await.unwrap(), before);
}

pub(crate) async fn preconditions_are_checked_before_anything_is_written(at: Fixture) {
    let create = Transaction { preconditions: vec![Precondition::Absent("a".into())], ..put("a", "x") };
    at.store.commit(create).await.unwrap();
    let replace = Transaction { preconditions: vec![Precondition::Version("a".into(), 1)], ..put("a", "y") };
    at.store.commit(replace).await.unwrap();
    let remove = Transaction { preconditions: vec![Precondition::Version("a".into(), 2)], ..delete("a") };
    at.store.commit(remove).await.unwrap();
    assert_eq!(load(&at).await, []);
}

pub(crate) async fn of_100_parallel_creations_under_one_version_one_wins(at: Fixture) {
    at.store.commit(put("users/1/ada", "one key")).await.unwrap();
    let attempts = (0..100).map(|n| {
        let store = Arc::clone(&at.store);
        tokio::spawn(async move {
            let mut tx = put("users/1/ada", "two keys");
            tx.preconditions.push(Precondition::Version("users/1/ada".into(), 1));
            tx.puts.push((format!("access-keys/{n}"), Bytes::new()));
            store.commit(tx).await
        })
    });
    let answers: Vec<_> = join_all(attempts).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    assert!(answers.iter().all(|answer| matches!(answer, Ok(_) | Err(CommitError::Conflict))));
    let keys: Vec<_> = load(&at).await.into_iter().map(|record| record.key).collect();
    assert_eq!(keys.len(), 2, "{keys:?}");
}

pub(crate) async fn parallel_commits_all_land_and_get_revisions_of_their_own(at: Fixture) {
    let before = revision(&at).await.0;
    let commits = (0..200).map(|n| at.store.commit(put(&format!("k/{n:03}"), "x")));
    let revisions: HashSet<_> = join_all(commits).await.into_iter().map(|answer| answer.unwrap().0).collect();
    assert_eq!(revisions, (before + 1..=before + 200).collect());
    assert_eq!(load(&at).await.len(), 200);
}

pub(crate) async fn a_load_during_commits_never_sees_half_of_one(at: Fixture) {
    let writer = tokio::spawn({
        let store = Arc::clone(&at.store);
        async move {
            for n in 0..50 {
                let tx = Transaction { puts: vec![pair("left", n), pair("right", n)], ..empty() };
                store.commit(tx).await.unwrap();
            }
        }
    });
    let mut last = Revision::default();
    loop {
        let finished = writer.is_finished();
        let (revision, records) = at.store.load().await.unwrap();
        assert!(revision >= last);
        last = revision;
        match &records[..] {
            [] => {}
            [left, right] => assert_eq!((&left.value, left.version), (&right.value, right.version)),
            other => panic!("{other:?}"),
        }
        if finished {
            break;
        }
    }
    writer.await.unwrap();
}

pub(crate) async fn a_transaction_without_changes_is_a_commit(at: Fixture) {
    let before = revision(&at).await;
    let mut changes = at.store.watch(before).await.unwrap();
    let tx = empty();
    let id = tx.id;
    let committed = at.store.commit(tx).await.unwrap();
    assert_eq!(committed, Revision(before.0 + 1));
    assert_eq!(at.store.outcome(id).await.unwrap(), Some(committed));
    let (seen, puts, deletes) = next(&mut changes).await;
    assert_eq!((seen, puts.len(), deletes.len()), (committed, 0, 0));
}

pub(crate) async fn an_id_is_good_for_one_commit(at: Fixture) {
    let tx = put("a", "x");
    let committed = at.store.commit(tx.clone()).await.unwrap();
    assert!(matches!(at.store.commit(tx.clone()).await, Err(CommitError::NotDone(_))));
    assert_eq!(at.store.outcome(tx.id).await.unwrap(), Some(committed));
    assert_eq!(load(&at).await, [record("a", "x", 1)]);
}

pub(crate) async fn outcomes_are_found_for_an_hour_and_forgotten_later(at: Fixture) {
    assert_eq!(at.store.outcome(*b"never committed!").await.unwrap(), None);
    let tx = put("a", "x");
    let id = tx.id;
    let committed = at.store.commit(tx).await.unwrap();
    at.now.fetch_add(3600, Ordering::Relaxed);
    at.store.commit(put("b", "x")).await.unwrap();
    assert_eq!(at.store.outcome(id).await.unwrap(), Some(committed));
    at.now.fetch_add(3600, Ordering::Relaxed);
    at.store.commit(put("c", "x")).await.unwrap();
    assert_eq!(at.store.outcome(id).await.unwrap(), None);
    assert_eq!(load(&at).await.len(), 3);
}

pub(crate) async fn odd_keys_are_kept_apart(at: Fixture) {
    let odd =
        ["'", "\"; drop", "/", "//", "..", "a", "a/", "a/../b", "A", "%00", "\0", "\0\0", "_", "ä", "a\u{308}", "🔑"];
    let keys: Vec<String> = odd.map(String::from).into_iter().chain(["k".repeat(MAX_KEY)]).collect();
    let tx = Transaction { puts: keys.iter().map(|key| (key.clone(), Bytes::from(key.clone()))).collect(), ..empty() };
    at.store.commit(tx).await.unwrap();
    let loaded = load(&at).await;
    let expected: BTreeMap<_, _> = keys.iter().map(|key| (key.as_str(), key.as_bytes())).collect();
    let found: Vec<_> = loaded.iter().map(|record| (record.key.as_str(), &*record.value)).collect();
    assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "in order of keys");
}

pub(crate) async fn large_values_come_back_and_larger_ones_are_refused(at: Fixture) {
    let value: Bytes = (0..MAX_VALUE).map(|n| n as u8).collect();
    let large = Transaction { puts: vec![("big".into(), value.clone())], ..empty() };
    at.store.commit(large).await.unwrap();
    let larger = Transaction { puts: vec![("bigger".into(), vec![0; MAX_VALUE + 1].into())], ..empty() };
    assert!(matches!(at.store.commit(larger).await, Err(CommitError::NotDone(_))));
    let [Record { value: loaded, .. }] = &load(&at).await[..] else { panic!("one record") };
    assert!(*loaded == value);
}

pub(crate) async fn malformed_transactions_are_refused(at: Fixture) {
    let long = "k".repeat(MAX_KEY + 1);
    for tx in [
        put("", "x"),
        put(&long, "x"),
        delete(""),
        Transaction { puts: vec![pair("a", 1), pair("a", 2)], ..empty() },
        Transaction { deletes: vec!["a".into()], ..put("a", "x") },
    ] {
        assert!(matches!(at.store.commit(tx).await, Err(CommitError::NotDone(_))));
    }
    assert_eq!(load(&at).await, []);
}

pub(crate) async fn a_watcher_sees_every_commit_in_order(at: Fixture) {
    let start = revision(&at).await;
    let mut changes = at.store.watch(start).await.unwrap();
    let commits = (0..50).map(|n| at.store.commit(put("counted", &n.to_string())));
    join_all(commits).await;
    at.store.commit(delete("counted")).await.unwrap();
    for n in 1..=50 {
        let (seen, puts, deletes) = next(&mut changes).await;
        assert_eq!((seen, puts.len(), deletes.len()), (Revision(start.0 + n), 1, 0));
        assert_eq!((puts[0].key.as_str(), puts[0].version), ("counted", n));
    }
    let (_, puts, deletes) = next(&mut changes).await;
    assert_eq!((puts.len(), deletes), (0, vec!["counted".to_owned()]));
}

pub(crate) async fn a_watcher_of_an_older_revision_gets_a_replay(at: Fixture) {
    let start = revision(&at).await;
    at.store.commit(put("a", "x")).await.unwrap();
    at.store.commit(put("b", "y")).await.unwrap();
    let mut changes = at.store.watch(start).await.unwrap();
    assert_eq!(next(&mut changes).await.1, [record("a", "x", 1)]);
    assert_eq!(next(&mut changes).await.1, [record("b", "y", 1)]);
    at.store.commit(put("c", "z")).await.unwrap();
    assert_eq!(next(&mut changes).await.1, [record("c", "z", 1)]);
}

pub(crate) async fn a_watcher_that_falls_behind_is_told(at: Fixture) {
    let start = revision(&at).await;
    let mut slow = at.store.watch(start).await.unwrap();
    at.store.commit(put("first", "x")).await.unwrap();
    next(&mut slow).await;
    // More than any engine keeps, in bytes.
    let value = Bytes::from(vec![0; MAX_VALUE]);
    let commits =
        (0..40).map(|n| at.store.commit(Transaction { puts: vec![(format!("big/{n}"), value.clone())], ..empty() }));
    assert!(join_all(commits).await.into_iter().all(|answer| answer.is_ok()));
    assert!(matches!(soon(slow.next()).await, Some(Change::Lagged)));
    assert!(soon(slow.next()).await.is_none(), "the stream ends");
    let mut late = at.store.watch(start).await.unwrap();
    assert!(matches!(soon(late.next()).await, Some(Change::Lagged)));
}

pub(crate) async fn a_watcher_of_an_unreached_revision_is_told(at: Fixture) {
    let ahead = Revision(revision(&at).await.0 + 1);
    let mut changes = at.store.watch(ahead).await.unwrap();
    assert!(matches!(soon(changes.next()).await, Some(Change::Lagged)));
}

pub(crate) async fn watchers_end_when_the_store_is_dropped(at: Fixture) {
    let mut changes = at.store.watch(revision(&at).await).await.unwrap();
    drop(at);
    assert!(soon(changes.next()).await.is_none());
}

/// The pattern of a replica: load, then watch from the revision loaded.
pub(crate) async fn a_watcher_and_a_load_lose_nothing_between_them(at: Fixture) {
    let writer = tokio::spawn({
        let store = Arc::clone(&at.store);
        async move { join_all((0..300).map(|n| store.commit(put(&format!("k/{n}"), "x")))).await }
    });
    let (mut seen, records) = at.store.load().await.unwrap();
    let mut keys: HashSet<_> = records.into_iter().map(|record| record.key).collect();
    let mut changes = at.store.watch(seen).await.unwrap();
    while keys.len() < 300 {
        let (revision, puts, _) = next(&mut changes).await;
        assert_eq!(revision.0, seen.0 + 1, "without a gap");
        seen = revision;
        for put in puts {
            assert!(keys.insert(put.key), "seen twice");
        }
    }
    assert!(writer.await.unwrap().iter().all(Result::is_ok));
}

pub(crate) async fn a_commit_goes_on_when_nobody_waits_for_it(at: Fixture) {
    let mut changes = at.store.watch(revision(&at).await).await.unwrap();
    // Polled once, and given up.
    let _ = at.store.commit(put("a", "x")).now_or_never();
    assert_eq!(next(&mut changes).await.1, [record("a", "x", 1)]);
    at.store.commit(put("b", "x")).await.unwrap();
}

fn empty() -> Transaction {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    Transaction { id: u128::from(NEXT.fetch_add(1, Ordering::Relaxed)).to_be_bytes(), ..Transaction::default() }
}

fn put(key: &str, value: &str) -> Transaction {
    Transaction { puts: vec![(key.into(), Bytes::from(value.to_owned()))], ..empty() }
}

fn delete(key: &str) -> Transaction {
    Transaction { deletes: vec![key.into()], ..empty() }
}

fn pair(key: &str, value: u32) -> (String, Bytes) {
    (key.into(), Bytes::from(value.to_string()))
}

fn record(key: &str, value: &str, version: u64) -> Record {
    Record { key: key.into(), value: Bytes::from(value.to_owned()), version, revision: Revision::default() }
}

/// Everything, without when it was put.
async fn load(at: &Fixture) -> Vec<Record> {
    undated(at.store.load().await.unwrap().1)
}

fn undated(mut records: Vec<Record>) -> Vec<Record> {
    records.iter_mut().for_each(|record| record.revision = Revision::default());
    records
}

async fn revision(at: &Fixture) -> Revision {
    at.store.load().await.unwrap().0
}

async fn next(changes: &mut BoxStream<'static, Change>) -> (Revision, Vec<Record>, Vec<String>) {
    match soon(changes.next()).await {
        Some(Change::Committed { revision, puts, deletes }) => {
            assert!(puts.iter().all(|put| put.revision == revision), "{puts:?}");
            (revision, undated(puts), deletes)
        }
        other => panic!("{other:?}"),
    }
}

/// A watcher that misses its wake-up must fail, not hang.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), future).await.expect("it hangs")
}
