//! Whether a principal can, whether always, and through which statements.

use std::collections::HashSet;

use brevet_validator::policy::{Assumption, Context, NamedAs, PolicyTrace, StatementEffect, StatementTrace, Trace};

use super::asker::{Asker, PrincipalKind};
use super::question::Question;
use crate::service::simulation::PolicySource;

/// A principal that can.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Found {
    /// An ARN; an account's number, a provider, a unique id or `*` where a trust policy names those.
    pub principal: String,
    /// What it is.
    pub kind: PrincipalKind,
    /// Whether it is of another account, whose own policies must let it too and are not known.
    pub external: bool,
    /// On what it hangs.
    pub needs: Needs,
    /// The statements that allow it. Root needs none.
    pub through: Vec<Ground>,
}

/// On what a permission hangs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Needs {
    /// On nothing: every request is allowed.
    Nothing,
    /// On these condition keys of the request, as written in the policies.
    Keys(Vec<String>),
}

/// A statement that allows something.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Ground {
    /// The name of an inline policy, the ARN of a managed one; of a trust policy, the ARN of its role.
    pub policy: String,
    /// Where the policy comes from.
    pub source: PolicySource,
    /// The `Sid`, if it has one.
    pub sid: Option<String>,
    /// Its place in the document, from 1.
    pub number: usize,
}

impl Question<'_> {
    /// Asks a principal for and against it.
    pub(super) fn ask(&self, asker: &Asker<'_>) -> Option<Found> {
        let assuming = |assumption| {
            let mut context = asker.context.clone();
            context.assume(assumption, asker.is_known());
            context
        };
        let context = assuming(Assumption::Favourable);
        if !self.allows(asker, &context) {
            return None;
        }
        let favourable = self.explain(asker, &context);
        let unfavourable = self.explain(asker, &assuming(Assumption::Unfavourable));
        let needs = match unfavourable.allowed() {
            true => Needs::Nothing,
            false => Needs::Keys(keys(&favourable, &unfavourable, &context)),
        };
        Some(Found {
            principal: asker.principal.clone(),
            kind: asker.kind,
            external: asker.external,
            needs,
            through: self.grounds(asker, &favourable),
        })
    }

    fn grounds(&self, asker: &Asker<'_>, trace: &Trace) -> Vec<Ground> {
        let ground = |policy: &str, source, statement: &StatementTrace| Ground {
            policy: policy.to_owned(),
            source,
            sid: statement.sid.clone(),
            number: statement.number,
        };
        let of_trust = allowing(trace.resource.as_ref());
        let mut grounds: Vec<_> =
            of_trust.map(|statement| ground(&trace.query.resource, PolicySource::Resource, statement)).collect();
        if needs_identity(trace) {
            for (number, policy) in trace.identity.iter().enumerate() {
                let Some((name, source)) = asker.source(number) else { continue };
                grounds.extend(allowing(Some(policy)).map(|statement| ground(name, source, statement)));
            }
        }
        grounds
    }
}

/// Whether the principal's own policies must allow: always, unless the trust policy names it otherwise than by account.
fn needs_identity(trace: &Trace) -> bool {
    let across = trace.query.resource_account.as_ref() != Some(&trace.query.account);
    trace.resource.is_none() || across || strongest(trace) < 1
}

/// How directly the trust policy names the principal: by its account (0), its role or user (1), itself (2).
fn strongest(trace: &Trace) -> u8 {
    let names = allowing(trace.resource.as_ref()).filter_map(|statement| statement.named_as);
    names.map(directness).max().unwrap_or(0)
}

fn directness(naming: NamedAs) -> u8 {
    match naming {
        NamedAs::Account => 0,
        NamedAs::Entity => 1,
        NamedAs::Caller => 2,
    }
}

fn allowing<'a>(policies: impl IntoIterator<Item = &'a PolicyTrace>) -> impl Iterator<Item = &'a StatementTrace> {
    let statements = policies.into_iter().flat_map(|policy| &policy.statements);
    statements.filter(|statement| statement.matched && statement.effect == StatementEffect::Allow)
}

/// The keys that decide between both answers, as written, in the order of the policies: those of statements that may
/// deny, and those of statements that must allow where no other does without them.
fn keys(favourable: &Trace, unfavourable: &Trace, context: &Context) -> Vec<String> {
    let mut deciding: Vec<&StatementTrace> = Vec::new();
    let direct = strongest(favourable);
    let trusted = |trace: &Trace| allowing(trace.resource.as_ref()).next().is_some() && strongest(trace) >= direct;
    if !trusted(unfavourable) {
        deciding.extend(allowing(favourable.resource.as_ref()));
    }
    if needs_identity(favourable) && allowing(&unfavourable.identity).next().is_none() {
        deciding.extend(allowing(&favourable.identity));
    }
    if allowing(unfavourable.boundary.as_ref()).next().is_none() {
        deciding.extend(allowing(favourable.boundary.as_ref()));
    }
    let denies = unfavourable.policies().flat_map(|policy| &policy.statements);
    deciding.extend(denies.filter(|statement| statement.matched && statement.effect == StatementEffect::Deny));

    let mut known = HashSet::new();
    let conditions = deciding.into_iter().flat_map(|statement| &statement.conditions);
    let open = conditions.map(|condition| &condition.key).filter(|key| context.assumes(key));
    open.filter(|key| known.insert(key.to_lowercase())).cloned().collect()
}
