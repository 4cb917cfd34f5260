//! The default engine: one file on this machine, `brevet.redb`, that one process holds open.
//!
//! One thread owns the file. Transactions that wait for it are committed together, so that they share the flushes;
//! each keeps its own preconditions and its own atomicity.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use ::redb::{Database, ReadTransaction};
use brevet_validator::timestamp::Timestamp;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use tokio::sync::{mpsc, oneshot};

use self::writer::{Job, Writer};
use super::feed::Feed;
use super::{Change, CommitError, Record, Revision, Store, StoreError, Transaction};

mod file;
mod tables;
#[cfg(test)]
mod tests;
mod writer;

pub use self::file::OpenError;

/// How many jobs wait before callers do.
const QUEUE: usize = 1024;

/// A store in a file. Dropping it ends the work that was begun, closes the file and lets go of it.
pub struct RedbStore {
    path: PathBuf,
    /// `None` only while dropping.
    jobs: Option<mpsc::Sender<Job>>,
    feed: Arc<Feed>,
    thread: Option<JoinHandle<()>>,
}

impl RedbStore {
    /// The file's name within its directory.
    pub const FILE: &str = "brevet.redb";

    /// Opens the store in a directory, after checking every page of it; recovers what an unclean end left behind.
    /// The clock decides how long transaction ids are remembered. Blocks while it reads the file.
    pub fn open(dir: &Path, clock: impl Fn() -> Timestamp + Send + 'static) -> Result<Self, OpenError> {
        let path = dir.join(Self::FILE);
        Self::start(file::open(&path)?, path, clock)
    }

    /// Makes a store that holds what `first` puts, as revision 1. The file appears complete or not at all: of two
    /// that create it at once one wins, and an interrupted one leaves nothing in the way. Blocks while it writes.
    pub fn create(
        dir: &Path,
        first: &Transaction,
        clock: impl Fn() -> Timestamp + Send + 'static,
    ) -> Result<Self, OpenError> {
        let path = dir.join(Self::FILE);
        let database = file::create(dir, &path, |database| tables::write_first(database, first, clock()))?;
        Self::start(database, path, clock)
    }

    fn start(
        database: Database,
        path: PathBuf,
        clock: impl Fn() -> Timestamp + Send + 'static,
    ) -> Result<Self, OpenError> {
        let reopen = {
            let path = path.clone();
            move || file::reopen(&path)
        };
        Self::run(database, reopen, path, clock)
    }

    fn run(
        database: Database,
        reopen: impl Fn() -> Result<Database, OpenError> + Send + 'static,
        path: PathBuf,
        clock: impl Fn() -> Timestamp + Send + 'static,
    ) -> Result<Self, OpenError> {
        let latest = tables::revision(&database).map_err(|cause| OpenError::damaged(&path, cause))?;
        let feed = Arc::new(Feed::new(latest));
        let (sender, receiver) = mpsc::channel(QUEUE);
        let writer = Writer::new(database, reopen, clock, Arc::clone(&feed));
        let thread = thread::Builder::new()
            .name("store".into())
            .spawn(move || writer.run(receiver))
            .map_err(|source| OpenError::Io { path: path.clone(), source })?;
        Ok(Self { path, jobs: Some(sender), feed, thread: Some(thread) })
    }

    async fn send(&self, job: Job) -> Result<(), StoreError> {
        let stopped = || StoreError(format!("the store {} has stopped", self.path.display()));
        self.jobs.as_ref().ok_or_else(stopped)?.send(job).await.map_err(|_| stopped())
    }

    /// Reads one consistent state, off the async threads and beside the writer.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&ReadTransaction) -> Result<T, ::redb::Error> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.send(Job::Read(reply)).await?;
        let snapshot = answer.await.map_err(|_| StoreError("the store stopped".into()))??;
        let cause = match tokio::task::spawn_blocking(move || read(&snapshot)).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(cause)) => cause.to_string(),
            Err(cause) => cause.to_string(),
        };
        // A failed read leaves the open file unusable; the next job finds it opened again.
        self.send(Job::Reopen).await?;
        Err(StoreError(format!("{}: {cause}", self.path.display())))
    }
}

impl Store for RedbStore {
    fn load(&self) -> BoxFuture<'_, Result<(Revision, Vec<Record>), StoreError>> {
        self.read(tables::load).boxed()
    }

    fn latest(&self) -> BoxFuture<'_, Result<Revision, StoreError>> {
        self.read(tables::read_revision).boxed()
    }

    fn commit(&self, tx: Transaction) -> BoxFuture<'_, Result<Revision, CommitError>> {
        async {
            tx.check()?;
            let (reply, answer) = oneshot::channel();
            self.send(Job::Commit(tx, reply)).await.map_err(|stopped| CommitError::NotDone(stopped.0))?;
            answer.await.unwrap_or_else(|_| Err(CommitError::Unknown("the store stopped".into())))
        }
        .boxed()
    }

    fn watch(&self, after: Revision) -> BoxFuture<'_, Result<BoxStream<'static, Change>, StoreError>> {
        async move { Ok(self.feed.watch(after)) }.boxed()
    }

    fn outcome(&self, id: [u8; 16]) -> BoxFuture<'_, Result<Option<Revision>, StoreError>> {
        self.read(move |snapshot| tables::outcome(snapshot, &id)).boxed()
    }
}

impl fmt::Debug for RedbStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedbStore").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Drop for RedbStore {
    fn drop(&mut self) {
        self.jobs = None;
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!(path = %self.path.display(), "the store's thread panicked");
        }
    }
}
