//! Managed policies.

use brevet_validator::identity::UniqueIdKind;
use brevet_validator::policy::Kind as PolicyKind;

use super::answer::{Answer, PolicyDetail, PolicyEntity};
use super::call::Call;
use super::owner::{Owner, OwnerKind};
use super::paging::Paging;
use super::request::{CreatePolicy, ListEntitiesForPolicy, ListPolicies, PolicyArn};
use super::usage::{self, Use};
use super::{documents, parameters, tags};
use crate::service::directory::{ManagedPolicy, PolicyVersion};
use crate::service::error::{Error, Kind};

/// AWS's `PolicySize`: characters without white space.
pub(super) const SIZE_QUOTA: usize = 6144;

pub(super) async fn create(call: Call<'_>, input: CreatePolicy) -> Result<Answer, Error> {
    let name = parameters::policy_name(input.policy_name)?;
    let path = parameters::policy_path(input.path)?;
    let text = parameters::document("policyDocument", input.policy_document)?;
    let mut policy = ManagedPolicy {
        account: call.account(),
        path,
        name,
        id: call.iam.unique_id(UniqueIdKind::ManagedPolicy)?,
        created_at: call.caller.now(),
        updated_at: call.caller.now(),
        description: parameters::policy_description(input.description)?.unwrap_or_default(),
        tags: tags::checked(input.tags)?,
        versions: Vec::new(),
        default_version: "v1".to_owned(),
        next_version: 2,
    };
    call.change(|edit| {
        let before = edit.before();
        call.resource(policy.arn()).tagged("TagPolicy", &policy.tags).permit()?;
        let document = documents::compile(&text, PolicyKind::Identity)?;
        documents::within_quota(&text, "PolicySize", SIZE_QUOTA)?;
        if before.policy(policy.account, &policy.name).is_some() {
            return Err(Error::new(
                Kind::EntityAlreadyExists,
                format!("A policy called {} already exists. Duplicate names are not allowed.", policy.name),
            ));
        }
        policy.versions.push(PolicyVersion { id: "v1".to_owned(), document, created_at: policy.created_at });
        let detail = PolicyDetail { description: None, ..PolicyDetail::full(&policy, 0, 0) };
        edit.put(policy);
        Ok(Answer::Policy(detail))
    })
    .await
}

pub(super) fn get(call: Call<'_>, input: PolicyArn) -> Result<Answer, Error> {
    let arn = parameters::policy_arn("policyArn", input.policy_arn)?;
    let snapshot = call.caller.snapshot();
    let policy = call.policy(snapshot, &arn).permit()?;
    let count = usage::count(snapshot, call.account(), arn.as_str());
    Ok(Answer::Policy(PolicyDetail::full(policy, count.attached, count.boundary)))
}

pub(super) fn list(call: Call<'_>, input: ListPolicies) -> Result<Answer, Error> {
    let scopes = [("All", true), ("Local", true), ("AWS", false)];
    let has_ours = parameters::choice("scope", input.scope, &scopes)?.unwrap_or(true);
    let only_attached = parameters::flag("onlyAttached", input.only_attached)?;
    let filter = parameters::choice("policyUsageFilter", input.policy_usage_filter, &usage::FILTERS)?;
    let prefix = parameters::path_prefix(input.path_prefix)?;
    let paging = Paging::read(call, input.page)?;
    call.list("policy", &prefix).permit()?;

    let snapshot = call.caller.snapshot();
    let counts = usage::counts(snapshot, call.account());
    let counted = snapshot.policies(call.account()).map(|policy| {
        let count = counts.get(policy.arn().as_str()).copied().unwrap_or_default();
        (policy, count)
    });
    let wanted = counted.filter(|(policy, count)| {
        has_ours && policy.path.starts_with(&prefix) && (!only_attached && filter.is_none() || count.has(filter))
    });
    let page = paging.cut(wanted, |(policy, _)| policy.name.to_ascii_lowercase());
    Ok(Answer::Policies(page.map(|(policy, count)| PolicyDetail::brief(policy, count.attached, count.boundary))))
}

pub(super) async fn delete(call: Call<'_>, input: PolicyArn) -> Result<Answer, Error> {
    let arn = parameters::policy_arn("policyArn", input.policy_arn)?;
    call.change(|edit| {
        let before = edit.before();
        let policy = call.policy(&before, &arn).permit()?;
        if usage::count(&before, call.account(), arn.as_str()).has(None) {
            return Err(Error::new(Kind::DeleteConflict, "Cannot delete a policy attached to entities."));
        }
        if policy.versions.len() > 1 {
            return Err(Error::new(
                Kind::DeleteConflict,
                "This policy has more than one version. Before you delete a policy, you must delete the policy's \
                 versions. The default version is deleted with the policy.",
            ));
        }
        edit.delete(policy);
        Ok(Answer::Done)
    })
    .await
}

/// Roles come before users. There are no groups.
pub(super) fn list_entities(call: Call<'_>, input: ListEntitiesForPolicy) -> Result<Answer, Error> {
    let arn = parameters::policy_arn("policyArn", input.policy_arn)?;
    let kinds = [
        ("User", Some(OwnerKind::User)),
        ("Role", Some(OwnerKind::Role)),
        ("Group", None),
        ("LocalManagedPolicy", None),
        ("AWSManagedPolicy", None),
    ];
    let kind_filter = parameters::choice("entityFilter", input.entity_filter, &kinds)?;
    let way = parameters::choice("policyUsageFilter", input.policy_usage_filter, &usage::FILTERS)?;
    let prefix = parameters::path_prefix(input.path_prefix)?;
    let paging = Paging::read(call, input.page)?;
    let snapshot = call.caller.snapshot();
    call.policy(snapshot, &arn).permit()?;

    let wanted = Wanted { arn: arn.as_str(), way, prefix: &prefix, kind_filter };
    let roles = snapshot.roles(call.account()).filter_map(|role| wanted.entity(role));
    let users = snapshot.users(call.account()).filter_map(|user| wanted.entity(user));
    let place = |entity: &PolicyEntity| {
        let kind = entity.kind.word();
        format!("{kind}/{}", entity.name.to_ascii_lowercase())
    };
    Ok(Answer::PolicyEntities(paging.cut(roles.chain(users), place)))
}

/// Which users and roles `ListEntitiesForPolicy` asks for.
struct Wanted<'a> {
    arn: &'a str,
    way: Option<Use>,
    prefix: &'a str,
    /// `Some(None)`: a kind of which there are none here.
    kind_filter: Option<Option<OwnerKind>>,
}

impl Wanted<'_> {
    fn entity<O: Owner>(&self, owner: &O) -> Option<PolicyEntity> {
        let of_kind = self.kind_filter.is_none_or(|kind| kind == Some(O::KIND));
        let wanted =
            of_kind && owner.path().starts_with(self.prefix) && usage::uses(owner.grants(), self.arn, self.way);
        wanted.then(|| PolicyEntity { kind: O::KIND, name: owner.name().to_owned(), id: owner.id() })
    }
}
