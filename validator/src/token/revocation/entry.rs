//! Entries of the log of revocations, and their bytes.

use prost::Message as _;

use crate::credential::{AccessKeyId, KeyKind};
use crate::identity::UniqueIdKind;
use crate::timestamp::Timestamp;
use crate::token::scan;
use crate::token::wire::generated as proto;
use crate::token::wire::generated::revocation::Subject as ProtoSubject;
use crate::token::wire::{read_id, read_time, write_time};

use super::{Revocation, Subject};

/// What a log says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Entry {
    /// Sessions are refused.
    Revoked(Revocation),
    /// A long-lived key is disabled or gone: what was derived from it must be forgotten.
    Withdrawn(WithdrawnKey),
}

/// A long-lived key that is disabled or gone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WithdrawnKey {
    /// `AKIA…`
    pub access_key_id: AccessKeyId,
    /// The store's revision at which that was committed: what was derived before is no longer good.
    pub revision: u64,
    /// When nothing that was derived before can be good any more.
    pub until: Timestamp,
}

/// Bytes that are no entry.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not an entry of a log of revocations")]
pub struct InvalidEntry;

impl Entry {
    /// When it concerns nothing any more.
    pub fn until(&self) -> Timestamp {
        match self {
            Self::Revoked(revocation) => revocation.until,
            Self::Withdrawn(withdrawn) => withdrawn.until,
        }
    }

    /// A `brevet.token.v1.Revocation`.
    pub fn encode(&self) -> Vec<u8> {
        let (subject, revision, until) = match self {
            Self::Revoked(Revocation { subject, revision, until }) => (write(subject), *revision, *until),
            Self::Withdrawn(WithdrawnKey { access_key_id, revision, until }) => {
                (ProtoSubject::WithdrawnKey(access_key_id.to_string()), *revision, *until)
            }
        };
        proto::Revocation { subject: Some(subject), revision, until: write_time(until) }.encode_to_vec()
    }

    /// Reads what [`Entry::encode`] wrote, strictly.
    pub fn decode(bytes: &[u8]) -> Result<Self, InvalidEntry> {
        scan::check(bytes, &proto::schema::REVOCATION).map_err(|_| InvalidEntry)?;
        let entry = proto::Revocation::decode(bytes).map_err(|_| InvalidEntry)?;
        read(entry).ok_or(InvalidEntry)
    }
}

fn write(subject: &Subject) -> ProtoSubject {
    match subject {
        Subject::Session { account, access_key_id } => ProtoSubject::Session(proto::RevokedSession {
            account: account.to_string(),
            access_key_id: access_key_id.to_string(),
        }),
        Subject::Root(account) => ProtoSubject::Root(account.to_string()),
        Subject::User(id) => ProtoSubject::User(id.to_string()),
        Subject::Role(id) => ProtoSubject::Role(id.to_string()),
        Subject::Provider(id) => ProtoSubject::Provider(id.to_string()),
        Subject::AccessKey(id) => ProtoSubject::AccessKey(id.to_string()),
        Subject::IssuedBefore { account, at } => {
            ProtoSubject::IssuedBefore(proto::RevokedTime { account: account.to_string(), at: write_time(*at) })
        }
    }
}

fn read(entry: proto::Revocation) -> Option<Entry> {
    let proto::Revocation { subject, revision, until } = entry;
    let until = read_time(until)?;
    let subject = match subject? {
        ProtoSubject::Session(session) => Subject::Session {
            account: session.account.parse().ok()?,
            access_key_id: read_key(&session.access_key_id, KeyKind::Temporary)?,
        },
        ProtoSubject::Root(account) => Subject::Root(account.parse().ok()?),
        ProtoSubject::User(id) => Subject::User(read_id(&id, UniqueIdKind::User)?),
        ProtoSubject::Role(id) => Subject::Role(read_id(&id, UniqueIdKind::Role)?),
        ProtoSubject::Provider(id) => Subject::Provider(id.into()),
        ProtoSubject::AccessKey(id) => Subject::AccessKey(read_key(&id, KeyKind::LongLived)?),
        ProtoSubject::IssuedBefore(times) => {
            Subject::IssuedBefore { account: times.account.parse().ok()?, at: read_time(times.at)? }
        }
        ProtoSubject::WithdrawnKey(id) => {
            let access_key_id = read_key(&id, KeyKind::LongLived)?;
            return Some(Entry::Withdrawn(WithdrawnKey { access_key_id, revision, until }));
        }
    };
    Some(Entry::Revoked(Revocation { subject, revision, until }))
}

fn read_key(text: &str, kind: KeyKind) -> Option<AccessKeyId> {
    text.parse().ok().filter(|id: &AccessKeyId| id.kind() == kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::{AccountId, UniqueId};

    const AT: Timestamp = match Timestamp::from_unix(1_800_000_000) {
        Some(at) => at,
        None => Timestamp::EPOCH,
    };

    fn subjects() -> Vec<Subject> {
        let account: AccountId = "123456789012".parse().unwrap();
        vec![
            Subject::Session { account, access_key_id: AccessKeyId::from_bytes(KeyKind::Temporary, [7; 10]) },
            Subject::Root(account),
            Subject::User(UniqueId::from_random(UniqueIdKind::User, [1; 17])),
            Subject::Role(UniqueId::from_random(UniqueIdKind::Role, [2; 17])),
            Subject::Provider("0123456789abcdef".into()),
            Subject::AccessKey(AccessKeyId::from_bytes(KeyKind::LongLived, [3; 10])),
            Subject::IssuedBefore { account, at: AT },
        ]
    }

    #[test]
    fn every_entry_comes_back_as_it_was_written() {
        let revoked = subjects().into_iter().map(|subject| Revocation { subject, revision: u64::MAX, until: AT });
        let access_key_id = AccessKeyId::from_bytes(KeyKind::LongLived, [3; 10]);
        let withdrawn = Entry::Withdrawn(WithdrawnKey { access_key_id, revision: 1, until: AT });
        for entry in revoked.map(Entry::Revoked).chain([withdrawn]) {
            assert_eq!(Entry::decode(&entry.encode()), Ok(entry));
        }
    }

    #[test]
    fn d21_an_entry_that_is_not_strict_or_names_another_kind_is_refused() {
        let kind = |subject| proto::Revocation { subject: Some(subject), revision: 1, until: 2 }.encode_to_vec();
        let role = UniqueId::from_random(UniqueIdKind::Role, [2; 17]).to_string();
        let temporary = AccessKeyId::from_bytes(KeyKind::Temporary, [3; 10]).to_string();
        let good = Entry::Revoked(Revocation { subject: subjects().remove(1), revision: 1, until: AT }).encode();
        for bad in [
            vec![],
            kind(ProtoSubject::User(role)),
            kind(ProtoSubject::AccessKey(temporary.clone())),
            kind(ProtoSubject::WithdrawnKey(temporary)),
            kind(ProtoSubject::Root("1".into())),
            [&good[..], &good].concat(),
            [&good[..], &[11 << 3, 1]].concat(),
            good[..good.len() - 1].to_vec(),
        ] {
            assert_eq!(Entry::decode(&bad), Err(InvalidEntry), "{bad:?}");
        }
    }
}
