//! Versions of managed policies.

use brevet_validator::policy::Kind as PolicyKind;

use super::answer::{Answer, VersionDetail};
use super::call::Call;
use super::paging::Paging;
use super::policies::SIZE_QUOTA;
use super::request::{CreatePolicyVersion, ListPolicyVersions, PolicyVersionId};
use super::{documents, parameters};
use crate::service::directory::{ManagedPolicy, PolicyVersion};
use crate::service::error::{Error, Kind};

/// AWS's `VersionsPerPolicy`.
const MOST_VERSIONS: usize = 5;

pub(super) async fn create(call: Call<'_>, input: CreatePolicyVersion) -> Result<Answer, Error> {
    let arn = parameters::policy_arn("policyArn", input.policy_arn)?;
    let text = parameters::document("policyDocument", input.policy_document)?;
    let set_as_default = parameters::flag("setAsDefault", input.set_as_default)?;
    call.change(|edit| {
        let before = edit.before();
        let mut policy = call.policy(&before, &arn).permit()?.clone();
        let document = documents::compile(&text, PolicyKind::Identity)?;
        documents::within_quota(&text, "PolicySize", SIZE_QUOTA)?;
        if policy.versions.len() >= MOST_VERSIONS {
            return Err(Error::new(
                Kind::LimitExceeded,
                format!(
                    "A managed policy can have up to {MOST_VERSIONS} versions. Before you create a new version, you \
                     must delete an existing version."
                ),
            ));
        }
        let version =
            PolicyVersion { id: format!("v{}", policy.next_version), document, created_at: call.caller.now() };
        policy.next_version += 1;
        policy.updated_at = version.created_at;
        if set_as_default {
            policy.default_version = version.id.clone();
        }
        let detail = VersionDetail::brief(&policy, &version);
        policy.versions.push(version);
        edit.put(policy);
        Ok(Answer::PolicyVersion(detail))
    })
    .await
}

pub(super) fn get(call: Call<'_>, input: PolicyVersionId) -> Result<Answer, Error> {
    let arn = parameters::policy_arn("policyArn", input.policy_arn)?;
    let id = parameters::version_id(input.version_id)?;
    let policy = call.policy(call.caller.snapshot(), &arn).permit()?;
    let version = find(policy, &id)?;
    Ok(Answer::PolicyVersion(VersionDetail::full(policy, version)))
}

/// The newest first.
pub(super) fn list(call: Call<'_>, input: ListPolicyVersions) -> Result<Answer, Error> {
    let arn = parameters::policy_arn("policyArn", input.policy_arn)?;
    let paging = Paging::read(call, input.page)?;
    let policy = call.policy(call.caller.snapshot(), &arn).permit()?;
    let newest_first = policy.versions.iter().rev().enumerate();
    let page = paging.cut(newest_first, |(index, _)| index.to_string());
    Ok(Answer::PolicyVersions(page.map(|(_, version)| VersionDetail::brief(policy, version))))
}

pub(super) async fn set_default(call: Call<'_>, input: PolicyVersionId) -> Result<Answer, Error> {
    let arn = parameters::policy_arn("policyArn", input.policy_arn)?;
    let id = parameters::version_id(input.version_id)?;
    call.change(|edit| {
        let before = edit.before();
        let mut policy = call.policy(&before, &arn).permit()?.clone();
        find(&policy, &id)?;
        policy.default_version = id;
        policy.updated_at = call.caller.now();
        edit.put(policy);
        Ok(Answer::Done)
    })
    .await
}

pub(super) async fn delete(call: Call<'_>, input: PolicyVersionId) -> Result<Answer, Error> {
    let arn = parameters::policy_arn("policyArn", input.policy_arn)?;
    let id = parameters::version_id(input.version_id)?;
    call.change(|edit| {
        let before = edit.before();
        let mut policy = call.policy(&before, &arn).permit()?.clone();
        find(&policy, &id)?;
        if policy.default_version == id {
            return Err(Error::new(Kind::DeleteConflict, "Cannot delete the default version of a policy."));
        }
        policy.versions.retain(|version| version.id != id);
        edit.put(policy);
        Ok(Answer::Done)
    })
    .await
}

fn find<'a>(policy: &'a ManagedPolicy, id: &str) -> Result<&'a PolicyVersion, Error> {
    policy.versions.iter().find(|version| version.id == id).ok_or_else(|| {
        let arn = policy.arn();
        Error::new(Kind::NoSuchEntity, format!("Policy {arn} version {id} does not exist or is not attachable."))
    })
}
