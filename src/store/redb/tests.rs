//! What can go wrong with the file: each test breaks it in one way.

use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Barrier};

use ::redb::StorageBackend;
use ::redb::backends::FileBackend;
use bytes::Bytes;
use tempfile::TempDir;

use super::*;
use crate::store::Precondition;

fn clock() -> Timestamp {
    Timestamp::from_unix(1_800_000_000).unwrap()
}

fn put(key: &str) -> Transaction {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let id = u128::from(NEXT.fetch_add(1, Ordering::Relaxed)).to_be_bytes();
    Transaction { id, puts: vec![(key.into(), Bytes::from(vec![7; 20_000]))], ..Transaction::default() }
}

fn new_store() -> (TempDir, RedbStore) {
    let dir = tempfile::tempdir().unwrap();
    let store = RedbStore::create(dir.path(), &put("first"), clock).unwrap();
    (dir, store)
}

async fn keys(store: &RedbStore) -> Vec<String> {
    store.load().await.unwrap().1.into_iter().map(|record| record.key).collect()
}

#[tokio::test]
async fn a_closed_store_opens_with_records_revision_and_outcomes() {
    let (dir, store) = new_store();
    let tx = put("second");
    let revision = store.commit(tx.clone()).await.unwrap();
    assert_eq!(revision, Revision(2));
    let before = store.load().await.unwrap();
    drop(store);
    let store = RedbStore::open(dir.path(), clock).unwrap();
    assert_eq!(store.load().await.unwrap(), before);
    assert_eq!(store.outcome(tx.id).await.unwrap(), Some(revision));
    assert_eq!(store.commit(put("third")).await.unwrap(), Revision(3));
}

#[tokio::test]
async fn a_file_from_before_revisions_were_kept_opens_and_learns_them() {
    let (dir, store) = new_store();
    store.commit(put("second")).await.unwrap();
    drop(store);
    let old = Database::open(dir.path().join(RedbStore::FILE)).unwrap();
    let write = old.begin_write().unwrap();
    assert!(write.delete_table(tables::PUT_AT).unwrap());
    write.commit().unwrap();
    drop(old);

    let revisions = async |store: &RedbStore| -> Vec<_> {
        store.load().await.unwrap().1.into_iter().map(|record| (record.key, record.revision.0)).collect()
    };
    let store = RedbStore::open(dir.path(), clock).unwrap();
    assert_eq!(revisions(&store).await, [("first".into(), 0), ("second".into(), 0)]);
    store.commit(put("second")).await.unwrap();
    assert_eq!(revisions(&store).await, [("first".into(), 0), ("second".into(), 3)]);
}

#[test]
fn the_file_is_for_its_owner_alone() {
    let (dir, _store) = new_store();
    let mode = dir.path().join(RedbStore::FILE).metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
}

#[test]
fn a_store_that_is_not_there_is_not_made_by_opening_it() {
    let dir = tempfile::tempdir().unwrap();
    let refused = RedbStore::open(dir.path(), clock).unwrap_err();
    assert!(matches!(refused, OpenError::Missing(_)) && refused.to_string().contains("brevet init"), "{refused}");
    assert_eq!(dir.path().read_dir().unwrap().count(), 0);
}

#[test]
fn a_second_opening_is_refused_until_the_first_is_dropped() {
    let (dir, store) = new_store();
    let refused = RedbStore::open(dir.path(), clock).unwrap_err();
    assert!(refused.to_string().starts_with("another brevet is using /"), "{refused}");
    drop(store);
    RedbStore::open(dir.path(), clock).unwrap();
}

#[tokio::test]
async fn f22_creation_refuses_a_store_that_is_there() {
    let (dir, store) = new_store();
    assert!(matches!(RedbStore::create(dir.path(), &put("other"), clock), Err(OpenError::Exists(_))));
    assert_eq!(keys(&store).await, ["first"]);
}

#[test]
fn f22_of_many_creations_at_once_one_wins() {
    let dir = tempfile::tempdir().unwrap();
    let start = Barrier::new(8);
    let create = || {
        start.wait();
        RedbStore::create(dir.path(), &put("first"), clock)
    };
    let made: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(create)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(made.iter().filter(|made| made.is_ok()).count(), 1);
    for made in made {
        assert!(matches!(made, Ok(_) | Err(OpenError::InUse(_) | OpenError::Exists(_))), "{made:?}");
    }
}

#[tokio::test]
async fn an_interrupted_creation_leaves_nothing_in_the_way() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("brevet.new"), "half").unwrap();
    let impossible = Transaction { preconditions: vec![Precondition::Version("x".into(), 1)], ..put("first") };
    assert!(matches!(RedbStore::create(dir.path(), &impossible, clock), Err(OpenError::NotMade { .. })));
    assert_eq!(dir.path().read_dir().unwrap().count(), 0);
    let store = RedbStore::create(dir.path(), &put("first"), clock).unwrap();
    assert_eq!(keys(&store).await, ["first"]);
}

#[test]
fn what_is_not_a_store_is_refused_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(RedbStore::FILE);
    for content in [&b""[..], b"x", &[0; 4096], b"SQLite format 3\0", &[0xff; 100_000]] {
        std::fs::write(&path, content).unwrap();
        let refused = RedbStore::open(dir.path(), clock).unwrap_err();
        assert!(matches!(refused, OpenError::Damaged { .. }), "{refused:?}");
        assert!(refused.to_string().contains(path.to_str().unwrap()), "{refused}");
        assert_eq!(std::fs::read(&path).unwrap(), content);
    }
}

#[test]
fn f29_a_symbolic_link_is_not_followed() {
    let (dir, store) = new_store();
    drop(store);
    let other = tempfile::tempdir().unwrap();
    symlink(dir.path().join(RedbStore::FILE), other.path().join(RedbStore::FILE)).unwrap();
    assert!(matches!(RedbStore::open(other.path(), clock), Err(OpenError::Io { .. })));
    assert!(matches!(RedbStore::create(other.path(), &put("first"), clock), Err(OpenError::Exists(_))));
}

/// Wherever in a commit the disk fills up: the answer is true, and the store works again once there is space.
#[tokio::test]
async fn f2_a_full_disk_fails_loudly_and_needs_no_restart() {
    let mut failures = 0;
    for allowed in 0.. {
        let faulty = FaultyStore::new();
        faulty.faults.writes_left.store(allowed, Ordering::SeqCst);
        let tx = put("second");
        let answer = faulty.store.commit(tx.clone()).await;
        faulty.faults.writes_left.store(i64::MAX, Ordering::SeqCst);
        let landed = faulty.store.outcome(tx.id).await.unwrap();
        let expected = match (&answer, landed) {
            (Ok(revision), Some(found)) if *revision == found => vec!["first", "second", "third"],
            (Err(CommitError::Unknown(_)), Some(_)) => vec!["first", "second", "third"],
            (Err(CommitError::Unknown(_) | CommitError::NotDone(_)), None) => vec!["first", "third"],
            other => panic!("after {allowed} writes: {other:?}"),
        };
        faulty.store.commit(put("third")).await.unwrap();
        assert_eq!(keys(&faulty.store).await, expected, "after {allowed} writes");
        failures += usize::from(answer.is_err());
        if faulty.faults.hits.load(Ordering::SeqCst) == 0 {
            break;
        }
    }
    assert!(failures > 2, "the faults reach the commit");
}

#[tokio::test]
async fn a_failed_flush_is_never_a_success_that_did_not_happen() {
    let faulty = FaultyStore::new();
    faulty.faults.flush.store(true, Ordering::SeqCst);
    let tx = put("second");
    let answer = faulty.store.commit(tx.clone()).await;
    assert!(matches!(answer, Err(CommitError::Unknown(_) | CommitError::NotDone(_))), "{answer:?}");
    faulty.faults.flush.store(false, Ordering::SeqCst);
    let landed = faulty.store.outcome(tx.id).await.unwrap().is_some();
    assert_eq!(keys(&faulty.store).await.contains(&"second".to_owned()), landed);
}

#[tokio::test]
async fn while_the_file_cannot_be_opened_commits_are_not_done_and_later_they_are() {
    let faulty = FaultyStore::new();
    let mut changes = faulty.store.watch(Revision(1)).await.unwrap();
    faulty.faults.gone.store(true, Ordering::SeqCst);
    faulty.faults.writes_left.store(0, Ordering::SeqCst);
    assert!(faulty.store.commit(put("second")).await.is_err());
    assert!(matches!(faulty.store.commit(put("third")).await, Err(CommitError::NotDone(_))));
    assert!(faulty.store.load().await.is_err());
    faulty.faults.gone.store(false, Ordering::SeqCst);
    faulty.faults.writes_left.store(i64::MAX, Ordering::SeqCst);
    assert_eq!(faulty.store.commit(put("fourth")).await.unwrap(), Revision(2));
    use futures_util::StreamExt;
    assert!(matches!(changes.next().await, Some(Change::Committed { revision: Revision(2), .. })));
}

#[tokio::test]
async fn a_failed_read_is_an_error_and_the_next_one_works() {
    let faulty = FaultyStore::new();
    faulty.faults.read.store(true, Ordering::SeqCst);
    let failed = faulty.store.load().await.unwrap_err();
    assert!(failed.to_string().contains("a bad sector"), "{failed}");
    faulty.faults.read.store(false, Ordering::SeqCst);
    assert_eq!(keys(&faulty.store).await, ["first"]);
    faulty.store.commit(put("second")).await.unwrap();
}

#[derive(Debug)]
struct Faults {
    writes_left: AtomicI64,
    hits: AtomicU64,
    flush: AtomicBool,
    read: AtomicBool,
    gone: AtomicBool,
}

/// A store whose file fails on demand.
struct FaultyStore {
    store: RedbStore,
    faults: Arc<Faults>,
    _dir: TempDir,
}

impl FaultyStore {
    fn new() -> Self {
        let (dir, store) = new_store();
        drop(store);
        let faults = Arc::new(Faults {
            writes_left: AtomicI64::new(i64::MAX),
            hits: AtomicU64::new(0),
            flush: AtomicBool::new(false),
            read: AtomicBool::new(false),
            gone: AtomicBool::new(false),
        });
        let path = dir.path().join(RedbStore::FILE);
        let open = {
            let (path, faults) = (path.clone(), Arc::clone(&faults));
            move || {
                if faults.gone.load(Ordering::SeqCst) {
                    return Err(OpenError::Missing(path.clone()));
                }
                let file = std::fs::File::options().read(true).write(true).open(&path).unwrap();
                let backend = Faulty { file: FileBackend::new(file).unwrap(), faults: Arc::clone(&faults) };
                file::builder()
                    .set_cache_size(0)
                    .create_with_backend(backend)
                    .map_err(|cause| OpenError::damaged(&path, cause))
            }
        };
        let database = open().unwrap();
        Self { store: RedbStore::run(database, open, path, clock).unwrap(), faults, _dir: dir }
    }
}

#[derive(Debug)]
struct Faulty {
    file: FileBackend,
    faults: Arc<Faults>,
}

impl Faulty {
    fn space(&self) -> io::Result<()> {
        if self.faults.writes_left.fetch_sub(1, Ordering::SeqCst) <= 0 {
            self.faults.hits.fetch_add(1, Ordering::SeqCst);
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }
}

impl StorageBackend for Faulty {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        if self.faults.read.load(Ordering::SeqCst) {
            return Err(io::Error::other("a bad sector"));
        }
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.space()?;
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        if self.faults.flush.load(Ordering::SeqCst) {
            return Err(io::Error::other("a failed flush"));
        }
        self.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.space()?;
        self.file.write(offset, data)
    }
}
