//! Who makes an issuer be asked, and who does not: with a fetch that is watched instead of a network.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, join_all};
use tokio::sync::Semaphore;

use super::super::fetch::Fetch;
use super::super::state::Fetched;
use super::*;
use crate::service::federation::key_sets::{KeySetError, KeySets as _};

/// Publishes the key `a`, as soon as it is let.
#[derive(Debug)]
struct Watched {
    fetches: AtomicUsize,
    gate: Arc<Semaphore>,
    panics: bool,
}

impl Watched {
    fn new(permits: usize) -> Arc<Self> {
        Arc::new(Self { fetches: AtomicUsize::new(0), gate: Arc::new(Semaphore::new(permits)), panics: false })
    }

    fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }
}

impl Fetch for Watched {
    fn fetch(&self, _: Arc<Published>) -> BoxFuture<'static, Result<Fetched, KeySetError>> {
        self.fetches.fetch_add(1, Ordering::SeqCst);
        let (gate, panics) = (Arc::clone(&self.gate), self.panics);
        async move {
            gate.acquire().await.unwrap().forget();
            assert!(!panics, "as asked");
            Ok(Fetched { keys: key_set(&["a"]), max_age: None, date: None })
        }
        .boxed()
    }
}

fn watched(fetch: &Arc<Watched>, capacity: usize) -> (Arc<FetchedKeySets>, Arc<SetClock>) {
    let clock = SetClock::new();
    (Arc::new(FetchedKeySets::with(clock.clone(), fetch.clone(), capacity)), clock)
}

const FREELY: usize = 1_000_000;

#[tokio::test]
async fn a_hundred_callers_make_one_fetch() {
    let fetch = Watched::new(0);
    let (key_sets, _) = watched(&fetch, 4);
    let source = source(published("https://idp.example"));
    let callers = (0..100).map(|_| {
        let (key_sets, source) = (Arc::clone(&key_sets), source.clone());
        tokio::spawn(async move { key_sets.key_set(&source, Some("a")).await })
    });
    let callers: Vec<_> = callers.collect();
    tokio::task::yield_now().await;
    fetch.gate.add_permits(FREELY);
    for outcome in join_all(callers).await {
        assert!(outcome.unwrap().unwrap().has("a"));
    }
    assert_eq!(fetch.fetches(), 1);
}

#[tokio::test]
async fn b15_ten_thousand_unknown_keys_make_two_fetches() {
    let fetch = Watched::new(FREELY);
    let (key_sets, _) = watched(&fetch, 4);
    let source = source(published("https://idp.example"));
    for n in 0..10_000 {
        let kid = format!("unknown-{n}");
        match key_sets.key_set(&source, Some(&kid)).await {
            Ok(keys) => assert!(n < 2 && !keys.has(&kid)),
            // It may be newer than the last fetch.
            Err(error) => assert_eq!((n >= 2, error), (true, KeySetError::Resting)),
        }
        assert!(key_sets.key_set(&source, Some("a")).await.unwrap().has("a"));
    }
    assert_eq!(fetch.fetches(), 2);
}

#[tokio::test]
async fn b15_known_keys_are_served_while_an_unknown_one_is_asked_for() {
    let fetch = Watched::new(1);
    let (key_sets, _) = watched(&fetch, 4);
    let source = source(published("https://idp.example"));
    key_sets.key_set(&source, Some("a")).await.unwrap();
    let mut waiting = key_sets.key_set(&source, Some("b"));
    assert!((&mut waiting).now_or_never().is_none());
    assert!(key_sets.key_set(&source, Some("a")).now_or_never().unwrap().unwrap().has("a"));
    fetch.gate.add_permits(FREELY);
    assert!(!waiting.await.unwrap().has("b"));
    assert_eq!(fetch.fetches(), 2);
}

#[tokio::test]
async fn a_stale_set_is_renewed_without_anyone_waiting() {
    let fetch = Watched::new(1);
    let (key_sets, clock) = watched(&fetch, 4);
    let source = source(published("https://idp.example"));
    key_sets.key_set(&source, Some("a")).await.unwrap();
    clock.pass(30 * 60);
    for _ in 0..100 {
        assert!(key_sets.key_set(&source, Some("a")).now_or_never().unwrap().unwrap().has("a"));
    }
    assert_eq!(fetch.fetches(), 2);
    fetch.gate.add_permits(FREELY);
    while key_sets.status(&source).last_good_fetch != Some(clock.now()) {
        tokio::task::yield_now().await;
    }
    assert_eq!(fetch.fetches(), 2);
}

#[tokio::test]
async fn a_fetch_goes_on_when_whoever_asked_goes_away() {
    let fetch = Watched::new(0);
    let (key_sets, _) = watched(&fetch, 4);
    let source = source(published("https://idp.example"));
    assert!(key_sets.key_set(&source, Some("a")).now_or_never().is_none());
    fetch.gate.add_permits(FREELY);
    while key_sets.status(&source).keys == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(fetch.fetches(), 1);
}

#[tokio::test]
async fn a_fetch_that_panics_fails_for_everyone_who_waits() {
    let mut fetch = Watched::new(FREELY);
    Arc::get_mut(&mut fetch).unwrap().panics = true;
    let (key_sets, _) = watched(&fetch, 4);
    let source = source(published("https://idp.example"));
    for outcome in join_all((0..10).map(|_| key_sets.key_set(&source, Some("a")))).await {
        assert_eq!(outcome.unwrap_err(), KeySetError::Unreachable);
    }
    assert_eq!(fetch.fetches(), 1);
}

#[tokio::test]
async fn pinned_keys_are_never_fetched() {
    let fetch = Watched::new(FREELY);
    let (key_sets, clock) = watched(&fetch, 4);
    let source = KeySetSource::Pinned(Arc::new(key_set(&["p", "q"])));
    for _ in 0..3 {
        assert!(key_sets.key_set(&source, Some("p")).await.unwrap().has("p"));
        assert!(!key_sets.key_set(&source, Some("unknown")).await.unwrap().has("unknown"));
        clock.pass(48 * 60 * 60);
    }
    let status = key_sets.status(&source);
    assert_eq!((fetch.fetches(), status.keys, status.last_good_fetch), (0, 2, None));
}

#[tokio::test]
async fn b24_a_record_that_changes_is_another_source() {
    let fetch = Watched::new(FREELY);
    let (key_sets, _) = watched(&fetch, 16);
    let first = published("https://idp.example");
    let records = [
        first.clone(),
        published("https://idp.example/"),
        Published { allow_private: true, ..first.clone() },
        Published { discovery_url: Some("https://other.example".into()), ..first.clone() },
        Published { ca_certificates: Some("a certificate".into()), ..first.clone() },
    ];
    for (n, record) in records.into_iter().enumerate() {
        assert_eq!(key_sets.status(&source(record.clone())), Default::default());
        for _ in 0..2 {
            key_sets.key_set(&source(record.clone()), Some("a")).await.unwrap();
        }
        assert_eq!(fetch.fetches(), n + 1);
    }
}

#[tokio::test]
async fn b12_more_providers_than_there_is_room_for_push_out_the_idle_but_none_that_was_just_asked() {
    let fetch = Watched::new(FREELY);
    let (key_sets, clock) = watched(&fetch, 3);
    let source = |n: usize| source(published(&format!("https://idp-{n}.example")));
    for n in 0..3 {
        key_sets.key_set(&source(n), Some("a")).await.unwrap();
    }
    assert_eq!(key_sets.key_set(&source(3), Some("a")).await.unwrap_err(), KeySetError::Busy);
    clock.pass(60);
    for n in [0, 2] {
        key_sets.key_set(&source(n), Some("a")).await.unwrap();
    }
    key_sets.key_set(&source(3), Some("a")).await.unwrap();
    let keys = [0, 1, 2, 3].map(|n| key_sets.status(&source(n)).keys);
    assert_eq!((keys, key_sets.entries().len()), ([1, 0, 1, 1], 3));
}
