//! Roles and their trust policies.

use std::num::NonZeroU32;

use brevet_validator::identity::UniqueIdKind;
use brevet_validator::token::Subject;

use super::answer::{Answer, RoleDetail};
use super::attachments::attachable;
use super::call::Call;
use super::new_policies::NewPolicies;
use super::paging::Paging;
use super::request::{
    CreateRole, ListByPath, RoleName, UpdateAssumeRolePolicy, UpdateRole, UpdateRoleDescription, UpdateRoleSettings,
};
use super::users::without_policies;
use super::{parameters, tags, trust};
use crate::service::directory::{Grants, Role, role_arn};
use crate::service::error::{Error, Kind};
use crate::service::parameters::check_number;

/// Seconds; AWS's default of `MaxSessionDuration`.
const DEFAULT_SESSION: u32 = 3600;
/// Most sessions that can be allowed to one identity token, where they are counted.
const MAX_USES: u32 = 1000;

pub(super) async fn create(call: Call<'_>, input: CreateRole) -> Result<Answer, Error> {
    let path = parameters::path("path", input.path)?;
    let name = parameters::new_name("roleName", input.role_name)?;
    let trust_text = parameters::document("assumeRolePolicyDocument", input.assume_role_policy_document)?;
    let description = parameters::role_description(input.description)?.unwrap_or_default();
    let max_session_duration = session_duration(input.max_session_duration)?.unwrap_or(DEFAULT_SESSION);
    let boundary = parameters::boundary(input.permissions_boundary)?;
    let tags = tags::checked(input.tags)?;
    let max_uses = max_uses(input.max_uses.unwrap_or(0))?;
    let policies = NewPolicies::read(input.policy_name, input.policy_document, input.policy_arns)?;
    let id = call.iam.unique_id(UniqueIdKind::Role)?;
    call.change(|edit| {
        let before = edit.before();
        let grants = Grants { tags, boundary: boundary.as_ref().map(ToString::to_string), ..Grants::default() };
        call.resource(role_arn(call.account(), &path, &name))
            .tagged("TagRole", &grants.tags)
            .boundary(grants.boundary.as_deref())
            .permit()?;
        let (trust, findings) = trust::compile(&trust_text, &before, input.allow_dangerous)?;
        if before.role(call.account(), &name).is_some() {
            return Err(Error::new(Kind::EntityAlreadyExists, format!("Role with name {name} already exists.")));
        }
        let role = Role {
            account: call.account(),
            path,
            name,
            id,
            created_at: call.caller.now(),
            description,
            max_session_duration,
            trust,
            explain_to_caller: false,
            max_uses,
            grants,
            generation: 0,
        };
        let role = policies.give(call, role)?;
        for arn in policies.and_boundary(boundary.as_ref()) {
            attachable(call, edit, arn)?;
        }
        let detail = RoleDetail::full(&role);
        edit.put(role);
        Ok(Answer::NewRole(detail, findings))
    })
    .await
}

pub(super) fn get(call: Call<'_>, input: RoleName) -> Result<Answer, Error> {
    let name = parameters::owner_name::<Role>(input.role_name)?;
    let role = call.owner::<Role>(call.caller.snapshot(), &name).permit()?;
    Ok(Answer::Role(RoleDetail::full(role)))
}

pub(super) fn list(call: Call<'_>, input: ListByPath) -> Result<Answer, Error> {
    let prefix = parameters::path_prefix(input.path_prefix)?;
    let paging = Paging::read(call, input.page)?;
    call.list("role", &prefix).permit()?;
    let roles = call.caller.snapshot().roles(call.account()).filter(|role| role.path.starts_with(&prefix));
    Ok(Answer::Roles(paging.cut(roles, |role| role.name.to_ascii_lowercase()).map(RoleDetail::brief)))
}

/// Without a duration the default of one hour is applied, as AWS documents; without a description the old one stays.
pub(super) async fn update(call: Call<'_>, input: UpdateRole) -> Result<Answer, Error> {
    let name = parameters::owner_name::<Role>(input.role_name)?;
    let description = parameters::role_description(input.description)?;
    let max_session_duration = session_duration(input.max_session_duration)?.unwrap_or(DEFAULT_SESSION);
    call.change(|edit| {
        let before = edit.before();
        let mut role = call.owner::<Role>(&before, &name).permit()?.clone();
        role.max_session_duration = max_session_duration;
        role.description = description.unwrap_or(role.description);
        edit.put(role);
        Ok(Answer::Updated)
    })
    .await
}

pub(super) async fn update_description(call: Call<'_>, input: UpdateRoleDescription) -> Result<Answer, Error> {
    let name = parameters::owner_name::<Role>(input.role_name)?;
    let description = parameters::required("description", parameters::role_description(input.description)?)?;
    call.change(|edit| {
        let before = edit.before();
        let mut role = call.owner::<Role>(&before, &name).permit()?.clone();
        role.description = description;
        let detail = RoleDetail::full(&role);
        edit.put(role);
        Ok(Answer::Role(detail))
    })
    .await
}

pub(super) async fn update_trust(call: Call<'_>, input: UpdateAssumeRolePolicy) -> Result<Answer, Error> {
    let name = parameters::owner_name::<Role>(input.role_name)?;
    let text = parameters::document("policyDocument", input.policy_document)?;
    call.change(|edit| {
        let before = edit.before();
        let mut role = call.owner::<Role>(&before, &name).permit()?.clone();
        let (trust, findings) = trust::compile(&text, &before, input.allow_dangerous)?;
        role.trust = trust;
        edit.put(role);
        Ok(Answer::TrustPut(findings))
    })
    .await
}

pub(super) async fn update_settings(call: Call<'_>, input: UpdateRoleSettings) -> Result<Answer, Error> {
    let name = parameters::owner_name::<Role>(input.role_name)?;
    let max_uses = input.max_uses.map(max_uses).transpose()?;
    call.change(|edit| {
        let before = edit.before();
        let mut role = call.owner::<Role>(&before, &name).permit()?.clone();
        role.explain_to_caller = input.explain_to_caller.unwrap_or(role.explain_to_caller);
        role.max_uses = max_uses.unwrap_or(role.max_uses);
        edit.put(role);
        Ok(Answer::Updated)
    })
    .await
}

pub(super) async fn delete(call: Call<'_>, input: RoleName) -> Result<Answer, Error> {
    let name = parameters::owner_name::<Role>(input.role_name)?;
    call.change(|edit| {
        let before = edit.before();
        let role = call.owner::<Role>(&before, &name).permit()?;
        without_policies(role)?;
        edit.delete(role);
        edit.revoke(Subject::Role(role.id), call.caller.now());
        Ok(Answer::Done)
    })
    .await
}

/// `roleMaxSessionDurationType`
fn session_duration(value: Option<String>) -> Result<Option<u32>, Error> {
    value.map(|seconds| check_number(&seconds, 3600, 43_200, "maxSessionDuration")).transpose()
}

/// How many sessions one identity token may have; zero: as many as it likes.
fn max_uses(number: u32) -> Result<Option<NonZeroU32>, Error> {
    if number > MAX_USES {
        return Err(Error::validation(format!("maxUses is at most {MAX_USES}; 0 takes the limit away.")));
    }
    Ok(NonZeroU32::new(number))
}
