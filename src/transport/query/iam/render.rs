//! From an answer to XML: element names and their order are those of AWS's service model.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{oidc_providers, simulate};
use crate::service::directory::{KeyStatus, Tag};
use crate::service::iam::*;
use crate::service::paging::Page;
use crate::transport::query::xml::Xml;

/// All but the unreserved characters of RFC 3986 §2.3.
const DOCUMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Whether the answer has a result element at all. Clients of operations that have one look for it, even if it is empty.
pub fn has_result(answer: &Answer) -> bool {
    !matches!(answer, Answer::Done | Answer::TrustPut(_))
}

/// Writes the content of the result element.
pub fn render(answer: &Answer, xml: &mut Xml) {
    match answer {
        Answer::Done | Answer::Updated | Answer::TrustPut(_) => {}
        // Not on this wire.
        Answer::WholeProviders(_)
        | Answer::RotatedAccessKey { .. }
        | Answer::AccessKey(_)
        | Answer::QuarantinedAccessKey(..) => {}
        Answer::User(detail) => xml.element("User", |xml| user(xml, detail)),
        Answer::Users(page) => list(xml, "Users", page, user),
        Answer::NewAccessKey(key, secret) => xml.element("AccessKey", |xml| {
            access_key(xml, key, |xml| xml.leaf("SecretAccessKey", secret.expose()));
        }),
        Answer::AccessKeyLastUsed(key) => last_used(xml, key),
        Answer::AccessKeys(page) => list(xml, "AccessKeyMetadata", page, |xml, key| access_key(xml, key, |_| ())),
        Answer::Role(detail) | Answer::NewRole(detail, _) => xml.element("Role", |xml| role(xml, detail)),
        Answer::Roles(page) => list(xml, "Roles", page, role),
        Answer::Tags(page) => list(xml, "Tags", page, tag),
        Answer::InlinePolicy(policy) => {
            let owner = match policy.owner_kind {
                OwnerKind::User => "UserName",
                OwnerKind::Role => "RoleName",
            };
            xml.leaf(owner, &policy.owner);
            xml.leaf("PolicyName", &policy.name);
            document(xml, "PolicyDocument", &policy.document);
        }
        Answer::PolicyNames(page) => list(xml, "PolicyNames", page, |xml, name| xml.text(name)),
        Answer::AttachedPolicies(page) => list(xml, "AttachedPolicies", page, |xml, policy| {
            xml.leaf("PolicyName", &policy.name);
            xml.leaf("PolicyArn", &policy.arn);
        }),
        Answer::Policy(detail) => xml.element("Policy", |xml| policy(xml, detail)),
        Answer::Policies(page) => list(xml, "Policies", page, policy),
        Answer::PolicyEntities(page) => policy_entities(xml, page),
        Answer::NewProvider(arn, new_tags) => {
            xml.leaf("OpenIDConnectProviderArn", arn);
            tags(xml, new_tags);
        }
        Answer::Provider(provider) => oidc_providers::render(provider, xml),
        Answer::Providers(arns) => xml.list("OpenIDConnectProviderList", arns, |xml, arn| xml.leaf("Arn", arn)),
        Answer::PolicyVersion(detail) => xml.element("PolicyVersion", |xml| version(xml, detail)),
        Answer::PolicyVersions(page) => list(xml, "Versions", page, version),
        Answer::Simulated(page) => list(xml, "EvaluationResults", page, simulate::evaluation_result),
        Answer::ContextKeys(keys) => xml.list("ContextKeyNames", keys, |xml, key| xml.text(key)),
    }
}

fn list<T>(xml: &mut Xml, name: &str, page: &Page<T>, content: impl FnMut(&mut Xml, &T)) {
    xml.list(name, &page.items, content);
    end_of_page(xml, page);
}

fn end_of_page<T>(xml: &mut Xml, page: &Page<T>) {
    xml.leaf("IsTruncated", page.marker.is_some());
    xml.optional_leaf("Marker", page.marker.as_deref());
}

fn user(xml: &mut Xml, user: &UserDetail) {
    xml.optional_leaf("Path", user.path.as_deref());
    xml.optional_leaf("UserName", user.name.as_deref());
    xml.leaf("UserId", &user.id);
    xml.leaf("Arn", &user.arn);
    xml.leaf("CreateDate", user.created_at);
    boundary(xml, user.boundary.as_deref());
    tags(xml, &user.tags);
}

fn role(xml: &mut Xml, role: &RoleDetail) {
    xml.leaf("Path", &role.path);
    xml.leaf("RoleName", &role.name);
    xml.leaf("RoleId", role.id);
    xml.leaf("Arn", &role.arn);
    xml.leaf("CreateDate", role.created_at);
    document(xml, "AssumeRolePolicyDocument", &role.trust);
    xml.optional_leaf("Description", role.description.as_deref());
    xml.leaf("MaxSessionDuration", role.max_session_duration);
    boundary(xml, role.boundary.as_deref());
    tags(xml, &role.tags);
}

fn access_key(xml: &mut Xml, key: &AccessKeyDetail, secret: impl FnOnce(&mut Xml)) {
    xml.optional_leaf("UserName", key.user_name.as_deref());
    xml.leaf("AccessKeyId", key.id);
    let status = match key.status {
        KeyStatus::Active => "Active",
        KeyStatus::Inactive => "Inactive",
        KeyStatus::Expired => "Expired",
    };
    xml.leaf("Status", status);
    secret(xml);
    xml.leaf("CreateDate", key.created_at);
}

/// Of a key that was never used AWS says `N/A` and no date.
fn last_used(xml: &mut Xml, key: &AccessKeyDetail) {
    xml.optional_leaf("UserName", key.user_name.as_deref());
    xml.element("AccessKeyLastUsed", |xml| {
        let last = key.last_use.as_ref();
        if let Some(last) = last {
            xml.leaf("LastUsedDate", last.at);
        }
        xml.leaf("ServiceName", last.map_or("N/A", |last| last.place.service()));
        xml.leaf("Region", last.map_or("N/A", |last| last.place.region()));
    });
}

fn policy(xml: &mut Xml, policy: &PolicyDetail) {
    xml.leaf("PolicyName", &policy.name);
    xml.leaf("PolicyId", policy.id);
    xml.leaf("Arn", &policy.arn);
    xml.leaf("Path", &policy.path);
    xml.leaf("DefaultVersionId", &policy.default_version);
    xml.leaf("AttachmentCount", policy.attachments);
    xml.leaf("PermissionsBoundaryUsageCount", policy.boundaries);
    xml.leaf("IsAttachable", true);
    xml.optional_leaf("Description", policy.description.as_deref());
    xml.leaf("CreateDate", policy.created_at);
    xml.leaf("UpdateDate", policy.updated_at);
    tags(xml, &policy.tags);
}

fn version(xml: &mut Xml, version: &VersionDetail) {
    if let Some(text) = &version.document {
        document(xml, "Document", text);
    }
    xml.leaf("VersionId", &version.id);
    xml.leaf("IsDefaultVersion", version.is_default);
    xml.leaf("CreateDate", version.created_at);
}

fn policy_entities(xml: &mut Xml, page: &Page<PolicyEntity>) {
    let of = |kind| page.items.iter().filter(move |entity| entity.kind == kind);
    xml.list("PolicyGroups", [], |_, ()| ());
    xml.list("PolicyUsers", of(OwnerKind::User), |xml, user| {
        xml.leaf("UserName", &user.name);
        xml.leaf("UserId", user.id);
    });
    xml.list("PolicyRoles", of(OwnerKind::Role), |xml, role| {
        xml.leaf("RoleName", &role.name);
        xml.leaf("RoleId", role.id);
    });
    end_of_page(xml, page);
}

fn boundary(xml: &mut Xml, arn: Option<&str>) {
    if let Some(arn) = arn {
        xml.element("PermissionsBoundary", |xml| {
            xml.leaf("PermissionsBoundaryType", "Policy");
            xml.leaf("PermissionsBoundaryArn", arn);
        });
    }
}

pub(super) fn tags(xml: &mut Xml, tags: &[Tag]) {
    if !tags.is_empty() {
        xml.list("Tags", tags, tag);
    }
}

fn tag(xml: &mut Xml, tag: &Tag) {
    xml.leaf("Key", &tag.key);
    xml.leaf("Value", &tag.value);
}

/// AWS sends documents percent-encoded, and clients decode them.
fn document(xml: &mut Xml, name: &str, text: &str) {
    xml.leaf(name, utf8_percent_encode(text, DOCUMENT));
}
