//! Random simulations and what the naive evaluator decides, one JSON object a line, for tests that ask a running service.
//!
//! `policy_cases COUNT SEED`: at least COUNT decisions. Of the worlds are left out what AWS's API cannot say: session
//! policies, trust policies, and callers other than a user by name.

mod generate;
#[expect(dead_code, reason = "the tests use the rest")]
mod naive;
#[expect(dead_code, reason = "the tests use the rest")]
mod world;

use std::io::{self, BufWriter, Write};

use proptest::prelude::any;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

use crate::generate::{Choices, RESOURCE_NAMES, world};
use crate::naive::decide;
use crate::world::World;

const ACTIONS: [&str; 6] =
    ["sts:AssumeRole", "STS:TagSession", "s3:GetObject", "s3:PutObject", "iam:GetUser", "sts:GetCallerIdentity"];

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<u64>().unwrap_or(1));
    let (count, seed) = (arguments.next().unwrap_or(1000), arguments.next().unwrap_or(1));
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let mut out = BufWriter::new(io::stdout().lock());
    let (choices, mut made) = (proptest::collection::vec(any::<u8>(), 400), 0);
    while made < count {
        let Ok(bytes) = choices.new_tree(&mut runner) else { continue };
        let (line, cases) = simulation(within_reach(world(&mut Choices::new(&bytes.current()))));
        writeln!(out, "{line}")?;
        made += cases;
    }
    out.flush()
}

/// What of a world the API can say.
fn within_reach(mut world: World) -> World {
    world.caller.arn = "arn:aws:iam::123456789012:user/ada".to_owned();
    (world.caller.entity, world.caller.id, world.caller.federated) = (None, None, None);
    world.caller.root = false;
    world.session = None;
    // A resource policy without an owner is the caller's own there. So is, without one, any resource.
    match &world.resource_policy {
        Some(_) if world.owner.is_none() => world.owner = Some(world.caller.account.clone()),
        Some(_) => {}
        None => world.owner = None,
    }
    world
}

/// Every action on every resource in one world. A role can have no resource policy.
fn simulation(mut world: World) -> (Value, u64) {
    let bare = world.resource_policy.is_none();
    let resources: Vec<&str> =
        RESOURCE_NAMES.iter().copied().filter(|resource| bare || !resource.contains(":role/")).collect();
    let mut decisions = Vec::new();
    for action in ACTIONS {
        for resource in &resources {
            (world.action, world.resource) = (action.to_owned(), (*resource).to_owned());
            decisions.push(decide(&world));
        }
    }
    let cases = decisions.len() as u64;
    let line = json!({
        "caller": world.caller.arn,
        "policies": world.identity,
        "boundary": world.boundary,
        "resourcePolicy": world.resource_policy,
        "owner": world.owner,
        "context": world.context,
        "actions": ACTIONS,
        "resources": resources,
        "decisions": decisions,
    });
    (line, cases)
}
