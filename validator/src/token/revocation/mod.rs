//! Which genuine sessions are refused before their end. Whoever holds a set keeps it up to date; nothing here knows how.

mod entry;
mod head;
mod log;
mod revocable;
mod shards;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::credential::AccessKeyId;
use crate::identity::{AccountId, UniqueId};
use crate::timestamp::Timestamp;

pub use self::entry::{Entry, InvalidEntry, WithdrawnKey};
pub use self::head::{InvalidHead, RevocationHead};
pub use self::log::LogPosition;
pub use self::revocable::{Revocable, SessionHolder};

use self::shards::{Shards, Spread};
use super::claims::SessionId;
use super::session::Session;

/// Whose sessions are revoked.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Subject {
    /// One session, and those that were made from it. Only sessions of this account are meant: nobody knows whose a session
    /// is that was never seen, so that another account may have named it.
    Session {
        /// Of the session.
        account: AccountId,
        /// `ASIA…`
        access_key_id: AccessKeyId,
    },
    /// The sessions of an account's root.
    Root(AccountId),
    /// The sessions of a user, and those that the user started: of roles, and what was made from them.
    User(UniqueId),
    /// The sessions of a role. What was made from them by role chaining is another role's.
    Role(UniqueId),
    /// The sessions that identity tokens of a provider started, and those that were made from them.
    Provider(Box<str>),
    /// The sessions that a long-lived key started, and those that were made from them.
    AccessKey(AccessKeyId),
    /// The sessions of an account that were issued at this time or before.
    IssuedBefore {
        /// Of the sessions.
        account: AccountId,
        /// The last second that is meant.
        at: Timestamp,
    },
}

/// That the sessions of a subject are refused.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Revocation {
    /// Whose.
    pub subject: Subject,
    /// The store's revision at which it was committed. It concerns sessions that were decided on an older directory,
    /// whatever the clocks say: those that were made knowing of it are good. One session is refused in any case.
    pub revision: u64,
    /// When the last session that it concerns has expired.
    pub until: Timestamp,
}

/// Revocations, to be asked with each request. A copy costs nothing and shares what neither changes.
#[derive(Clone, Debug, Default)]
pub struct RevocationSet {
    /// When each can be forgotten.
    sessions: Shards<SessionKey, Timestamp>,
    /// Subjects that have an id of their own. No two kinds have ids that look alike.
    ids: Shards<Box<str>, Mark>,
    /// A handful.
    issued_before: Arc<BTreeMap<(AccountId, Timestamp), Mark>>,
}

/// The bytes of an access key id, and the account that it is revoked in.
type SessionKey = ([u8; 10], AccountId);

#[derive(Clone, Copy, Debug)]
struct Mark {
    revision: u64,
    until: Timestamp,
}

impl Mark {
    fn later(&self, other: &Self) -> Self {
        Self { revision: self.revision.max(other.revision), until: self.until.max(other.until) }
    }
}

impl Subject {
    /// The id that nothing else has; `None` for what is no single thing.
    fn id(&self) -> Option<&str> {
        match self {
            Self::Root(account) => Some(account.as_str()),
            Self::User(id) | Self::Role(id) => Some(id.as_str()),
            Self::Provider(id) => Some(id),
            Self::AccessKey(id) => Some(id.as_str()),
            Self::Session { .. } | Self::IssuedBefore { .. } => None,
        }
    }
}

impl RevocationSet {
    /// Adds a revocation, in the place of an earlier one of the same subject.
    pub fn insert(&mut self, revocation: Revocation) {
        let Revocation { subject, revision, until } = revocation;
        let entry = Mark { revision, until };
        match &subject {
            Subject::Session { account, access_key_id } => {
                self.sessions.insert((access_key_id.to_bytes(), *account), until);
            }
            Subject::IssuedBefore { account, at } => {
                Arc::make_mut(&mut self.issued_before).insert((*account, *at), entry);
            }
            other => {
                if let Some(id) = other.id() {
                    self.ids.insert(id.into(), entry);
                }
            }
        }
    }

    /// [`RevocationSet::insert`] that never makes less of an earlier one: for whoever does not know which is the later.
    pub fn raise(&mut self, revocation: Revocation) {
        let known = match &revocation.subject {
            Subject::Session { account, access_key_id } => {
                let until = self.sessions.get(&(access_key_id.to_bytes(), *account));
                until.map(|until| Mark { revision: revocation.revision, until: *until })
            }
            Subject::IssuedBefore { account, at } => self.issued_before.get(&(*account, *at)).copied(),
            other => other.id().and_then(|id| self.ids.get(id)).copied(),
        };
        let mark = Mark { revision: revocation.revision, until: revocation.until };
        let Mark { revision, until } = known.map_or(mark, |known| known.later(&mark));
        self.insert(Revocation { revision, until, ..revocation });
    }

    /// Takes in what another set has. Of one subject it keeps the later revision and end: none of the two refuses more.
    pub fn absorb(&mut self, other: &Self) {
        self.sessions.absorb(&other.sessions, |ours, theirs| *ours.max(theirs));
        self.ids.absorb(&other.ids, Mark::later);
        if !other.issued_before.is_empty() {
            let ours = Arc::make_mut(&mut self.issued_before);
            for (subject, theirs) in &*other.issued_before {
                let mark = ours.get(subject).map_or(*theirs, |ours| ours.later(theirs));
                ours.insert(*subject, mark);
            }
        }
    }

    /// Takes a revocation back.
    pub fn remove(&mut self, subject: &Subject) {
        match subject {
            Subject::Session { account, access_key_id } => {
                self.sessions.remove(&(access_key_id.to_bytes(), *account));
            }
            Subject::IssuedBefore { account, at } => {
                Arc::make_mut(&mut self.issued_before).remove(&(*account, *at));
            }
            other => {
                if let Some(id) = other.id() {
                    self.ids.remove(id);
                }
            }
        }
    }

    /// Forgets what concerns no session any more.
    pub fn prune(&mut self, now: Timestamp) {
        self.sessions.retain(|until| *until > now);
        self.ids.retain(|entry| entry.until > now);
        if self.issued_before.values().any(|entry| entry.until <= now) {
            Arc::make_mut(&mut self.issued_before).retain(|_, entry| entry.until > now);
        }
    }

    /// How many revocations there are.
    pub fn len(&self) -> usize {
        self.sessions.len() + self.ids.len() + self.issued_before.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Why a session is refused, if it is. Nothing is allocated for those that are not.
    pub fn refuses(&self, session: &Session) -> Option<Subject> {
        self.refuses_what(&session.into())
    }

    /// The same of a session that is known by no more than this.
    pub fn refuses_what(&self, session: &Revocable<'_>) -> Option<Subject> {
        let account = session.account;
        if let Some(id) = session.line().find(|id| self.sessions.contains(&session_key(id, account))) {
            return Some(Subject::Session { account, access_key_id: id.access_key_id() });
        }

        let is_older = |entry: &Mark| session.directory_revision < entry.revision;
        let names = |id: &str| self.ids.get(id).is_some_and(is_older);
        let started_by = session.source_user.map(Subject::User);
        let started_with = session.source_access_key.map(Subject::AccessKey);
        let subjects = [Some(session.holder.subject(account)), started_by, started_with];
        if let Some(subject) = subjects.into_iter().flatten().find(|subject| subject.id().is_some_and(names)) {
            return Some(subject);
        }
        if let Some(provider_id) = session.provider_id.filter(|id| names(id)) {
            return Some(Subject::Provider(provider_id.into()));
        }

        let mut since = self.issued_before.range((account, session.issued_at)..=(account, Timestamp::MAX));
        let (_, at) = since.find(|(_, entry)| is_older(entry))?.0;
        Some(Subject::IssuedBefore { account, at: *at })
    }
}

fn session_key(id: &SessionId, account: AccountId) -> SessionKey {
    let mut bytes = [0; 10];
    bytes.copy_from_slice(&id.0[..10]);
    (bytes, account)
}

/// Ids of sessions that exist are random.
impl Spread for SessionKey {
    fn shard(&self) -> u8 {
        self.0[0]
    }
}

impl Spread for str {
    fn shard(&self) -> u8 {
        self.as_bytes().last().copied().unwrap_or_default()
    }
}

impl Spread for Box<str> {
    fn shard(&self) -> u8 {
        (**self).shard()
    }
}
