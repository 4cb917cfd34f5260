//! From a form to a request: every parameter of every operation, by AWS's name.

use super::{oidc_providers, simulate};
use crate::service::error::Error;
use crate::service::iam::*;
use crate::transport::query::form::Form;

/// Reads the parameters of an action; `None` if IAM has no such action here. What is left in the form is unknown to it.
pub fn parse(action: &str, form: &mut Form) -> Result<Option<Request>, Error> {
    let request = match action {
        "CreateUser" => Request::CreateUser(CreateUser {
            path: form.take("Path"),
            user_name: form.take("UserName"),
            permissions_boundary: form.take("PermissionsBoundary"),
            tags: tags(form)?,
        }),
        "GetUser" => Request::GetUser(user_name(form)),
        "ListUsers" => Request::ListUsers(by_path(form)),
        "UpdateUser" => Request::UpdateUser(UpdateUser {
            user_name: form.take("UserName"),
            new_path: form.take("NewPath"),
            new_user_name: form.take("NewUserName"),
        }),
        "DeleteUser" => Request::DeleteUser(user_name(form)),
        "CreateAccessKey" => {
            Request::CreateAccessKey(CreateAccessKey { user_name: form.take("UserName"), ..CreateAccessKey::default() })
        }
        "ListAccessKeys" => {
            let user_name = form.take("UserName");
            Request::ListAccessKeys(ListAccessKeys { user_name, page: page(form), with_last_use: false })
        }
        "UpdateAccessKey" => Request::UpdateAccessKey(UpdateAccessKey {
            user_name: form.take("UserName"),
            access_key_id: form.take("AccessKeyId"),
            status: form.take("Status"),
        }),
        "DeleteAccessKey" => Request::DeleteAccessKey(DeleteAccessKey {
            user_name: form.take("UserName"),
            access_key_id: form.take("AccessKeyId"),
        }),
        "GetAccessKeyLastUsed" => {
            Request::Key(KeyRequest { access_key_id: form.take("AccessKeyId"), action: KeyAction::GetLastUsed {} })
        }
        "CreateRole" => Request::CreateRole(CreateRole {
            path: form.take("Path"),
            role_name: form.take("RoleName"),
            assume_role_policy_document: policy(form, "AssumeRolePolicyDocument"),
            description: form.take("Description"),
            max_session_duration: form.take("MaxSessionDuration"),
            permissions_boundary: form.take("PermissionsBoundary"),
            tags: tags(form)?,
            ..CreateRole::default()
        }),
        "GetRole" => Request::GetRole(role_name(form)),
        "ListRoles" => Request::ListRoles(by_path(form)),
        "UpdateRole" => Request::UpdateRole(UpdateRole {
            role_name: form.take("RoleName"),
            description: form.take("Description"),
            max_session_duration: form.take("MaxSessionDuration"),
        }),
        "UpdateRoleDescription" => Request::UpdateRoleDescription(UpdateRoleDescription {
            role_name: form.take("RoleName"),
            description: form.take("Description"),
        }),
        "UpdateAssumeRolePolicy" => Request::UpdateAssumeRolePolicy(UpdateAssumeRolePolicy {
            role_name: form.take("RoleName"),
            policy_document: policy(form, "PolicyDocument"),
            allow_dangerous: false,
        }),
        "DeleteRole" => Request::DeleteRole(role_name(form)),
        "CreatePolicy" => Request::CreatePolicy(CreatePolicy {
            policy_name: form.take("PolicyName"),
            path: form.take("Path"),
            policy_document: policy(form, "PolicyDocument"),
            description: form.take("Description"),
            tags: tags(form)?,
        }),
        "GetPolicy" => Request::GetPolicy(policy_arn(form)),
        "ListPolicies" => Request::ListPolicies(ListPolicies {
            scope: form.take("Scope"),
            only_attached: form.take("OnlyAttached"),
            path_prefix: form.take("PathPrefix"),
            policy_usage_filter: form.take("PolicyUsageFilter"),
            page: page(form),
        }),
        "DeletePolicy" => Request::DeletePolicy(policy_arn(form)),
        "ListEntitiesForPolicy" => Request::ListEntitiesForPolicy(ListEntitiesForPolicy {
            policy_arn: form.take("PolicyArn"),
            entity_filter: form.take("EntityFilter"),
            path_prefix: form.take("PathPrefix"),
            policy_usage_filter: form.take("PolicyUsageFilter"),
            page: page(form),
        }),
        "CreatePolicyVersion" => Request::CreatePolicyVersion(CreatePolicyVersion {
            policy_arn: form.take("PolicyArn"),
            policy_document: policy(form, "PolicyDocument"),
            set_as_default: form.take("SetAsDefault"),
        }),
        "GetPolicyVersion" => Request::GetPolicyVersion(version_id(form)),
        "ListPolicyVersions" => {
            Request::ListPolicyVersions(ListPolicyVersions { policy_arn: form.take("PolicyArn"), page: page(form) })
        }
        "SetDefaultPolicyVersion" => Request::SetDefaultPolicyVersion(version_id(form)),
        "DeletePolicyVersion" => Request::DeletePolicyVersion(version_id(form)),
        _ => {
            for parse in [simulate::parse, oidc_providers::parse, owned] {
                if let Some(request) = parse(action, form)? {
                    return Ok(Some(request));
                }
            }
            return Ok(None);
        }
    };
    Ok(Some(request))
}

/// The operations that users and roles have in common.
fn owned(action: &str, form: &mut Form) -> Result<Option<Request>, Error> {
    let kind = if action.contains("User") { OwnerKind::User } else { OwnerKind::Role };
    let owned = match action {
        "TagUser" | "TagRole" => OwnedAction::Tag { tags: tags(form)? },
        "UntagUser" | "UntagRole" => OwnedAction::Untag { tag_keys: form.take_list("TagKeys")? },
        "ListUserTags" | "ListRoleTags" => OwnedAction::ListTags(page(form)),
        "PutUserPolicy" | "PutRolePolicy" => OwnedAction::PutPolicy {
            policy_name: form.take("PolicyName"),
            policy_document: policy(form, "PolicyDocument"),
        },
        "GetUserPolicy" | "GetRolePolicy" => OwnedAction::GetPolicy { policy_name: form.take("PolicyName") },
        "ListUserPolicies" | "ListRolePolicies" => OwnedAction::ListPolicies(page(form)),
        "DeleteUserPolicy" | "DeleteRolePolicy" => OwnedAction::DeletePolicy { policy_name: form.take("PolicyName") },
        "AttachUserPolicy" | "AttachRolePolicy" => OwnedAction::AttachPolicy { policy_arn: form.take("PolicyArn") },
        "DetachUserPolicy" | "DetachRolePolicy" => OwnedAction::DetachPolicy { policy_arn: form.take("PolicyArn") },
        "ListAttachedUserPolicies" | "ListAttachedRolePolicies" => OwnedAction::ListAttachedPolicies(by_path(form)),
        "PutUserPermissionsBoundary" | "PutRolePermissionsBoundary" => {
            OwnedAction::PutPermissionsBoundary { permissions_boundary: form.take("PermissionsBoundary") }
        }
        "DeleteUserPermissionsBoundary" | "DeleteRolePermissionsBoundary" => OwnedAction::DeletePermissionsBoundary {},
        _ => return Ok(None),
    };
    let owner = match kind {
        OwnerKind::User => form.take("UserName"),
        OwnerKind::Role => form.take("RoleName"),
    };
    Ok(Some(Request::Owned(OwnedRequest { kind, owner, action: owned })))
}

fn user_name(form: &mut Form) -> UserName {
    UserName { user_name: form.take("UserName") }
}

fn role_name(form: &mut Form) -> RoleName {
    RoleName { role_name: form.take("RoleName") }
}

fn policy_arn(form: &mut Form) -> PolicyArn {
    PolicyArn { policy_arn: form.take("PolicyArn") }
}

fn version_id(form: &mut Form) -> PolicyVersionId {
    PolicyVersionId { policy_arn: form.take("PolicyArn"), version_id: form.take("VersionId") }
}

fn by_path(form: &mut Form) -> ListByPath {
    ListByPath { path_prefix: form.take("PathPrefix"), page: page(form) }
}

pub(super) fn page(form: &mut Form) -> PageInput {
    PageInput { marker: form.take("Marker"), max_items: form.take("MaxItems") }
}

pub(super) fn policy(form: &mut Form, name: &str) -> Option<PolicyText> {
    form.take(name).map(PolicyText)
}

pub(super) fn tags(form: &mut Form) -> Result<Vec<TagInput>, Error> {
    let tags = form.take_structs("Tags", ["Key", "Value"])?;
    Ok(tags.into_iter().map(|[key, value]| TagInput { key, value }).collect())
}
