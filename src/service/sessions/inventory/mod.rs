//! Which sessions there are. Issuing them writes nothing to the store: they are noted in memory, and a while later many are
//! written down at once. So a process that dies loses those of its last seconds from the list, and from nothing else.

mod entry;
mod index;
mod names;
mod record;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use brevet_validator::credential::AccessKeyId;
use brevet_validator::identity::AccountId;
use brevet_validator::timestamp::Timestamp;
use brevet_validator::token::Subject;
use imbl::ordmap::DiffItem;

use self::index::Index;
use crate::service::directory::{Directory, Edit, SessionBatchKey, SessionBatches, Snapshot};
use crate::service::error::Error;
use crate::service::random::Random;

pub(super) use self::entry::Place;
pub use self::entry::{Entry, Requester};
pub use self::index::{Known, Use};

/// Sessions that are kept. Each takes 600 to 800 bytes, so that all of them take less than a gibibyte.
pub const MOST_SESSIONS: usize = 1_000_000;
/// Sessions that are looked at under one lock: issuing waits for it.
const LOOK: usize = 1000;
/// Sessions that are made a record of at once, if they fit.
const BATCH: usize = 5000;
/// Characters of a service's name that is taken note of. The longest of AWS's has half as many.
const LONGEST_SERVICE: usize = 64;

/// The sessions that are known.
#[derive(Debug)]
pub struct Inventory {
    held: Mutex<Held>,
    most: usize,
    /// One at a time writes.
    writer: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Held {
    index: Index,
    /// Issued here and not written down yet, in order.
    unwritten: VecDeque<Arc<Entry>>,
    /// The records that were read or written.
    seen: SessionBatches,
    failures: u64,
}

/// What operators want to know.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct InventoryState {
    /// Sessions in the list.
    pub sessions: usize,
    /// Of these, what would be lost if the process died now.
    pub unwritten: usize,
    /// Times that they could not be written down.
    pub failures: u64,
}

/// A piece of a list, the last issued first.
#[derive(Debug)]
pub struct Piece {
    /// The sessions.
    pub sessions: Vec<Known>,
    /// Where the next piece begins; `None` at the end.
    pub next: Option<Place>,
    /// Sessions that were issued at this time or before may be missing.
    pub incomplete_before: Option<Timestamp>,
}

impl Inventory {
    /// Of at most so many sessions; of more, those issued first go.
    pub fn new(most: usize) -> Self {
        let held =
            Held { index: Index::new(most), unwritten: VecDeque::new(), seen: SessionBatches::new(), failures: 0 };
        Self { held: Mutex::new(held), most, writer: tokio::sync::Mutex::default() }
    }

    /// Takes in a session that is being handed out.
    pub fn enter(&self, entry: Entry) {
        let mut held = self.held();
        if let Some(entry) = held.index.insert(entry) {
            held.unwritten.push_back(entry);
        }
    }

    /// Notes that a session was used, if it is known. Uses are not written down.
    pub fn used(&self, access_key_id: AccessKeyId, at: Timestamp, service: &str, now: Timestamp) {
        if !service.is_empty() && service.len() <= LONGEST_SERVICE {
            self.held().index.note(access_key_id, at.min(now), service);
        }
    }

    /// Takes in the records that a snapshot has more than those before it: at the start all of them, later what other replicas
    /// wrote. One that cannot be read is left out: nothing is decided by the list, so that it must stop nobody.
    pub fn follow(&self, snapshot: &Snapshot, now: Timestamp) {
        for (key, content) in self.unseen(snapshot) {
            match record::decode(&content) {
                Ok(entries) => {
                    let mut entries = entries.into_iter().filter(|entry| !entry.lifetime.is_over(now)).peekable();
                    while entries.peek().is_some() {
                        let mut held = self.held();
                        for entry in entries.by_ref().take(LOOK) {
                            held.index.insert(entry);
                        }
                    }
                }
                Err(error) => tracing::error!(%key, %error, "a record of sessions cannot be read; the list lacks them"),
            }
        }
    }

    fn unseen(&self, snapshot: &Snapshot) -> Vec<(SessionBatchKey, Vec<u8>)> {
        let mut held = self.held();
        let batches = snapshot.session_batches();
        let added = held.seen.diff(batches).filter_map(|change| match change {
            DiffItem::Add(key, batch) => Some((*key, batch.take())),
            DiffItem::Update { .. } | DiffItem::Remove(..) => None,
        });
        // Those that this process wrote are known.
        let added = added.filter(|(_, content)| !content.is_empty()).collect();
        held.seen = batches.clone();
        added
    }

    /// Lets sessions go that are over.
    pub fn tidy(&self, now: Timestamp) {
        while self.held().index.tidy(now, LOOK) {}
    }

    /// Writes down what was issued and is not written yet. What cannot be written is kept for the next time.
    pub async fn write(&self, directory: &Directory, random: &dyn Random, now: Timestamp) -> Result<(), Error> {
        let _one_at_a_time = self.writer.lock().await;
        let mut left = {
            let mut held = self.held();
            held.unwritten.retain(|entry| !entry.lifetime.is_over(now));
            let too_many = held.unwritten.len().saturating_sub(self.most);
            held.unwritten.drain(..too_many);
            held.unwritten.len()
        };
        // What is issued meanwhile waits for the next time, or this could go on for ever.
        while left > 0 {
            let entries: Vec<_> = self.held().unwritten.iter().take(left.min(BATCH)).cloned().collect();
            let batch = record::encode(&entries);
            if let Err(error) = put(directory, random, &batch, now).await {
                self.held().failures += 1;
                return Err(error);
            }
            self.held().unwritten.drain(..batch.count);
            left -= batch.count;
        }
        Ok(())
    }

    /// Sessions of an account of which all subjects are true, behind a place.
    pub fn list(
        &self,
        account: AccountId,
        subjects: &[Subject],
        mut after: Option<Place>,
        limit: usize,
        now: Timestamp,
    ) -> Piece {
        let mut sessions: Vec<Known> = Vec::new();
        let incomplete_before = loop {
            let held = self.held();
            let scan = held.index.scan(account, subjects, after, LOOK);
            sessions.extend(scan.found.into_iter().filter(|known| !known.entry.lifetime.is_over(now)));
            after = scan.reached;
            if after.is_none() || sessions.len() > limit {
                break held.index.incomplete_before(account, now);
            }
        };
        let more = sessions.len() > limit;
        sessions.truncate(limit);
        let next = sessions.last().filter(|_| more).map(|last| last.entry.place());
        Piece { sessions, next, incomplete_before }
    }

    /// What operators want to know.
    pub fn state(&self) -> InventoryState {
        let held = self.held();
        InventoryState { sessions: held.index.len(), unwritten: held.unwritten.len(), failures: held.failures }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn put(directory: &Directory, random: &dyn Random, batch: &record::Batch, now: Timestamp) -> Result<(), Error> {
    let mut id = [0; 16];
    random.fill(&mut id).map_err(Error::unavailable)?;
    let key = SessionBatchKey { until: batch.until, id };
    let put = |edit: &mut Edit| {
        edit.put_session_batch(key, batch.content.clone(), now);
        Ok(())
    };
    directory.change_persistently(put).await
}
