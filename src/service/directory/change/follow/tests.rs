//! Two directories over one store: each sees what the other changes, and reads everything only when it must.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;

use super::*;
use crate::service::directory::User;
use crate::service::error::Kind;
use crate::service::test_world::{ALLOW_ALL, Counting, TRUST_DOMAIN, World, account, now};
use crate::store::{CommitError, MAX_VALUE, MasterKey, MemoryStore, RecordCipher, Store, StoreError, Transaction};

/// Counts how often everything is read.
#[derive(Debug)]
struct Counted {
    store: MemoryStore,
    loads: AtomicUsize,
}

impl Store for Counted {
    fn load(&self) -> BoxFuture<'_, Result<(Revision, Vec<Record>), StoreError>> {
        self.loads.fetch_add(1, Ordering::Relaxed);
        self.store.load()
    }
    fn latest(&self) -> BoxFuture<'_, Result<Revision, StoreError>> {
        self.store.latest()
    }
    fn commit(&self, tx: Transaction) -> BoxFuture<'_, Result<Revision, CommitError>> {
        self.store.commit(tx)
    }
    fn outcome(&self, id: [u8; 16]) -> BoxFuture<'_, Result<Option<Revision>, StoreError>> {
        self.store.outcome(id)
    }
    fn watch(&self, after: Revision) -> BoxFuture<'_, Result<BoxStream<'static, Change>, StoreError>> {
        self.store.watch(after)
    }
}

struct Replicas {
    store: Arc<Counted>,
    one: Arc<Directory>,
    other: Arc<Directory>,
    world: World,
}

fn replicas() -> Replicas {
    let replicas = unfollowed();
    for directory in [&replicas.one, &replicas.other] {
        let follower = Arc::clone(directory);
        tokio::spawn(async move { follower.follow().await });
    }
    replicas
}

/// Two that hear of each other's changes only where their own meet them.
fn unfollowed() -> Replicas {
    let store = Arc::new(Counted { store: MemoryStore::new(now), loads: AtomicUsize::new(0) });
    let random = Arc::new(Counting::default());
    let replica = || {
        let cipher = RecordCipher::new(&MasterKey::new([1; 32]), TRUST_DOMAIN);
        Arc::new(Directory::new(store.clone(), cipher, random.clone(), Snapshot::default()))
    };
    Replicas { one: replica(), other: replica(), world: World::new(), store }
}

impl Replicas {
    fn user(&mut self, name: &str) -> User {
        self.world.user(name, ALLOW_ALL);
        self.world.snapshot.user(account(), name).unwrap().clone()
    }

    /// Waits until both are where the store is.
    async fn settle(&self) {
        let latest = self.store.latest().await.unwrap();
        for directory in [&self.one, &self.other] {
            let mut changes = directory.changes();
            let caught_up = async {
                while directory.snapshot().revision < latest {
                    changes.changed().await.unwrap();
                }
            };
            tokio::time::timeout(Duration::from_secs(10), caught_up).await.expect("it follows");
        }
    }
}

async fn put(directory: &Directory, user: &User) {
    let change = directory.change(|edit| {
        edit.put(user.clone());
        Ok(())
    });
    change.await.unwrap();
}

#[tokio::test]
async fn what_one_replica_changes_the_other_sees_and_can_change_again() {
    let mut at = replicas();
    let ada = at.user("ada");
    put(&at.one, &ada).await;
    at.settle().await;
    put(&at.other, &User { path: "/team/".into(), ..ada.clone() }).await;
    at.settle().await;
    assert_eq!(at.one.snapshot().user(account(), "ada").unwrap().path, "/team/");
    let removal = at.one.change(|edit| {
        edit.delete(&ada);
        Ok(())
    });
    removal.await.unwrap();
    at.settle().await;
    assert!(at.other.snapshot().user(account(), "ada").is_none());
    assert!(at.other.snapshot().user_by_id(account(), ada.id).is_none());
    assert_eq!(at.store.loads.load(Ordering::Relaxed), 0, "record by record");
}

#[tokio::test]
async fn replicas_that_change_at_once_come_to_the_same() {
    let mut at = replicas();
    let users: Vec<_> = (0..40).map(|n| at.user(&format!("u{n}"))).collect();
    let (left, right) = users.split_at(20);
    let change = async |directory: &Directory, users: &[User]| {
        for user in users {
            put(directory, user).await;
        }
    };
    tokio::join!(change(&at.one, left), change(&at.other, right));
    at.settle().await;
    for directory in [&at.one, &at.other] {
        assert_eq!(directory.snapshot().users(account()).count(), 40);
        assert_eq!(directory.snapshot().revision, Revision(40));
    }
    assert_eq!(at.store.loads.load(Ordering::Relaxed), 0, "what came between is taken over, too");
}

#[tokio::test]
async fn a_change_that_conflicts_learns_of_the_other_by_what_was_committed() {
    let mut at = unfollowed();
    let (ada, bob) = (at.user("ada"), at.user("bob"));
    put(&at.one, &ada).await;
    let conflict = at.other.change(|edit| {
        edit.put(ada.clone());
        Ok(())
    });
    assert_eq!(conflict.await.unwrap_err().kind(), Kind::ConcurrentModification);
    assert_eq!(at.other.snapshot().revision, Revision(1));
    put(&at.other, &ada).await;
    // One has not heard of that. What came between its change and the last it knew is there when it returns.
    put(&at.one, &bob).await;
    assert_eq!(at.one.snapshot().revision, Revision(3));
    at.other.compare().await.unwrap();
    assert!(at.other.snapshot().user(account(), "bob").is_some());
    assert_eq!(at.store.loads.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_replica_that_fell_behind_reads_everything_once() {
    let mut at = replicas();
    // More than a feed keeps, before the follower had its turn.
    for n in 0..40_u128 {
        let big = ("x".to_owned(), Bytes::from(vec![0; MAX_VALUE]));
        let put = Transaction { id: n.to_be_bytes(), puts: vec![big], ..Transaction::default() };
        let gone = Transaction { id: (n + 100).to_be_bytes(), deletes: vec!["x".into()], ..Transaction::default() };
        at.store.store.commit(put).await.unwrap();
        at.store.store.commit(gone).await.unwrap();
    }
    let ada = at.user("ada");
    at.settle().await;
    put(&at.one, &ada).await;
    at.settle().await;
    assert!(at.other.snapshot().user(account(), "ada").is_some());
    assert_eq!(at.store.loads.load(Ordering::Relaxed), 2, "one for each");
}

#[tokio::test]
async fn f26_a_record_that_does_not_open_is_not_taken_over() {
    let mut at = replicas();
    let ada = at.user("ada");
    put(&at.one, &ada).await;
    at.settle().await;
    let before = at.other.snapshot().revision;
    let forged = ("users/111111111111/ada".to_owned(), Bytes::from_static(b"forged"));
    let forged = Transaction { id: [0xee; 16], puts: vec![forged], ..Transaction::default() };
    at.store.commit(forged).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(at.other.snapshot().revision, before);
    assert_eq!(at.other.snapshot().user(account(), "ada").unwrap().id, ada.id);
    assert!(at.other.compare().await.is_err(), "and whoever compares is told");
}

#[tokio::test]
async fn f10_a_store_that_went_back_is_not_taken_for_one_that_answers() {
    let store = Arc::new(MemoryStore::new(now));
    let cipher = RecordCipher::new(&MasterKey::new([1; 32]), TRUST_DOMAIN);
    let seen = Snapshot { revision: Revision(5), ..Snapshot::default() };
    let directory = Directory::new(store, cipher, Arc::new(Counting::default()), seen);
    assert!(directory.compare().await.is_err());
}

#[test]
fn what_was_committed_after_commits_of_others_says_so_before_these_are_read() {
    let mut snapshot = Snapshot { revision: Revision(10), ..Snapshot::default() };
    assert_eq!(snapshot.reflects(), 10);
    snapshot.settle(Revision(12), Vec::new());
    snapshot.revision = Revision(10);
    assert_eq!(snapshot.reflects(), 12);
    snapshot.revision = Revision(13);
    assert_eq!(snapshot.reflects(), 13);
}
