//! Between entities and the content of their records. What does not convert is an error that says what is wrong.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU32;
use std::sync::Arc;

use brevet_validator::credential::{AccessKeyId, SecretKey};
use brevet_validator::identity::UniqueId;
use brevet_validator::policy::{Kind, Policy};
use brevet_validator::timestamp::Timestamp;

use super::entity::{
    AccessKey, Account, Document, Grants, InlinePolicy, KeyOwner, ManagedPolicy, PolicyVersion, Role, Tag, User,
};
use crate::store::records;

mod oidc_provider;
mod zone;

pub(super) use oidc_provider::{oidc_provider, oidc_provider_record};
pub(super) use zone::{zone, zone_record};

/// What was read, or what is wrong with it.
pub(super) type Read<T> = Result<T, String>;

pub(super) fn parsed<T: std::str::FromStr>(text: &str, what: &str) -> Read<T> {
    text.parse().map_err(|_| format!("bad {what}"))
}

pub(super) fn time(seconds: i64) -> Read<Timestamp> {
    Timestamp::from_unix(seconds).ok_or_else(|| "bad time".to_owned())
}

fn keys(ids: &[String]) -> Read<Vec<AccessKeyId>> {
    ids.iter().map(|id| parsed(id, "access key id")).collect()
}

fn document(text: &str, kind: Kind) -> Read<Document> {
    let policy = Policy::parse(text, kind).map_err(|error| error.to_string())?;
    Ok(Document { text: text.into(), policy: Arc::new(policy) })
}

pub(super) fn account(content: &[u8]) -> Read<Account> {
    let r: records::Account = records::decode(content)?;
    Ok(Account {
        id: parsed(&r.id, "account id")?,
        created_at: time(r.created_at)?,
        access_keys: keys(&r.access_key_ids)?,
        operator: r.operator,
    })
}

pub(super) fn account_record(a: &Account) -> records::Account {
    records::Account {
        id: a.id.to_string(),
        created_at: a.created_at.unix(),
        access_key_ids: a.access_keys.iter().map(ToString::to_string).collect(),
        operator: a.operator,
    }
}

fn tags(tags: Vec<records::Tag>) -> Vec<Tag> {
    tags.into_iter().map(|tag| Tag { key: tag.key, value: tag.value }).collect()
}

fn tag_records(tags: &[Tag]) -> Vec<records::Tag> {
    tags.iter().map(|tag| records::Tag { key: tag.key.clone(), value: tag.value.clone() }).collect()
}

fn grants(
    inline: Vec<records::InlinePolicy>,
    attached: Vec<String>,
    boundary: String,
    tag_list: Vec<records::Tag>,
) -> Read<Grants> {
    let inline = inline
        .into_iter()
        .map(|p| Ok(InlinePolicy { document: document(&p.document, Kind::Identity)?, name: p.name }))
        .collect::<Read<_>>()?;
    Ok(Grants { inline, attached, boundary: (!boundary.is_empty()).then_some(boundary), tags: tags(tag_list) })
}

fn inline_records(inline: &[InlinePolicy]) -> Vec<records::InlinePolicy> {
    inline
        .iter()
        .map(|p| records::InlinePolicy { name: p.name.clone(), document: p.document.text.to_string() })
        .collect()
}

pub(super) fn user(content: &[u8]) -> Read<User> {
    let r: records::User = records::decode(content)?;
    Ok(User {
        account: parsed(&r.account, "account id")?,
        id: parsed(&r.unique_id, "unique id")?,
        created_at: time(r.created_at)?,
        grants: grants(r.inline_policies, r.attached_policy_arns, r.permissions_boundary_arn, r.tags)?,
        access_keys: keys(&r.access_key_ids)?,
        generation: r.generation,
        path: r.path,
        name: r.name,
    })
}

pub(super) fn user_record(u: &User) -> records::User {
    records::User {
        account: u.account.to_string(),
        path: u.path.clone(),
        name: u.name.clone(),
        unique_id: u.id.to_string(),
        created_at: u.created_at.unix(),
        tags: tag_records(&u.grants.tags),
        inline_policies: inline_records(&u.grants.inline),
        attached_policy_arns: u.grants.attached.clone(),
        permissions_boundary_arn: u.grants.boundary.clone().unwrap_or_default(),
        access_key_ids: u.access_keys.iter().map(ToString::to_string).collect(),
        generation: u.generation,
    }
}

pub(super) fn role(content: &[u8]) -> Read<Role> {
    let r: records::Role = records::decode(content)?;
    Ok(Role {
        account: parsed(&r.account, "account id")?,
        id: parsed(&r.unique_id, "unique id")?,
        created_at: time(r.created_at)?,
        trust: trust(&r.trust_policy, &r.trust_bindings)?,
        grants: grants(r.inline_policies, r.attached_policy_arns, r.permissions_boundary_arn, r.tags)?,
        max_session_duration: r.max_session_duration,
        explain_to_caller: r.explain_to_caller,
        max_uses: NonZeroU32::new(r.max_uses),
        generation: r.generation,
        path: r.path,
        name: r.name,
        description: r.description,
    })
}

/// A trust policy, bound to whom its ARNs meant when it was written.
fn trust(text: &str, bindings: &[records::PrincipalBinding]) -> Read<Document> {
    let bindings: HashMap<&str, UniqueId> =
        bindings.iter().map(|b| Ok((b.arn.as_str(), parsed(&b.unique_id, "unique id")?))).collect::<Read<_>>()?;
    let mut policy = Policy::parse(text, Kind::Trust).map_err(|error| error.to_string())?;
    policy.bind(|arn| bindings.get(arn.as_str()).copied());
    Ok(Document { text: text.into(), policy: Arc::new(policy) })
}

fn bindings(policy: &Policy) -> Vec<records::PrincipalBinding> {
    let bindings: BTreeMap<String, String> =
        policy.bindings().map(|(arn, id)| (arn.to_string(), id.to_string())).collect();
    bindings.into_iter().map(|(arn, unique_id)| records::PrincipalBinding { arn, unique_id }).collect()
}

pub(super) fn role_record(role: &Role) -> records::Role {
    records::Role {
        account: role.account.to_string(),
        path: role.path.clone(),
        name: role.name.clone(),
        unique_id: role.id.to_string(),
        created_at: role.created_at.unix(),
        description: role.description.clone(),
        max_session_duration: role.max_session_duration,
        explain_to_caller: role.explain_to_caller,
        max_uses: role.max_uses.map_or(0, NonZeroU32::get),
        trust_policy: role.trust.text.to_string(),
        trust_bindings: bindings(&role.trust.policy),
        tags: tag_records(&role.grants.tags),
        inline_policies: inline_records(&role.grants.inline),
        attached_policy_arns: role.grants.attached.clone(),
        permissions_boundary_arn: role.grants.boundary.clone().unwrap_or_default(),
        generation: role.generation,
    }
}

pub(super) fn managed_policy(content: &[u8]) -> Read<ManagedPolicy> {
    let r: records::ManagedPolicy = records::decode(content)?;
    let versions = r
        .versions
        .into_iter()
        .map(|v| {
            Ok(PolicyVersion {
                document: document(&v.document, Kind::Identity)?,
                created_at: time(v.created_at)?,
                id: v.id,
            })
        })
        .collect::<Read<_>>()?;
    Ok(ManagedPolicy {
        account: parsed(&r.account, "account id")?,
        id: parsed(&r.unique_id, "unique id")?,
        created_at: time(r.created_at)?,
        updated_at: time(r.updated_at)?,
        tags: tags(r.tags),
        versions,
        path: r.path,
        name: r.name,
        description: r.description,
        default_version: r.default_version_id,
        next_version: r.next_version,
    })
}

pub(super) fn managed_policy_record(p: &ManagedPolicy) -> records::ManagedPolicy {
    records::ManagedPolicy {
        account: p.account.to_string(),
        path: p.path.clone(),
        name: p.name.clone(),
        unique_id: p.id.to_string(),
        created_at: p.created_at.unix(),
        updated_at: p.updated_at.unix(),
        description: p.description.clone(),
        tags: tag_records(&p.tags),
        versions: p
            .versions
            .iter()
            .map(|v| records::PolicyVersion {
                id: v.id.clone(),
                document: v.document.text.to_string(),
                created_at: v.created_at.unix(),
            })
            .collect(),
        default_version_id: p.default_version.clone(),
        next_version: p.next_version,
    }
}

pub(super) fn access_key(content: &[u8]) -> Read<AccessKey> {
    let r: records::AccessKey = records::decode(content)?;
    let owner = if r.user_name.is_empty() {
        KeyOwner::Root
    } else {
        KeyOwner::User { id: parsed(&r.user_unique_id, "unique id")?, name: r.user_name }
    };
    Ok(AccessKey {
        id: parsed(&r.id, "access key id")?,
        account: parsed(&r.account, "account id")?,
        created_at: time(r.created_at)?,
        secret: SecretKey::new(r.secret),
        active: r.active,
        expires_at: if r.expires_at == 0 { None } else { Some(time(r.expires_at)?) },
        lifetime: Some(r.lifetime).filter(|seconds| *seconds > 0),
        description: r.description,
        owner,
    })
}

pub(super) fn access_key_record(key: &AccessKey) -> records::AccessKey {
    let (user_name, user_unique_id) = match &key.owner {
        KeyOwner::Root => Default::default(),
        KeyOwner::User { name, id } => (name.clone(), id.to_string()),
    };
    records::AccessKey {
        id: key.id.to_string(),
        secret: key.secret.expose().to_owned(),
        account: key.account.to_string(),
        user_name,
        user_unique_id,
        active: key.active,
        created_at: key.created_at.unix(),
        description: key.description.clone(),
        expires_at: key.expires_at.map_or(0, Timestamp::unix),
        lifetime: key.lifetime.unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c27_whom_a_trust_policy_means_survives_the_store() {
        let arn = "arn:aws:iam::111111111111:user/ada";
        let record = records::Role {
            account: "111111111111".into(),
            path: "/".into(),
            name: "r".into(),
            unique_id: "AROA2222222222222222A".into(),
            max_session_duration: 3600,
            explain_to_caller: true,
            trust_policy: format!(
                r#"{{"Statement":[{{"Effect":"Allow","Principal":{{"AWS":["{arn}","111111111111"]}},"Action":"sts:AssumeRole"}},
                {{"Effect":"Deny","NotPrincipal":{{"AWS":"{arn}"}},"Action":"sts:AssumeRole"}}]}}"#
            ),
            trust_bindings: vec![records::PrincipalBinding {
                arn: arn.into(),
                unique_id: "AIDA2222222222222222A".into(),
            }],
            ..Default::default()
        };
        let role = role(&records::encode(&record)).unwrap();
        assert_eq!(role.trust.policy.bindings().count(), 2);
        assert_eq!(role_record(&role), record);
        let bad = records::PrincipalBinding { arn: arn.into(), unique_id: "AIDA".into() };
        assert!(super::role(&records::encode(&records::Role { trust_bindings: vec![bad], ..record })).is_err());
    }
}
