//! An immutable, compiled view of the whole directory as of one revision. Requests read nothing else.

use std::ops::Bound;
use std::sync::Arc;

use brevet_validator::credential::AccessKeyId;
use brevet_validator::identity::{AccountId, Arn, UniqueId};
use brevet_validator::timestamp::Timestamp;
use brevet_validator::token::{RevocationSet, Subject, Zone};

use super::entity::{AccessKey, Account, Document, Grants, ManagedPolicy, OidcProvider, Role, User, ZoneEntry};
use super::key_use::KeyUses;
use super::revocation::Kept;
use super::session_batch::SessionBatches;
use super::used_token::{UsedToken, UsedTokenKey};
use crate::store::Revision;

/// Name of an entity in its account, for look-up without regard to case.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct NameKey(pub AccountId, pub String);

impl NameKey {
    /// Folds the name's case. Names are ASCII.
    pub fn new(account: AccountId, name: &str) -> Self {
        Self(account, name.to_ascii_lowercase())
    }
}

/// An identity provider in its account, by its issuer without the scheme. Case matters: that of a path does.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ProviderKey(pub AccountId, pub String);

/// An entity with the version of its record, which a change must name.
#[derive(Clone, Debug)]
pub struct Versioned<T> {
    /// The entity.
    pub entity: Arc<T>,
    /// Version of its record.
    pub version: u64,
}

/// The very same: one that was read again counts as another. It lets the differences of two snapshots be told without looking
/// at what they share.
impl<T> PartialEq for Versioned<T> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.entity, &other.entity)
    }
}

/// Everything. Cheap to clone: the maps share their structure.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// The store's revision that this reflects.
    pub revision: Revision,
    /// The latest commit of which anything is in here: later than the revision while commits of others are still to be read.
    pub(super) latest_commit: Revision,
    pub(super) accounts: imbl::OrdMap<AccountId, Versioned<Account>>,
    pub(super) users: imbl::OrdMap<NameKey, Versioned<User>>,
    pub(super) users_by_id: imbl::HashMap<UniqueId, NameKey>,
    pub(super) roles: imbl::OrdMap<NameKey, Versioned<Role>>,
    pub(super) policies: imbl::OrdMap<NameKey, Versioned<ManagedPolicy>>,
    pub(super) providers: imbl::OrdMap<ProviderKey, Versioned<OidcProvider>>,
    pub(super) access_keys: imbl::OrdMap<AccessKeyId, Versioned<AccessKey>>,
    /// Last uses of access keys.
    pub(super) key_uses: imbl::HashMap<u16, Versioned<KeyUses>>,
    pub(super) zones: imbl::OrdMap<String, Versioned<ZoneEntry>>,
    pub(super) used_tokens: imbl::HashMap<UsedTokenKey, Versioned<UsedToken>>,
    /// The same, the first to end first.
    pub(super) used_tokens_by_end: imbl::OrdSet<(Timestamp, UsedTokenKey)>,
    pub(super) revocations: imbl::OrdMap<Subject, Kept>,
    /// The same, the first to be forgotten first.
    pub(super) revocations_by_end: imbl::OrdSet<(Timestamp, Subject)>,
    /// The same, as requests ask it.
    pub(super) revoked: RevocationSet,
    pub(super) session_batches: SessionBatches,
    /// Versions of the records that are not the directory's own, by key.
    pub(super) others: imbl::HashMap<String, u64>,
}

impl Snapshot {
    /// Whether there is a record of this key that is not the directory's own.
    pub fn has_other(&self, key: &str) -> bool {
        self.others.contains_key(key)
    }

    /// The version of a record that is not the directory's own.
    pub fn version_of_other(&self, key: &str) -> Option<u64> {
        self.others.get(key).copied()
    }

    /// All accounts, by number.
    pub fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.accounts.values().map(|v| &*v.entity)
    }

    /// An account.
    pub fn account(&self, id: AccountId) -> Option<&Account> {
        self.accounts.get(&id).map(|v| &*v.entity)
    }

    /// A user by name, without regard to case.
    pub fn user(&self, account: AccountId, name: &str) -> Option<&User> {
        self.users.get(&NameKey::new(account, name)).map(|v| &*v.entity)
    }

    /// A user that is still the same: by name and unique id.
    pub fn same_user(&self, account: AccountId, name: &str, id: UniqueId) -> Option<&User> {
        self.user(account, name).filter(|user| user.id == id)
    }

    /// A user by unique id, whatever the name is now.
    pub fn user_by_id(&self, account: AccountId, id: UniqueId) -> Option<&User> {
        let key = self.users_by_id.get(&id).filter(|key| key.0 == account)?;
        // The name may belong to another user by now.
        self.users.get(key).map(|v| &*v.entity).filter(|user| user.id == id)
    }

    /// A role by name, without regard to case.
    pub fn role(&self, account: AccountId, name: &str) -> Option<&Role> {
        self.roles.get(&NameKey::new(account, name)).map(|v| &*v.entity)
    }

    /// The role with exactly this ARN, path and case included.
    pub fn role_by_arn(&self, arn: &Arn) -> Option<&Role> {
        let account = arn.account().parse().ok()?;
        let name = arn.resource().strip_prefix("role/")?.rsplit('/').next()?;
        self.role(account, name).filter(|role| role.arn() == *arn)
    }

    /// The managed policy with exactly this ARN, path and case included.
    pub fn policy_by_arn(&self, arn: &str) -> Option<&ManagedPolicy> {
        let arn: Arn = arn.parse().ok()?;
        let account = arn.account().parse().ok()?;
        let name = arn.resource().strip_prefix("policy/")?.rsplit('/').next()?;
        self.policy(account, name).filter(|policy| policy.arn() == arn)
    }

    /// A managed policy by name, without regard to case.
    pub fn policy(&self, account: AccountId, name: &str) -> Option<&ManagedPolicy> {
        self.policies.get(&NameKey::new(account, name)).map(|v| &*v.entity)
    }

    /// The identity provider of an issuer, by its name without the scheme.
    pub fn provider(&self, account: AccountId, name: &str) -> Option<&OidcProvider> {
        self.providers.get(&ProviderKey(account, name.to_owned())).map(|v| &*v.entity)
    }

    /// The identity provider with exactly this ARN.
    pub fn provider_by_arn(&self, arn: &Arn) -> Option<&OidcProvider> {
        let account = arn.account().parse().ok()?;
        let name = arn.resource().strip_prefix("oidc-provider/")?;
        self.provider(account, name).filter(|provider| provider.arn() == *arn)
    }

    /// An account's identity providers, by name.
    pub fn providers(&self, account: AccountId) -> impl Iterator<Item = &OidcProvider> {
        let from = self.providers.range(ProviderKey(account, String::new())..);
        from.take_while(move |(key, _)| key.0 == account).map(|(_, v)| &*v.entity)
    }

    /// The identity providers of all accounts, by account and name.
    pub fn all_providers(&self) -> impl Iterator<Item = &OidcProvider> {
        self.providers.values().map(|v| &*v.entity)
    }

    /// A long-lived key, whatever its state.
    pub fn access_key(&self, id: AccessKeyId) -> Option<&AccessKey> {
        self.access_keys.get(&id).map(|v| &*v.entity)
    }

    /// The operator account, which `init` made.
    pub fn operator(&self) -> Option<&Account> {
        self.accounts().find(|account| account.operator)
    }

    /// A zone that has a record.
    pub fn zone(&self, name: &str) -> Option<&ZoneEntry> {
        self.zones.get(name).map(|v| &*v.entity)
    }

    /// The zones that have a record, by name.
    pub fn zones(&self) -> impl Iterator<Item = &ZoneEntry> {
        self.zones.values().map(|v| &*v.entity)
    }

    /// The zones that a session made now has boxes for.
    pub fn session_zones(&self) -> Vec<Zone> {
        let has_box = |zone: &Zone| matches!(zone, Zone::Scoped(scoped) if !scoped.is_online());
        let scoped = self.zones().filter(|entry| has_box(&entry.zone) && !entry.disabled);
        let default = self.zone(Zone::Default.name()).is_none_or(|entry| !entry.disabled);
        default.then_some(Zone::Default).into_iter().chain(scoped.map(|entry| entry.zone.clone())).collect()
    }

    /// An account's users, by folded name.
    pub fn users(&self, account: AccountId) -> impl Iterator<Item = &User> {
        in_account(&self.users, account)
    }

    /// An account's roles, by folded name.
    pub fn roles(&self, account: AccountId) -> impl Iterator<Item = &Role> {
        in_account(&self.roles, account)
    }

    /// An account's users by folded name, those behind a name.
    pub fn users_after(&self, account: AccountId, name: &str) -> impl Iterator<Item = &User> {
        after(&self.users, account, name)
    }

    /// An account's roles by folded name, those behind a name.
    pub fn roles_after(&self, account: AccountId, name: &str) -> impl Iterator<Item = &Role> {
        after(&self.roles, account, name)
    }

    /// An account's managed policies, by folded name.
    pub fn policies(&self, account: AccountId) -> impl Iterator<Item = &ManagedPolicy> {
        in_account(&self.policies, account)
    }

    /// The identity policies in force for an owner of grants: inline, then managed.
    pub fn identity_policies<'a>(&'a self, grants: &'a Grants) -> impl Iterator<Item = &'a Document> {
        self.named_policies(grants).map(|named| named.document)
    }

    /// The same, each with what it is called.
    pub fn named_policies<'a>(&'a self, grants: &'a Grants) -> impl Iterator<Item = NamedPolicy<'a>> {
        let inline = grants.inline.iter();
        let inline =
            inline.map(|inline| NamedPolicy { name: &inline.name, managed: false, document: &inline.document });
        inline.chain(grants.attached.iter().filter_map(|arn| self.managed(arn)))
    }

    /// The policy that bounds an owner of grants; `Err` with its ARN if it is gone, which must not set free what it bounded.
    pub fn boundary<'a>(&'a self, grants: &'a Grants) -> Result<Option<NamedPolicy<'a>>, &'a str> {
        grants.boundary.as_deref().map(|arn| self.managed(arn).ok_or(arn)).transpose()
    }

    fn managed<'a>(&'a self, arn: &'a str) -> Option<NamedPolicy<'a>> {
        let document = self.policy_by_arn(arn)?.default_document()?;
        Some(NamedPolicy { name: arn, managed: true, document })
    }
}

/// A policy in force, by what its owner calls it.
#[derive(Clone, Copy, Debug)]
pub struct NamedPolicy<'a> {
    /// The name of an inline policy, the ARN of a managed one.
    pub name: &'a str,
    /// Whether it is a managed policy.
    pub managed: bool,
    /// The policy.
    pub document: &'a Document,
}

fn after<'a, T>(
    map: &'a imbl::OrdMap<NameKey, Versioned<T>>,
    account: AccountId,
    name: &str,
) -> impl Iterator<Item = &'a T> {
    let begin = Bound::Excluded(NameKey::new(account, name));
    map.range((begin, Bound::Unbounded)).take_while(move |(key, _)| key.0 == account).map(|(_, v)| &*v.entity)
}

fn in_account<T>(map: &imbl::OrdMap<NameKey, Versioned<T>>, account: AccountId) -> impl Iterator<Item = &T> {
    map.range(NameKey(account, String::new())..).take_while(move |(key, _)| key.0 == account).map(|(_, v)| &*v.entity)
}
