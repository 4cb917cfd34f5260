//! What holds in every world.

use brevet_validator::policy::{PolicyTrace, StatementEffect, StatementTrace, Verdict};
use serde_json::Value;

use crate::naive::{self, ALLOWED};
use crate::world::World;

/// The evaluator and the naive one give the same reason.
pub(crate) fn agrees_with_the_naive_evaluator(world: &World) {
    assert_eq!(world.ask(false), naive::decide(world));
    assert_eq!(world.ask(true), naive::decide_trust(world));
}

/// A trace has the decision that is taken without it, and what it says of statements and policies adds up to it.
pub(crate) fn the_trace_tells_what_was_decided(world: &World, trust: bool) {
    let trace = world.ask_why(trust);
    let reason = trace.decision.reason.as_str();
    assert_eq!(reason, world.ask(trust));
    for policy in trace.policies() {
        assert_eq!(policy.verdict, verdict(&policy.statements));
        for s in &policy.statements {
            let whole = s.elements.iter().all(|e| e.matched) && s.conditions.iter().all(|c| c.matched);
            assert_eq!(s.matched, whole);
        }
    }
    let says = |policies: &[PolicyTrace], verdict| policies.iter().any(|policy| policy.verdict == verdict);
    let session = trace.session.clone().unwrap_or_default();
    let boundary = trace.boundary.clone().map_or(vec![], |policy| vec![policy]);
    let resource = trace.resource.clone().map_or(vec![], |policy| vec![policy]);
    let own = [&trace.identity, &boundary, &session];
    let caller_denied = own.iter().any(|policies| says(policies, Verdict::Deny));
    let allowing = says(&trace.identity, Verdict::Allow) || says(&resource, Verdict::Allow);
    assert_eq!(reason == "EXPLICIT_DENY", caller_denied || !trust && says(&resource, Verdict::Deny));
    assert!(reason != ALLOWED || allowing || world.caller.root);
    assert!(reason != "BOUNDARY" || !says(&boundary, Verdict::Allow));
    assert!(reason != "SESSION_POLICY" || !says(&session, Verdict::Allow));
    assert_eq!(reason == "TRUST_NOT_SATISFIED", trace.detail.is_some());
    assert_eq!(&serde_json::to_value(&trace).unwrap()["reason"], reason);
}

/// Lists mean the same from end to beginning.
pub(crate) fn order_never_matters(world: &World, trust: bool) {
    assert_eq!(world.ask(trust), reversed(world).ask(trust));
}

fn verdict(statements: &[StatementTrace]) -> Verdict {
    let some = |effect| statements.iter().any(|statement| statement.matched && statement.effect == effect);
    match (some(StatementEffect::Deny), some(StatementEffect::Allow)) {
        (true, _) => Verdict::Deny,
        (false, true) => Verdict::Allow,
        (false, false) => Verdict::Silent,
    }
}

/// Turns the order of everything that is a list around.
fn reversed(world: &World) -> World {
    let reverse = |policy: &Value| {
        let mut policy = policy.clone();
        if let Some(statements) = policy["Statement"].as_array_mut() {
            statements.reverse();
            for element in statements.iter_mut().flat_map(|s| s.as_object_mut().unwrap().values_mut()) {
                element.as_array_mut().into_iter().for_each(|values| values.reverse());
            }
        }
        policy
    };
    let reverse_all = |policies: &Vec<Value>| policies.iter().rev().map(reverse).collect::<Vec<_>>();
    World {
        identity: reverse_all(&world.identity),
        boundary: world.boundary.as_ref().map(reverse),
        session: world.session.as_ref().map(reverse_all),
        resource_policy: world.resource_policy.as_ref().map(reverse),
        trust_policy: world.trust_policy.as_ref().map(reverse),
        ..world.clone()
    }
}
