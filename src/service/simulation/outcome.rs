//! One answer, read off the traces of its policies.

use std::sync::Arc;

use brevet_validator::policy::{Decision, Effect, PolicyTrace, Reason, Span, StatementEffect, Trace, Verdict};

use super::{PolicySource, SimulatedPolicy, Simulation};

/// What would be decided of one action on one resource.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The action, as asked.
    pub action: String,
    /// The resource, as asked.
    pub resource: String,
    /// The decision, with its reason. It differs from that of the trace only where an organization's policies deny.
    pub decision: Decision,
    /// The statements that determine it: all that deny if one does, else all that allow if it is allowed.
    pub matched: Vec<MatchedStatement>,
    /// Condition keys that the policies ask for and that were not given. The same for all pairs.
    pub missing: Arc<[String]>,
    /// What each type of policy says by itself.
    pub sides: Sides,
    /// Whether the resource is known to be of another account than the caller.
    pub cross_account: bool,
}

/// A statement that determines a decision.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MatchedStatement {
    /// Name of its policy.
    pub policy: String,
    /// Where the policy comes from.
    pub source: PolicySource,
    /// The `Sid`, if it has one.
    pub sid: Option<String>,
    /// Its place in the document, from 1.
    pub number: usize,
    /// Where it stands in the document.
    pub span: Span,
}

/// What each type of policy says by itself, apart from all others. `None`: there is no such policy.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Sides {
    /// The policies of the user or role. Root's allow everything.
    pub identity: Effect,
    /// The permissions boundary.
    pub boundary: Option<Effect>,
    /// The session policies.
    pub session: Option<Effect>,
    /// Service control policies: every level must allow.
    pub organization: Option<Effect>,
    /// The resource's policy, or the trust policy.
    pub resource: Option<Effect>,
}

impl Outcome {
    pub(super) fn of(
        simulation: &Simulation,
        trace: &Trace,
        organization: &[Vec<PolicyTrace>],
        cross_account: bool,
        missing: Arc<[String]>,
    ) -> Self {
        let sides = Sides {
            identity: match together(&trace.identity) {
                Effect::ImplicitDeny if simulation.caller.is_root() => Effect::Allow,
                effect => effect,
            },
            boundary: trace.boundary.as_ref().map(|policy| together([policy])),
            session: trace.session.as_ref().map(together),
            organization: (!organization.is_empty()).then(|| every_level(organization)),
            resource: trace.resource.as_ref().map(|policy| together([policy])),
        };
        let decision = narrowed(trace.decision, sides.organization);
        let policies = simulation.decisive().zip(trace.policies());
        let policies = policies.chain(simulation.organization.iter().flatten().zip(organization.iter().flatten()));
        let matched = match decision.effect {
            Effect::Allow => matched(policies, StatementEffect::Allow),
            Effect::ExplicitDeny => matched(policies, StatementEffect::Deny),
            Effect::ImplicitDeny => Vec::new(),
        };
        let (action, resource) = (trace.query.action.clone(), trace.query.resource.clone());
        Self { action, resource, decision, matched, missing, sides, cross_account }
    }
}

/// What an organization's policies leave of a decision.
fn narrowed(decision: Decision, organization: Option<Effect>) -> Decision {
    match (decision.effect, organization) {
        (Effect::ExplicitDeny, _) | (_, None | Some(Effect::Allow)) => decision,
        (_, Some(Effect::ExplicitDeny)) => Decision { effect: Effect::ExplicitDeny, reason: Reason::ExplicitDeny },
        (Effect::Allow, Some(Effect::ImplicitDeny)) => {
            Decision { effect: Effect::ImplicitDeny, reason: Reason::NoMatchingAllow }
        }
        (Effect::ImplicitDeny, Some(Effect::ImplicitDeny)) => decision,
    }
}

/// What policies of one type say: any deny denies, else any allow allows.
fn together<'a>(policies: impl IntoIterator<Item = &'a PolicyTrace>) -> Effect {
    let mut effect = Effect::ImplicitDeny;
    for policy in policies {
        match policy.verdict {
            Verdict::Deny => return Effect::ExplicitDeny,
            Verdict::Allow => effect = Effect::Allow,
            Verdict::Silent => {}
        }
    }
    effect
}

fn every_level(levels: &[Vec<PolicyTrace>]) -> Effect {
    let of = levels.iter().map(together);
    let strictest = |a, b| match (a, b) {
        (Effect::ExplicitDeny, _) | (_, Effect::ExplicitDeny) => Effect::ExplicitDeny,
        (Effect::ImplicitDeny, _) | (_, Effect::ImplicitDeny) => Effect::ImplicitDeny,
        (Effect::Allow, Effect::Allow) => Effect::Allow,
    };
    of.fold(Effect::Allow, strictest)
}

fn matched<'a>(
    policies: impl Iterator<Item = (&'a SimulatedPolicy, &'a PolicyTrace)>,
    effect: StatementEffect,
) -> Vec<MatchedStatement> {
    let statements = policies.flat_map(|(policy, trace)| trace.statements.iter().map(move |s| (policy, s)));
    let decisive = statements.filter(|(_, statement)| statement.matched && statement.effect == effect);
    let told = |(policy, statement): (&SimulatedPolicy, &brevet_validator::policy::StatementTrace)| {
        Some(MatchedStatement {
            policy: policy.id().to_owned(),
            source: policy.source(),
            sid: statement.sid.clone(),
            number: statement.number,
            span: policy.span(statement.number)?,
        })
    };
    decisive.filter_map(told).collect()
}
