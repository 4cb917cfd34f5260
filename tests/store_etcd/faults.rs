//! Wires that are cut or silent, histories that were compacted, leaders that die.

use std::time::{Duration, Instant};

use brevet::store::{Change, CommitError, EtcdSettings, Precondition, Revision, Store, Transaction};
use futures_util::StreamExt as _;

use super::etcd_support::{Etcd, connect, is_installed};
use super::proxy::Proxy;
use super::{commit_at_last, next, put, soon};

/// A cluster of one, a store that reaches it through a proxy, and one that reaches it directly.
async fn behind_a_proxy() -> (Etcd, Proxy, impl Store, impl Store) {
    let etcd = Etcd::start(1);
    let direct = etcd.store().await;
    let proxy = Proxy::start(etcd.members[0].client).await;
    let settings = EtcdSettings { endpoints: vec![format!("127.0.0.1:{}", proxy.port)], ..etcd.settings("/brevet/") };
    let far = connect(&settings).await;
    (etcd, proxy, far, direct)
}

#[tokio::test]
async fn f10_a_watch_that_falls_silent_is_replaced_within_seconds() {
    if !is_installed() {
        return;
    }
    let (_etcd, proxy, far, direct) = behind_a_proxy().await;
    let mut changes = far.watch(Revision(0)).await.unwrap();
    direct.commit(put("a", "x")).await.unwrap();
    assert_eq!(next(&mut changes).await, Some(Revision(1)));
    proxy.silence();
    let begin = Instant::now();
    for n in 2..5 {
        direct.commit(put("a", "x")).await.unwrap();
        assert_eq!(next(&mut changes).await, Some(Revision(n)));
    }
    println!("a silent watch was replaced after {:?}", begin.elapsed());
    assert!(begin.elapsed() < Duration::from_secs(8), "{:?}", begin.elapsed());
    // Calls get over it too.
    assert_eq!(far.latest().await.unwrap(), Revision(4));
    proxy.silence();
    assert_eq!(commit_at_last(&far).await, Revision(5));
    assert_eq!(next(&mut changes).await, Some(Revision(5)));
}

#[tokio::test]
async fn f10_what_was_compacted_while_a_watcher_was_away_makes_it_lag() {
    if !is_installed() {
        return;
    }
    let (etcd, proxy, far, direct) = behind_a_proxy().await;
    let mut changes = far.watch(Revision(0)).await.unwrap();
    direct.commit(put("a", "x")).await.unwrap();
    assert_eq!(next(&mut changes).await, Some(Revision(1)));
    proxy.cut();
    for _ in 0..5 {
        direct.commit(put("a", "x")).await.unwrap();
    }
    let latest = etcd.ctl(&["get", "/brevet/revision", "-w", "fields"]);
    let latest = latest.lines().find_map(|line| line.strip_prefix("\"Revision\" : ")).unwrap().to_owned();
    etcd.ctl(&["compact", &latest]);
    proxy.mend();
    assert_eq!(next(&mut changes).await, None, "it lagged");
    let (loaded, _) = far.load().await.unwrap();
    let mut changes = far.watch(loaded).await.unwrap();
    direct.commit(put("a", "x")).await.unwrap();
    assert_eq!(next(&mut changes).await, Some(Revision(7)));
}

#[tokio::test]
async fn a_watcher_that_is_cut_off_and_comes_back_misses_nothing() {
    if !is_installed() {
        return;
    }
    let (_etcd, proxy, far, direct) = behind_a_proxy().await;
    let mut changes = far.watch(Revision(0)).await.unwrap();
    for round in 0..3 {
        proxy.cut();
        for _ in 0..5 {
            direct.commit(put("a", "x")).await.unwrap();
        }
        assert!(matches!(far.commit(put("a", "x")).await, Err(CommitError::NotDone(_) | CommitError::Unknown(_))));
        proxy.mend();
        for n in 1..=5 {
            assert_eq!(next(&mut changes).await, Some(Revision(round * 5 + n)));
        }
    }
}

#[tokio::test]
async fn f12_a_commit_whose_answer_is_lost_is_made_once_and_answered() {
    if !is_installed() {
        return;
    }
    let (_etcd, proxy, far, direct) = behind_a_proxy().await;
    assert_eq!(far.commit(put("a", "x")).await.unwrap(), Revision(1));
    proxy.lose_answers();
    let tx = Transaction { preconditions: vec![Precondition::Version("a".into(), 1)], ..put("a", "y") };
    let commit = far.commit(tx);
    let begin = Instant::now();
    assert_eq!(commit.await.unwrap(), Revision(2));
    assert!(begin.elapsed() > Duration::from_secs(1), "the answer was not lost: {:?}", begin.elapsed());
    let (latest, records) = direct.load().await.unwrap();
    assert_eq!((latest, records.len(), records[0].version), (Revision(2), 1, 2));
}

#[tokio::test]
async fn a_load_starts_again_when_its_revision_is_compacted() {
    if !is_installed() {
        return;
    }
    let etcd = Etcd::start(1);
    let store = etcd.store().await;
    for n in 0..30 {
        let puts = (0..50).map(|m| (format!("k/{n}/{m}"), vec![0; 100].into())).collect();
        store.commit(Transaction { puts, ..super::empty() }).await.unwrap();
    }
    let compact = async {
        loop {
            store.commit(put("a", "x")).await.unwrap();
            let at = etcd.ctl(&["get", "/brevet/revision", "-w", "fields"]);
            let at = at.lines().find_map(|line| line.strip_prefix("\"Revision\" : ")).unwrap().to_owned();
            etcd.ctl(&["compact", &at]);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let load = async {
        for _ in 0..50 {
            let (_, records) = store.load().await.unwrap();
            assert!(records.len() >= 1500);
            assert!(records.is_sorted_by(|a, b| a.key < b.key));
        }
    };
    tokio::select! {
        () = compact => {}
        () = load => {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f8_commits_go_on_when_the_leader_dies() {
    if !is_installed() {
        return;
    }
    let mut etcd = Etcd::start(3);
    let store = std::sync::Arc::new(etcd.store().await);
    let mut changes = store.watch(Revision(0)).await.unwrap();
    let watcher = tokio::spawn(async move {
        let mut seen = 0;
        // Until the store is dropped.
        while let Some(change) = changes.next().await {
            let Change::Committed { revision, .. } = change else { panic!("it lagged") };
            seen += 1;
            assert_eq!(revision.0, seen);
        }
        seen
    });
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let writer = tokio::spawn({
        let store = std::sync::Arc::clone(&store);
        async move {
            let (mut revisions, mut longest) = (Vec::new(), Duration::ZERO);
            while !*stopped.borrow() {
                let begin = Instant::now();
                revisions.push(store.commit(put("a", "x")).await.expect("it outlasts the election"));
                longest = longest.max(begin.elapsed());
            }
            (revisions, longest)
        }
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    let leader = (0..3).find(|n| is_leader(&etcd, *n)).unwrap();
    etcd.members[leader].kill();
    tokio::time::sleep(Duration::from_secs(5)).await;
    etcd.members[leader].start();
    tokio::time::sleep(Duration::from_secs(1)).await;
    stop.send_replace(true);
    let (revisions, longest) = writer.await.unwrap();
    println!("{} commits, the longest took {longest:?}", revisions.len());
    assert!(longest < Duration::from_secs(6), "{longest:?}");
    assert!(revisions.is_sorted_by(|a, b| a < b));
    let latest = soon(store.latest()).await.unwrap();
    assert_eq!(latest.0, revisions.len() as u64, "each commit that was answered, and no other");
    // What is seen of this one, is seen of all before it.
    let mut changes = store.watch(latest).await.unwrap();
    let last = commit_at_last(&*store).await;
    assert_eq!(next(&mut changes).await, Some(last));
    drop(store);
    assert_eq!(soon(watcher).await.unwrap(), last.0);
}

#[tokio::test]
async fn f9_without_a_majority_nothing_is_committed_and_nothing_is_called_the_latest() {
    if !is_installed() {
        return;
    }
    let etcd = Etcd::start(3);
    let store = etcd.store().await;
    let before = commit_at_last(&store).await;
    let mut changes = store.watch(before).await.unwrap();
    for member in &etcd.members[1..] {
        member.signal("STOP");
    }
    let begin = Instant::now();
    assert!(store.commit(put("a", "x")).await.is_err());
    assert!(store.latest().await.is_err());
    assert!(store.load().await.is_err());
    assert!(begin.elapsed() < Duration::from_secs(30), "{:?}", begin.elapsed());
    for member in &etcd.members[1..] {
        member.signal("CONT");
    }
    let after = commit_at_last(&store).await;
    // What was in doubt may have been made by then.
    while next(&mut changes).await != Some(after) {}
}

fn is_leader(etcd: &Etcd, n: usize) -> bool {
    let endpoint = format!("--endpoints={}", etcd.members[n].endpoint());
    let status = etcd.ctl(&["endpoint", "status", "-w", "json", &endpoint]);
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    // The endpoint is one more beside the first member's.
    let status = &status.as_array().unwrap().last().unwrap()["Status"];
    status["leader"] == status["header"]["member_id"]
}
