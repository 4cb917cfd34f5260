//! The sessions that are known, in order of issue: all of them, and those of each account, subject and line.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use brevet_validator::credential::{AccessKeyId, Lifetime};
use brevet_validator::identity::AccountId;
use brevet_validator::timestamp::Timestamp;
use brevet_validator::token::Subject;

use super::entry::{Entry, Place, session};
use super::names::Names;

/// What sessions of an account have in common.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) enum Group {
    /// Nothing more.
    All(AccountId),
    /// What a revocation of this subject would refuse, however old it is.
    Of(AccountId, Subject),
}

/// When and where a session was used last.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Use {
    /// When.
    pub at: Timestamp,
    /// The service that was used.
    pub service: Arc<str>,
}

/// A session, and its last use if anyone told of one.
#[derive(Clone, Debug)]
pub struct Known {
    /// What was known when it was issued.
    pub entry: Arc<Entry>,
    /// What is known since.
    pub last_use: Option<Use>,
}

/// The sessions. When there are too many, those issued first go.
#[derive(Debug)]
pub(super) struct Index {
    most: usize,
    sessions: BTreeMap<Place, Known>,
    /// When the session of an access key was issued.
    issued: HashMap<[u8; 10], Timestamp>,
    /// The first to be over first.
    by_end: BTreeSet<(Timestamp, Place)>,
    groups: HashMap<Group, BTreeSet<Place>>,
    names: Names,
    gone: HashMap<AccountId, Gone>,
}

/// Of sessions of an account that went before they were over.
#[derive(Clone, Copy, Debug)]
struct Gone {
    /// The latest that any of them was issued at.
    issued_at: Timestamp,
    /// When the last of them is over.
    until: Timestamp,
}

/// A piece of an answer.
#[derive(Debug)]
pub(super) struct Scan {
    pub(super) found: Vec<Known>,
    /// Where to go on; `None`: nothing is left.
    pub(super) reached: Option<Place>,
}

impl Index {
    /// Of at most so many sessions.
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            sessions: BTreeMap::new(),
            issued: HashMap::new(),
            by_end: BTreeSet::new(),
            groups: HashMap::new(),
            names: Names::default(),
            gone: HashMap::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.sessions.len()
    }

    /// Takes a session in, unless it is known. Returns what is kept of it.
    pub(super) fn insert(&mut self, mut entry: Entry) -> Option<Arc<Entry>> {
        let (place, key) = (entry.place(), entry.access_key_id().to_bytes());
        if self.issued.contains_key(&key) {
            return None;
        }
        entry.texts().for_each(|text| self.names.share(text));
        let entry = Arc::new(entry);
        self.issued.insert(key, entry.lifetime.issued_at);
        self.by_end.insert((entry.lifetime.expires_at, place));
        for ancestor in &entry.ancestors {
            self.head_line(entry.account, ancestor.access_key_id());
        }
        for group in entry.groups() {
            self.groups.entry(group).or_default().insert(place);
        }
        // What was made from it may have come before it.
        if let Some(line) = self.groups.get_mut(&own_line(&entry)) {
            line.insert(place);
        }
        self.sessions.insert(place, Known { entry: Arc::clone(&entry), last_use: None });
        self.keep_most();
        Some(entry)
    }

    /// Puts a session at the head of those that are made from it. A session alone makes no group: most stay alone.
    fn head_line(&mut self, account: AccountId, id: AccessKeyId) {
        if let Some(place) = self.find(account, id) {
            self.groups.entry(Group::Of(account, session(account, id))).or_default().insert(place);
        }
    }

    fn keep_most(&mut self) {
        while self.sessions.len() > self.most {
            let Some((_, Known { entry, .. })) = self.sessions.pop_first() else { return };
            self.forget(&entry);
            let Lifetime { issued_at, expires_at: until } = entry.lifetime;
            let gone = self.gone.entry(entry.account).or_insert(Gone { issued_at, until });
            *gone = Gone { issued_at: gone.issued_at.max(issued_at), until: gone.until.max(until) };
        }
    }

    /// Lets sessions go that are over, at most so many. Returns whether there may be more.
    pub(super) fn tidy(&mut self, now: Timestamp, most: usize) -> bool {
        for _ in 0..most {
            let Some((_, place)) = self.by_end.first().filter(|(end, _)| *end <= now).copied() else {
                self.gone.retain(|_, gone| gone.until > now);
                return false;
            };
            if let Some(Known { entry, .. }) = self.sessions.remove(&place) {
                self.forget(&entry);
            }
        }
        true
    }

    /// Everything of a session but its place among all.
    fn forget(&mut self, entry: &Entry) {
        let place = entry.place();
        self.issued.remove(&entry.access_key_id().to_bytes());
        self.by_end.remove(&(entry.lifetime.expires_at, place));
        for group in entry.groups().into_iter().chain([own_line(entry)]) {
            if let Some(places) = self.groups.get_mut(&group) {
                places.remove(&place);
                if places.is_empty() {
                    self.groups.remove(&group);
                }
            }
        }
    }

    /// Notes a use of a session. Of a session that is not known nothing is noted, and no earlier use than the last one.
    pub(super) fn note(&mut self, id: AccessKeyId, at: Timestamp, service: &str) {
        let Some(issued_at) = self.issued.get(&id.to_bytes()).copied() else { return };
        let Some(known) = self.sessions.get_mut(&Place::new(issued_at, id)) else { return };
        let last = known.last_use.as_ref().map_or(issued_at, |last| last.at);
        if at < last || known.last_use.as_ref().is_some_and(|last| at == last.at && *last.service == *service) {
            return;
        }
        let mut service = service.into();
        self.names.share(&mut service);
        known.last_use = Some(Use { at, service });
    }

    /// Sessions of an account of which all subjects are true, the last issued first, behind a place. It looks at no more than
    /// so many.
    pub(super) fn scan(&self, account: AccountId, subjects: &[Subject], after: Option<Place>, look: usize) -> Scan {
        let mut groups: Vec<_> = subjects.iter().map(|subject| self.of(account, subject)).collect();
        groups.extend(self.groups.get(&Group::All(account)).map(Cow::Borrowed));
        groups.sort_by_key(|places| places.len());
        let Some((narrowest, others)) = groups.split_first() else { return Scan { found: Vec::new(), reached: None } };

        let begin = after.map_or(Bound::Unbounded, Bound::Excluded);
        let looked: Vec<&Place> = narrowest.range((Bound::Unbounded, begin)).rev().take(look).collect();
        let found = looked.iter().filter(|place| others.iter().all(|other| other.contains(place)));
        Scan {
            found: found.filter_map(|place| self.sessions.get(place).cloned()).collect(),
            reached: looked.last().filter(|_| looked.len() == look).map(|place| **place),
        }
    }

    /// The sessions of an account that a subject is true of.
    fn of(&self, account: AccountId, subject: &Subject) -> Cow<'_, BTreeSet<Place>> {
        match (self.groups.get(&Group::Of(account, subject.clone())), subject) {
            (Some(places), _) => Cow::Borrowed(places),
            // One that nothing was made from.
            (None, Subject::Session { account: own, access_key_id }) if *own == account => {
                Cow::Owned(self.find(account, *access_key_id).into_iter().collect())
            }
            (None, _) => Cow::Owned(BTreeSet::new()),
        }
    }

    fn find(&self, account: AccountId, id: AccessKeyId) -> Option<Place> {
        let place = Place::new(*self.issued.get(&id.to_bytes())?, id);
        self.sessions.get(&place).filter(|known| known.entry.account == account).map(|_| place)
    }

    /// Until when sessions of an account may be missing because there were too many.
    pub(super) fn incomplete_before(&self, account: AccountId, now: Timestamp) -> Option<Timestamp> {
        self.gone.get(&account).filter(|gone| gone.until > now).map(|gone| gone.issued_at)
    }
}

#[cfg(test)]
impl Index {
    /// Whether nothing is left of any session.
    pub(super) fn is_bare(&self) -> bool {
        self.sessions.is_empty() && self.issued.is_empty() && self.by_end.is_empty() && self.groups.is_empty()
    }
}

fn own_line(entry: &Entry) -> Group {
    Group::Of(entry.account, session(entry.account, entry.access_key_id()))
}
