//! Whose tokens a role is for, and the trust policy that says so.

use std::collections::BTreeMap;

use brevet_validator::identity::AccountId;
use serde::Serialize;

use super::super::super::provider::Preset;
use super::value;
use crate::service::directory::oidc_provider_arn;
use crate::service::federation::Issuer;

/// Whose tokens, and what their claims must say.
#[derive(Debug)]
pub(in crate::cli::role) struct Trust {
    pub(in crate::cli::role) provider: Provider,
    pub(super) demands: Vec<Demand>,
    /// What would make it better.
    pub(in crate::cli::role) advice: Option<String>,
}

/// An issuer and the audience of its tokens.
#[derive(Debug)]
pub(in crate::cli::role) struct Provider {
    pub(in crate::cli::role) preset: Preset,
    pub(in crate::cli::role) issuer: Issuer,
    pub(in crate::cli::role) audience: String,
}

/// What is demanded of a claim. All of it is compared byte for byte: no value has wildcards.
#[derive(Debug)]
pub(super) enum Demand {
    /// It is one of these.
    Is(&'static str, Vec<String>),
    /// It is none of these, or not there.
    IsNot(&'static str, Vec<String>),
    /// It is not there.
    Absent(&'static str),
}

impl Demand {
    /// It is this.
    pub(super) fn is(claim: &'static str, value: impl Into<String>) -> Self {
        Self::Is(claim, vec![value.into()])
    }
}

impl Provider {
    pub(super) fn new(preset: Preset, issuer: Issuer, audience: String) -> anyhow::Result<Self> {
        Ok(Self { preset, issuer, audience: value::audience(audience)? })
    }

    /// The command that makes it known to the account.
    pub(in crate::cli::role) fn register(&self) -> String {
        let known = self.preset.request(None, Vec::new()).unwrap_or_default();
        let mut command = format!("brevet provider apply --preset {}", self.preset.name());
        if known.issuer != self.issuer.as_str() {
            command.push_str(&format!(" --issuer {}", self.issuer));
        }
        if known.client_ids != [self.audience.as_str()] {
            command.push_str(&format!(" --client-id {}", self.audience));
        }
        command
    }
}

impl Trust {
    /// The trust policy for a role of this account.
    pub(in crate::cli::role) fn document(&self, account: AccountId) -> anyhow::Result<String> {
        let name = self.provider.issuer.provider_name();
        let mut condition = BTreeMap::<_, BTreeMap<_, _>>::new();
        let audience = Demand::is("aud", self.provider.audience.as_str());
        for demand in std::iter::once(&audience).chain(&self.demands) {
            let (operator, claim, values) = match demand {
                Demand::Is(claim, values) => ("StringEquals", claim, OneOrMany::of(values)),
                Demand::IsNot(claim, values) => ("StringNotEquals", claim, OneOrMany::of(values)),
                Demand::Absent(claim) => ("Null", claim, OneOrMany::One("true")),
            };
            condition.entry(operator).or_default().insert(format!("{name}:{claim}"), values);
        }
        let statement = Statement {
            effect: "Allow",
            principal: BTreeMap::from([("Federated", oidc_provider_arn(account, name).to_string())]),
            action: "sts:AssumeRoleWithWebIdentity",
            condition,
        };
        Ok(serde_json::to_string_pretty(&Document { version: "2012-10-17", statement: [statement] })?)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Document<'a> {
    version: &'static str,
    statement: [Statement<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statement<'a> {
    effect: &'static str,
    principal: BTreeMap<&'static str, String>,
    action: &'static str,
    condition: BTreeMap<&'static str, BTreeMap<String, OneOrMany<'a>>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum OneOrMany<'a> {
    One(&'a str),
    Many(&'a [String]),
}

impl<'a> OneOrMany<'a> {
    fn of(values: &'a [String]) -> Self {
        match values {
            [one] => Self::One(one),
            many => Self::Many(many),
        }
    }
}
