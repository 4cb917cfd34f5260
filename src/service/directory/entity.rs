//! What the directory holds, checked and compiled: policies are parsed, names have their types.

use std::num::NonZeroU32;
use std::sync::Arc;

use brevet_validator::credential::{AccessKeyId, SecretKey};
use brevet_validator::identity::{AccountId, Arn, Principal, UniqueId};
use brevet_validator::policy::Policy;
use brevet_validator::timestamp::Timestamp;
use brevet_validator::token::Zone;

use crate::service::federation::{Algorithm, ClaimMapping, Issuer, KeySet};

/// A key-value pair on an entity.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tag {
    /// Key, case preserved; unique without regard to case.
    pub key: String,
    /// May be empty.
    pub value: String,
}

/// A policy as written, and compiled.
#[derive(Clone, Debug)]
pub struct Document {
    /// Byte for byte as it was put.
    pub text: Arc<str>,
    /// What decides.
    pub policy: Arc<Policy>,
}

/// A policy that lives inside a user or role.
#[derive(Clone, Debug)]
pub struct InlinePolicy {
    /// Unique in its owner.
    pub name: String,
    /// The policy.
    pub document: Document,
}

/// What users and roles have in common: policies, tags, a boundary.
#[derive(Clone, Debug, Default)]
pub struct Grants {
    /// Inline policies, by name.
    pub inline: Vec<InlinePolicy>,
    /// ARNs of attached managed policies, in order of attachment.
    pub attached: Vec<String>,
    /// ARN of the managed policy that bounds all others.
    pub boundary: Option<String>,
    /// Tags.
    pub tags: Vec<Tag>,
}

/// An account.
#[derive(Clone, Debug)]
pub struct Account {
    /// Twelve digits.
    pub id: AccountId,
    /// When it was made.
    pub created_at: Timestamp,
    /// Keys of the account itself.
    pub access_keys: Vec<AccessKeyId>,
    /// Whether it owns zones, epochs and accounts.
    pub operator: bool,
}

/// A user.
#[derive(Clone, Debug)]
pub struct User {
    /// Owner.
    pub account: AccountId,
    /// Begins and ends with `/`.
    pub path: String,
    /// Case preserved; unique without regard to case.
    pub name: String,
    /// `AIDA…`
    pub id: UniqueId,
    /// When it was made.
    pub created_at: Timestamp,
    /// Its policies and tags.
    pub grants: Grants,
    /// Its long-lived keys, oldest first.
    pub access_keys: Vec<AccessKeyId>,
    /// Raised to refuse every earlier session.
    pub generation: u64,
}

impl User {
    /// `arn:aws:iam::ACCOUNT:user/PATH/NAME`
    pub fn arn(&self) -> Arn {
        Arn::new("iam", "", Some(self.account), &format!("user{}{}", self.path, self.name))
    }

    /// The user as one who acts.
    pub fn principal(&self) -> Principal {
        Principal::User { account: self.account, path: self.path.clone(), name: self.name.clone(), id: self.id }
    }
}

/// A role.
#[derive(Clone, Debug)]
pub struct Role {
    /// Owner.
    pub account: AccountId,
    /// Begins and ends with `/`.
    pub path: String,
    /// Case preserved; unique without regard to case.
    pub name: String,
    /// `AROA…`
    pub id: UniqueId,
    /// When it was made.
    pub created_at: Timestamp,
    /// Free text.
    pub description: String,
    /// Longest session, 3,600 to 43,200 seconds.
    pub max_session_duration: u32,
    /// Who may take it on.
    pub trust: Document,
    /// Whether callers whom the trust policy refuses may see why.
    pub explain_to_caller: bool,
    /// How many sessions one identity token may have of it, if that is counted.
    pub max_uses: Option<NonZeroU32>,
    /// What it may then do.
    pub grants: Grants,
    /// Raised to refuse every earlier session.
    pub generation: u64,
}

impl Role {
    /// `arn:aws:iam::ACCOUNT:role/PATH/NAME`
    pub fn arn(&self) -> Arn {
        role_arn(self.account, &self.path, &self.name)
    }
}

/// `arn:aws:iam::ACCOUNT:role/PATH/NAME`
pub fn role_arn(account: AccountId, path: &str, name: &str) -> Arn {
    Arn::new("iam", "", Some(account), &format!("role{path}{name}"))
}

/// A managed policy with its versions.
#[derive(Clone, Debug)]
pub struct ManagedPolicy {
    /// Owner.
    pub account: AccountId,
    /// Begins and ends with `/`.
    pub path: String,
    /// Case preserved; unique without regard to case.
    pub name: String,
    /// `ANPA…`
    pub id: UniqueId,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its default version last changed.
    pub updated_at: Timestamp,
    /// Free text.
    pub description: String,
    /// Tags.
    pub tags: Vec<Tag>,
    /// At most five, oldest first.
    pub versions: Vec<PolicyVersion>,
    /// The version in force, for example `v1`.
    pub default_version: String,
    /// Number of the next version.
    pub next_version: u32,
}

/// One version of a managed policy.
#[derive(Clone, Debug)]
pub struct PolicyVersion {
    /// `v1`, `v2`, …
    pub id: String,
    /// The policy.
    pub document: Document,
    /// When it was made.
    pub created_at: Timestamp,
}

impl ManagedPolicy {
    /// `arn:aws:iam::ACCOUNT:policy/PATH/NAME`
    pub fn arn(&self) -> Arn {
        Arn::new("iam", "", Some(self.account), &format!("policy{}{}", self.path, self.name))
    }

    /// The version in force.
    pub fn default_document(&self) -> Option<&Document> {
        self.versions.iter().find(|version| version.id == self.default_version).map(|version| &version.document)
    }
}

/// An issuer of identity tokens that an account trusts.
#[derive(Clone, Debug)]
pub struct OidcProvider {
    /// Owner.
    pub account: AccountId,
    /// Whose tokens.
    pub issuer: Issuer,
    /// 32 hexadecimal digits; never given twice, even to a provider made again.
    pub id: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Audiences that are accepted.
    pub client_ids: Vec<String>,
    /// Kept and shown, as AWS's clients expect. Nothing is decided by them.
    pub thumbprints: Vec<String>,
    /// Tags.
    pub tags: Vec<Tag>,
    /// A disabled provider answers like an unregistered one.
    pub disabled: bool,
    /// Which claims become what of a session.
    pub claim_mapping: ClaimMapping,
    /// How to get and use its keys.
    pub reach: Reach,
}

/// How to get and use an issuer's keys, where the usual way will not do.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    /// Where the discovery document is, if it is not below the issuer.
    pub discovery_url: Option<String>,
    /// A key set and its JSON: nothing is ever fetched.
    pub pinned: Option<(Arc<str>, Arc<KeySet>)>,
    /// Certificates in PEM that are trusted besides the system's.
    pub ca_certificates: Option<String>,
    /// Whether the provider may be at a private address.
    pub allow_private: bool,
    /// Signature algorithms that are accepted; empty: the usual ones.
    pub algorithms: Vec<Algorithm>,
}

impl OidcProvider {
    /// `arn:aws:iam::ACCOUNT:oidc-provider/HOST/PATH`
    pub fn arn(&self) -> Arn {
        oidc_provider_arn(self.account, self.issuer.provider_name())
    }
}

/// `arn:aws:iam::ACCOUNT:oidc-provider/HOST/PATH`
pub fn oidc_provider_arn(account: AccountId, name: &str) -> Arn {
    Arn::new("iam", "", Some(account), &format!("oidc-provider/{name}"))
}

/// A zone with a record: every scoped one, and the default one once it was turned off.
#[derive(Clone, Debug)]
pub struct ZoneEntry {
    /// Scoped or default.
    pub zone: Zone,
    /// When the record was made.
    pub created_at: Timestamp,
    /// Whether sessions made from now on have no box for it.
    pub disabled: bool,
}

/// Whose a long-lived key is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum KeyOwner {
    /// The account itself.
    Root,
    /// A user, by name and by unique id.
    User {
        /// Name, case preserved.
        name: String,
        /// `AIDA…`
        id: UniqueId,
    },
}

/// A long-lived access key.
#[derive(Clone, Debug)]
pub struct AccessKey {
    /// `AKIA…`
    pub id: AccessKeyId,
    /// Needed to verify; never listed.
    pub secret: SecretKey,
    /// Owner's account.
    pub account: AccountId,
    /// Owner.
    pub owner: KeyOwner,
    /// A disabled key answers like an unknown one.
    pub active: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// First second in which it answers like an unknown one; `None`: it lives until it is deleted.
    pub expires_at: Option<Timestamp>,
    /// For how many seconds it was made; `None`: with no end. It may end earlier, since it was rotated.
    pub lifetime: Option<i64>,
    /// Free text.
    pub description: String,
}

/// Whether a long-lived key is good.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeyStatus {
    /// It is.
    Active,
    /// It is disabled, and may be enabled again.
    Inactive,
    /// Its time is over.
    Expired,
}

impl AccessKey {
    /// Whether the key is good at `now`.
    pub fn status(&self, now: Timestamp) -> KeyStatus {
        match (self.active, self.expires_at) {
            (_, Some(end)) if now >= end => KeyStatus::Expired,
            (true, _) => KeyStatus::Active,
            (false, _) => KeyStatus::Inactive,
        }
    }
}
