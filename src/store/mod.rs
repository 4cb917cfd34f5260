//! Where records last: a small transactional keyspace with a revision, and the engines behind it.
//!
//! The directory in `service` is the only reader and writer. Policy and transport are unknown here.

use std::collections::HashSet;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;

mod cipher;
mod etcd;
mod feed;
pub mod format;
mod memory;
pub mod records;
mod redb;

pub use self::cipher::{CipherError, MasterKey, RecordCipher};
pub use self::etcd::{DEFAULT_PREFIX, EtcdSettings, EtcdStore, EtcdTls};
pub use self::memory::MemoryStore;
pub use self::redb::{OpenError, RedbStore};

/// Longest key, in bytes.
pub const MAX_KEY: usize = 1024;
/// Longest value, in bytes.
pub const MAX_VALUE: usize = 1024 * 1024;
/// For how many seconds an engine remembers the ids of committed transactions, at least.
pub const OUTCOME_MEMORY: i64 = 3600;

/// Grows by one with every commit.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Revision(pub u64);

/// A key and its value as stored.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Record {
    /// `users/123456789012/ada`
    pub key: String,
    /// Opaque to the engine.
    pub value: Bytes,
    /// One when created, raised by one with every put; a deleted and re-created key starts at one again.
    pub version: u64,
    /// The commit that put it last; zero if that was before the engine kept it.
    pub revision: Revision,
}

/// What must hold for a commit to happen.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Precondition {
    /// The key does not exist.
    Absent(String),
    /// The key exists with this version.
    Version(String, u64),
}

impl Precondition {
    fn key(&self) -> &str {
        match self {
            Self::Absent(key) | Self::Version(key, _) => key,
        }
    }

    fn holds(&self, found: Option<u64>) -> bool {
        match self {
            Self::Absent(_) => found.is_none(),
            Self::Version(_, wanted) => found == Some(*wanted),
        }
    }
}

/// All or nothing.
#[derive(Clone, Debug, Default)]
pub struct Transaction {
    /// Random, and never used twice; lets an outcome that was lost on the way be looked up.
    pub id: [u8; 16],
    /// Checked first.
    pub preconditions: Vec<Precondition>,
    /// Written. No key occurs twice in puts and deletes together.
    pub puts: Vec<(String, Bytes)>,
    /// Removed; an absent key is no error.
    pub deletes: Vec<String>,
}

impl Transaction {
    /// Refuses what no engine takes, so that all of them refuse the same.
    fn check(&self) -> Result<(), CommitError> {
        let mut seen = HashSet::new();
        for key in self.puts.iter().map(|(key, _)| key).chain(&self.deletes) {
            if key.is_empty() || key.len() > MAX_KEY {
                return Err(CommitError::NotDone(format!("a key of {} bytes: 1 to {MAX_KEY} are allowed", key.len())));
            }
            if !seen.insert(key) {
                return Err(CommitError::NotDone(format!("the key {key} occurs twice in one transaction")));
            }
        }
        match self.puts.iter().find(|(_, value)| value.len() > MAX_VALUE) {
            Some((key, value)) => Err(CommitError::NotDone(format!(
                "the value of {key} has {} bytes: at most {MAX_VALUE} are allowed",
                value.len()
            ))),
            None => Ok(()),
        }
    }
}

/// Why a commit did not answer with a revision.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// A precondition did not hold. Nothing was written.
    #[error("a precondition did not hold")]
    Conflict,
    /// Nothing was written.
    #[error("not committed: {0}")]
    NotDone(String),
    /// It may or may not have been written; look the transaction's id up.
    #[error("the outcome of the commit is not known: {0}")]
    Unknown(String),
}

impl CommitError {
    /// One transaction has one id: a second use is a fault of the caller, not a retry.
    fn id_used_before() -> Self {
        Self::NotDone("the transaction's id was used before".into())
    }
}

/// The store cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StoreError(pub String);

/// One committed transaction, as seen by a watcher.
#[derive(Clone, Debug)]
pub enum Change {
    /// What was committed, in order of revision.
    Committed {
        /// Its revision.
        revision: Revision,
        /// Written records, with their new versions.
        puts: Vec<Record>,
        /// Removed keys.
        deletes: Vec<String>,
    },
    /// The watcher fell behind, and its stream ends: load, then watch again from the revision that was loaded.
    Lagged,
}

/// A transactional keyspace. One conformance suite runs against every implementation.
pub trait Store: Send + Sync + std::fmt::Debug {
    /// Everything in order of keys, consistent as of one revision.
    fn load(&self) -> BoxFuture<'_, Result<(Revision, Vec<Record>), StoreError>>;
    /// The revision of the latest commit, cheaply. Every commit that was answered before this was asked, by whatever
    /// process, is counted.
    fn latest(&self) -> BoxFuture<'_, Result<Revision, StoreError>>;
    /// Preconditions, puts and deletes, atomic and durable once it returns. A transaction that writes nothing is a
    /// commit too. Goes on when its future is dropped.
    fn commit(&self, tx: Transaction) -> BoxFuture<'_, Result<Revision, CommitError>>;
    /// Every commit after a revision, in order and without a gap, until the store is dropped. Past ones are replayed
    /// as far as they are remembered; a revision that is too old, or not reached yet, is answered with
    /// [`Change::Lagged`].
    fn watch(&self, after: Revision) -> BoxFuture<'_, Result<BoxStream<'static, Change>, StoreError>>;
    /// The revision at which a transaction was committed, if it was. Ids are remembered for at least
    /// [`OUTCOME_MEMORY`].
    fn outcome(&self, id: [u8; 16]) -> BoxFuture<'_, Result<Option<Revision>, StoreError>>;
}
