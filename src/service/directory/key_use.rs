//! When long-lived keys were last used. A record has the keys whose ids begin alike: a million keys make a few thousand
//! records of some kilobytes, and what few keys do rewrites few of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use brevet_validator::credential::{AccessKeyId, KeyKind};
use brevet_validator::timestamp::Timestamp;

use super::change::Edit;
use super::convert::{Read, time};
use super::snapshot::{Snapshot, Versioned};
use super::stored::Stored;
use crate::store::records;

/// Characters of a service's or region's name that are kept. None of AWS's has half as many.
const LONGEST_NAME: usize = 64;

/// What a signature was made for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UsePlace {
    service: Box<str>,
    region: Box<str>,
}

impl UsePlace {
    /// Names that are too long are cut.
    pub fn new(service: &str, region: &str) -> Self {
        Self { service: cut(service).into(), region: cut(region).into() }
    }

    /// Whether it is what [`UsePlace::new`] makes of these.
    pub fn is(&self, service: &str, region: &str) -> bool {
        *self.service == *cut(service) && *self.region == *cut(region)
    }

    /// For example `sts`.
    pub fn service(&self) -> &str {
        &self.service
    }

    /// For example `us-east-1`.
    pub fn region(&self) -> &str {
        &self.region
    }
}

fn cut(name: &str) -> &str {
    &name[..name.floor_char_boundary(LONGEST_NAME)]
}

/// When and where a key was last used.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeyUse {
    /// When.
    pub at: Timestamp,
    /// Where.
    pub place: Arc<UsePlace>,
}

/// The last uses of the keys of one record.
#[derive(Clone, Debug)]
pub struct KeyUses {
    shard: u16,
    uses: BTreeMap<AccessKeyId, KeyUse>,
}

impl KeyUses {
    /// Number of the record that a key is in: the first twelve bits of its id.
    pub fn shard_of(id: AccessKeyId) -> u16 {
        let [first, second, ..] = id.to_bytes();
        u16::from(first) << 4 | u16::from(second) >> 4
    }
}

impl Snapshot {
    /// The last use of a key that was written down.
    pub fn last_use(&self, id: AccessKeyId) -> Option<&KeyUse> {
        self.key_uses.get(&KeyUses::shard_of(id))?.entity.uses.get(&id)
    }
}

impl Edit {
    /// Writes down uses of keys of one record. Keys that are gone leave it, and what is written already is not written again.
    pub fn put_key_uses(&mut self, shard: u16, noted: &[(AccessKeyId, KeyUse)]) {
        let before = self.before();
        let written = before.key_uses.get(&shard).map(|v| &v.entity.uses);
        let mut uses: BTreeMap<_, _> = written.cloned().unwrap_or_default();
        for (id, noted) in noted {
            // Another replica may have written a later one.
            if uses.get(id).is_none_or(|written| written.at < noted.at) {
                uses.insert(*id, noted.clone());
            }
        }
        uses.retain(|id, _| before.access_key(*id).is_some());
        match written {
            Some(written) if *written == uses => {}
            Some(_) if uses.is_empty() => self.delete(&KeyUses { shard, uses }),
            None if uses.is_empty() => {}
            Some(_) | None => self.put(KeyUses { shard, uses }),
        }
    }
}

impl Stored for KeyUses {
    fn key(&self) -> String {
        format!("key-uses/{:03x}", self.shard)
    }

    fn encode(&self) -> Vec<u8> {
        let mut places: Vec<&UsePlace> = Vec::new();
        let mut uses = Vec::with_capacity(self.uses.len());
        for (id, KeyUse { at, place }) in &self.uses {
            let number = places.iter().position(|known| **known == **place).unwrap_or_else(|| {
                places.push(place);
                places.len() - 1
            });
            let access_key_id = id.to_bytes().to_vec();
            // A record has far fewer keys than numbers.
            uses.push(records::KeyUse { access_key_id, used_at: at.unix(), place: number as u32 });
        }
        let place = |place: &UsePlace| records::KeyUsePlace {
            service: place.service.to_string(),
            region: place.region.to_string(),
        };
        records::encode(&records::KeyUses { places: places.into_iter().map(place).collect(), uses })
    }

    fn version(&self, snapshot: &Snapshot) -> Option<u64> {
        snapshot.key_uses.get(&self.shard).map(|v| v.version)
    }

    fn insert(self, version: u64, snapshot: &mut Snapshot) {
        snapshot.key_uses.insert(self.shard, Versioned { entity: Arc::new(self), version });
    }

    fn remove(&self, snapshot: &mut Snapshot) {
        snapshot.key_uses.remove(&self.shard);
    }
}

pub(super) fn key_uses(key: &str, content: &[u8]) -> Read<KeyUses> {
    let shard = key.strip_prefix("key-uses/").and_then(|shard| u16::from_str_radix(shard, 16).ok()).ok_or("bad key")?;
    let r: records::KeyUses = records::decode(content)?;
    let places: Vec<Arc<UsePlace>> =
        r.places.iter().map(|place| Arc::new(UsePlace::new(&place.service, &place.region))).collect();
    let read = |r: records::KeyUse| {
        let bytes = r.access_key_id.try_into().map_err(|_| "bad access key id")?;
        let id = AccessKeyId::from_bytes(KeyKind::LongLived, bytes);
        let place = places.get(r.place as usize).cloned().ok_or("bad place")?;
        Ok((id, KeyUse { at: time(r.used_at)?, place }))
    };
    let read = KeyUses { shard, uses: r.uses.into_iter().map(read).collect::<Read<_>>()? };
    let is_its_own = read.key() == key && read.uses.keys().all(|id| KeyUses::shard_of(*id) == shard);
    if is_its_own { Ok(read) } else { Err("a key of another record".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(first: u8, last: u8) -> AccessKeyId {
        AccessKeyId::from_bytes(KeyKind::LongLived, [first, 0, 0, 0, 0, 0, 0, 0, 0, last])
    }

    fn used(at: i64, service: &str) -> KeyUse {
        let place = Arc::new(UsePlace::new(service, "us-east-1"));
        KeyUse { at: Timestamp::from_unix(at).unwrap(), place }
    }

    #[test]
    fn a_record_says_what_was_put_and_names_each_place_once() {
        let uses = [(id(7, 1), used(10, "sts")), (id(7, 2), used(20, "iam")), (id(7, 3), used(30, "sts"))];
        let made = KeyUses { shard: KeyUses::shard_of(id(7, 1)), uses: uses.into() };
        assert_eq!(made.key(), "key-uses/070");
        let content = made.encode();
        assert_eq!(records::decode::<records::KeyUses>(&content).unwrap().places.len(), 2);
        assert_eq!(key_uses("key-uses/070", &content).unwrap().uses, made.uses);
        for other in ["key-uses/071", "key-uses/70", "key-uses/0070", "key-uses/07g", "key-uses/"] {
            assert!(key_uses(other, &content).is_err(), "{other}");
        }
    }

    #[test]
    fn names_that_are_too_long_are_cut() {
        let long = "ä".repeat(100);
        let place = UsePlace::new("s3", &long);
        assert_eq!(place.region().len(), 64);
        assert!(place.is("s3", &long) && !place.is("s3", "ä"));
    }
}
