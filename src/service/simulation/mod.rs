//! What policies would decide: any policies, any caller, many actions and resources, no request.
//!
//! A [`Simulation`] is asked piece by piece ([`Simulation::piece`]). Each answer comes from the trace of the one evaluator,
//! so that a simulation cannot differ from the decision that it foretells. Nothing is filled in: the condition keys are
//! those that whoever simulates gives.

mod context;
mod holder;
mod name;
mod outcome;
mod policy;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::sync::Arc;

use brevet_validator::identity::AccountId;
use brevet_validator::policy::{Context, Policies, Policy, PolicyTrace, Query, Subject, Trace, explain, explain_trust};

pub use self::context::{ContextEntries, ContextEntry, ContextKeyType};
pub use self::holder::Holder;
pub use self::name::{ActionName, ResourceName};
pub use self::outcome::{MatchedStatement, Outcome, Sides};
pub use self::policy::{PolicySource, SimulatedPolicy};

use super::error::{Error, Kind};

/// The work that one piece may cost: characters of policies, times the characters that each may be compared with, summed
/// over its pairs. Some tenths of a second, however the policies are made.
pub const MOST_WORK: u64 = 1 << 28;
/// What a pair is taken to cost at least, in the same measure: a trace of a short policy.
const LEAST_SIDE: u64 = 64;
/// Statements and keys that the answers of one piece may tell together, before it ends.
const MOST_TOLD: usize = 10_000;

/// Which rule combines the policies.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Rule {
    /// That of resources: [`brevet_validator::policy::evaluate`].
    #[default]
    Resource,
    /// That of `sts:AssumeRole…`, where the resource policy is the role's trust policy:
    /// [`brevet_validator::policy::evaluate_trust`].
    Trust,
}

/// A question to policies: each action on each resource.
#[derive(Clone, Debug)]
pub struct Simulation {
    /// Who would ask. Nothing but `Principal` elements looks at it: no condition key follows from it.
    pub caller: Subject,
    /// Policies of the user or role.
    pub identity: Vec<SimulatedPolicy>,
    /// Its permissions boundary.
    pub boundary: Option<SimulatedPolicy>,
    /// Session policies: `None` where there are none; an empty list allows nothing.
    pub session: Option<Vec<SimulatedPolicy>>,
    /// Service control policies, a list for each level from the organization's root to the account. They only narrow.
    pub organization: Vec<Vec<SimulatedPolicy>>,
    /// The policy of every resource, or the trust policy.
    pub resource_policy: Option<SimulatedPolicy>,
    /// The account of resources whose ARN names none. If absent, that of the caller.
    pub resource_owner: Option<AccountId>,
    /// How the policies are combined.
    pub rule: Rule,
    /// What would be done.
    pub actions: Vec<ActionName>,
    /// To what.
    pub resources: Vec<ResourceName>,
    /// All condition keys there are.
    pub context: Context,
}

/// Some answers, and the number of the pair at which the next piece begins; `None` at the end.
#[derive(Debug)]
pub struct Piece<T> {
    /// In the order of the pairs.
    pub items: Vec<T>,
    /// Where to go on.
    pub next: Option<usize>,
}

impl Simulation {
    /// How many answers there are: pairs of an action and a resource, all resources of the first action first.
    pub fn pairs(&self) -> usize {
        self.actions.len() * self.resources.len()
    }

    /// The answers from a pair on, at most `most`, fewer where their work or size would be too much, but at least one if
    /// there is one. `keep` takes of each what it needs: a trace is as long as all policies.
    ///
    /// [`Kind::LimitExceeded`]: a single pair costs more than [`MOST_WORK`].
    pub fn piece<T>(
        &self,
        from: usize,
        most: usize,
        mut keep: impl FnMut(Outcome, Trace) -> T,
    ) -> Result<Piece<T>, Error> {
        let missing: Arc<[String]> = self.missing_context().into();
        let size: u64 = self.policies().map(SimulatedPolicy::size).sum();
        let (mut items, mut work, mut told, mut next) = (Vec::new(), 0, 0, from);
        while let Some((action, resource)) = self.pair(next).filter(|_| items.len() < most) {
            let cost = self.cost(size, action, resource);
            if cost > MOST_WORK {
                return Err(Error::new(
                    Kind::LimitExceeded,
                    format!("The policies and values of the simulation are too long: {cost} exceeds {MOST_WORK}."),
                ));
            }
            work += cost;
            if !items.is_empty() && (work > MOST_WORK || told > MOST_TOLD) {
                break;
            }
            let (outcome, trace) = self.answer(action, resource, &missing);
            told += outcome.matched.len() + outcome.missing.len();
            items.push(keep(outcome, trace));
            next += 1;
        }
        Ok(Piece { items, next: (next < self.pairs()).then_some(next) })
    }

    /// The condition keys that the policies ask for and that were not given, as written, each once.
    pub fn missing_context(&self) -> Vec<String> {
        let mut keys = context_keys(self.policies());
        keys.retain(|key| !self.context.has(key));
        keys
    }

    fn pair(&self, number: usize) -> Option<(&ActionName, &ResourceName)> {
        let resources = self.resources.len();
        Some((self.actions.get(number.checked_div(resources)?)?, self.resources.get(number % resources)?))
    }

    fn cost(&self, size: u64, action: &ActionName, resource: &ResourceName) -> u64 {
        let longest = action.as_str().len().max(resource.as_str().len()).max(self.context.widest());
        size.max(LEAST_SIDE).saturating_mul(LEAST_SIDE.max(longest as u64))
    }

    fn answer(&self, action: &ActionName, resource: &ResourceName, missing: &Arc<[String]>) -> (Outcome, Trace) {
        let query = Query {
            subject: &self.caller,
            action: action.as_str(),
            resource: resource.as_str(),
            context: &self.context,
        };
        let identity = compiled(&self.identity);
        let session = self.session.as_ref().map(|session| compiled(session));
        let policies = Policies {
            identity: &identity,
            boundary: self.boundary.as_ref().map(SimulatedPolicy::policy),
            session: session.as_deref(),
            resource: self.resource_policy.as_ref().map(SimulatedPolicy::policy),
            resource_account: self.owner(resource),
        };
        let trace = match self.rule {
            Rule::Resource => explain(&policies, &query),
            Rule::Trust => explain_trust(&policies, &query),
        };
        let organization: Vec<Vec<PolicyTrace>> = self.organization.iter().map(|level| ask(level, &query)).collect();
        let outcome = Outcome::of(self, &trace, &organization, self.is_cross_account(&policies), Arc::clone(missing));
        (outcome, trace)
    }

    /// Who owns a resource. Nobody is asked, and only the caller's side is simulated, where neither a policy nor an owner
    /// of the resource was given: whose it is, and what its policy says, is then not known.
    fn owner(&self, resource: &ResourceName) -> Option<AccountId> {
        let one_sided = self.rule == Rule::Resource && self.resource_policy.is_none() && self.resource_owner.is_none();
        if one_sided {
            return None;
        }
        resource.account().or(self.resource_owner).or(Some(self.caller.account))
    }

    fn is_cross_account(&self, policies: &Policies<'_>) -> bool {
        policies.resource_account.is_some_and(|owner| owner != self.caller.account)
    }

    /// All policies of a simulation, those of the organization last, the others in the order of [`Trace::policies`].
    fn policies(&self) -> impl Iterator<Item = &SimulatedPolicy> {
        self.decisive().chain(self.organization.iter().flatten())
    }

    fn decisive(&self) -> impl Iterator<Item = &SimulatedPolicy> {
        let session = self.session.iter().flatten();
        self.identity.iter().chain(&self.boundary).chain(session).chain(&self.resource_policy)
    }
}

/// The condition keys that policies ask for, as written, each once whatever its case.
pub fn context_keys<'a>(policies: impl IntoIterator<Item = &'a SimulatedPolicy>) -> Vec<String> {
    let mut known = HashSet::new();
    let keys = policies.into_iter().flat_map(|policy| policy.policy().context_keys());
    keys.filter(|key| known.insert(key.to_lowercase())).collect()
}

fn compiled(policies: &[SimulatedPolicy]) -> Vec<&Policy> {
    policies.iter().map(SimulatedPolicy::policy).collect()
}

/// What policies that hang on nobody say.
fn ask(policies: &[SimulatedPolicy], query: &Query<'_>) -> Vec<PolicyTrace> {
    explain(&Policies { identity: &compiled(policies), ..Policies::default() }, query).identity
}
