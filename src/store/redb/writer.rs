//! The one thread that owns the file: commits in groups, and opens the file anew after it failed.

use std::sync::Arc;

use brevet_validator::timestamp::Timestamp;
use redb::{Database, ReadTransaction, ReadableDatabase};
use tokio::sync::{mpsc, oneshot};

use super::file::OpenError;
use super::tables::{self, Answers, Batch};
use crate::store::feed::{Committed, Feed};
use crate::store::{CommitError, Revision, StoreError, Transaction};

/// How many transactions share one flush.
const MAX_BATCH: usize = 256;

type Answer = Result<Revision, CommitError>;

/// What is asked of the thread.
pub(super) enum Job {
    Commit(Transaction, oneshot::Sender<Answer>),
    Read(oneshot::Sender<Result<ReadTransaction, StoreError>>),
    /// A read failed: the file must be opened again.
    Reopen,
}

/// Owns the file.
pub(super) struct Writer {
    /// `None` after a failure, until it could be opened again.
    database: Option<Database>,
    reopen: Box<dyn Fn() -> Result<Database, OpenError> + Send>,
    clock: Box<dyn Fn() -> Timestamp + Send>,
    feed: Arc<Feed>,
}

impl Writer {
    pub(super) fn new(
        database: Database,
        reopen: impl Fn() -> Result<Database, OpenError> + Send + 'static,
        clock: impl Fn() -> Timestamp + Send + 'static,
        feed: Arc<Feed>,
    ) -> Self {
        Self { database: Some(database), reopen: Box::new(reopen), clock: Box::new(clock), feed }
    }

    /// Works until nobody can ask any more.
    pub(super) fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        let mut waiting = Vec::with_capacity(MAX_BATCH);
        while jobs.blocking_recv_many(&mut waiting, MAX_BATCH) > 0 {
            let (mut batch, mut replies, mut readers) = (Vec::new(), Vec::new(), Vec::new());
            for job in waiting.drain(..) {
                match job {
                    Job::Commit(tx, reply) => {
                        batch.push(tx);
                        replies.push(reply);
                    }
                    Job::Read(reply) => readers.push(reply),
                    Job::Reopen => self.close(),
                }
            }
            if !batch.is_empty() {
                for (reply, answer) in replies.into_iter().zip(self.commit(&batch)) {
                    // Whoever asked may be gone; the commit stands.
                    let _ = reply.send(answer);
                }
            }
            for reader in readers {
                let _ = reader.send(self.begin_read());
            }
        }
        self.close();
    }

    fn begin_read(&mut self) -> Result<ReadTransaction, StoreError> {
        let read = self.database().map(|database| database.begin_read().map_err(|cause| cause.to_string()));
        match read.and_then(|read| read) {
            Ok(read) => Ok(read),
            Err(cause) => {
                self.close();
                Err(StoreError(cause))
            }
        }
    }

    /// One answer for each transaction, in order.
    fn commit(&mut self, batch: &[Transaction]) -> Vec<Answer> {
        let now = (self.clock)();
        let applied =
            self.database().and_then(|database| Batch::apply(database, batch, now).map_err(|cause| cause.to_string()));
        let (applied, answers) = match applied {
            Ok(applied) => applied,
            Err(cause) => {
                // Nothing lasts before `Batch::commit`.
                self.close_after(&cause);
                return batch.iter().map(|_| Err(CommitError::NotDone(cause.clone()))).collect();
            }
        };
        match applied.commit() {
            Ok(()) => self.publish(answers),
            Err(cause) => self.settle(batch, answers, &cause.to_string()),
        }
    }

    fn publish(&self, answers: Answers) -> Vec<Answer> {
        let publish = |committed: Committed| {
            let revision = committed.revision;
            self.feed.publish(committed);
            revision
        };
        answers.into_iter().map(|answer| answer.map(publish)).collect()
    }

    /// The commit failed half-way, for all or for none: what the file says when it is opened again is what happened.
    fn settle(&mut self, batch: &[Transaction], answers: Answers, cause: &str) -> Vec<Answer> {
        self.close_after(cause);
        let refuse: fn(String) -> CommitError = match self.landed(batch, &answers) {
            Ok(true) => return self.publish(answers),
            Ok(false) => CommitError::NotDone,
            Err(_) => CommitError::Unknown,
        };
        // A conflict may have been with a transaction of this batch: it does not hold either, but wrote nothing.
        let settle = |answer: Result<_, _>| if answer.is_ok() { refuse } else { CommitError::NotDone };
        answers.into_iter().map(|answer| Err(settle(answer)(cause.to_owned()))).collect()
    }

    /// Whether the file knows the transactions that were to be committed.
    fn landed(&mut self, batch: &[Transaction], answers: &[Result<Committed, CommitError>]) -> Result<bool, String> {
        let database = self.database.insert((self.reopen)().map_err(|cause| cause.to_string())?);
        let read = database.begin_read().map_err(|cause| cause.to_string())?;
        for (tx, answer) in batch.iter().zip(answers) {
            if answer.is_ok() {
                return Ok(tables::outcome(&read, &tx.id).map_err(|cause| cause.to_string())?.is_some());
            }
        }
        Ok(false)
    }

    /// The open file. After a failure it is opened again here, so that nothing needs a restart.
    fn database(&mut self) -> Result<&Database, String> {
        let database = match self.database.take() {
            Some(database) => database,
            None => {
                let database = (self.reopen)().map_err(|cause| cause.to_string())?;
                self.feed.align(tables::revision(&database).map_err(|cause| cause.to_string())?);
                database
            }
        };
        Ok(self.database.insert(database))
    }

    fn close_after(&mut self, cause: &str) {
        tracing::error!(cause, "the store failed and is opened again");
        self.close();
    }

    fn close(&mut self) {
        if let Some(Err(cause)) = self.database.take().map(Database::close) {
            tracing::warn!(%cause, "the store was not closed cleanly; it recovers when it is opened");
        }
    }
}
