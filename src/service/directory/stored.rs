//! Where entities lie in the store and in the snapshot. A record that does not convert stops the start: it is never skipped.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::convert::*;
use super::entity::{AccessKey, Account, ManagedPolicy, OidcProvider, Role, User, ZoneEntry};
use super::key_use::key_uses;
use super::revocation::revocation;
use super::snapshot::{NameKey, ProviderKey, Snapshot, Versioned};
use super::used_token::used_token;
use crate::store::{Record, RecordCipher, Revision, format, records};

/// A record whose content is not what its key promises.
#[derive(Debug, thiserror::Error)]
#[error("the record {key} cannot be read: {what}")]
pub struct InvalidRecord {
    key: String,
    what: String,
}

impl InvalidRecord {
    pub(super) fn new(key: &str, what: String) -> Self {
        Self { key: key.to_owned(), what }
    }
}

/// What the directory keeps in the store: where, in what form, and where in the snapshot.
pub trait Stored: Sized {
    /// The record's key.
    fn key(&self) -> String;
    /// The record's content.
    fn encode(&self) -> Vec<u8>;
    /// The record's version in a snapshot, if it is there.
    fn version(&self, snapshot: &Snapshot) -> Option<u64>;
    /// Puts the entity into a snapshot.
    fn insert(self, version: u64, snapshot: &mut Snapshot);
    /// Takes the entity out of a snapshot.
    fn remove(&self, snapshot: &mut Snapshot);
}

/// A record that is not the directory's own.
pub struct OtherRecord {
    /// Where it lies.
    pub key: String,
    /// What was sealed.
    pub content: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for OtherRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OtherRecord").field("key", &self.key).finish_non_exhaustive()
    }
}

impl Snapshot {
    /// Opens everything that a store holds. One record that cannot be read fails it all.
    pub fn read(
        revision: Revision,
        stored: &[Record],
        cipher: &RecordCipher,
    ) -> Result<(Self, Vec<OtherRecord>), InvalidRecord> {
        let mut snapshot = Self { revision, ..Self::default() };
        let mut others = Vec::new();
        for record in stored {
            others.extend(snapshot.read_record(record, cipher)?);
        }
        Ok((snapshot, others))
    }

    /// Opens one record into the snapshot; gives it back if it is not the directory's own.
    pub(super) fn read_record(
        &mut self,
        record: &Record,
        cipher: &RecordCipher,
    ) -> Result<Option<OtherRecord>, InvalidRecord> {
        let Record { key, value, version, revision } = record;
        if key == format::KEY {
            return Ok(None);
        }
        let content = cipher.open(key, *version, value).map_err(|error| InvalidRecord::new(key, error.to_string()))?;
        if self.insert_record(key, *version, *revision, &content)? {
            return Ok(None);
        }
        self.others.insert(key.clone(), *version);
        Ok(Some(OtherRecord { key: key.clone(), content }))
    }

    /// Reads one record into the snapshot; `false` if its key is none of the directory's.
    pub fn insert_record(
        &mut self,
        key: &str,
        version: u64,
        revision: Revision,
        content: &[u8],
    ) -> Result<bool, InvalidRecord> {
        let result = match key.split('/').next() {
            Some("accounts") => account(content).map(|entity| entity.insert(version, self)),
            Some("users") => user(content).map(|entity| entity.insert(version, self)),
            Some("access-keys") => access_key(content).map(|entity| entity.insert(version, self)),
            Some("key-uses") => key_uses(key, content).map(|entity| entity.insert(version, self)),
            Some("roles") => role(content).map(|entity| entity.insert(version, self)),
            Some("providers") => oidc_provider(content).map(|entity| entity.insert(version, self)),
            Some("zones") => zone(content).map(|entity| entity.insert(version, self)),
            Some("policies") => managed_policy(content).map(|entity| entity.insert(version, self)),
            Some("revocations") => revocation(content, revision).map(|entity| entity.insert(version, self)),
            Some("used-tokens") => used_token(content).map(|entity| entity.insert(version, self)),
            Some("sessions") => self.insert_session_batch(key, content),
            _ => return Ok(false),
        };
        result.map(|()| true).map_err(|what| InvalidRecord { key: key.to_owned(), what })
    }
}

macro_rules! stored {
    ($entity:ty, $map:ident, $prefix:literal, |$e:ident| $map_key:expr, $key:expr, $to_record:ident $(, $index:ident)?) => {
        impl Stored for $entity {
            fn key(&self) -> String {
                let $e = self;
                format!(concat!($prefix, "/{}"), $key)
            }
            fn encode(&self) -> Vec<u8> {
                records::encode(&$to_record(self))
            }
            fn version(&self, snapshot: &Snapshot) -> Option<u64> {
                let $e = self;
                snapshot.$map.get(&$map_key).map(|v| v.version)
            }
            fn insert(self, version: u64, snapshot: &mut Snapshot) {
                let $e = &self;
                let key = $map_key;
                $(snapshot.$index.insert(self.id, key.clone());)?
                snapshot.$map.insert(key, Versioned { entity: Arc::new(self), version });
            }
            fn remove(&self, snapshot: &mut Snapshot) {
                let $e = self;
                let key = $map_key;
                snapshot.$map.remove(&key);
                // A renamed entity is already found under its new name.
                $(if snapshot.$index.get(&self.id) == Some(&key) {
                    snapshot.$index.remove(&self.id);
                })?
            }
        }
    };
}

stored!(Account, accounts, "accounts", |e| e.id, e.id, account_record);
stored!(
    User,
    users,
    "users",
    |e| NameKey::new(e.account, &e.name),
    NameKey::new(e.account, &e.name),
    user_record,
    users_by_id
);
stored!(Role, roles, "roles", |e| NameKey::new(e.account, &e.name), NameKey::new(e.account, &e.name), role_record);
stored!(
    ManagedPolicy,
    policies,
    "policies",
    |e| NameKey::new(e.account, &e.name),
    NameKey::new(e.account, &e.name),
    managed_policy_record
);
stored!(
    OidcProvider,
    providers,
    "providers",
    |e| ProviderKey(e.account, e.issuer.provider_name().to_owned()),
    ProviderKey(e.account, e.issuer.provider_name().to_owned()),
    oidc_provider_record
);
stored!(AccessKey, access_keys, "access-keys", |e| e.id, e.id, access_key_record);

stored!(ZoneEntry, zones, "zones", |e| e.zone.name().to_owned(), e.zone.name(), zone_record);

impl std::fmt::Display for ProviderKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.0, self.1)
    }
}

impl std::fmt::Display for NameKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.0, self.1)
    }
}
