//! The engine of tests and of `brevet dev`: nothing outlives the process.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use brevet_validator::timestamp::Timestamp;
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;

use super::feed::{Committed, Feed};
use super::{Change, CommitError, OUTCOME_MEMORY, Record, Revision, Store, StoreError, Transaction};

/// A store in memory.
pub struct MemoryStore {
    clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
    state: Mutex<State>,
    feed: Feed,
}

impl MemoryStore {
    /// An empty store. The clock decides how long transaction ids are remembered.
    pub fn new(clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self { clock: Box::new(clock), state: Mutex::default(), feed: Feed::new(Revision::default()) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn commit_now(&self, tx: Transaction) -> Result<Revision, CommitError> {
        tx.check()?;
        let now = (self.clock)();
        // Published under the lock: watchers see commits in order of revision.
        let mut state = self.state();
        let committed = state.apply(tx, now)?;
        let revision = committed.revision;
        self.feed.publish(committed);
        Ok(revision)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

impl Store for MemoryStore {
    fn load(&self) -> BoxFuture<'_, Result<(Revision, Vec<Record>), StoreError>> {
        async { Ok(self.state().load()) }.boxed()
    }

    fn latest(&self) -> BoxFuture<'_, Result<Revision, StoreError>> {
        async { Ok(self.state().revision) }.boxed()
    }

    fn commit(&self, tx: Transaction) -> BoxFuture<'_, Result<Revision, CommitError>> {
        async { self.commit_now(tx) }.boxed()
    }

    fn watch(&self, after: Revision) -> BoxFuture<'_, Result<BoxStream<'static, Change>, StoreError>> {
        async move { Ok(self.feed.watch(after)) }.boxed()
    }

    fn outcome(&self, id: [u8; 16]) -> BoxFuture<'_, Result<Option<Revision>, StoreError>> {
        async move { Ok(self.state().outcomes.get(&id).copied()) }.boxed()
    }
}

#[derive(Default)]
struct State {
    revision: Revision,
    /// Key → version, revision, value.
    records: BTreeMap<String, (u64, Revision, Bytes)>,
    outcomes: HashMap<[u8; 16], Revision>,
    /// The keys of `outcomes`, oldest first.
    history: VecDeque<(Timestamp, [u8; 16])>,
}

impl State {
    fn load(&self) -> (Revision, Vec<Record>) {
        let records = self.records.iter().map(|(key, (version, revision, value))| Record {
            key: key.clone(),
            value: value.clone(),
            version: *version,
            revision: *revision,
        });
        (self.revision, records.collect())
    }

    fn apply(&mut self, tx: Transaction, now: Timestamp) -> Result<Committed, CommitError> {
        if self.outcomes.contains_key(&tx.id) {
            return Err(CommitError::id_used_before());
        }
        if !tx.preconditions.iter().all(|precondition| precondition.holds(self.version(precondition.key()))) {
            return Err(CommitError::Conflict);
        }
        self.revision.0 += 1;
        self.remember(tx.id, now);
        for key in &tx.deletes {
            self.records.remove(key);
        }
        let mut puts = Vec::with_capacity(tx.puts.len());
        for (key, value) in tx.puts {
            let version = self.version(&key).unwrap_or(0) + 1;
            self.records.insert(key.clone(), (version, self.revision, value.clone()));
            puts.push(Record { key, value, version, revision: self.revision });
        }
        Ok(Committed { revision: self.revision, puts, deletes: tx.deletes })
    }

    fn version(&self, key: &str) -> Option<u64> {
        self.records.get(key).map(|(version, ..)| *version)
    }

    fn remember(&mut self, id: [u8; 16], now: Timestamp) {
        self.outcomes.insert(id, self.revision);
        self.history.push_back((now, id));
        while let Some((_, id)) = self.history.pop_front_if(|(then, _)| then.saturating_add(OUTCOME_MEMORY) < now) {
            self.outcomes.remove(&id);
        }
    }
}
