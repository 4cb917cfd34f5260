//! Policies that live inside a user or role.

use brevet_validator::policy::Kind as PolicyKind;

use super::answer::{Answer, InlinePolicyDetail};
use super::call::Call;
use super::owner::Owner;
use super::paging::Paging;
use super::request::{PageInput, PolicyText};
use super::{documents, parameters};
use crate::service::directory::InlinePolicy;
use crate::service::error::{Error, Kind};

/// Creates or replaces.
pub(super) async fn put<O: Owner>(
    call: Call<'_>,
    owner: &str,
    name: Option<String>,
    document: Option<PolicyText>,
) -> Result<Answer, Error> {
    let name = parameters::policy_name(name)?;
    let text = parameters::document("policyDocument", document)?;
    call.change(|edit| {
        let before = edit.before();
        let owner = call.owner::<O>(&before, owner).current_boundary().permit()?;
        with(owner, name, &text)?.put(edit);
        Ok(Answer::Done)
    })
    .await
}

/// The same owner with this policy.
pub(super) fn with<O: Owner>(owner: &O, name: String, text: &str) -> Result<O, Error> {
    let document = documents::compile(text, PolicyKind::Identity)?;
    let others = owner.grants().inline.iter().filter(|policy| policy.name != name);
    let size: usize = others.map(|policy| documents::size(&policy.document.text)).sum();
    if size + documents::size(text) > O::INLINE_QUOTA {
        let (quota, kind, owner) = (O::INLINE_QUOTA, O::KIND.word(), owner.name());
        return Err(Error::new(
            Kind::LimitExceeded,
            format!("Maximum policy size of {quota} bytes exceeded for {kind} {owner}"),
        ));
    }
    let put = |inline: &mut Vec<InlinePolicy>| {
        inline.retain(|policy| policy.name != name);
        inline.push(InlinePolicy { name, document });
        inline.sort_by(|a, b| a.name.cmp(&b.name));
    };
    Ok(owner.with_grants(|grants| put(&mut grants.inline)))
}

pub(super) fn get<O: Owner>(call: Call<'_>, owner: &str, name: Option<String>) -> Result<Answer, Error> {
    let name = parameters::policy_name(name)?;
    let owner = call.owner::<O>(call.caller.snapshot(), owner).permit()?;
    let policy = find(owner, &name)?;
    Ok(Answer::InlinePolicy(InlinePolicyDetail {
        owner_kind: O::KIND,
        owner: owner.name().to_owned(),
        name: policy.name.clone(),
        document: policy.document.text.clone(),
    }))
}

pub(super) fn list<O: Owner>(call: Call<'_>, owner: &str, page: PageInput) -> Result<Answer, Error> {
    let paging = Paging::read(call, page)?;
    let owner = call.owner::<O>(call.caller.snapshot(), owner).permit()?;
    let mut names: Vec<String> = owner.grants().inline.iter().map(|policy| policy.name.clone()).collect();
    names.sort();
    Ok(Answer::PolicyNames(paging.cut(names, String::clone)))
}

pub(super) async fn delete<O: Owner>(call: Call<'_>, owner: &str, name: Option<String>) -> Result<Answer, Error> {
    let name = parameters::policy_name(name)?;
    call.change(|edit| {
        let before = edit.before();
        let owner = call.owner::<O>(&before, owner).current_boundary().permit()?;
        find(owner, &name)?;
        owner.with_grants(|grants| grants.inline.retain(|policy| policy.name != name)).put(edit);
        Ok(Answer::Done)
    })
    .await
}

fn find<'a, O: Owner>(owner: &'a O, name: &str) -> Result<&'a InlinePolicy, Error> {
    owner.grants().inline.iter().find(|policy| policy.name == name).ok_or_else(|| {
        let kind = O::KIND.word();
        Error::new(Kind::NoSuchEntity, format!("The {kind} policy with name {name} cannot be found."))
    })
}
