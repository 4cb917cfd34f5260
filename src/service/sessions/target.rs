//! Which sessions a caller wants revoked: as it came off the wire, checked, and found in the directory.

use std::time::Duration;

use brevet_validator::credential::{AccessKeyId, KeyKind};
use brevet_validator::identity::{AccountId, Arn};
use brevet_validator::policy::Context;
use brevet_validator::timestamp::Timestamp;
use brevet_validator::token::Subject;
use serde_json::{Value, json};

use crate::service::caller::Caller;
use crate::service::directory::{Snapshot, Tag};
use crate::service::error::{Error, Kind};
use crate::service::parameters::shown;

/// What is asked, as it came off the wire.
#[derive(Clone, Debug, Default)]
pub struct RevokeSession {
    /// Which sessions; required.
    pub which: Option<Which>,
    /// How long to wait until validators refuse them; `None`: not at all.
    pub wait: Option<Duration>,
}

/// Which sessions.
#[derive(Clone, Debug)]
pub enum Which {
    /// One, and those that were made from it.
    AccessKeyId(String),
    /// Those of a role.
    RoleArn(String),
    /// Those of a user, a role or the account's root.
    PrincipalArn(String),
    /// Those that identity tokens of a provider started.
    ProviderArn(String),
    /// Those that were issued at a time or before.
    IssuedBefore(Timestamp),
}

impl RevokeSession {
    /// What the audit record keeps.
    pub fn audit_parameters(&self) -> Value {
        match &self.which {
            None => Value::Null,
            Some(Which::AccessKeyId(id)) => json!({ "accessKeyId": shown(id) }),
            Some(Which::RoleArn(arn)) => json!({ "roleArn": shown(arn) }),
            Some(Which::PrincipalArn(arn)) => json!({ "principalArn": shown(arn) }),
            Some(Which::ProviderArn(arn)) => json!({ "providerArn": shown(arn) }),
            Some(Which::IssuedBefore(at)) => json!({ "issuedBefore": at.to_string() }),
        }
    }
}

/// The same, in good form.
pub(super) enum Target {
    Session(AccessKeyId),
    /// A user, a role, the root or an identity provider.
    Named(Arn),
    IssuedBefore(Timestamp),
}

/// What a target is to a caller's account.
pub(super) struct Found<'a> {
    /// What is decided on, whether it exists or not.
    pub(super) resource: Arn,
    tags: &'a [Tag],
    /// `None`: there is no such thing in this account.
    subject: Option<Subject>,
}

impl Target {
    pub(super) fn read(input: &RevokeSession) -> Result<Self, Error> {
        let which = input.which.as_ref();
        Self::which(which.ok_or_else(|| Error::validation("It must be said which sessions are to be revoked."))?)
    }

    pub(super) fn which(which: &Which) -> Result<Self, Error> {
        let named = |text: &str, kinds: &[&str], what: &str| {
            let arn = text.parse().ok().filter(|arn: &Arn| {
                let resource = arn.resource();
                let is_kind = |kind: &&str| match kind.strip_suffix('/') {
                    Some(_) => resource.starts_with(*kind),
                    None => resource == *kind,
                };
                arn.service() == "iam" && arn.region().is_empty() && kinds.iter().any(is_kind)
            });
            arn.map(Self::Named).ok_or_else(|| Error::validation(format!("{} is not the ARN of {what}.", shown(text))))
        };
        match which {
            Which::AccessKeyId(id) => match id.parse() {
                Ok(id) if AccessKeyId::kind(id) == KeyKind::Temporary => Ok(Self::Session(id)),
                _ => Err(Error::validation(format!("{} is not the access key id of a session.", shown(id)))),
            },
            Which::RoleArn(arn) => named(arn, &["role/"], "a role"),
            Which::PrincipalArn(arn) => named(arn, &["user/", "role/", "root"], "a user, a role or a root"),
            Which::ProviderArn(arn) => named(arn, &["oidc-provider/"], "an identity provider"),
            Which::IssuedBefore(at) => Ok(Self::IssuedBefore(*at)),
        }
    }

    /// Whether it is nothing but the session that asks.
    pub(super) fn is_own_session(&self, caller: &Caller) -> bool {
        let own = caller.session().map(|session| session.access_key_id);
        matches!(self, Self::Session(id) if own == Some(*id))
    }

    /// Looks it up in the account of the caller, who can name no other.
    pub(super) fn find<'a>(&self, caller: &Caller, snapshot: &'a Snapshot) -> Found<'a> {
        let account = caller.principal().account();
        let resource = |resource: &str| Arn::new("brevet", caller.region(), Some(account), resource);
        match self {
            Self::Session(id) => Found {
                resource: resource(&format!("session/{id}")),
                tags: &[],
                subject: Some(Subject::Session { account, access_key_id: *id }),
            },
            Self::IssuedBefore(at) => Found {
                resource: resource("session/*"),
                tags: &[],
                subject: Some(Subject::IssuedBefore { account, at: whole(*at, caller.now()) }),
            },
            Self::Named(arn) => {
                let (subject, tags) =
                    named(arn, account, snapshot).map_or((None, &[][..]), |(s, tags)| (Some(s), tags));
                Found { resource: resource(arn.resource()), tags, subject }
            }
        }
    }
}

impl Found<'_> {
    pub(super) fn context(&self, caller: &Caller) -> Context {
        let mut context = caller.context();
        for tag in self.tags {
            context.set(&format!("aws:ResourceTag/{}", tag.key), tag.value.as_str());
        }
        context
    }

    /// Whose sessions it is about. Things of other accounts and things that are not there are one answer.
    pub(super) fn subject(self) -> Result<Subject, Error> {
        let absent =
            || Error::new(Kind::NoSuchEntity, "There is no such user, role or identity provider in this account.");
        self.subject.ok_or_else(absent)
    }
}

/// A time that has not come means: whatever was issued until now. Of that the directory's revision tells more than clocks
/// can, for another replica's may be ahead of ours.
fn whole(at: Timestamp, now: Timestamp) -> Timestamp {
    if at >= now { Timestamp::MAX } else { at }
}

fn named<'a>(arn: &Arn, account: AccountId, snapshot: &'a Snapshot) -> Option<(Subject, &'a [Tag])> {
    let (kind, rest) = arn.resource().split_once('/').unwrap_or((arn.resource(), ""));
    if arn.account() != account.as_str() || arn.partition() != "aws" {
        return None;
    }
    match kind {
        "root" => Some((Subject::Root(snapshot.account(account)?.id), &[])),
        "user" => {
            let user = snapshot.user(account, rest.rsplit('/').next()?).filter(|user| user.arn() == *arn)?;
            Some((Subject::User(user.id), &user.grants.tags))
        }
        "role" => snapshot.role_by_arn(arn).map(|role| (Subject::Role(role.id), &role.grants.tags[..])),
        _ => {
            let provider = snapshot.provider_by_arn(arn)?;
            Some((Subject::Provider(provider.id.as_str().into()), &provider.tags))
        }
    }
}
