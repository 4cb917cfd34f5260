//! Revocations: their records, and their place in a snapshot.

use std::collections::BTreeSet;

use brevet_validator::identity::AccountId;
use brevet_validator::timestamp::Timestamp;
use brevet_validator::token::{Revocation, RevocationSet, Subject};

use super::change::Edit;
use super::convert::{Read, parsed, time};
use super::snapshot::Snapshot;
use super::stored::Stored;
use crate::store::records::revocation::Subject as Record;
use crate::store::{Revision, records};

/// For how many seconds a revocation is kept. No session lives longer than 36 hours. An hour more is for those that replicas
/// make before they have heard of it, whose clocks may differ. The end of a revoked session would be too early: those that were
/// made from it can outlive it.
const KEPT: i64 = 37 * 3600;
/// Revocations that are over, cleared away with each new one: twice as many, so that they cannot pile up.
const CLEARED: usize = 2;
/// In the place of a revision that only the commit will give. Until then all sessions of the subject are refused.
const UNCOMMITTED: u64 = u64::MAX;

/// What a snapshot knows of a revocation's record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Kept {
    version: u64,
    pub(super) revision: u64,
    pub(super) until: Timestamp,
}

impl Snapshot {
    /// Which sessions are refused.
    pub fn revocations(&self) -> &RevocationSet {
        &self.revoked
    }

    /// The times whose sessions are revoked in an account, the earliest first.
    pub fn revoked_times(&self, account: AccountId) -> impl Iterator<Item = Timestamp> {
        let subject = |at| Subject::IssuedBefore { account, at };
        self.revocations.range(subject(Timestamp::EPOCH)..=subject(Timestamp::MAX)).filter_map(|(subject, _)| {
            match subject {
                Subject::IssuedBefore { at, .. } => Some(*at),
                _ => None,
            }
        })
    }

    /// What can go when another one comes: some that are over; and of the times of an account those that it covers.
    fn obsolete(&self, new: &Revocation, now: Timestamp) -> Vec<Revocation> {
        let over = self.revocations_by_end.iter().take_while(|(until, _)| *until < now).take(CLEARED);
        let mut subjects: BTreeSet<_> = over.map(|(_, subject)| subject.clone()).collect();
        if let Subject::IssuedBefore { account, at } = new.subject {
            let covered = self.revoked_times(account).take_while(|earlier| *earlier < at);
            subjects.extend(covered.map(|at| Subject::IssuedBefore { account, at }));
        }
        subjects.remove(&new.subject);
        subjects.into_iter().map(|subject| Revocation { subject, ..new.clone() }).collect()
    }

    /// Gives the revocations of a change the revision at which it was committed.
    pub(super) fn settle(&mut self, revision: Revision, revoked: Vec<Revocation>) {
        self.revision = revision;
        self.latest_commit = revision;
        for revocation in revoked {
            if let Some(kept) = self.revocations.get_mut(&revocation.subject) {
                kept.revision = revision.0;
            }
            self.revoked.insert(Revocation { revision: revision.0, ..revocation });
        }
    }
}

impl Edit {
    /// Refuses the sessions of a subject from the commit on; returns when the revocation will be forgotten. Of one subject
    /// once in an edit.
    pub fn revoke(&mut self, subject: Subject, now: Timestamp) -> Timestamp {
        let until = now + KEPT;
        let revocation = Revocation { subject, revision: UNCOMMITTED, until };
        for obsolete in self.before().obsolete(&revocation, now) {
            self.delete(&obsolete);
        }
        self.put(revocation.clone());
        self.revoked.push(revocation);
        until
    }
}

impl Stored for Revocation {
    fn key(&self) -> String {
        match &self.subject {
            Subject::Session { account, access_key_id } => format!("revocations/session/{account}/{access_key_id}"),
            Subject::Root(account) => format!("revocations/root/{account}"),
            Subject::User(id) => format!("revocations/user/{id}"),
            Subject::Role(id) => format!("revocations/role/{id}"),
            Subject::Provider(id) => format!("revocations/provider/{id}"),
            Subject::AccessKey(id) => format!("revocations/access-key/{id}"),
            Subject::IssuedBefore { account, at } => format!("revocations/issued-before/{account}/{}", at.unix()),
        }
    }

    fn encode(&self) -> Vec<u8> {
        let subject = match &self.subject {
            Subject::Session { account, access_key_id } => Record::Session(records::RevokedSession {
                account: account.to_string(),
                access_key_id: access_key_id.to_string(),
            }),
            Subject::Root(account) => Record::RootOf(account.to_string()),
            Subject::User(id) => Record::UserId(id.to_string()),
            Subject::Role(id) => Record::RoleId(id.to_string()),
            Subject::Provider(id) => Record::ProviderId(id.to_string()),
            Subject::AccessKey(id) => Record::AccessKeyId(id.to_string()),
            Subject::IssuedBefore { account, at } => {
                Record::IssuedBefore(records::RevokedTime { account: account.to_string(), at: at.unix() })
            }
        };
        records::encode(&records::Revocation { subject: Some(subject), until: self.until.unix() })
    }

    fn version(&self, snapshot: &Snapshot) -> Option<u64> {
        snapshot.revocations.get(&self.subject).map(|kept| kept.version)
    }

    fn insert(self, version: u64, snapshot: &mut Snapshot) {
        self.remove(snapshot);
        snapshot.revocations.insert(self.subject.clone(), Kept { version, revision: self.revision, until: self.until });
        snapshot.revocations_by_end.insert((self.until, self.subject.clone()));
        snapshot.revoked.insert(self);
    }

    fn remove(&self, snapshot: &mut Snapshot) {
        if let Some(before) = snapshot.revocations.remove(&self.subject) {
            snapshot.revocations_by_end.remove(&(before.until, self.subject.clone()));
            snapshot.revoked.remove(&self.subject);
        }
    }
}

/// A record, and the revision at which it was put.
pub(super) fn revocation(content: &[u8], revision: Revision) -> Read<Revocation> {
    let r: records::Revocation = records::decode(content)?;
    let subject = match r.subject.ok_or("no subject")? {
        Record::Session(session) => Subject::Session {
            account: parsed(&session.account, "account id")?,
            access_key_id: parsed(&session.access_key_id, "access key id")?,
        },
        Record::RootOf(account) => Subject::Root(parsed(&account, "account id")?),
        Record::UserId(id) => Subject::User(parsed(&id, "unique id")?),
        Record::RoleId(id) => Subject::Role(parsed(&id, "unique id")?),
        Record::ProviderId(id) => Subject::Provider(id.into()),
        Record::AccessKeyId(id) => Subject::AccessKey(parsed(&id, "access key id")?),
        Record::IssuedBefore(times) => {
            Subject::IssuedBefore { account: parsed(&times.account, "account id")?, at: time(times.at)? }
        }
    };
    Ok(Revocation { subject, revision: revision.0, until: time(r.until)? })
}
