//! Tokens that another implementation signed: `interop/python/pyjwt_vectors.py` made them.

use brevet_validator::timestamp::Timestamp;
use serde_json::Value;

use crate::service::federation::test_issuer::ALGORITHMS;
use crate::service::federation::{Expectation, Issuer, KeySet, Plaintext, UnverifiedToken};

const VECTORS: &str = include_str!("../../../../tests/vectors/federation/pyjwt.json");

#[test]
fn tokens_of_pyjwt_are_judged_as_they_should_be() {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let text = |name: &str| vectors[name].as_str().unwrap().to_owned();
    let issuer = Issuer::parse(&text("issuer"), Plaintext::Refused).unwrap();
    let client_ids = [text("client_id")];
    let keys = KeySet::parse(vectors["jwks"].to_string().as_bytes()).unwrap();
    assert_eq!((keys.len(), keys.dropped()), (4, &[][..]));
    let now = Timestamp::from_unix(vectors["now"].as_i64().unwrap()).unwrap();
    let all = ALGORITHMS.map(|(_, algorithm)| algorithm);
    let expected = Expectation { algorithms: &all, ..Expectation::new(&issuer, &client_ids) };
    let tokens = vectors["tokens"].as_array().unwrap();
    let accepted = tokens.iter().filter(|token| token["verdict"] == "accepted").count();
    assert_eq!((tokens.len(), accepted), (22, ALGORITHMS.len()));
    for token in tokens {
        let text = token["token"].as_str().unwrap();
        let verdict = UnverifiedToken::parse(text).and_then(|token| token.verify(&keys, &expected, now));
        let verdict = match verdict {
            Ok(token) => {
                assert_eq!(token.subject(), "repo:octo-org/octo-repo:ref:refs/heads/main");
                "accepted".to_owned()
            }
            Err(refusal) => format!("{refusal:?}"),
        };
        let expected = token["verdict"].as_str().unwrap();
        // An unsigned token has an empty signature, which comes first.
        let expected = if token["name"] == "none" { "Malformed" } else { expected };
        assert!(verdict.starts_with(expected), "{}: {verdict}", token["name"]);
    }
}
