//! When long-lived keys were last used. A use is noted in memory, and the store learns of it once a minute with all others:
//! a process that dies loses those of its last minute.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use brevet_validator::credential::AccessKeyId;
use brevet_validator::timestamp::Timestamp;

use super::directory::{Directory, Edit, KeyUse, KeyUses, Snapshot, UsePlace};
use super::error::Error;

/// How often uses are written down.
pub const WRITTEN_EACH: Duration = Duration::from_secs(60);
/// Requests of different keys rarely wait for the same lock.
const LOCKS: usize = 64;
/// Records of one transaction.
const RECORDS_AT_ONCE: usize = 32;

/// Uses that are not written down yet.
#[derive(Debug)]
pub struct LastUses {
    noted: [Mutex<HashMap<AccessKeyId, KeyUse>>; LOCKS],
}

impl Default for LastUses {
    fn default() -> Self {
        Self { noted: std::array::from_fn(|_| Mutex::default()) }
    }
}

impl LastUses {
    /// Notes that a request with this key's signature was accepted. `service` and `region` are those of its scope.
    pub fn note(&self, id: AccessKeyId, service: &str, region: &str, now: Timestamp) {
        let mut noted = self.noted(id);
        let Some(last) = noted.get_mut(&id) else {
            let place = Arc::new(UsePlace::new(service, region));
            noted.insert(id, KeyUse { at: now, place });
            return;
        };
        last.at = last.at.max(now);
        if !last.place.is(service, region) {
            last.place = Arc::new(UsePlace::new(service, region));
        }
    }

    /// The last use of a key, here or as far as others wrote it down.
    pub fn last_use(&self, snapshot: &Snapshot, id: AccessKeyId) -> Option<KeyUse> {
        let noted = self.noted(id).get(&id).cloned();
        let written = snapshot.last_use(id).cloned();
        written.into_iter().chain(noted).max_by_key(|last| last.at)
    }

    /// Writes down what was noted. What cannot be written is kept for the next time.
    pub async fn write(&self, directory: &Directory) -> Result<(), Error> {
        let mut by_record: BTreeMap<u16, Vec<(AccessKeyId, KeyUse)>> = BTreeMap::new();
        for noted in &self.noted {
            for (id, last) in lock(noted).iter() {
                by_record.entry(KeyUses::shard_of(*id)).or_default().push((*id, last.clone()));
            }
        }
        let by_record: Vec<_> = by_record.into_iter().collect();
        for batch in by_record.chunks(RECORDS_AT_ONCE) {
            let write = |edit: &mut Edit| {
                batch.iter().for_each(|(shard, uses)| edit.put_key_uses(*shard, uses));
                Ok(())
            };
            directory.change_persistently(write).await?;
            batch.iter().flat_map(|(_, uses)| uses).for_each(|(id, written)| self.forget(*id, written));
        }
        Ok(())
    }

    /// Unless the key was used again since.
    fn forget(&self, id: AccessKeyId, written: &KeyUse) {
        let mut noted = self.noted(id);
        if noted.get(&id) == Some(written) {
            noted.remove(&id);
        }
    }

    fn noted(&self, id: AccessKeyId) -> MutexGuard<'_, HashMap<AccessKeyId, KeyUse>> {
        let [.., last] = id.to_bytes();
        lock(&self.noted[usize::from(last) % LOCKS])
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use brevet_validator::credential::KeyKind;

    use super::*;
    use crate::service::test_world::now;

    #[test]
    fn a_use_that_comes_while_others_are_written_down_is_kept() {
        let (uses, id) = (LastUses::default(), AccessKeyId::from_bytes(KeyKind::LongLived, [7; 10]));
        let snapshot = Snapshot::default();
        uses.note(id, "sts", "us-east-1", now());
        let written = uses.last_use(&snapshot, id).unwrap();
        uses.note(id, "iam", "us-east-1", now());
        uses.forget(id, &written);
        let last = uses.last_use(&snapshot, id).unwrap();
        assert_eq!(last.place.service(), "iam");
        uses.forget(id, &last);
        assert_eq!(uses.last_use(&snapshot, id), None);
    }
}
