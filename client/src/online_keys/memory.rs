//! What is remembered of keys, and of keys that are not there.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use brevet_validator::credential::AccessKeyId;
use brevet_validator::timestamp::Timestamp;
use brevet_validator::validator::{Lookup, OnlineKey, WantedKey};
use moka::sync::Cache;

use super::ask::Answer;

/// Access keys of which keys are remembered.
const MAX_KEYS: u64 = 100_000;
/// Signing keys of one access key: two dates, some services.
const MAX_SCOPES: usize = 8;
/// Longest time that a key is used without being asked for anew, whatever came with it, in seconds.
const MAX_CACHED: i64 = 5 * 60;
/// How far a request's date may be from now, in seconds.
const REQUEST_WINDOW: i64 = 15 * 60;
const DAY: i64 = 86_400;

/// Keys that are not there. Each is wanted by its own name alone, so nothing that a stranger sends hides a good key for longer.
const MAX_ABSENT: u64 = 10_000;
const ABSENT_FOR: Duration = Duration::from_secs(5);
/// Withdrawn keys whose revisions are remembered one by one.
const MAX_WITHDRAWN: usize = 10_000;

/// What tells a key from all others.
#[derive(Clone, Eq, Hash, PartialEq)]
pub(super) struct KeyName {
    access_key_id: AccessKeyId,
    security_token: Option<Box<str>>,
    scope: Box<str>,
}

impl KeyName {
    pub(super) fn of(wanted: WantedKey<'_>) -> Self {
        Self {
            access_key_id: wanted.access_key_id,
            security_token: wanted.security_token.map(Into::into),
            scope: wanted.scope.as_str().into(),
        }
    }

    pub(super) fn access_key_id(&self) -> AccessKeyId {
        self.access_key_id
    }

    pub(super) fn security_token(&self) -> Option<&str> {
        self.security_token.as_deref()
    }

    pub(super) fn scope(&self) -> &str {
        &self.scope
    }

    fn is(&self, wanted: WantedKey<'_>) -> bool {
        *self.scope == *wanted.scope.as_str()
            && self.access_key_id == wanted.access_key_id
            && self.security_token.as_deref() == wanted.security_token
    }

    /// When no request can have this date any more.
    fn end(&self) -> Option<Timestamp> {
        let date = self.scope.split('/').next()?;
        Some(Timestamp::parse_basic(&format!("{date}T000000Z"))? + (DAY + REQUEST_WINDOW))
    }
}

/// A key that is remembered.
pub(super) struct Held {
    name: KeyName,
    pub(super) key: OnlineKey,
    revision: u64,
    pub(super) cache_until: Timestamp,
    end: Timestamp,
}

pub(super) struct Memory {
    keys: Cache<AccessKeyId, Arc<[Arc<Held>]>>,
    absent: Cache<KeyName, ()>,
    /// Also held while keys come and go, so that none comes in by the side of its withdrawal.
    withdrawn: Mutex<Withdrawn>,
}

/// From which revision on keys are good again.
#[derive(Default)]
struct Withdrawn {
    /// How often everything was forgotten.
    resets: u64,
    /// For all keys.
    floor: u64,
    revisions: HashMap<AccessKeyId, u64>,
}

impl Withdrawn {
    fn revision(&self, id: AccessKeyId) -> u64 {
        self.revisions.get(&id).copied().unwrap_or(0).max(self.floor)
    }
}

/// Which memory a call began with: what is forgotten before it ends is not remembered by it.
#[derive(Clone, Copy)]
pub(super) struct Began(u64);

impl Memory {
    pub(super) fn new(max_staleness: Duration) -> Self {
        let kept = Duration::from_secs(MAX_CACHED.unsigned_abs()).saturating_add(max_staleness);
        // Longer than a date lasts nothing is of use.
        let kept = kept.min(Duration::from_secs(3 * DAY.unsigned_abs()));
        Self {
            keys: Cache::builder().max_capacity(MAX_KEYS).time_to_live(kept).build(),
            absent: Cache::builder().max_capacity(MAX_ABSENT).time_to_live(ABSENT_FOR).build(),
            withdrawn: Mutex::default(),
        }
    }

    /// A key, be it past its time or not, unless its date is over.
    pub(super) fn find(&self, wanted: WantedKey<'_>, now: Timestamp) -> Option<Arc<Held>> {
        let held = self.keys.get(&wanted.access_key_id)?;
        held.iter().find(|held| held.name.is(wanted) && now < held.end).cloned()
    }

    pub(super) fn is_absent(&self, wanted: WantedKey<'_>) -> bool {
        self.absent.contains_key(&KeyName::of(wanted))
    }

    pub(super) fn began(&self) -> Began {
        Began(self.withdrawn().resets)
    }

    /// Remembers an answer, and says what it means for those who wait for it. `now`: when it was asked for.
    pub(super) fn keep(&self, name: &KeyName, answer: Answer, began: Began, now: Timestamp) -> Lookup {
        let withdrawn = self.withdrawn();
        let id = name.access_key_id;
        match answer {
            Answer::Key { key, revision, cache_until } => {
                let outdated = began.0 != withdrawn.resets || revision < withdrawn.revision(id);
                let Some(end) = name.end().filter(|_| !outdated) else { return Lookup::Unknown };
                let cache_until = cache_until.min(now + MAX_CACHED);
                let mut held = self.held(id, |held| held.name != *name);
                if held.len() >= MAX_SCOPES {
                    held.remove(0);
                }
                held.push(Arc::new(Held { name: name.clone(), key: key.clone(), revision, cache_until, end }));
                self.keys.insert(id, held.into());
                self.absent.invalidate(name);
                Lookup::Found(key)
            }
            Answer::Absent => {
                self.replace(id, self.held(id, |held| held.name != *name));
                self.absent.insert(name.clone(), ());
                Lookup::Absent
            }
            Answer::None => Lookup::Unknown,
        }
    }

    pub(super) fn forget(&self, id: AccessKeyId, revision: u64) {
        let mut withdrawn = self.withdrawn();
        let latest = withdrawn.revision(id).max(revision);
        withdrawn.revisions.insert(id, latest);
        self.replace(id, self.held(id, |held| held.revision >= latest));
        if withdrawn.revisions.len() > MAX_WITHDRAWN {
            withdrawn.floor = withdrawn.revisions.drain().map(|(_, revision)| revision).max().unwrap_or(latest);
            self.keys.invalidate_all();
        }
    }

    pub(super) fn forget_all(&self) {
        let mut withdrawn = self.withdrawn();
        // What was withdrawn stays so: a replica that does not know of it may answer next.
        withdrawn.resets += 1;
        self.keys.invalidate_all();
        self.absent.invalidate_all();
    }

    /// Those of an access key that are to stay.
    fn held(&self, id: AccessKeyId, stays: impl Fn(&Held) -> bool) -> Vec<Arc<Held>> {
        let held = self.keys.get(&id);
        held.iter().flat_map(|held| held.iter()).filter(|held| stays(held)).cloned().collect()
    }

    fn replace(&self, id: AccessKeyId, held: Vec<Arc<Held>>) {
        if held.is_empty() {
            self.keys.invalidate(&id);
        } else {
            self.keys.insert(id, held.into());
        }
    }

    fn withdrawn(&self) -> MutexGuard<'_, Withdrawn> {
        self.withdrawn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
