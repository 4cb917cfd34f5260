//! What IAM answers: one variant for each shape, shared by the operations that answer alike.

use std::sync::Arc;

use brevet_validator::credential::SecretKey;
use brevet_validator::identity::{Arn, UniqueId};
use brevet_validator::policy::Finding;
use brevet_validator::timestamp::Timestamp;
use serde_json::{Value, json};

use super::access_keys::AccessKeyDetail;
use super::owner::OwnerKind;
use crate::service::directory::{ManagedPolicy, OidcProvider, PolicyVersion, Role, Tag, User};
use crate::service::paging::Page;
use crate::service::simulation::Outcome;

/// What IAM answers.
#[derive(Debug)]
pub enum Answer {
    /// Done; AWS's answer has no result element.
    Done,
    /// Done; AWS's answer has an empty result element (`UpdateRole`).
    Updated,
    /// `UpdateAssumeRolePolicy`, with what the linter thinks of the policy; AWS's answer has no result element.
    TrustPut(Vec<Finding>),
    /// A user with everything that is known of it.
    User(UserDetail),
    /// `ListUsers`
    Users(Page<UserDetail>),
    /// A new key: the one time its secret is told.
    NewAccessKey(AccessKeyDetail, SecretKey),
    /// A new key in the place of another one, in the same way.
    RotatedAccessKey {
        /// The new one.
        new: AccessKeyDetail,
        /// Of the new one.
        secret: SecretKey,
        /// The old one, as it is now.
        old: AccessKeyDetail,
    },
    /// `ListAccessKeys`
    AccessKeys(Page<AccessKeyDetail>),
    /// A key as it is now, or was when it was deleted.
    AccessKey(AccessKeyDetail),
    /// A key as it is now, and until when the revocation of its sessions is kept.
    QuarantinedAccessKey(AccessKeyDetail, Timestamp),
    /// `GetAccessKeyLastUsed`
    AccessKeyLastUsed(AccessKeyDetail),
    /// `CreateRole`, with what the linter thinks of the trust policy.
    NewRole(RoleDetail, Vec<Finding>),
    /// A role with everything that is known of it.
    Role(RoleDetail),
    /// `ListRoles`
    Roles(Page<RoleDetail>),
    /// `ListUserTags`, `ListRoleTags`
    Tags(Page<Tag>),
    /// `GetUserPolicy`, `GetRolePolicy`
    InlinePolicy(InlinePolicyDetail),
    /// `ListUserPolicies`, `ListRolePolicies`
    PolicyNames(Page<String>),
    /// `ListAttachedUserPolicies`, `ListAttachedRolePolicies`
    AttachedPolicies(Page<AttachedPolicy>),
    /// A managed policy without its documents.
    Policy(PolicyDetail),
    /// `ListPolicies`
    Policies(Page<PolicyDetail>),
    /// `ListEntitiesForPolicy`
    PolicyEntities(Page<PolicyEntity>),
    /// `CreateOpenIDConnectProvider`
    NewProvider(Arn, Vec<Tag>),
    /// `GetOpenIDConnectProvider`
    Provider(ProviderDetail),
    /// The same, with all that is kept; not on AWS's wire.
    WholeProviders(Vec<OidcProvider>),
    /// `ListOpenIDConnectProviders`
    Providers(Vec<Arn>),
    /// `CreatePolicyVersion`, `GetPolicyVersion`
    PolicyVersion(VersionDetail),
    /// `ListPolicyVersions`
    PolicyVersions(Page<VersionDetail>),
    /// `SimulateCustomPolicy`, `SimulatePrincipalPolicy`
    Simulated(Page<Outcome>),
    /// `GetContextKeysForCustomPolicy`, `GetContextKeysForPrincipalPolicy`
    ContextKeys(Vec<String>),
}

impl Answer {
    /// `responseElements` of the audit record: what was made, by its names, without its secret.
    pub fn audit_elements(&self) -> Value {
        match self {
            Self::NewAccessKey(key, _) => key.audit_elements(),
            Self::RotatedAccessKey { new, secret: _, old } => {
                json!({ "accessKeyId": new.id.as_str(), "rotated": old.audit_elements() })
            }
            Self::AccessKey(key) => key.audit_elements(),
            Self::QuarantinedAccessKey(key, until) => {
                json!({ "key": key.audit_elements(), "keptUntil": until.to_string() })
            }
            Self::User(user) => json!({ "arn": user.arn.as_str(), "userId": user.id }),
            Self::NewRole(role, findings) if !findings.is_empty() => {
                json!({ "arn": role.arn.as_str(), "roleId": role.id.as_str(), "findings": codes(findings) })
            }
            Self::Role(role) | Self::NewRole(role, _) => {
                json!({ "arn": role.arn.as_str(), "roleId": role.id.as_str() })
            }
            Self::Policy(policy) => json!({ "arn": policy.arn.as_str(), "policyId": policy.id.as_str() }),
            Self::NewProvider(arn, _) => json!({ "arn": arn.as_str() }),
            Self::PolicyVersion(version) => json!({ "versionId": version.id }),
            Self::TrustPut(findings) if !findings.is_empty() => {
                json!({ "findings": codes(findings) })
            }
            Self::Done
            | Self::TrustPut(_)
            | Self::Updated
            | Self::Users(_)
            | Self::AccessKeys(_)
            | Self::AccessKeyLastUsed(_)
            | Self::Roles(_)
            | Self::Tags(_)
            | Self::InlinePolicy(_)
            | Self::PolicyNames(_)
            | Self::AttachedPolicies(_)
            | Self::Policies(_)
            | Self::PolicyEntities(_)
            | Self::Provider(_)
            | Self::Providers(_)
            | Self::WholeProviders(_)
            | Self::PolicyVersions(_)
            | Self::Simulated(_)
            | Self::ContextKeys(_) => Value::Null,
        }
    }
}

fn codes(findings: &[Finding]) -> Vec<&'static str> {
    findings.iter().map(|finding| finding.code.as_str()).collect()
}

/// A user as it is shown. Lists leave boundary and tags out.
#[derive(Clone, Debug)]
pub struct UserDetail {
    /// `None` for the account itself.
    pub path: Option<String>,
    /// `None` for the account itself.
    pub name: Option<String>,
    /// `AIDA…`, or the account's number.
    pub id: String,
    /// ARN.
    pub arn: Arn,
    /// When it was made.
    pub created_at: Timestamp,
    /// ARN of the permissions boundary.
    pub boundary: Option<String>,
    /// Tags.
    pub tags: Vec<Tag>,
}

impl UserDetail {
    /// What lists show.
    pub(super) fn brief(user: &User) -> Self {
        Self {
            path: Some(user.path.clone()),
            name: Some(user.name.clone()),
            id: user.id.to_string(),
            arn: user.arn(),
            created_at: user.created_at,
            boundary: None,
            tags: Vec::new(),
        }
    }

    pub(super) fn full(user: &User) -> Self {
        Self { boundary: user.grants.boundary.clone(), tags: user.grants.tags.clone(), ..Self::brief(user) }
    }
}

/// A role as it is shown. Lists leave boundary and tags out.
#[derive(Clone, Debug)]
pub struct RoleDetail {
    /// Begins and ends with `/`.
    pub path: String,
    /// Name.
    pub name: String,
    /// `AROA…`
    pub id: UniqueId,
    /// ARN.
    pub arn: Arn,
    /// When it was made.
    pub created_at: Timestamp,
    /// The trust policy as written.
    pub trust: Arc<str>,
    /// Free text; `None` if there is none.
    pub description: Option<String>,
    /// Seconds.
    pub max_session_duration: u32,
    /// ARN of the permissions boundary.
    pub boundary: Option<String>,
    /// Tags.
    pub tags: Vec<Tag>,
}

impl RoleDetail {
    /// What lists show.
    pub(super) fn brief(role: &Role) -> Self {
        Self {
            path: role.path.clone(),
            name: role.name.clone(),
            id: role.id,
            arn: role.arn(),
            created_at: role.created_at,
            trust: Arc::clone(&role.trust.text),
            description: Some(role.description.clone()).filter(|text| !text.is_empty()),
            max_session_duration: role.max_session_duration,
            boundary: None,
            tags: Vec::new(),
        }
    }

    pub(super) fn full(role: &Role) -> Self {
        Self { boundary: role.grants.boundary.clone(), tags: role.grants.tags.clone(), ..Self::brief(role) }
    }
}

/// An identity provider as it is shown.
#[derive(Clone, Debug)]
pub struct ProviderDetail {
    /// The issuer, as AWS shows it: without its scheme.
    pub url: String,
    /// Audiences that are accepted.
    pub client_ids: Vec<String>,
    /// As given.
    pub thumbprints: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Tags.
    pub tags: Vec<Tag>,
}

impl From<&OidcProvider> for ProviderDetail {
    fn from(provider: &OidcProvider) -> Self {
        Self {
            url: provider.issuer.provider_name().to_owned(),
            client_ids: provider.client_ids.clone(),
            thumbprints: provider.thumbprints.clone(),
            created_at: provider.created_at,
            tags: provider.tags.clone(),
        }
    }
}

/// A policy that lives inside a user or role.
#[derive(Clone, Debug)]
pub struct InlinePolicyDetail {
    /// Whether the owner is a user or a role.
    pub owner_kind: OwnerKind,
    /// Name of the owner.
    pub owner: String,
    /// Name of the policy.
    pub name: String,
    /// As written.
    pub document: Arc<str>,
}

/// A managed policy on a user or role.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AttachedPolicy {
    /// Last part of the ARN.
    pub name: String,
    /// ARN.
    pub arn: String,
}

/// A managed policy as it is shown. Lists leave description and tags out.
#[derive(Clone, Debug)]
pub struct PolicyDetail {
    /// Name.
    pub name: String,
    /// `ANPA…`
    pub id: UniqueId,
    /// ARN.
    pub arn: Arn,
    /// Begins and ends with `/`.
    pub path: String,
    /// The version in force.
    pub default_version: String,
    /// Users and roles that it is attached to.
    pub attachments: usize,
    /// Users and roles that it bounds.
    pub boundaries: usize,
    /// Free text; `None` if there is none.
    pub description: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When a version was last made or put in force.
    pub updated_at: Timestamp,
    /// Tags.
    pub tags: Vec<Tag>,
}

impl PolicyDetail {
    /// What lists show.
    pub(super) fn brief(policy: &ManagedPolicy, attachments: usize, boundaries: usize) -> Self {
        Self {
            name: policy.name.clone(),
            id: policy.id,
            arn: policy.arn(),
            path: policy.path.clone(),
            default_version: policy.default_version.clone(),
            attachments,
            boundaries,
            description: None,
            created_at: policy.created_at,
            updated_at: policy.updated_at,
            tags: Vec::new(),
        }
    }

    pub(super) fn full(policy: &ManagedPolicy, attachments: usize, boundaries: usize) -> Self {
        Self {
            description: Some(policy.description.clone()).filter(|text| !text.is_empty()),
            tags: policy.tags.clone(),
            ..Self::brief(policy, attachments, boundaries)
        }
    }
}

/// A user or role that has a managed policy.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PolicyEntity {
    /// Which of the two.
    pub kind: OwnerKind,
    /// Name.
    pub name: String,
    /// `AIDA…` or `AROA…`
    pub id: UniqueId,
}

/// A version of a managed policy. Lists, and the answer to its making, leave the document out.
#[derive(Clone, Debug)]
pub struct VersionDetail {
    /// As written.
    pub document: Option<Arc<str>>,
    /// `v1`, `v2`, …
    pub id: String,
    /// Whether it is in force.
    pub is_default: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

impl VersionDetail {
    pub(super) fn brief(policy: &ManagedPolicy, version: &PolicyVersion) -> Self {
        Self {
            document: None,
            id: version.id.clone(),
            is_default: version.id == policy.default_version,
            created_at: version.created_at,
        }
    }

    pub(super) fn full(policy: &ManagedPolicy, version: &PolicyVersion) -> Self {
        Self { document: Some(Arc::clone(&version.document.text)), ..Self::brief(policy, version) }
    }
}
