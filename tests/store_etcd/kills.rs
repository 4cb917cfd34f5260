//! `kill -9` of etcd in the middle of commits: what was acknowledged is there, nothing is there twice or by half.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use brevet::store::{CommitError, EtcdStore, Store, Transaction};
use bytes::Bytes;

use super::etcd_support::{Etcd, is_installed};
use super::{commit_at_last, next, soon};

/// How many rounds, if not a few.
const ROUNDS: &str = "BREVET_KILL_ROUNDS";
const COMMITTERS: u64 = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f8_f12_when_etcd_is_killed_nothing_is_lost_doubled_or_left_open() {
    if !is_installed() {
        return;
    }
    let rounds: u64 = std::env::var(ROUNDS).map_or(3, |rounds| rounds.parse().unwrap());
    let mut etcd = Etcd::start(1);
    let store = Arc::new(etcd.store().await);
    let mut changes = store.watch(store.latest().await.unwrap()).await.unwrap();
    let mut journal: HashMap<u64, u64> = HashMap::new();
    let (mut total, mut doubts) = (0, 0);
    for round in 0..rounds {
        let (stop, stopped) = tokio::sync::watch::channel(false);
        let committers: Vec<_> = (0..COMMITTERS)
            .map(|n| {
                tokio::spawn(commit_until(store.clone(), n, journal.get(&n).copied().unwrap_or(0), stopped.clone()))
            })
            .collect();
        // Not in step with anything.
        tokio::time::sleep(Duration::from_millis(100 + uuid::Uuid::new_v4().as_u64_pair().0 % 200)).await;
        etcd.members[0].kill();
        if round % 2 == 0 {
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        etcd.members[0].start();
        commit_at_last(&*store).await;
        stop.send_replace(true);
        for (n, committer) in (0..COMMITTERS).zip(committers) {
            let (last, in_doubt) = committer.await.unwrap();
            journal.insert(n, last);
            doubts += in_doubt;
        }
        total = check(&*store, &journal).await;
        while next(&mut changes).await.expect("it does not lag") < store.latest().await.unwrap() {}
    }
    println!("{total} commits over {rounds} rounds, {doubts} of them looked up");
}

/// Commits 1, 2, 3 …; each is tried until it is known to be done. Gives the last, and how often one was in doubt.
async fn commit_until(
    store: Arc<EtcdStore>,
    committer: u64,
    done: u64,
    stopped: tokio::sync::watch::Receiver<bool>,
) -> (u64, u64) {
    let (mut n, mut doubts) = (done, 0);
    while !*stopped.borrow() {
        let value = Bytes::from((n + 1).to_string());
        let puts = keys(committer).map(|key| (key, value.clone())).to_vec();
        let tx = Transaction { puts, ..super::empty() };
        let id = tx.id;
        match store.commit(tx).await {
            Ok(_) => n += 1,
            Err(CommitError::NotDone(_)) => tokio::time::sleep(Duration::from_millis(20)).await,
            Err(CommitError::Conflict) => panic!("it has no precondition"),
            Err(CommitError::Unknown(_)) => {
                doubts += 1;
                n += u64::from(settled(&store, id).await);
            }
        }
    }
    (n, doubts)
}

async fn settled(store: &EtcdStore, id: [u8; 16]) -> bool {
    soon(async {
        loop {
            match store.outcome(id).await {
                Ok(outcome) => return outcome.is_some(),
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    })
    .await
}

/// Compares the store with the journal: each key was put as often as it was acknowledged.
async fn check(store: &dyn Store, journal: &HashMap<u64, u64>) -> u64 {
    let (revision, records) = soon(store.load()).await.unwrap();
    let records: HashMap<_, _> = records.iter().map(|record| (record.key.as_str(), record)).collect();
    for (committer, last) in journal.iter().filter(|(_, last)| **last > 0) {
        for key in keys(*committer) {
            assert_eq!((&*records[&*key].value, records[&*key].version), (last.to_string().as_bytes(), *last), "{key}");
        }
    }
    let commits = journal.values().sum::<u64>();
    assert_eq!(commits + records["again"].version, revision.0);
    revision.0
}

fn keys(committer: u64) -> [String; 2] {
    [format!("left/{committer}"), format!("right/{committer}")]
}

#[tokio::test]
async fn f8_while_etcd_is_down_commits_are_refused_at_once_and_go_on_when_it_is_back() {
    if !is_installed() {
        return;
    }
    let mut etcd = Etcd::start(1);
    let store = etcd.store().await;
    let before = commit_at_last(&store).await;
    let mut changes = store.watch(before).await.unwrap();
    etcd.members[0].kill();
    let begin = std::time::Instant::now();
    assert!(store.latest().await.is_err());
    assert!(store.load().await.is_err());
    assert!(store.outcome([1; 16]).await.is_err());
    let refused = store.commit(super::put("a", "x")).await.unwrap_err();
    assert!(matches!(refused, CommitError::NotDone(_) | CommitError::Unknown(_)), "{refused}");
    // From the second on it is known that nobody is there.
    assert!(matches!(store.commit(super::put("a", "x")).await, Err(CommitError::NotDone(_))));
    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
    etcd.members[0].start();
    let after = commit_at_last(&store).await;
    assert_eq!(after.0, before.0 + 1);
    assert_eq!(next(&mut changes).await, Some(after));
}

#[tokio::test]
async fn an_etcd_that_is_silent_ends_no_call_without_an_answer() {
    if !is_installed() {
        return;
    }
    let etcd = Etcd::start(1);
    let store = etcd.store().await;
    let before = commit_at_last(&store).await;
    etcd.members[0].signal("STOP");
    let tx = super::put("a", "x");
    let id = tx.id;
    let begin = std::time::Instant::now();
    assert!(matches!(store.commit(tx).await, Err(CommitError::Unknown(_))));
    assert!(store.latest().await.is_err());
    assert!(begin.elapsed() < Duration::from_secs(12), "{:?}", begin.elapsed());
    etcd.members[0].signal("CONT");
    let outcome = soon(async {
        loop {
            if let Ok(outcome) = store.outcome(id).await {
                return outcome;
            }
        }
    })
    .await;
    let (latest, records) = store.load().await.unwrap();
    assert_eq!(latest.0, before.0 + u64::from(outcome.is_some()));
    assert_eq!(records.iter().any(|record| record.key == "a"), outcome.is_some());
}
