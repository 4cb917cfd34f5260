//! What etcd sets bounds to, what it forgets, and who else writes to it.

use brevet::store::{CommitError, MAX_VALUE, Precondition, Store, StoreError, Transaction};
use bytes::Bytes;

use super::etcd_support::{Etcd, connect, is_installed};
use super::{empty, next, put};

#[tokio::test]
async fn a_transaction_that_is_too_large_for_etcd_is_refused_whole() {
    if !is_installed() {
        return;
    }
    let etcd = Etcd::start(1);
    let store = etcd.store().await;
    let pair = |n: usize, length: usize| (format!("k/{n}"), Bytes::from(vec![0; length]));
    let many = Transaction { puts: (0..200).map(|n| pair(n, 1)).collect(), ..empty() };
    let heavy = Transaction { puts: (0..2).map(|n| pair(n, 900_000)).collect(), ..empty() };
    let heavier = Transaction { puts: (0..9).map(|n| pair(n, MAX_VALUE)).collect(), ..empty() };
    for (tx, why) in [(many, "too many operations"), (heavy, "too large"), (heavier, "larger than max")] {
        let error = store.commit(tx).await.unwrap_err();
        assert!(matches!(error, CommitError::NotDone(_)), "{error:?}");
        assert!(error.to_string().contains(why), "{error}");
    }
    assert_eq!(store.load().await.unwrap().1, []);
    // What our changes come to at most, with their preconditions.
    let fits = Transaction {
        puts: (0..100).map(|n| pair(n, 1000)).collect(),
        preconditions: (0..100).map(|n| Precondition::Absent(format!("k/{n}"))).collect(),
        ..empty()
    };
    store.commit(fits).await.unwrap();
}

#[tokio::test]
async fn ids_are_remembered_for_an_hour_and_go_with_their_lease() {
    if !is_installed() {
        return;
    }
    let etcd = Etcd::start(1);
    let store = etcd.store().await;
    let tx = put("a", "x");
    let id = tx.id;
    let committed = store.commit(tx).await.unwrap();
    store.commit(put("b", "x")).await.unwrap();

    let leases = etcd.ctl(&["lease", "list"]);
    let lease = leases.lines().last().unwrap().trim();
    assert_eq!(leases.lines().count(), 2, "one lease for all: {leases}");
    let life = etcd.ctl(&["lease", "timetolive", lease]);
    let remaining: i64 = life.split("remaining(").nth(1).unwrap().split('s').next().unwrap().parse().unwrap();
    assert!(remaining > 3600 + 600, "{life}");
    assert_eq!(store.outcome(id).await.unwrap(), Some(committed));

    let mut changes = store.watch(store.latest().await.unwrap()).await.unwrap();
    etcd.ctl(&["lease", "revoke", lease]);
    assert_eq!(store.outcome(id).await.unwrap(), None);
    assert_eq!(store.load().await.unwrap().1.len(), 2);
    // The lease that the store thought it had is gone: the next commit gets another, and is the next thing a watcher sees.
    let after = store.commit(put("c", "x")).await.unwrap();
    assert_eq!(next(&mut changes).await, Some(after));
}

#[tokio::test]
async fn f12_an_id_that_was_asked_for_in_vain_is_never_committed() {
    if !is_installed() {
        return;
    }
    let etcd = Etcd::start(1);
    let store = etcd.store().await;
    let late = put("a", "x");
    assert_eq!(store.outcome(late.id).await.unwrap(), None);
    let other = connect(&etcd.settings("/brevet/")).await;
    assert!(matches!(other.commit(late.clone()).await, Err(CommitError::NotDone(_))));
    assert_eq!(other.outcome(late.id).await.unwrap(), None);
    assert_eq!(store.load().await.unwrap().1, []);
}

#[tokio::test]
async fn others_who_use_the_same_etcd_are_no_matter() {
    if !is_installed() {
        return;
    }
    let etcd = Etcd::start(1);
    let store = etcd.store().await;
    let neighbour = connect(&etcd.settings("/brevet2/")).await;
    let mut changes = store.watch(store.latest().await.unwrap()).await.unwrap();
    let first = store.commit(put("a", "x")).await.unwrap();
    for n in 0..20 {
        neighbour.commit(put("a", &n.to_string())).await.unwrap();
        etcd.ctl(&["put", "/elsewhere", "x"]);
    }
    let second = store.commit(put("b", "x")).await.unwrap();
    assert_eq!((second.0 - first.0, store.latest().await.unwrap()), (1, second));
    assert_eq!((next(&mut changes).await, next(&mut changes).await), (Some(first), Some(second)));
    assert_eq!(store.load().await.unwrap().1.len(), 2);
}

#[tokio::test]
async fn f26_what_others_write_to_our_keys_is_no_commit_and_stops_the_next_load() {
    if !is_installed() {
        return;
    }
    let etcd = Etcd::start(1);
    let store = etcd.store().await;
    let mut changes = store.watch(store.latest().await.unwrap()).await.unwrap();
    etcd.ctl(&["put", "/brevet/records/roles/1/root", "x"]);
    let committed = store.commit(put("a", "x")).await.unwrap();
    assert_eq!(next(&mut changes).await, Some(committed), "and nothing before it");
    let StoreError(error) = store.load().await.unwrap_err();
    assert!(error.contains("/brevet/records/roles/1/root"), "{error}");
    etcd.ctl(&["put", "/brevet/revision", "x"]);
    assert!(matches!(store.commit(put("b", "x")).await, Err(CommitError::NotDone(_))));
}

#[tokio::test]
async fn f26_a_store_that_was_emptied_or_restored_is_not_written_to_by_those_who_know_more() {
    if !is_installed() {
        return;
    }
    let etcd = Etcd::start(1);
    let store = etcd.store().await;
    let mut changes = store.watch(store.latest().await.unwrap()).await.unwrap();
    for n in 1..=3 {
        assert_eq!(store.commit(put("a", "x")).await.unwrap().0, n);
        assert_eq!(next(&mut changes).await.unwrap().0, n);
    }
    etcd.ctl(&["del", "--prefix", "/brevet/"]);
    let create = Transaction { preconditions: vec![Precondition::Absent("b".into())], ..put("b", "x") };
    let error = store.commit(create).await.unwrap_err();
    assert!(matches!(error, CommitError::NotDone(_)), "{error:?}");
    assert!(error.to_string().contains("from revision 3 to 0"), "{error}");
    // A new process takes it for what it is.
    assert_eq!(etcd.store().await.commit(put("b", "x")).await.unwrap().0, 1);
}
