//! What is simulated, from texts: the policies, who would ask, for what, and what is known of the request.

use brevet_validator::identity::{AccountId, Arn};
use brevet_validator::policy::{Context, Kind as PolicyKind, Subject, claim_keys};

use super::attached::Attached;
use crate::service::error::{Error, Kind};
use crate::service::parameters::shown;
use crate::service::simulation::{
    ActionName, ContextEntries, ContextEntry, ContextKeyType, PolicySource, ResourceName, Rule, SimulatedPolicy,
    Simulation,
};

/// A policy as text.
#[derive(Clone, Debug)]
pub struct PolicyText {
    /// What it is called; told by its place if it is empty.
    pub name: String,
    /// JSON.
    pub text: String,
}

/// Someone with a token of an identity provider.
#[derive(Clone, Debug)]
pub struct WebIdentity {
    /// As trust policies name it: its ARN, or its name (the issuer without `https://`).
    pub provider: String,
    /// Names and values.
    pub claims: Vec<(String, Vec<String>)>,
}

/// What is simulated; nothing checked yet.
#[derive(Clone, Debug, Default)]
pub struct Scenario {
    /// Identity policies.
    pub policies: Vec<PolicyText>,
    /// Permissions boundary.
    pub boundary: Option<PolicyText>,
    /// Session policies; an empty list is a session without.
    pub session_policies: Vec<PolicyText>,
    /// The policy of every resource.
    pub resource_policy: Option<PolicyText>,
    /// The trust policy of the role that is asked for.
    pub trust_policy: Option<PolicyText>,
    /// The account of resources whose ARN names none.
    pub resource_owner: Option<String>,
    /// Who asks.
    pub caller_arn: Option<String>,
    /// Who asks, without credentials.
    pub web_identity: Option<WebIdentity>,
    /// Each on each resource.
    pub actions: Vec<String>,
    /// Any if there are none.
    pub resources: Vec<String>,
    /// Condition keys, besides claims.
    pub context: Vec<ContextEntry>,
}

/// A scenario whose parts are well formed, but for the policies.
#[derive(Debug)]
pub struct Staged {
    scenario: Scenario,
    actions: Vec<ActionName>,
    resources: Vec<ResourceName>,
    context: Context,
    resource_owner: Option<AccountId>,
    caller: Option<Arn>,
}

impl Scenario {
    /// Checks all but the policies, which are compiled when the caller may simulate.
    pub fn stage(mut self) -> Result<Staged, Error> {
        if self.actions.is_empty() {
            return Err(invalid("At least one action is needed."));
        }
        if self.resource_policy.is_some() && self.trust_policy.is_some() {
            return Err(invalid("A resource policy and a trust policy cannot be simulated together."));
        }
        if self.caller_arn.is_some() && self.web_identity.is_some() {
            return Err(invalid("A caller is either an ARN or a web identity."));
        }
        let actions = self.actions.iter().map(|action| ActionName::parse(action)).collect::<Result<_, _>>()?;
        let mut resources =
            self.resources.iter().map(|name| ResourceName::parse(name)).collect::<Result<Vec<_>, _>>()?;
        if resources.is_empty() {
            resources.push(ResourceName::any());
        }
        let mut entries = std::mem::take(&mut self.context);
        if let Some(identity) = &mut self.web_identity {
            entries.extend(claims(identity)?);
        }
        let not_an_account = |text: &String| invalid(format!("'{}' is not the number of an account.", shown(text)));
        let owner = self.resource_owner.as_ref().map(|text| text.parse().map_err(|_| not_an_account(text)));
        let not_a_caller = |text: &String| invalid(format!("'{}' is not the ARN of a caller.", shown(text)));
        let caller = self.caller_arn.as_ref().map(|text| {
            let arn: Option<Arn> = text.parse().ok().filter(|arn| Subject::named(arn).is_some());
            arn.ok_or_else(|| not_a_caller(text))
        });
        Ok(Staged {
            actions,
            resources,
            context: ContextEntries::read(entries)?,
            resource_owner: owner.transpose()?,
            caller: caller.transpose()?,
            scenario: self,
        })
    }
}

/// The claims of a token, as condition keys. A slash at the end of a provider's name is part of it.
fn claims(identity: &mut WebIdentity) -> Result<Vec<ContextEntry>, Error> {
    let provider = identity.provider.strip_prefix("https://").unwrap_or(&identity.provider).to_owned();
    let name = match provider.parse::<Arn>() {
        Ok(arn) => arn.resource().split_once('/').map(|(_, name)| name.to_owned()),
        Err(_) => Some(provider.clone()),
    };
    let name = name.filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| invalid(format!("'{}' is not an identity provider.", shown(&provider))))?;
    identity.provider = provider;
    let entries = |(claim, values): (String, Vec<String>)| {
        let of = ContextKeyType::text(values.len());
        claim_keys(&name, &claim).map(|key| ContextEntry { key, of, values: values.clone() })
    };
    Ok(std::mem::take(&mut identity.claims).into_iter().flat_map(entries).collect())
}

impl Staged {
    /// Compiles the policies. `account`: of whoever simulates; `attached`: what belongs to the principal whose policies are
    /// simulated.
    pub fn simulation(self, account: AccountId, attached: Option<Attached>) -> Result<Simulation, Error> {
        let caller = self.caller(account, attached.as_ref())?;
        let Self { scenario, actions, resources, context, resource_owner, .. } = self;
        let (mut identity, mut boundary) = attached.map(|a| (a.identity, a.boundary)).unwrap_or_default();
        identity.extend(many("policies", PolicyKind::Identity, scenario.policies)?);
        if let Some(given) = scenario.boundary {
            boundary = Some(one("boundary", PolicyKind::Identity, given)?);
        }
        let session = many("session_policies", PolicyKind::Session, scenario.session_policies)?;
        let rule = if scenario.trust_policy.is_some() { Rule::Trust } else { Rule::Resource };
        let of_resource = |text| one("resource_policy", PolicyKind::Resource, text);
        let resource_policy = match scenario.trust_policy {
            Some(text) => Some(one("trust_policy", PolicyKind::Trust, text)?),
            None => scenario.resource_policy.map(of_resource).transpose()?,
        };
        Ok(Simulation {
            caller,
            identity,
            boundary,
            session: (!session.is_empty()).then_some(session),
            organization: Vec::new(),
            resource_policy,
            resource_owner,
            rule,
            actions,
            resources,
            context,
        })
    }

    fn caller(&self, account: AccountId, attached: Option<&Attached>) -> Result<Subject, Error> {
        let someone = |arn: Arn| Subject { account, arn, role_or_user_arn: None, unique_id: None, federated: None };
        if let Some(identity) = &self.scenario.web_identity {
            let plain = || Arn::new("sts", "", Some(account), "web-identity");
            let arn = identity.provider.parse().unwrap_or_else(|_| plain());
            return Ok(Subject { federated: Some(identity.provider.clone()), ..someone(arn) });
        }
        let given = self.caller.as_ref().and_then(Subject::named);
        match (given, attached.map(|attached| &attached.subject)) {
            (Some(given), Some(own)) if given.arn == own.arn => Ok(own.clone()),
            (Some(given), _) => Ok(given),
            (None, Some(own)) => Ok(own.clone()),
            (None, None) if self.scenario.resource_policy.is_some() || self.scenario.trust_policy.is_some() => {
                Err(invalid("A caller is needed with a resource policy or a trust policy."))
            }
            (None, None) => Ok(someone(Arn::new("iam", "", Some(account), "user/simulated"))),
        }
    }
}

fn many(list: &str, kind: PolicyKind, texts: Vec<PolicyText>) -> Result<Vec<SimulatedPolicy>, Error> {
    texts.into_iter().enumerate().map(|(i, text)| one(&format!("{list}.{}", i + 1), kind, text)).collect()
}

fn one(place: &str, kind: PolicyKind, PolicyText { name, text }: PolicyText) -> Result<SimulatedPolicy, Error> {
    let source = match kind {
        PolicyKind::Resource | PolicyKind::Trust => PolicySource::Resource,
        PolicyKind::Identity | PolicyKind::Session => PolicySource::None,
    };
    let name = if name.is_empty() { place.to_owned() } else { shown(&name) };
    SimulatedPolicy::parse(name, source, &text, kind)
}

pub(super) fn invalid(message: impl Into<String>) -> Error {
    Error::new(Kind::InvalidInput, message)
}
