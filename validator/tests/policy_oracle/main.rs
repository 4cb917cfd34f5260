//! Random worlds: the evaluator agrees with a second, naive one, and keeps the laws of the language.
//!
//! `PROPTEST_CASES` sets how many worlds are tried.

mod naive;
mod world;

use std::collections::BTreeMap;

use brevet_validator::policy::{PolicyTrace, StatementEffect, StatementTrace, Verdict};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::naive::ALLOWED;
use crate::world::{Place, World, policy, statement, world};

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

fn verdict(statements: &[StatementTrace]) -> Verdict {
    let some = |effect| statements.iter().any(|statement| statement.matched && statement.effect == effect);
    match (some(StatementEffect::Deny), some(StatementEffect::Allow)) {
        (true, _) => Verdict::Deny,
        (false, true) => Verdict::Allow,
        (false, false) => Verdict::Silent,
    }
}

fn add_statement(policy: &mut Value, statement: Value) {
    let old = policy["Statement"].take();
    let mut statements = if old.is_array() { old.as_array().unwrap().clone() } else { vec![old] };
    statements.push(statement);
    policy["Statement"] = statements.into();
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_the_naive_evaluator(world in world()) {
        prop_assert_eq!(world.ask(false), naive::decide(&world));
        prop_assert_eq!(world.ask(true), naive::decide_trust(&world));
    }

    #[test]
    fn the_trace_tells_what_was_decided(world in world(), trust in any::<bool>()) {
        let trace = world.ask_why(trust);
        let reason = trace.decision.reason.as_str();
        prop_assert_eq!(reason, world.ask(trust));
        for policy in trace.policies() {
            prop_assert_eq!(policy.verdict, verdict(&policy.statements));
            for s in &policy.statements {
                let whole = s.elements.iter().all(|e| e.matched) && s.conditions.iter().all(|c| c.matched);
                prop_assert_eq!(s.matched, whole);
            }
        }
        let says = |policies: &[PolicyTrace], verdict| policies.iter().any(|policy| policy.verdict == verdict);
        let session = trace.session.clone().unwrap_or_default();
        let boundary = trace.boundary.clone().map_or(vec![], |policy| vec![policy]);
        let resource = trace.resource.clone().map_or(vec![], |policy| vec![policy]);
        let own = [&trace.identity, &boundary, &session];
        let caller_denied = own.iter().any(|policies| says(policies, Verdict::Deny));
        let allowing = says(&trace.identity, Verdict::Allow) || says(&resource, Verdict::Allow);
        prop_assert_eq!(reason == "EXPLICIT_DENY", caller_denied || !trust && says(&resource, Verdict::Deny));
        prop_assert!(reason != ALLOWED || allowing || world.caller.root);
        prop_assert!(reason != "BOUNDARY" || !says(&boundary, Verdict::Allow));
        prop_assert!(reason != "SESSION_POLICY" || !says(&session, Verdict::Allow));
        prop_assert_eq!(reason == "TRUST_NOT_SATISFIED", trace.detail.is_some());
        prop_assert_eq!(&serde_json::to_value(&trace).unwrap()["reason"], reason);
    }

    #[test]
    fn c5_c19_boundary_and_session_policies_only_narrow(
        world in world(),
        boundary in policy(Place::Caller),
        session in prop::collection::vec(policy(Place::Caller), 0..3),
        trust in any::<bool>(),
    ) {
        // A federated user has nothing without session policies: there is nothing to be narrower than.
        if world.caller.arn.contains(":federated-user/") {
            return Ok(());
        }
        let wide = World { boundary: None, session: None, ..world };
        for narrow in [
            World { boundary: Some(boundary.clone()), ..wide.clone() },
            World { session: Some(session.clone()), ..wide.clone() },
            World { boundary: Some(boundary), session: Some(session), ..wide.clone() },
        ] {
            prop_assert!(narrow.ask(trust) != ALLOWED || wide.ask(trust) == ALLOWED);
        }
    }

    #[test]
    fn c19_c20_a_deny_more_never_allows(
        world in world(),
        of_caller in statement(Place::Caller),
        of_resource in statement(Place::Resource),
        of_role in statement(Place::Trust),
        trust in any::<bool>(),
    ) {
        let deny = |mut statement: Value| {
            statement["Effect"] = "Deny".into();
            statement
        };
        let (of_caller, of_resource, of_role) = (deny(of_caller), deny(of_resource), deny(of_role));
        let mut more = vec![world.clone(); 4];
        more[0].identity.push(json!({"Version": "2012-10-17", "Statement": of_caller}));
        let World { boundary, session, .. } = &mut more[1];
        for policy in boundary.iter_mut().chain(session.iter_mut().flatten()) {
            add_statement(policy, of_caller.clone());
        }
        more[2].resource_policy.iter_mut().for_each(|policy| add_statement(policy, of_resource.clone()));
        more[3].trust_policy.iter_mut().for_each(|policy| add_statement(policy, of_role.clone()));
        for more in more {
            prop_assert!(more.ask(trust) != ALLOWED || world.ask(trust) == ALLOWED);
        }
    }

    #[test]
    fn c19_order_never_matters(world in world(), trust in any::<bool>()) {
        prop_assert_eq!(world.ask(trust), reversed(&world).ask(trust));
    }
}

/// Guards the tests above against worlds in which nothing ever happens.
#[test]
fn the_worlds_are_varied() {
    let mut runner = TestRunner::deterministic();
    let worlds = world();
    let mut seen = BTreeMap::new();
    for _ in 0..1000 {
        let world = worlds.new_tree(&mut runner).unwrap().current();
        for trust in [false, true] {
            *seen.entry((trust, world.ask(trust))).or_insert(0) += 1;
        }
    }
    for reason in [ALLOWED, "EXPLICIT_DENY", "NO_MATCHING_ALLOW", "BOUNDARY", "SESSION_POLICY"] {
        assert!(seen.get(&(false, reason)) > Some(&20), "{reason}: {seen:?}");
    }
    assert!(seen.get(&(true, ALLOWED)) > Some(&50) && seen.get(&(true, "TRUST_NOT_SATISFIED")) > Some(&50), "{seen:?}");
}
