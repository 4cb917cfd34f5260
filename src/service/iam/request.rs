//! What IAM can be asked: one variant an operation, with its parameters as they came off the wire, nothing checked.

use std::fmt;

use brevet_validator::identity::Arn;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::owner::OwnerKind;
use crate::service::hex::hex;

/// What a caller asks of IAM. Names and parameters are those of the [IAM API reference][1].
///
/// [1]: https://docs.aws.amazon.com/IAM/latest/APIReference/API_Operations.html
#[expect(missing_docs, reason = "each variant is the AWS operation of its name")]
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Request {
    CreateUser(CreateUser),
    GetUser(UserName),
    ListUsers(ListByPath),
    UpdateUser(UpdateUser),
    DeleteUser(UserName),
    CreateAccessKey(CreateAccessKey),
    ListAccessKeys(ListAccessKeys),
    UpdateAccessKey(UpdateAccessKey),
    DeleteAccessKey(DeleteAccessKey),
    CreateRole(CreateRole),
    GetRole(RoleName),
    ListRoles(ListByPath),
    UpdateRole(UpdateRole),
    UpdateRoleDescription(UpdateRoleDescription),
    UpdateRoleSettings(UpdateRoleSettings),
    UpdateAssumeRolePolicy(UpdateAssumeRolePolicy),
    DeleteRole(RoleName),
    CreatePolicy(CreatePolicy),
    GetPolicy(PolicyArn),
    ListPolicies(ListPolicies),
    DeletePolicy(PolicyArn),
    ListEntitiesForPolicy(ListEntitiesForPolicy),
    CreatePolicyVersion(CreatePolicyVersion),
    GetPolicyVersion(PolicyVersionId),
    ListPolicyVersions(ListPolicyVersions),
    SetDefaultPolicyVersion(PolicyVersionId),
    DeletePolicyVersion(PolicyVersionId),
    SimulateCustomPolicy(SimulateCustomPolicy),
    SimulatePrincipalPolicy(SimulatePrincipalPolicy),
    GetContextKeysForCustomPolicy(GetContextKeysForCustomPolicy),
    GetContextKeysForPrincipalPolicy(GetContextKeysForPrincipalPolicy),
    CreateOpenIDConnectProvider(CreateOpenIDConnectProvider),
    PutOidcProvider(PutOidcProvider),
    DisableOidcProvider(OidcProviderIssuer),
    EnableOidcProvider(OidcProviderIssuer),
    ListOidcProviders,
    GetOpenIDConnectProvider(OpenIDConnectProviderArn),
    ListOpenIDConnectProviders,
    DeleteOpenIDConnectProvider(OpenIDConnectProviderArn),
    AddClientIDToOpenIDConnectProvider(OpenIDConnectProviderClient),
    RemoveClientIDFromOpenIDConnectProvider(OpenIDConnectProviderClient),
    UpdateOpenIDConnectProviderThumbprint(OpenIDConnectProviderThumbprints),
    TagOpenIDConnectProvider(TagOpenIDConnectProvider),
    UntagOpenIDConnectProvider(UntagOpenIDConnectProvider),
    ListOpenIDConnectProviderTags(ListOpenIDConnectProviderTags),
    /// The operations on a key that its id names.
    Key(KeyRequest),
    /// The operations that users and roles have in common: `PutUserPolicy`, `PutRolePolicy`, `TagUser`, …
    Owned(OwnedRequest),
}

/// An operation on what a user or role owns.
#[derive(Clone, Debug, Serialize)]
pub struct OwnedRequest {
    /// Which of the two.
    #[serde(skip)]
    pub kind: OwnerKind,
    /// `UserName` or `RoleName`. Required.
    pub owner: Option<String>,
    /// What is asked of it.
    #[serde(flatten)]
    pub action: OwnedAction,
}

/// What is asked of a user or role alike; the operation's name has `User` or `Role` in it.
#[expect(missing_docs, reason = "each variant is the AWS operation of its name, with the parameters of AWS")]
#[derive(Clone, Debug, Serialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
pub enum OwnedAction {
    Tag { tags: Vec<TagInput> },
    Untag { tag_keys: Vec<String> },
    ListTags(PageInput),
    PutPolicy { policy_name: Option<String>, policy_document: Option<PolicyText> },
    GetPolicy { policy_name: Option<String> },
    ListPolicies(PageInput),
    DeletePolicy { policy_name: Option<String> },
    AttachPolicy { policy_arn: Option<String> },
    DetachPolicy { policy_arn: Option<String> },
    ListAttachedPolicies(ListByPath),
    PutPermissionsBoundary { permissions_boundary: Option<String> },
    DeletePermissionsBoundary {},
}

/// A policy document as sent. The audit log gets its length and digest.
#[derive(Clone)]
pub struct PolicyText(pub String);

impl fmt::Debug for PolicyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PolicyText({} bytes)", self.0.len())
    }
}

impl Serialize for PolicyText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        json!({ "length": self.0.len(), "sha256": hex(&Sha256::digest(&self.0)) }).serialize(serializer)
    }
}

/// Declares parameter structures: every one is public, comes from a wire and goes to the audit log.
macro_rules! parameters {
    ($($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty),* $(,)? })*) => {$(
        $(#[$meta])*
        #[expect(missing_docs, reason = "the fields are the parameters of AWS")]
        #[derive(Clone, Debug, Default, Serialize)]
        #[serde(rename_all = "camelCase")]
        pub struct $name { $($(#[$field_meta])* pub $field: $type),* }
    )*};
}

mod access_keys;
mod oidc_providers;
mod simulate;

pub use access_keys::*;
pub use oidc_providers::*;
pub use simulate::*;

parameters! {
    /// One member of `Tags`.
    TagInput { key: Option<String>, value: Option<String> }
    /// Where a list goes on, and how long a piece of it may be.
    PageInput { marker: Option<String>, max_items: Option<String> }
    /// A list that can be narrowed to a path.
    ListByPath { path_prefix: Option<String>, #[serde(flatten)] page: PageInput }
    /// One user.
    UserName { user_name: Option<String> }
    /// One role.
    RoleName { role_name: Option<String> }
    /// One managed policy.
    PolicyArn { policy_arn: Option<String> }
    /// One version of a managed policy.
    PolicyVersionId { policy_arn: Option<String>, version_id: Option<String> }
    /// `CreateUser`
    CreateUser {
        path: Option<String>,
        user_name: Option<String>,
        permissions_boundary: Option<String>,
        tags: Vec<TagInput>,
    }
    /// `UpdateUser`
    UpdateUser { user_name: Option<String>, new_path: Option<String>, new_user_name: Option<String> }
    /// `CreateRole`
    CreateRole {
        path: Option<String>,
        role_name: Option<String>,
        assume_role_policy_document: Option<PolicyText>,
        description: Option<String>,
        max_session_duration: Option<String>,
        permissions_boundary: Option<String>,
        tags: Vec<TagInput>,
        /// Takes a trust policy that is dangerous. Like all below, not on AWS's wire.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        allow_dangerous: bool,
        /// Sessions that one identity token may have of it; none or zero: as many as it likes.
        max_uses: Option<u32>,
        /// Of an inline policy to make it with.
        policy_name: Option<String>,
        /// Of the same.
        policy_document: Option<PolicyText>,
        /// Managed policies to attach to it.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        policy_arns: Vec<String>,
    }
    /// `UpdateRole`
    UpdateRole { role_name: Option<String>, description: Option<String>, max_session_duration: Option<String> }
    /// `UpdateRoleDescription`
    UpdateRoleDescription { role_name: Option<String>, description: Option<String> }
    /// `UpdateAssumeRolePolicy`
    UpdateAssumeRolePolicy {
        role_name: Option<String>,
        policy_document: Option<PolicyText>,
        /// Puts it even if it is dangerous. Not on AWS's wire.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        allow_dangerous: bool,
    }
    /// `UpdateRole` of what AWS has no words for. What is not given stays.
    UpdateRoleSettings {
        role_name: Option<String>,
        /// Whether callers whom the trust policy refuses may see why.
        explain_to_caller: Option<bool>,
        /// Zero takes the limit away.
        max_uses: Option<u32>,
    }
    /// `CreatePolicy`
    CreatePolicy {
        policy_name: Option<String>,
        path: Option<String>,
        policy_document: Option<PolicyText>,
        description: Option<String>,
        tags: Vec<TagInput>,
    }
    /// `ListPolicies`
    ListPolicies {
        scope: Option<String>,
        only_attached: Option<String>,
        path_prefix: Option<String>,
        policy_usage_filter: Option<String>,
        #[serde(flatten)]
        page: PageInput,
    }
    /// `ListEntitiesForPolicy`
    ListEntitiesForPolicy {
        policy_arn: Option<String>,
        entity_filter: Option<String>,
        path_prefix: Option<String>,
        policy_usage_filter: Option<String>,
        #[serde(flatten)]
        page: PageInput,
    }
    /// `CreatePolicyVersion`
    CreatePolicyVersion {
        policy_arn: Option<String>,
        policy_document: Option<PolicyText>,
        set_as_default: Option<String>,
    }
    /// `ListPolicyVersions`
    ListPolicyVersions { policy_arn: Option<String>, #[serde(flatten)] page: PageInput }
}

impl Request {
    /// The IAM action that it needs on its resource: AWS's name, or that of AWS's operation which comes to the same.
    pub fn action(&self) -> &'static str {
        match self {
            // Who may delete a provider may turn it off, and who may create one may turn it on.
            Self::DisableOidcProvider(_) => "DeleteOpenIDConnectProvider",
            Self::EnableOidcProvider(_) => "CreateOpenIDConnectProvider",
            Self::Key(request) => request.action(),
            _ => self.name(),
        }
    }

    /// AWS's name, where AWS has one.
    pub fn name(&self) -> &'static str {
        match self {
            Self::CreateUser(_) => "CreateUser",
            Self::GetUser(_) => "GetUser",
            Self::ListUsers(_) => "ListUsers",
            Self::UpdateUser(_) => "UpdateUser",
            Self::DeleteUser(_) => "DeleteUser",
            Self::CreateAccessKey(_) => "CreateAccessKey",
            Self::ListAccessKeys(_) => "ListAccessKeys",
            Self::UpdateAccessKey(_) => "UpdateAccessKey",
            Self::DeleteAccessKey(_) => "DeleteAccessKey",
            Self::CreateRole(_) => "CreateRole",
            Self::GetRole(_) => "GetRole",
            Self::ListRoles(_) => "ListRoles",
            Self::UpdateRole(_) | Self::UpdateRoleSettings(_) => "UpdateRole",
            Self::UpdateRoleDescription(_) => "UpdateRoleDescription",
            Self::UpdateAssumeRolePolicy(_) => "UpdateAssumeRolePolicy",
            Self::DeleteRole(_) => "DeleteRole",
            Self::CreatePolicy(_) => "CreatePolicy",
            Self::GetPolicy(_) => "GetPolicy",
            Self::ListPolicies(_) => "ListPolicies",
            Self::DeletePolicy(_) => "DeletePolicy",
            Self::ListEntitiesForPolicy(_) => "ListEntitiesForPolicy",
            Self::CreatePolicyVersion(_) => "CreatePolicyVersion",
            Self::GetPolicyVersion(_) => "GetPolicyVersion",
            Self::ListPolicyVersions(_) => "ListPolicyVersions",
            Self::SetDefaultPolicyVersion(_) => "SetDefaultPolicyVersion",
            Self::DeletePolicyVersion(_) => "DeletePolicyVersion",
            Self::SimulateCustomPolicy(_) => "SimulateCustomPolicy",
            Self::SimulatePrincipalPolicy(_) => "SimulatePrincipalPolicy",
            Self::GetContextKeysForCustomPolicy(_) => "GetContextKeysForCustomPolicy",
            Self::GetContextKeysForPrincipalPolicy(_) => "GetContextKeysForPrincipalPolicy",
            Self::CreateOpenIDConnectProvider(_) | Self::PutOidcProvider(_) => "CreateOpenIDConnectProvider",
            Self::DisableOidcProvider(_) => "DisableOidcProvider",
            Self::EnableOidcProvider(_) => "EnableOidcProvider",
            Self::GetOpenIDConnectProvider(_) => "GetOpenIDConnectProvider",
            Self::ListOpenIDConnectProviders | Self::ListOidcProviders => "ListOpenIDConnectProviders",
            Self::DeleteOpenIDConnectProvider(_) => "DeleteOpenIDConnectProvider",
            Self::AddClientIDToOpenIDConnectProvider(_) => "AddClientIDToOpenIDConnectProvider",
            Self::RemoveClientIDFromOpenIDConnectProvider(_) => "RemoveClientIDFromOpenIDConnectProvider",
            Self::UpdateOpenIDConnectProviderThumbprint(_) => "UpdateOpenIDConnectProviderThumbprint",
            Self::TagOpenIDConnectProvider(_) => "TagOpenIDConnectProvider",
            Self::UntagOpenIDConnectProvider(_) => "UntagOpenIDConnectProvider",
            Self::ListOpenIDConnectProviderTags(_) => "ListOpenIDConnectProviderTags",
            Self::Key(request) => request.name(),
            Self::Owned(request) => request.name(),
        }
    }

    /// Whether the operation changes the directory. AWS's names of all others begin with `Get`, `List` or `Simulate`.
    pub fn is_change(&self) -> bool {
        !["Get", "List", "Simulate"].iter().any(|read| self.name().starts_with(read))
    }

    /// The parameters for the audit log, under CloudTrail's names: documents as length and digest, values that are longer
    /// than any that is valid cut, never a secret.
    pub fn audit_parameters(&self) -> Value {
        // Only a map with keys that are no strings could fail, and there is none.
        let Ok(Value::Object(mut parameters)) = serde_json::to_value(self) else {
            return json!({});
        };
        if let Self::Owned(request) = self
            && let Some(name) = parameters.remove("owner")
        {
            parameters.insert(request.kind.parameter().to_owned(), name);
        }
        parameters.retain(|_, value| !value.is_null());
        parameters.values_mut().for_each(cut);
        Value::Object(parameters)
    }
}

/// Cuts every text in a value to the length of the longest that an operation takes, an ARN.
fn cut(value: &mut Value) {
    match value {
        Value::String(text) if text.len() > Arn::MAX_LENGTH => {
            text.truncate(text.floor_char_boundary(Arn::MAX_LENGTH));
            text.push('…');
        }
        Value::Array(values) => values.iter_mut().for_each(cut),
        Value::Object(fields) => fields.values_mut().for_each(cut),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

impl OwnedRequest {
    fn name(&self) -> &'static str {
        macro_rules! name {
            ($before:literal, $after:literal) => {
                match self.kind {
                    OwnerKind::User => concat!($before, "User", $after),
                    OwnerKind::Role => concat!($before, "Role", $after),
                }
            };
        }
        match self.action {
            OwnedAction::Tag { .. } => name!("Tag", ""),
            OwnedAction::Untag { .. } => name!("Untag", ""),
            OwnedAction::ListTags(_) => name!("List", "Tags"),
            OwnedAction::PutPolicy { .. } => name!("Put", "Policy"),
            OwnedAction::GetPolicy { .. } => name!("Get", "Policy"),
            OwnedAction::ListPolicies(_) => name!("List", "Policies"),
            OwnedAction::DeletePolicy { .. } => name!("Delete", "Policy"),
            OwnedAction::AttachPolicy { .. } => name!("Attach", "Policy"),
            OwnedAction::DetachPolicy { .. } => name!("Detach", "Policy"),
            OwnedAction::ListAttachedPolicies(_) => name!("ListAttached", "Policies"),
            OwnedAction::PutPermissionsBoundary { .. } => name!("Put", "PermissionsBoundary"),
            OwnedAction::DeletePermissionsBoundary {} => name!("Delete", "PermissionsBoundary"),
        }
    }
}
