//! Random worlds: the evaluator agrees with a second, naive one, and keeps the laws of the language.
//!
//! `PROPTEST_CASES` sets how many worlds are tried.

mod generate;
mod laws;
mod naive;
mod world;

use std::collections::BTreeMap;
use std::fmt::Debug;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::generate::{Choices, Place, policy, statement, world};
use crate::naive::ALLOWED;
use crate::world::World;

/// What chance makes.
fn made<T: Debug>(make: impl Fn(&mut Choices<'_>) -> T) -> impl Strategy<Value = T> {
    // As many bytes as all but the largest worlds take.
    prop::collection::vec(any::<u8>(), 400).prop_map(move |bytes| make(&mut Choices::new(&bytes)))
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
    fn agrees_with_the_naive_evaluator(world in made(world)) {
        laws::agrees_with_the_naive_evaluator(&world);
    }

    #[test]
    fn the_trace_tells_what_was_decided(world in made(world), trust in any::<bool>()) {
        laws::the_trace_tells_what_was_decided(&world, trust);
    }

    #[test]
    fn c5_c19_boundary_and_session_policies_only_narrow(
        world in made(world),
        boundary in made(|c| policy(c, Place::Caller)),
        session in prop::collection::vec(made(|c| policy(c, Place::Caller)), 0..3),
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
        world in made(world),
        of_caller in made(|c| statement(c, Place::Caller)),
        of_resource in made(|c| statement(c, Place::Resource)),
        of_role in made(|c| statement(c, Place::Trust)),
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
    fn c19_order_never_matters(world in made(world), trust in any::<bool>()) {
        laws::order_never_matters(&world, trust);
    }
}

/// Guards the tests above against worlds in which nothing ever happens.
#[test]
fn the_worlds_are_varied() {
    let mut runner = TestRunner::deterministic();
    let worlds = made(world);
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
