//! One suite for every engine of the store: what the trait promises, each has to keep.

use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use brevet::store::{MemoryStore, RedbStore, Store, Transaction};
use brevet_validator::timestamp::Timestamp;
use tempfile::TempDir;

use etcd_support::Etcd;

#[path = "../etcd_support/mod.rs"]
mod etcd_support;
mod suite;

/// A new, empty store, and the clock it reads.
struct Fixture {
    store: Arc<dyn Store>,
    now: Arc<AtomicI64>,
    _dir: Option<TempDir>,
}

impl Fixture {
    async fn memory() -> Option<Self> {
        let (now, clock) = clock();
        Some(Self { store: Arc::new(MemoryStore::new(clock)), now, _dir: None })
    }

    async fn redb() -> Option<Self> {
        let (now, clock) = clock();
        let dir = tempfile::tempdir().unwrap();
        let first = Transaction { id: *b"the first of all", ..Transaction::default() };
        let store = RedbStore::create(dir.path(), &first, clock).unwrap();
        Some(Self { store: Arc::new(store), now, _dir: Some(dir) })
    }

    /// One etcd for all checks, each under its own prefix. It reads its own clock.
    async fn etcd() -> Option<Self> {
        static ETCD: OnceLock<Option<Etcd>> = OnceLock::new();
        static PREFIXES: AtomicU32 = AtomicU32::new(0);
        let etcd = ETCD.get_or_init(|| etcd_support::is_installed().then(|| Etcd::start(1))).as_ref()?;
        let prefix = format!("/brevet/{}", PREFIXES.fetch_add(1, Ordering::Relaxed));
        let store = etcd_support::connect(&etcd.settings(&prefix)).await;
        Some(Self { store: Arc::new(store), now: clock().0, _dir: None })
    }
}

fn clock() -> (Arc<AtomicI64>, impl Fn() -> Timestamp + Send + Sync + 'static) {
    let now = Arc::new(AtomicI64::new(1_800_000_000));
    let read = Arc::clone(&now);
    (now, move || Timestamp::from_unix(read.load(Ordering::Relaxed)).unwrap())
}

/// Every check of the suite, for every engine.
macro_rules! conformance {
    ($($engine:ident => $checks:tt),*) => { $( conformance!(@ $engine $checks); )* };
    (@ $engine:ident { $($check:ident),* $(,)? }) => {
        mod $engine {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $check() {
                    if let Some(fixture) = super::Fixture::$engine().await {
                        super::suite::$check(fixture).await;
                    }
                }
            )*
        }
    };
    ($checks:tt for $($engine:ident),*) => { conformance!($($engine => $checks),*); };
}

conformance!({
    a_new_store_is_empty_and_loads,
    what_is_committed_loads_with_its_version,
    every_put_raises_the_version_and_a_recreated_key_starts_at_one,
    a_record_tells_the_commit_that_put_it_last,
    deletes_remove_and_an_absent_key_is_no_error,
    the_latest_revision_is_that_of_the_last_commit,
    the_latest_revision_counts_every_commit_that_was_answered,
    a_failed_precondition_conflicts_and_writes_nothing,
    preconditions_are_checked_before_anything_is_written,
    of_100_parallel_creations_under_one_version_one_wins,
    parallel_commits_all_land_and_get_revisions_of_their_own,
    a_load_during_commits_never_sees_half_of_one,
    a_transaction_without_changes_is_a_commit,
    an_id_is_good_for_one_commit,
    odd_keys_are_kept_apart,
    large_values_come_back_and_larger_ones_are_refused,
    malformed_transactions_are_refused,
    a_watcher_sees_every_commit_in_order,
    a_watcher_of_an_older_revision_gets_a_replay,
    a_watcher_that_falls_behind_is_told,
    a_watcher_of_an_unreached_revision_is_told,
    watchers_end_when_the_store_is_dropped,
    a_watcher_and_a_load_lose_nothing_between_them,
    a_commit_goes_on_when_nobody_waits_for_it,
} for memory, redb, etcd);

/// With a clock that can be put forward. How etcd forgets, `store_etcd` tells.
mod clocked {
    use super::{Fixture, suite};

    conformance!({ outcomes_are_found_for_an_hour_and_forgotten_later } for memory, redb);
}
