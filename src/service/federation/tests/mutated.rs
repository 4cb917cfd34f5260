//! Whatever is done to a token, it is not taken; whatever a token says, nothing panics.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

use crate::service::federation::test_issuer::{ALGORITHMS, CLIENT_ID, TestIssuer, b64, issuer, now};
use crate::service::federation::{Algorithm, Expectation, IdentityToken, KeySet, TokenRefusal, UnverifiedToken};

/// One token for each algorithm, and the keys.
static TOKENS: LazyLock<(Vec<String>, KeySet)> = LazyLock::new(|| {
    let issuer = TestIssuer::new();
    let tokens = ALGORITHMS.map(|(name, algorithm)| issuer.token_by(name, algorithm));
    (tokens.to_vec(), issuer.keys())
});

fn verify(token: &str) -> Result<IdentityToken, TokenRefusal> {
    let client_ids = [CLIENT_ID.to_owned()];
    let all: [Algorithm; 9] = ALGORITHMS.map(|(_, algorithm)| algorithm);
    let (issuer, keys) = (issuer(), &TOKENS.1);
    let expected = Expectation { algorithms: &all, ..Expectation::new(&issuer, &client_ids) };
    UnverifiedToken::parse(token)?.verify(keys, &expected, now())
}

#[derive(Clone, Debug)]
enum Mutation {
    /// Another byte in place of one.
    Replace(Index, u8),
    Insert(Index, u8),
    Remove(Index),
    /// Everything from there on.
    Cut(Index),
    Swap(Index, Index),
    /// A bit of the bytes that a part stands for.
    FlipDecoded(Index, Index, u8),
    /// The part of another token.
    Graft(Index, Index),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let index = any::<Index>;
    prop_oneof![
        (index(), 0x20..0x7fu8).prop_map(|(at, byte)| Mutation::Replace(at, byte)),
        (index(), 0x20..0x7fu8).prop_map(|(at, byte)| Mutation::Insert(at, byte)),
        index().prop_map(Mutation::Remove),
        index().prop_map(Mutation::Cut),
        (index(), index()).prop_map(|(a, b)| Mutation::Swap(a, b)),
        (index(), index(), 0..8u8).prop_map(|(part, at, bit)| Mutation::FlipDecoded(part, at, bit)),
        (index(), index()).prop_map(|(part, other)| Mutation::Graft(part, other)),
    ]
}

/// `None` where one mutation has left nothing to another.
fn mutate(token: &str, mutation: &Mutation) -> Option<String> {
    let mut bytes = token.as_bytes().to_vec();
    let mut parts: Vec<_> = token.split('.').map(str::to_owned).collect();
    if bytes.is_empty() {
        return None;
    }
    match mutation {
        Mutation::Replace(at, byte) => *at.get_mut(&mut bytes) = *byte,
        Mutation::Insert(at, byte) => bytes.insert(at.index(bytes.len() + 1), *byte),
        Mutation::Remove(at) => drop(bytes.remove(at.index(bytes.len()))),
        Mutation::Cut(at) => bytes.truncate(at.index(bytes.len())),
        Mutation::Swap(a, b) => bytes.swap(a.index(token.len()), b.index(token.len())),
        Mutation::FlipDecoded(part, at, bit) => {
            let part = part.get_mut(&mut parts);
            let mut decoded = URL_SAFE_NO_PAD.decode(&*part).ok().filter(|bytes| !bytes.is_empty())?;
            *at.get_mut(&mut decoded) ^= 1 << bit;
            *part = b64(decoded);
            return Some(parts.join("."));
        }
        Mutation::Graft(part, other) => {
            let which = part.index(3);
            *parts.get_mut(which)? = other.get(&TOKENS.0).split('.').nth(which)?.to_owned();
            return Some(parts.join("."));
        }
    }
    String::from_utf8(bytes).ok()
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(json!(CLIENT_ID)),
        Just(json!(now().unix())),
    ];
    let name = prop_oneof![
        Just("principal_tags".to_owned()),
        Just("transitive_tag_keys".to_owned()),
        "[a-bA-B/]{0,3}",
        any::<String>(),
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(name.clone(), inner, 0..4).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

const CLAIMS: [&str; 11] = [
    "iss",
    "aud",
    "sub",
    "azp",
    "exp",
    "iat",
    "nbf",
    "jti",
    "https://aws.amazon.com/tags",
    "https://aws.amazon.com/source_identity",
    "kubernetes.io",
];

#[test]
fn each_token_is_good_before_it_is_mutated() {
    assert!(TOKENS.0.iter().all(|token| verify(token).is_ok()));
}

/// Every single byte of a token, in every bit that leaves it text.
#[test]
fn no_token_with_one_bit_flipped_is_taken() {
    let token = &TOKENS.0[8];
    for at in 0..token.len() {
        for bit in 0..7 {
            let mut bytes = token.as_bytes().to_vec();
            bytes[at] ^= 1 << bit;
            assert!(verify(std::str::from_utf8(&bytes).unwrap()).is_err(), "byte {at}, bit {bit}");
        }
    }
}

proptest! {
    #[test]
    fn no_mutated_token_is_taken(token in any::<Index>(), mutations in prop::collection::vec(mutation(), 1..4)) {
        let good = token.get(&TOKENS.0);
        let mut bad = good.clone();
        for mutation in &mutations {
            bad = mutate(&bad, mutation).unwrap_or(bad);
        }
        prop_assume!(!TOKENS.0.contains(&bad));
        prop_assert!(verify(&bad).is_err());
    }

    #[test]
    fn no_text_panics(header in any::<String>(), payload in any::<String>(), text in any::<String>()) {
        prop_assert!(verify(&text).is_err());
        prop_assert!(verify(&TestIssuer::new().sign_text(&header, &payload)).is_err());
    }

    #[test]
    fn no_claims_panic(values in prop::collection::vec((0..CLAIMS.len(), any_json()), 0..4)) {
        let changes: serde_json::Map<_, _> =
            values.into_iter().map(|(name, value)| (CLAIMS[name].to_owned(), value)).collect();
        let issuer = TestIssuer::new();
        let _ = issuer.verify(&issuer.token_with(changes.into()));
    }

    #[test]
    fn no_key_set_panics(keys in prop::collection::vec(any_json(), 0..4), member in 0..7usize, value in any_json()) {
        let mut jwks = TestIssuer::new().jwks();
        let name = ["kid", "kty", "crv", "x", "n", "e", "alg"][member];
        for jwk in jwks["keys"].as_array_mut().unwrap() {
            jwk[name] = value.clone();
        }
        jwks["keys"].as_array_mut().unwrap().extend(keys);
        let _ = KeySet::parse(jwks.to_string().as_bytes());
    }
}
