//! Golden vectors in `tests/vectors/token/`: tokens with everything that it takes to judge them, for validators in any
//! language.
//!
//! They are kept when the code changes: a token that was minted must open. New ones are written by
//! `cargo test -p brevet-validator --test token_format -- --ignored write_golden_vectors`.

mod good;
mod json;
mod wrong;

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Map, Value, json};

use brevet_validator::timestamp::Timestamp;
use brevet_validator::token::{KeyRing, Session, TokenError};

use super::samples::at;
use json::{ring_from_json, session_to_json};

const DIR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/token");

const STEPS: [&str; 10] =
    ["Length", "Alphabet", "Version", "TrustDomain", "AccessKey", "SigningKey", "Signature", "Lifetime", "Body", "Box"];

/// A token and who is asked to open it, for whom, when.
struct Vector {
    /// `opens`, a step, or `Expired`.
    outcome: &'static str,
    name: &'static str,
    ring: &'static str,
    now: i64,
    access_key_id: String,
    token: String,
}

impl Vector {
    fn to_json(&self, expected: (&str, Value)) -> Value {
        json!({
            "name": self.name, "ring": self.ring, "now": self.now,
            "access_key_id": self.access_key_id, "token": self.token, expected.0: expected.1,
        })
    }
}

#[test]
fn good_vectors_open_with_the_claims_they_state() {
    let vectors = read("good.json");
    assert!(vectors.len() >= 8);
    for (vector, opened) in vectors {
        let session = opened.unwrap_or_else(|e| panic!("{}: {e}", vector["name"]));
        assert_eq!(session_to_json(&session), vector["session"], "{}", vector["name"]);
    }
}

#[test]
fn bad_vectors_are_refused_at_the_step_they_state() {
    let vectors = read("bad.json");
    assert!(vectors.len() >= 20);
    let mut seen = BTreeSet::new();
    for (vector, opened) in &vectors {
        assert_eq!(outcome(opened), vector["refused"], "{}", vector["name"]);
        seen.insert(vector["refused"].as_str().unwrap());
    }
    assert!(STEPS.iter().chain(["Expired"].iter()).all(|step| seen.contains(step)), "{seen:?}");
}

#[test]
#[ignore = "writes the vectors anew"]
fn write_golden_vectors() {
    write("good.json", &good::vectors(), |opened| ("session", session_to_json(opened.as_ref().unwrap())));
    write("bad.json", &wrong::vectors(), |opened| ("refused", outcome(opened).into()));
}

fn outcome(opened: &Result<Session, TokenError>) -> String {
    match opened {
        Ok(_) => "opens".into(),
        Err(TokenError::Invalid(step)) => format!("{step:?}"),
        Err(other) => format!("{other:?}"),
    }
}

fn open(ring: &KeyRing, vector: &Value) -> Result<Session, TokenError> {
    let text = |name: &str| vector[name].as_str().unwrap();
    ring.open(text("token"), text("access_key_id"), at(vector["now"].as_i64().unwrap()))
}

fn read(file: &str) -> Vec<(Value, Result<Session, TokenError>)> {
    let text = fs::read_to_string(format!("{DIR}/{file}")).unwrap();
    let mut document: Value = serde_json::from_str(&text).unwrap();
    let vectors = document["vectors"].take();
    let judge = |vector: &Value| open(&ring_from_json(&document["rings"][vector["ring"].as_str().unwrap()]), vector);
    vectors.as_array().unwrap().iter().map(|vector| (vector.clone(), judge(vector))).collect()
}

fn write(file: &str, vectors: &[Vector], expected: fn(&Result<Session, TokenError>) -> (&'static str, Value)) {
    let rings: Map<String, Value> = json::rings().into_iter().map(|(name, ring)| (name.to_owned(), ring)).collect();
    let written: Vec<Value> = vectors
        .iter()
        .map(|vector| {
            let opened = open(&ring_from_json(&rings[vector.ring]), &vector.to_json(("", Value::Null)));
            assert_eq!(outcome(&opened), vector.outcome, "{}", vector.name);
            vector.to_json(expected(&opened))
        })
        .collect();
    let document = json!({ "rings": rings, "vectors": written });
    fs::create_dir_all(DIR).unwrap();
    fs::write(format!("{DIR}/{file}"), format!("{document:#}\n")).unwrap();
}

const LAST: i64 = Timestamp::MAX.unix();
