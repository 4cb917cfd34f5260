//! Managed policies on users and roles: attached, or as the boundary of all others.

use brevet_validator::identity::Arn;

use super::answer::{Answer, AttachedPolicy};
use super::call::Call;
use super::owner::Owner;
use super::paging::Paging;
use super::parameters;
use super::request::ListByPath;
use crate::service::directory::Edit;
use crate::service::error::{Error, Kind};

/// AWS's `PoliciesPerUser` and `PoliciesPerRole`.
const MOST_ATTACHED: usize = 10;

/// Attaching what is attached already changes nothing.
pub(super) async fn attach<O: Owner>(call: Call<'_>, owner: &str, arn: Option<String>) -> Result<Answer, Error> {
    let arn = parameters::policy_arn("policyArn", arn)?;
    call.change(|edit| {
        let before = edit.before();
        let owner = call.owner::<O>(&before, owner).key("iam:PolicyARN", arn.as_str()).current_boundary().permit()?;
        if has(owner, &arn) {
            return Ok(Answer::Done);
        }
        attachable(call, edit, &arn)?;
        with(owner, &arn)?.put(edit);
        Ok(Answer::Done)
    })
    .await
}

/// The same owner with this policy attached.
pub(super) fn with<O: Owner>(owner: &O, arn: &Arn) -> Result<O, Error> {
    if has(owner, arn) {
        return Ok(owner.clone());
    }
    if owner.grants().attached.len() >= MOST_ATTACHED {
        let quota = O::ATTACHED_QUOTA_NAME;
        return Err(Error::new(Kind::LimitExceeded, format!("Cannot exceed quota for {quota}: {MOST_ATTACHED}")));
    }
    Ok(owner.with_grants(|grants| grants.attached.push(arn.to_string())))
}

pub(super) async fn detach<O: Owner>(call: Call<'_>, owner: &str, arn: Option<String>) -> Result<Answer, Error> {
    let arn = parameters::policy_arn("policyArn", arn)?;
    call.change(|edit| {
        let before = edit.before();
        let owner = call.owner::<O>(&before, owner).key("iam:PolicyARN", arn.as_str()).current_boundary().permit()?;
        if !has(owner, &arn) {
            return Err(Error::new(Kind::NoSuchEntity, format!("Policy {arn} was not found.")));
        }
        owner.with_grants(|grants| grants.attached.retain(|attached| attached != arn.as_str())).put(edit);
        Ok(Answer::Done)
    })
    .await
}

pub(super) fn list<O: Owner>(call: Call<'_>, owner: &str, input: ListByPath) -> Result<Answer, Error> {
    let prefix = parameters::path_prefix(input.path_prefix)?;
    let paging = Paging::read(call, input.page)?;
    let owner = call.owner::<O>(call.caller.snapshot(), owner).permit()?;
    let mut attached: Vec<AttachedPolicy> =
        owner.grants().attached.iter().filter_map(|arn| below(arn, &prefix)).collect();
    attached.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Answer::AttachedPolicies(paging.cut(attached, |policy| policy.name.clone())))
}

/// The condition key `iam:PermissionsBoundary` is the boundary to be.
pub(super) async fn put_boundary<O: Owner>(call: Call<'_>, owner: &str, arn: Option<String>) -> Result<Answer, Error> {
    let arn = parameters::policy_arn("permissionsBoundary", arn)?;
    call.change(|edit| {
        let before = edit.before();
        let owner = call.owner::<O>(&before, owner).boundary(Some(arn.as_str())).permit()?;
        attachable(call, edit, &arn)?;
        owner.with_grants(|grants| grants.boundary = Some(arn.to_string())).put(edit);
        Ok(Answer::Done)
    })
    .await
}

/// Where there is no boundary, nothing changes.
pub(super) async fn delete_boundary<O: Owner>(call: Call<'_>, owner: &str) -> Result<Answer, Error> {
    call.change(|edit| {
        let before = edit.before();
        let owner = call.owner::<O>(&before, owner).current_boundary().permit()?;
        owner.with_grants(|grants| grants.boundary = None).put(edit);
        Ok(Answer::Done)
    })
    .await
}

/// A policy of the caller's account that a user or role is about to refer to. Its record is written, too, so that of
/// this change and the policy's deletion, made at the same time elsewhere, only one is committed.
pub(super) fn attachable(call: Call<'_>, edit: &mut Edit, arn: &Arn) -> Result<(), Error> {
    let before = edit.before();
    let policy = call
        .find_policy(&before, arn)
        .ok_or_else(|| Error::new(Kind::NoSuchEntity, format!("Policy {arn} does not exist or is not attachable.")))?;
    edit.put(policy.clone());
    Ok(())
}

fn has<O: Owner>(owner: &O, arn: &Arn) -> bool {
    owner.grants().attached.iter().any(|attached| attached == arn.as_str())
}

/// The policy of this ARN, if its path begins with a prefix.
fn below(arn: &str, prefix: &str) -> Option<AttachedPolicy> {
    let (_, resource) = arn.split_once(":policy")?;
    let (path, name) = resource.split_at(resource.rfind('/')? + 1);
    path.starts_with(prefix).then(|| AttachedPolicy { name: name.to_owned(), arn: arn.to_owned() })
}
