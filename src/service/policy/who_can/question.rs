//! What is asked, and what follows from it alone: which rule decides, and which keys of the request are known.

use brevet_validator::identity::{AccountId, Arn};
use brevet_validator::policy::{self, Context, Effect, Kind as PolicyKind, Policies, Policy, Query, Trace};

use super::WhoCan;
use super::asker::{Asker, CALLER_KEYS, PRINCIPAL_TAG, RESOURCE_TAG};
use super::named::{self, Named};
use crate::service::caller::{Caller, add_resource_tags};
use crate::service::directory::{Role, Snapshot};
use crate::service::error::{Error, Kind};
use crate::service::parameters::shown;
use crate::service::simulation::{ActionName, ContextEntries, ResourceName};

/// The actions on a role that its trust policy decides. Those that are no call of their own come along with one.
const TRUST_ACTIONS: [(&str, Trusts); 5] = [
    ("sts:AssumeRole", Trusts { principals: true, web_identities: false }),
    ("sts:AssumeRoleWithWebIdentity", Trusts { principals: false, web_identities: true }),
    ("sts:AssumeRoleWithSAML", Trusts { principals: false, web_identities: true }),
    ("sts:TagSession", Trusts { principals: true, web_identities: true }),
    ("sts:SetSourceIdentity", Trusts { principals: true, web_identities: true }),
];
/// Characters that the values of one key may have together: as many as a resource.
const WIDEST_VALUES: usize = 2048;
/// What asking about a short resource is taken to cost, as for simulations.
const LEAST_WIDTH: usize = 64;
const EVERYTHING: &str = r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;

/// Who can have a role by an action.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trusts {
    /// Whoever has credentials.
    pub(super) principals: bool,
    /// Whoever has a provider's word.
    pub(super) web_identities: bool,
}

/// A well-formed question.
pub(super) struct Request {
    action: ActionName,
    resource: ResourceName,
    context: Context,
    sets_resource_tags: bool,
}

impl Request {
    pub(super) fn read(input: &WhoCan) -> Result<Self, Error> {
        let context = ContextEntries::read(input.context.clone())?;
        if context.widest() > WIDEST_VALUES {
            return Err(invalid(format!("The values of a context key have at most {WIDEST_VALUES} characters.")));
        }
        let keys: Vec<String> = input.context.iter().map(|entry| entry.key.to_ascii_lowercase()).collect();
        let follows = |key: &&String| {
            CALLER_KEYS.iter().any(|known| known.eq_ignore_ascii_case(key)) || key.starts_with(PRINCIPAL_TAG)
        };
        if let Some(key) = keys.iter().find(follows) {
            return Err(invalid(format!("The context key {} follows from the principal.", shown(key))));
        }
        let (action, resource) = (ActionName::parse(&input.action)?, ResourceName::parse(&input.resource)?);
        Ok(Self { action, resource, context, sets_resource_tags: keys.iter().any(|key| key.starts_with(RESOURCE_TAG)) })
    }

    /// What permission to ask is needed on: the resource, if it is one of the account.
    pub(super) fn permission_resource(&self, caller: &Caller) -> Arn {
        let account = caller.principal().account();
        let own = self.resource.as_str().parse::<Arn>().ok().filter(|_| self.resource.account() == Some(account));
        own.unwrap_or_else(|| Arn::new("brevet", caller.region(), Some(account), "*"))
    }
}

/// A question to the directory of one account.
pub(super) struct Question<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) account: AccountId,
    /// With the known keys of the request, besides those of whoever asks.
    pub(super) context: Context,
    /// Who is named by the trust policy and is no user or role of the account.
    pub(super) named: Vec<Named>,
    /// What the policies of another account are taken to allow.
    pub(super) everything: Policy,
    action: String,
    resource: ResourceName,
    trust: Option<(&'a Role, Trusts)>,
}

impl<'a> Question<'a> {
    pub(super) fn new(caller: &'a Caller, request: Request) -> Result<Self, Error> {
        let (snapshot, account) = (caller.snapshot(), caller.principal().account());
        let Request { action, resource, mut context, sets_resource_tags } = request;
        let mut action = action.as_str().to_owned();
        let known = TRUST_ACTIONS.iter().find(|(known, _)| known.eq_ignore_ascii_case(&action));
        let mut trust = None;
        // Of the roles of other accounts only the caller's side is told: whether there are any is theirs to tell.
        if let Some((known, trusts)) = known.filter(|_| resource.account().is_none_or(|owner| owner == account)) {
            action = (*known).to_owned();
            let role = find_role(snapshot, &resource)?;
            if sets_resource_tags {
                return Err(invalid("The tags of the role are known: no context key sets them."));
            }
            add_resource_tags(&mut context, role);
            trust = Some((role, *trusts));
        }
        let named = trust.map_or_else(Vec::new, |(role, trusts)| named::of(role, trusts, snapshot));
        let everything = Policy::parse(EVERYTHING, PolicyKind::Identity).map_err(Error::internal)?;
        Ok(Self { snapshot, account, context, named, everything, action, resource, trust })
    }

    pub(super) fn action(&self) -> &str {
        &self.action
    }

    /// How the role in question is had, if it is for a trust policy to decide.
    pub(super) fn trusts(&self) -> Option<Trusts> {
        self.trust.map(|(_, trusts)| trusts)
    }

    /// Whether the resource is known to be of another account.
    pub(super) fn one_sided(&self) -> bool {
        self.resource.account().is_some_and(|owner| owner != self.account)
    }

    /// The work of asking one principal, in the measure of simulations.
    pub(super) fn cost(&self, asker: &Asker<'_>) -> u64 {
        let trust = self.trust.map_or(0, |(role, _)| role.trust.text.len());
        let widest = [LEAST_WIDTH, self.action.len(), self.resource.as_str().len(), asker.context.widest()];
        let widest = widest.into_iter().max().unwrap_or(LEAST_WIDTH);
        ((asker.size() + trust).max(LEAST_WIDTH) as u64).saturating_mul(widest as u64)
    }

    /// Whether a principal is allowed.
    pub(super) fn allows(&self, asker: &Asker<'_>, context: &Context) -> bool {
        let rule = if self.trust.is_some() { policy::evaluate_trust } else { policy::evaluate };
        self.judge(rule, asker, context).effect == Effect::Allow
    }

    /// The same decision, and why.
    pub(super) fn explain(&self, asker: &Asker<'_>, context: &Context) -> Trace {
        let rule = if self.trust.is_some() { policy::explain_trust } else { policy::explain };
        self.judge(rule, asker, context)
    }

    fn judge<T>(&self, rule: fn(&Policies<'_>, &Query<'_>) -> T, asker: &Asker<'_>, context: &Context) -> T {
        let policies = Policies {
            identity: &asker.identity(),
            boundary: asker.boundary,
            session: None,
            resource: self.trust.map(|(role, _)| &*role.trust.policy),
            // Of another account's resource only the caller's side is told.
            resource_account: self.resource.account().filter(|_| !self.one_sided()),
        };
        let query = Query { subject: &asker.subject, action: &self.action, resource: self.resource.as_str(), context };
        rule(&policies, &query)
    }
}

/// The role of the account whose trust policy decides. The caller may know that it is not there.
fn find_role<'a>(snapshot: &'a Snapshot, resource: &ResourceName) -> Result<&'a Role, Error> {
    let is_role = |arn: &Arn| arn.service() == "iam" && arn.region().is_empty() && arn.resource().starts_with("role/");
    let Some(arn) = resource.as_str().parse().ok().filter(is_role) else {
        return Err(invalid(format!(
            "The resource '{}' is no role, which the action needs.",
            shown(resource.as_str())
        )));
    };
    let gone = || Error::new(Kind::NoSuchEntity, format!("The role {} cannot be found.", shown(arn.as_str())));
    snapshot.role_by_arn(&arn).ok_or_else(gone)
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(Kind::InvalidInput, message)
}
