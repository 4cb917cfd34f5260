//! Records of sessions that were issued, for the list of them. Requests need none of it: a snapshot knows which records there
//! are, and passes their content on once.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use brevet_validator::timestamp::Timestamp;

use super::change::Edit;
use super::convert::Read;
use super::snapshot::Snapshot;
use crate::service::hex::hex;

/// For how many seconds a record is kept when the last of its sessions is over: more than any two clocks may differ.
const KEPT: i64 = 300;
/// Records that are over, cleared away with each new one: more than one, so that they cannot pile up.
const CLEARED: usize = 4;

/// Names a record, the first to be over first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct SessionBatchKey {
    /// When the last of its sessions is over.
    pub until: Timestamp,
    /// Random.
    pub id: [u8; 16],
}

/// The records of a snapshot. Cheap to clone.
pub type SessionBatches = imbl::OrdMap<SessionBatchKey, SessionBatch>;

/// What a snapshot knows of a record. It is written once and never changed.
#[derive(Clone, Debug, Default)]
pub struct SessionBatch {
    content: Arc<Mutex<Vec<u8>>>,
}

/// Records of one key are one: none is ever written over.
impl PartialEq for SessionBatch {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl SessionBatch {
    /// What the record says. The first who asks gets it, and nothing of it stays here. Empty for a record that this process
    /// wrote itself.
    pub fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.content.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl SessionBatchKey {
    fn parse(key: &str) -> Option<Self> {
        let (until, id) = key.strip_prefix("sessions/")?.split_once('/')?;
        let parsed = Self {
            until: Timestamp::from_unix(until.parse().ok()?)?,
            id: u128::from_str_radix(id, 16).ok()?.to_be_bytes(),
        };
        (parsed.to_string() == key).then_some(parsed)
    }
}

impl fmt::Display for SessionBatchKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sessions/{:012}/{}", self.until.unix(), hex(&self.id))
    }
}

impl Snapshot {
    /// The records of sessions that were issued.
    pub fn session_batches(&self) -> &SessionBatches {
        &self.session_batches
    }

    pub(super) fn insert_session_batch(&mut self, key: &str, content: &[u8]) -> Read<()> {
        let key = SessionBatchKey::parse(key).ok_or("bad key")?;
        let batch = SessionBatch { content: Arc::new(Mutex::new(content.to_vec())) };
        self.session_batches.insert(key, batch);
        Ok(())
    }

    /// Drops the content of records that an earlier snapshot knew: whoever takes it has had it, or will from there.
    pub(super) fn keep_known_batches(&mut self, earlier: &Self) {
        for (key, batch) in &earlier.session_batches {
            if let Some(read_again) = self.session_batches.get_mut(key) {
                *read_again = batch.clone();
            }
        }
    }

    pub(super) fn remove_session_batch(&mut self, key: &str) -> Read<()> {
        self.session_batches.remove(&SessionBatchKey::parse(key).ok_or("bad key")?);
        Ok(())
    }
}

impl Edit {
    /// Writes down sessions that were issued, and clears some records away whose sessions are all over.
    pub fn put_session_batch(&mut self, key: SessionBatchKey, content: Vec<u8>, now: Timestamp) {
        let over = |key: &SessionBatchKey| key.until.saturating_add(KEPT) < now;
        let before = self.before();
        for obsolete in before.session_batches.keys().take_while(|key| over(key)).take(CLEARED) {
            // Unconditionally: another replica may be clearing the same.
            self.deletes.push(obsolete.to_string());
            self.next.session_batches.remove(obsolete);
        }
        self.put_record(key.to_string(), None, content.into());
        self.next.session_batches.insert(key, SessionBatch::default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_one_spelling_and_sorts_by_its_end() {
        let key = |until, n| SessionBatchKey { until: Timestamp::from_unix(until).unwrap(), id: [n; 16] };
        let keys = [key(9, 7), key(1_800_000_000, 0), key(1_800_000_000, 1), key(253_402_300_799, 255)];
        assert!(keys.is_sorted());
        assert!(keys.map(|key| key.to_string()).is_sorted());
        for key in keys {
            assert_eq!(SessionBatchKey::parse(&key.to_string()), Some(key));
        }
        let good = keys[1].to_string();
        for bad in
            [&good[1..], &good[..good.len() - 1], &good.to_uppercase(), &good.replace("00", "+0"), "sessions/1/2"]
        {
            assert_eq!(SessionBatchKey::parse(bad), None, "{bad}");
        }
    }
}
