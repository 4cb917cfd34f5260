//! The corpora of `fuzz/`, held to the properties of its targets without a fuzzer.

#[path = "policy_oracle/generate.rs"]
mod generate;
#[path = "policy_oracle/laws.rs"]
mod laws;
#[path = "policy_oracle/naive.rs"]
mod naive;
#[path = "../../fuzz/properties/policy_decide.rs"]
mod policy_decide;
#[path = "../../fuzz/properties/policy_parse.rs"]
mod policy_parse;
#[path = "policy_oracle/world.rs"]
mod world;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files of a folder. Each is named on the output, which is seen if it fails.
fn files(folder: &str) -> impl Iterator<Item = Vec<u8>> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!paths.is_empty(), "{folder}");
    paths.sort();
    paths.into_iter().map(|path| {
        println!("{}", path.display());
        fs::read(path).unwrap()
    })
}

#[test]
fn every_text_is_read_as_it_should() {
    for folder in ["../fuzz/corpus/policy_parse", "tests/vectors/policy/lint/bad", "tests/vectors/policy/lint/good"] {
        for bytes in files(folder) {
            policy_parse::check(std::str::from_utf8(&bytes).unwrap());
        }
    }
    let malformed: Vec<Value> = serde_json::from_str(include_str!("vectors/policy/malformed.json")).unwrap();
    for case in malformed {
        let document = case["document"].as_str().unwrap();
        println!("{document}");
        policy_parse::check(document);
    }
}

#[test]
fn every_world_is_decided_as_it_should() {
    let mut reasons = BTreeSet::new();
    for bytes in files("../fuzz/corpus/policy_decide") {
        policy_decide::check(&bytes);
        let world = policy_decide::world_of(&bytes);
        reasons.extend([world.ask(false), world.ask(true)]);
    }
    // Every reason is among them.
    assert_eq!(reasons.len(), 6, "{reasons:?}");
}
