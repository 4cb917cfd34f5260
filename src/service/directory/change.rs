//! The one door through which the directory changes: decide on a snapshot, commit under preconditions, swap.

mod follow;

use std::sync::Arc;

use arc_swap::ArcSwap;
use brevet_validator::token::Revocation;
use tokio::sync::{Mutex, watch};
use zeroize::Zeroizing;

use super::snapshot::Snapshot;
use super::stored::{OtherRecord, Stored};
use crate::service::error::{Error, Kind};
use crate::service::random::Random;
use crate::store::{CommitError, Precondition, RecordCipher, Store, Transaction};

/// Attempts of a change that is tried again. Each that fails means that one of another replica was made.
const ATTEMPTS: usize = 20;

/// The directory: a snapshot that requests read, and the only way to change it.
#[derive(Debug)]
pub struct Directory {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: Arc<dyn Store>,
    cipher: RecordCipher,
    random: Arc<dyn Random>,
    snapshot: ArcSwap<Snapshot>,
    /// Says that there is another snapshot.
    changed: watch::Sender<()>,
    /// One change at a time: each is decided on the snapshot that the one before it left.
    writer: Arc<Mutex<()>>,
}

impl Directory {
    /// A directory over what was loaded from `store`.
    pub fn new(store: Arc<dyn Store>, cipher: RecordCipher, random: Arc<dyn Random>, snapshot: Snapshot) -> Self {
        let snapshot = ArcSwap::from_pointee(snapshot);
        let changed = watch::Sender::new(());
        Self { inner: Arc::new(Inner { store, cipher, random, snapshot, changed, writer: Arc::default() }) }
    }

    /// The directory as of the latest change.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.inner.snapshot.load_full()
    }

    /// Is woken by each change, of this process or another. Several in a row may be told as one.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.inner.changed.subscribe()
    }

    /// Compares the snapshot with the store, and reads what others committed. When this returns `Ok`, the snapshot holds
    /// whatever had been committed when it was called.
    pub async fn compare(&self) -> Result<(), Error> {
        let known = self.snapshot().revision;
        let latest = self.inner.store.latest().await.map_err(Error::unavailable)?;
        if latest < known {
            // It was restored or emptied: what is here is not what it has, however often it answers.
            return Err(Error::unavailable("the store went back to an earlier revision than this process has seen"));
        }
        if self.snapshot().revision >= latest {
            return Ok(());
        }
        // A change of our own that is on its way is no news of others.
        let _one_at_a_time = self.inner.writer.lock().await;
        if self.snapshot().revision >= latest {
            return Ok(());
        }
        self.inner.read_again().await
    }

    /// The records that are not the directory's own, as the store has them now. It reads everything, so it is for what
    /// happens once.
    pub async fn others(&self) -> Result<Vec<OtherRecord>, Error> {
        let (revision, records) = self.inner.store.load().await.map_err(Error::unavailable)?;
        let (_, others) = Snapshot::read(revision, &records, &self.inner.cipher).map_err(Error::internal)?;
        Ok(others)
    }

    /// [`Directory::change`], decided again as often as another replica changed the same in between. For changes that say the
    /// same whatever was changed before them: two who edit one document must be told instead.
    pub async fn change_persistently<T>(&self, decide: impl Fn(&mut Edit) -> Result<T, Error>) -> Result<T, Error> {
        for _ in 1..ATTEMPTS {
            match self.change(&decide).await {
                Err(error) if error.kind() == Kind::ConcurrentModification => {}
                outcome => return outcome,
            }
        }
        self.change(&decide).await.map_err(|error| match error.kind() {
            Kind::ConcurrentModification => {
                Error::unavailable("other replicas changed the same each time it was tried")
            }
            _ => error,
        })
    }

    /// Decides a change on the current snapshot and commits it. When this returns `Ok`, the change is durable and
    /// every later request sees it. `decide` must have no effect but on its `Edit`.
    pub async fn change<T>(&self, decide: impl FnOnce(&mut Edit) -> Result<T, Error>) -> Result<T, Error> {
        let one_at_a_time = Arc::clone(&self.inner.writer).lock_owned().await;
        let mut edit = Edit::new(self.snapshot());
        let answer = decide(&mut edit)?;
        if edit.is_empty() {
            return Ok(answer);
        }
        let (next, revoked) = (edit.next.clone(), std::mem::take(&mut edit.revoked));
        let tx = edit.seal(&self.inner.cipher, &*self.inner.random)?;
        let inner = Arc::clone(&self.inner);
        // A caller that goes away must not leave the snapshot behind the store.
        let committed = tokio::spawn(async move {
            let result = inner.commit(tx, next, revoked).await;
            drop(one_at_a_time);
            result
        });
        committed.await.map_err(Error::internal)??;
        Ok(answer)
    }
}

impl Inner {
    async fn commit(&self, tx: Transaction, mut next: Snapshot, revoked: Vec<Revocation>) -> Result<(), Error> {
        let id = tx.id;
        let revision = match self.store.commit(tx).await {
            Ok(revision) => revision,
            Err(CommitError::Conflict) => {
                self.resynchronise().await;
                return Err(Error::new(
                    Kind::ConcurrentModification,
                    "The request was rejected because multiple requests to change this object were submitted simultaneously.",
                ));
            }
            Err(error @ CommitError::NotDone(_)) => return Err(Error::unavailable(error)),
            Err(error @ CommitError::Unknown(_)) => match self.store.outcome(id).await {
                Ok(Some(revision)) => revision,
                Ok(None) | Err(_) => {
                    self.resynchronise().await;
                    return Err(Error::unavailable(error));
                }
            },
        };
        let known = next.revision;
        next.settle(revision, revoked);
        let others_came_between = revision.0 > known.0 + 1;
        if others_came_between {
            // What they revoked is not in this snapshot: sessions made from it must not look as if it were.
            next.revision = known;
        }
        self.install(next);
        if others_came_between {
            self.resynchronise().await;
        }
        Ok(())
    }

    fn install(&self, snapshot: Snapshot) {
        self.snapshot.store(Arc::new(snapshot));
        self.changed.send_replace(());
    }

    /// Reads everything again after the store held something else than the snapshot.
    async fn resynchronise(&self) {
        if let Err(error) = self.read_again().await {
            let cause = error.cause().map(ToString::to_string).unwrap_or_default();
            tracing::error!(cause, "the directory cannot be read again; changes will conflict until it can");
        }
    }

    /// Comes to where the store is: by what was committed meanwhile, or by reading everything. Only to be called by whoever
    /// holds `writer`.
    async fn read_again(&self) -> Result<(), Error> {
        if self.catch_up().await {
            return Ok(());
        }
        let (revision, records) = self.store.load().await.map_err(Error::unavailable)?;
        let (mut snapshot, _) = Snapshot::read(revision, &records, &self.cipher).map_err(Error::internal)?;
        snapshot.keep_known_batches(&self.snapshot.load());
        self.install(snapshot);
        Ok(())
    }
}

/// A change in the making: what is put and deleted, each at the version that was seen.
#[derive(Debug)]
pub struct Edit {
    before: Arc<Snapshot>,
    pub(super) next: Snapshot,
    preconditions: Vec<Precondition>,
    puts: Vec<Put>,
    pub(super) deletes: Vec<String>,
    /// What of the puts are revocations.
    pub(super) revoked: Vec<Revocation>,
}

struct Put {
    key: String,
    version: u64,
    content: Zeroizing<Vec<u8>>,
}

/// Contents hold secrets.
impl std::fmt::Debug for Put {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Put").field("key", &self.key).finish_non_exhaustive()
    }
}

impl Edit {
    /// An edit on top of a snapshot.
    pub fn new(before: Arc<Snapshot>) -> Self {
        Self {
            next: Snapshot::clone(&before),
            before,
            preconditions: Vec::new(),
            puts: Vec::new(),
            deletes: Vec::new(),
            revoked: Vec::new(),
        }
    }

    /// The directory as it was before this change.
    pub fn before(&self) -> Arc<Snapshot> {
        Arc::clone(&self.before)
    }

    /// Creates or replaces an entity. It must not have been put in this edit already.
    pub fn put<T: Stored>(&mut self, entity: T) {
        let key = entity.key();
        let content = entity.encode();
        let version = entity.version(&self.before);
        self.put_record(key, version, content.into());
        entity.insert(version.unwrap_or(0) + 1, &mut self.next);
    }

    /// Removes an entity that the snapshot holds.
    pub fn delete<T: Stored>(&mut self, entity: &T) {
        if let Some(version) = entity.version(&self.before) {
            let key = entity.key();
            self.preconditions.push(Precondition::Version(key.clone(), version));
            self.deletes.push(key);
            entity.remove(&mut self.next);
        }
    }

    /// Writes a record that is not the directory's own, over the version that the snapshot knows of.
    pub fn put_other(&mut self, key: &str, content: Zeroizing<Vec<u8>>) {
        let seen = self.before.others.get(key).copied();
        self.next.others.insert(key.to_owned(), seen.unwrap_or(0) + 1);
        self.put_record(key.to_owned(), seen, content);
    }

    /// `seen` is the version that is written over; `None`: the record must not exist.
    pub(super) fn put_record(&mut self, key: String, seen: Option<u64>, content: Zeroizing<Vec<u8>>) {
        self.preconditions.push(match seen {
            Some(version) => Precondition::Version(key.clone(), version),
            None => Precondition::Absent(key.clone()),
        });
        self.puts.push(Put { key, version: seen.unwrap_or(0) + 1, content });
    }

    fn is_empty(&self) -> bool {
        self.puts.is_empty() && self.deletes.is_empty()
    }

    /// The transaction, with every record sealed for its new version.
    pub fn seal(self, cipher: &RecordCipher, random: &dyn Random) -> Result<Transaction, Error> {
        let mut id = [0; 16];
        random.fill(&mut id).map_err(Error::unavailable)?;
        let mut puts = Vec::with_capacity(self.puts.len());
        for put in self.puts {
            let mut nonce = [0; 12];
            random.fill(&mut nonce).map_err(Error::unavailable)?;
            let sealed = cipher.seal(&put.key, put.version, nonce, &put.content).map_err(Error::internal)?;
            puts.push((put.key, sealed.into()));
        }
        Ok(Transaction { id, preconditions: self.preconditions, puts, deletes: self.deletes })
    }
}
