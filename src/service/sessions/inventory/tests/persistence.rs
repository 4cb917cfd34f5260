//! When the store is written to, and what outlives a process.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;

use super::*;
use crate::service::directory::SessionBatch;
use crate::store::{
    Change, CommitError, MasterKey, MemoryStore, Record, RecordCipher, Revision, Store, StoreError, Transaction,
};

/// Counts commits, and refuses them while it is told to.
#[derive(Debug)]
struct Counted {
    store: MemoryStore,
    commits: AtomicUsize,
    down: AtomicBool,
}

impl Store for Counted {
    fn load(&self) -> BoxFuture<'_, Result<(Revision, Vec<Record>), StoreError>> {
        self.store.load()
    }
    fn latest(&self) -> BoxFuture<'_, Result<Revision, StoreError>> {
        self.store.latest()
    }
    fn commit(&self, tx: Transaction) -> BoxFuture<'_, Result<Revision, CommitError>> {
        self.commits.fetch_add(1, Ordering::SeqCst);
        if self.down.load(Ordering::SeqCst) {
            return async { Err(CommitError::NotDone("the disk is full".into())) }.boxed();
        }
        self.store.commit(tx)
    }
    fn watch(&self, after: Revision) -> BoxFuture<'_, Result<BoxStream<'static, Change>, StoreError>> {
        self.store.watch(after)
    }
    fn outcome(&self, id: [u8; 16]) -> BoxFuture<'_, Result<Option<Revision>, StoreError>> {
        self.store.outcome(id)
    }
}

impl Counted {
    fn new() -> Arc<Self> {
        let store = MemoryStore::new(now);
        Arc::new(Self { store, commits: AtomicUsize::new(0), down: AtomicBool::new(false) })
    }

    fn commits(&self) -> usize {
        self.commits.load(Ordering::SeqCst)
    }

    async fn keys(&self) -> Vec<String> {
        self.store.load().await.unwrap().1.into_iter().map(|record| record.key).collect()
    }
}

/// A process over a store.
struct Replica {
    directory: Directory,
    inventory: Inventory,
    random: Arc<Counting>,
}

impl Replica {
    async fn start(store: &Arc<Counted>, random: &Arc<Counting>) -> Self {
        let cipher = || RecordCipher::new(&MasterKey::new([7; 32]), TRUST_DOMAIN);
        let (revision, records) = store.load().await.unwrap();
        let snapshot = Snapshot::read(revision, &records, &cipher()).unwrap().0;
        let directory = Directory::new(store.clone(), cipher(), random.clone(), snapshot);
        let inventory = Inventory::new(1000);
        inventory.follow(&directory.snapshot(), now());
        Self { directory, inventory, random: random.clone() }
    }

    async fn write(&self) -> Result<(), Error> {
        self.write_at(now()).await
    }

    async fn write_at(&self, now: Timestamp) -> Result<(), Error> {
        self.inventory.write(&self.directory, &*self.random, now).await
    }

    fn follow(&self) {
        self.inventory.follow(&self.directory.snapshot(), now());
    }

    /// Any change, here over one that another replica made in the meantime: the directory is read again.
    async fn put(&self, key: &str) -> Result<(), Error> {
        let put = |edit: &mut Edit| {
            edit.put_other(key, vec![1].into());
            Ok(())
        };
        self.directory.change(put).await
    }
}

#[tokio::test]
async fn issuing_writes_nothing_and_a_while_later_many_are_one_write() {
    let (store, random) = (Counted::new(), Arc::default());
    let replica = Replica::start(&store, &random).await;
    replica.write().await.unwrap();
    assert_eq!(store.commits(), 0, "nothing was issued");
    for n in 0..100 {
        replica.inventory.enter(entry(n, 0, 100));
        replica.inventory.used(id(n).access_key_id(), now(), "sts", now());
    }
    assert_eq!((store.commits(), replica.inventory.state().unwritten), (0, 100));
    replica.write().await.unwrap();
    assert_eq!((store.commits(), replica.inventory.state().unwritten), (1, 0));
    replica.follow();
    replica.write().await.unwrap();
    assert_eq!(store.commits(), 1, "what is written is not written again");
    assert_eq!(all(&replica.inventory).len(), 100);
}

#[tokio::test]
async fn a_crash_takes_what_was_not_written_from_the_list_and_nothing_else() {
    let (store, random) = (Counted::new(), Arc::default());
    let crashed = Replica::start(&store, &random).await;
    for n in 0..6000 {
        crashed.inventory.enter(entry(n % 900, i64::from(n % 900) - 900, 100));
    }
    crashed.write().await.unwrap();
    crashed.inventory.enter(entry(901, 0, 100));
    drop(crashed);

    let restarted = Replica::start(&store, &random).await;
    assert_eq!(all(&restarted.inventory), (0..900).rev().collect::<Vec<_>>());
    assert_eq!(restarted.inventory.state().unwritten, 0);
    let batches = restarted.directory.snapshot();
    assert!(batches.session_batches().values().all(|batch| SessionBatch::take(batch).is_empty()), "content is kept");
}

#[tokio::test]
async fn a_replica_knows_what_others_wrote_once_it_has_caught_up_with_the_store() {
    let (store, random) = (Counted::new(), Arc::default());
    let [one, two] = [Replica::start(&store, &random).await, Replica::start(&store, &random).await];
    one.inventory.enter(entry(1, -2, 100));
    two.inventory.enter(entry(2, -1, 100));
    one.write().await.unwrap();
    two.follow();
    assert_eq!((all(&one.inventory), all(&two.inventory)), (vec![1], vec![2]));

    // Its own commit tells it that there was another before.
    two.write().await.unwrap();
    two.follow();
    assert_eq!(all(&two.inventory), [2, 1]);
    one.directory.compare().await.unwrap();
    one.follow();
    assert_eq!(all(&one.inventory), [2, 1]);
    // Again and again, and each is there once.
    one.inventory.enter(entry(3, 0, 100));
    one.write().await.unwrap();
    one.put("y").await.unwrap();
    assert!(two.put("y").await.is_err(), "a conflict");
    two.follow();
    two.follow();
    assert_eq!((all(&two.inventory), two.inventory.state().unwritten), (vec![3, 2, 1], 0));
}

#[tokio::test]
async fn what_cannot_be_written_is_kept_counted_and_written_later() {
    let (store, random) = (Counted::new(), Arc::default());
    let replica = Replica::start(&store, &random).await;
    store.down.store(true, Ordering::SeqCst);
    for n in 0..3 {
        replica.inventory.enter(entry(n, i64::from(n), 100));
        replica.write().await.unwrap_err();
    }
    assert_eq!(replica.inventory.state(), InventoryState { sessions: 3, unwritten: 3, failures: 3 });
    assert_eq!(all(&replica.inventory), [2, 1, 0]);
    store.down.store(false, Ordering::SeqCst);
    replica.write().await.unwrap();
    assert_eq!(replica.inventory.state(), InventoryState { sessions: 3, unwritten: 0, failures: 3 });
    assert_eq!(all(&Replica::start(&store, &random).await.inventory), [2, 1, 0]);
}

#[tokio::test]
async fn what_is_over_before_it_can_be_written_never_is() {
    let (store, random) = (Counted::new(), Arc::default());
    let replica = Replica::start(&store, &random).await;
    replica.inventory.enter(entry(1, 0, 100));
    replica.write_at(at(100)).await.unwrap();
    assert_eq!((store.commits(), replica.inventory.state().unwritten), (0, 0));
}

#[tokio::test]
async fn a_store_that_stays_away_does_not_fill_the_memory() {
    let (store, random) = (Counted::new(), Arc::default());
    let mut replica = Replica::start(&store, &random).await;
    replica.inventory = Inventory::new(10);
    store.down.store(true, Ordering::SeqCst);
    for n in 0..100 {
        replica.inventory.enter(entry(n, i64::from(n), 1000));
    }
    replica.write().await.unwrap_err();
    assert_eq!((replica.inventory.state().sessions, replica.inventory.state().unwritten), (10, 10));
    store.down.store(false, Ordering::SeqCst);
    replica.write().await.unwrap();
    assert_eq!(all(&Replica::start(&store, &random).await.inventory), (90..100).rev().collect::<Vec<_>>());
}

#[tokio::test]
async fn records_go_when_the_last_of_their_sessions_is_over_with_those_that_come() {
    let (store, random) = (Counted::new(), Arc::default());
    let [one, two] = [Replica::start(&store, &random).await, Replica::start(&store, &random).await];
    for n in 0..8 {
        one.inventory.enter(entry(2 * n, 0, 10));
        one.inventory.enter(entry(2 * n + 1, 0, i64::from(n) + 50));
        one.write().await.unwrap();
    }
    assert_eq!(store.keys().await.len(), 8);
    // Not while another clock may say that one lives.
    one.inventory.enter(entry(100, 0, 5000));
    one.write_at(at(350)).await.unwrap();
    assert_eq!(store.keys().await.len(), 9);
    for (n, left) in [(101, 6), (102, 3), (103, 4)] {
        one.inventory.enter(entry(n, 0, 5000));
        one.write_at(at(400)).await.unwrap();
        assert_eq!(store.keys().await.len(), left, "{n}");
    }
    assert_eq!(one.directory.snapshot().session_batches().len(), 4);
    // Another replica that would clear the same is in nobody's way.
    two.inventory.enter(entry(200, 0, 5000));
    two.write_at(at(400)).await.unwrap();
    assert_eq!(store.keys().await.len(), 5);
    let restarted = Replica::start(&store, &random).await;
    assert_eq!(all(&restarted.inventory), [200, 103, 102, 101, 100]);
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_left_out_and_stops_nobody() {
    let (store, random) = (Counted::new(), Arc::default());
    let first = Replica::start(&store, &random).await;
    first.inventory.enter(entry(1, 0, 100));
    first.write().await.unwrap();
    let key = SessionBatchKey { until: at(100), id: [0; 16] };
    let put = |edit: &mut Edit| {
        edit.put_session_batch(key, b"no record".to_vec(), now());
        Ok(())
    };
    first.directory.change(put).await.unwrap();
    assert_eq!(all(&Replica::start(&store, &random).await.inventory), [1]);
}
