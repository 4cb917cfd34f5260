//! Key sets: which keys are kept, and what each may be used for.

use ring::signature::{ED25519, UnparsedPublicKey};
use serde_json::{Value, json};

use crate::service::federation::test_issuer::{ALGORITHMS, TestIssuer, b64, claims};
use crate::service::federation::{
    Algorithm, BadKey, Expectation, InvalidKeySet, KeySet, MAX_KEY_SET_BYTES, TokenRefusal, UnverifiedToken, UseId,
    test_issuer,
};

fn parse(keys: &[Value]) -> KeySet {
    KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

/// A published key with some members changed, or without them.
fn changed(kid: &str, changes: Value) -> Value {
    let mut jwk = TestIssuer::new().jwk(kid);
    for (name, value) in changes.as_object().unwrap() {
        jwk[name] = value.clone();
    }
    jwk.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    jwk
}

/// Why a key is dropped. One beside it is kept.
fn dropped(key: Value) -> BadKey {
    let mut good = TestIssuer::new().jwk("p-256");
    good["kid"] = "good".into();
    let set = parse(&[key.clone(), good]);
    let [dropped] = set.dropped() else { panic!("{key}: {set:?}") };
    assert_eq!((dropped.index, set.len(), set.has("good")), (0, 1, true));
    dropped.why
}

/// What becomes of a token of this header, signed as the algorithm says, with these keys.
fn verify(keys: &KeySet, header: &Value, algorithm: Algorithm) -> Result<UseId, TokenRefusal> {
    let message = format!("{}.{}", b64(header.to_string()), b64(claims().to_string()));
    let signature = TestIssuer::new_signature(algorithm, &message);
    let token = format!("{message}.{}", b64(signature));
    let (issuer, client_ids) = (test_issuer::issuer(), [test_issuer::CLIENT_ID.to_owned()]);
    let all = ALGORITHMS.map(|(_, algorithm)| algorithm);
    let expected = Expectation { algorithms: &all, ..Expectation::new(&issuer, &client_ids) };
    let token = UnverifiedToken::parse(&token)?.verify(keys, &expected, test_issuer::now())?;
    Ok(token.use_id().clone())
}

impl TestIssuer {
    /// Of the keys that are the same in each test issuer.
    fn new_signature(algorithm: Algorithm, message: &str) -> Vec<u8> {
        Self::new().signature(algorithm, message)
    }
}

#[test]
fn every_good_key_is_kept() {
    let set = TestIssuer::new().keys();
    assert_eq!((set.len(), set.dropped(), set.is_empty()), (4, &[][..], false));
    assert!(["rsa", "p-256", "p-384", "ed25519"].iter().all(|kid| set.has(kid)));
    assert!(!set.has("RSA") && !set.has(""));
}

#[test]
fn b16_weak_and_foreign_keys_are_dropped_and_the_others_kept() {
    let modulus = |bits: usize| {
        let mut bytes = vec![0xff; bits.div_ceil(8)];
        bytes[0] >>= bytes.len() * 8 - bits;
        b64(bytes)
    };
    for (jwk, why) in [
        (changed("rsa", json!({"n": modulus(512)})), BadKey::ModulusSize(512)),
        (changed("rsa", json!({"n": modulus(2047)})), BadKey::ModulusSize(2047)),
        (changed("rsa", json!({"n": modulus(8193)})), BadKey::ModulusSize(8193)),
        (changed("rsa", json!({"n": b64([0])})), BadKey::Member("n")),
        (changed("rsa", json!({"n": ""})), BadKey::Member("n")),
        (changed("rsa", json!({"n": 17})), BadKey::Member("n")),
        (changed("rsa", json!({"n": null})), BadKey::Member("n")),
        (changed("rsa", json!({"n": format!("{}=", modulus(2048))})), BadKey::Member("n")),
        (changed("rsa", json!({"n": b64([[0x80; 255].as_slice(), &[2]].concat())})), BadKey::Member("n")),
        (changed("rsa", json!({"n": b64([[0].as_slice(), &[0xff; 256]].concat())})), BadKey::Member("n")),
        (changed("rsa", json!({"e": b64([1])})), BadKey::Exponent),
        (changed("rsa", json!({"e": b64([3])})), BadKey::Exponent),
        (changed("rsa", json!({"e": b64([1, 0, 0])})), BadKey::Exponent),
        (changed("rsa", json!({"e": b64([2, 0, 0, 0, 1])})), BadKey::Exponent),
        (changed("rsa", json!({"e": b64([0xff; 100])})), BadKey::Exponent),
        (changed("rsa", json!({"e": b64([0, 1, 0, 1])})), BadKey::Member("e")),
        (changed("rsa", json!({"d": "AQAB"})), BadKey::Private),
        (changed("p-256", json!({"d": "AQAB"})), BadKey::Private),
        (changed("p-256", json!({"x": b64([1; 31])})), BadKey::Member("x")),
        (changed("p-256", json!({"y": b64([1; 33])})), BadKey::Member("y")),
        (changed("p-256", json!({"y": null})), BadKey::Member("y")),
        (changed("p-256", json!({"crv": "P-384"})), BadKey::Member("x")),
        (changed("p-256", json!({"crv": "secp256k1"})), BadKey::Type),
        (changed("p-256", json!({"crv": "P-521"})), BadKey::Type),
        (changed("ed25519", json!({"crv": "X25519"})), BadKey::Type),
        (changed("ed25519", json!({"x": b64([1; 31])})), BadKey::Member("x")),
        (json!({"kid": "a", "kty": "oct", "k": "c2VjcmV0"}), BadKey::Symmetric),
        (json!({"kid": "a", "kty": "oct", "k": "c2VjcmV0", "alg": "HS256"}), BadKey::Symmetric),
        (json!({"kid": "a", "kty": "rsa"}), BadKey::Type),
        (json!({"kid": "a"}), BadKey::Member("kty")),
        (json!({"kty": 1}), BadKey::Member("kty")),
        (json!("rsa"), BadKey::NotAnObject),
        (json!(null), BadKey::NotAnObject),
        (changed("rsa", json!({"kid": "k".repeat(257)})), BadKey::Member("kid")),
        (changed("rsa", json!({"kid": ""})), BadKey::Member("kid")),
        (changed("rsa", json!({"kid": 7})), BadKey::Member("kid")),
    ] {
        assert_eq!(dropped(jwk.clone()), why, "{jwk}");
    }
    for good in [modulus(2048), modulus(8192)] {
        assert_eq!(parse(&[changed("rsa", json!({ "n": good }))]).len(), 1);
    }
}

#[test]
fn b16_two_keys_of_one_id_are_both_dropped() {
    let twin = changed("p-256", json!({"kid": "rsa"}));
    let set = parse(&[TestIssuer::new().jwk("rsa"), TestIssuer::new().jwk("ed25519"), twin]);
    let dropped: Vec<_> = set.dropped().iter().map(|key| (key.index, key.kid.as_deref(), key.why)).collect();
    assert_eq!(dropped, [(0, Some("rsa"), BadKey::DuplicateKid), (2, Some("rsa"), BadKey::DuplicateKid)]);
    assert!(set.has("ed25519") && !set.has("rsa"));
    // One that is bad anyway does not count, and keys without an id are not alike.
    let bad = changed("rsa", json!({"use": "enc"}));
    assert!(parse(&[TestIssuer::new().jwk("rsa"), bad]).has("rsa"));
    assert_eq!(parse(&[changed("rsa", json!({"kid": null})), changed("p-256", json!({"kid": null}))]).len(), 2);
}

#[test]
fn b16_a_point_off_its_curve_verifies_nothing() {
    let zero = b64([0; 32]);
    for changes in [json!({"y": b64([1; 32])}), json!({"x": zero, "y": zero}), json!({"x": b64([0xff; 32])})] {
        let set = parse(&[changed("p-256", changes)]);
        let header = json!({"alg": "ES256", "kid": "p-256"});
        assert_eq!(verify(&set, &header, Algorithm::Es256), Err(TokenRefusal::Signature));
    }
}

#[test]
fn b16_points_of_small_order_are_dropped() {
    let mut identity = [0; 32];
    identity[0] = 1;
    // With such a key anyone can sign anything, and ring would not mind.
    let forged = [identity.as_slice(), &[0; 32]].concat();
    assert!(UnparsedPublicKey::new(&ED25519, identity).verify(b"anything", &forged).is_ok());
    assert_eq!(dropped(changed("ed25519", json!({"x": b64(identity)}))), BadKey::SmallOrder);
    identity[31] |= 0x80;
    assert_eq!(dropped(changed("ed25519", json!({"x": b64(identity)}))), BadKey::SmallOrder);
    assert_eq!(dropped(changed("ed25519", json!({"x": b64([0; 32])}))), BadKey::SmallOrder);
}

#[test]
fn b4_keys_that_are_not_for_verifying_are_dropped() {
    for (changes, why) in [
        (json!({"use": "enc"}), BadKey::Purpose),
        (json!({"use": "SIG"}), BadKey::Purpose),
        (json!({"use": ["sig"]}), BadKey::Member("use")),
        (json!({"key_ops": ["sign"]}), BadKey::Purpose),
        (json!({"key_ops": []}), BadKey::Purpose),
        (json!({"key_ops": "verify"}), BadKey::Member("key_ops")),
        (json!({"alg": "RSA-OAEP"}), BadKey::Algorithm),
        (json!({"alg": "HS256"}), BadKey::Algorithm),
        (json!({"alg": "none"}), BadKey::Algorithm),
        (json!({"alg": "ES256"}), BadKey::Algorithm),
        (json!({"alg": 1}), BadKey::Member("alg")),
    ] {
        assert_eq!(dropped(changed("rsa", changes.clone())), why, "{changes}");
    }
}

#[test]
fn b4_the_algorithm_follows_the_key() {
    let issuer = TestIssuer::new();
    let (rsa, ed25519) = (issuer.jwk("rsa"), issuer.jwk("ed25519"));
    let set = parse(&[rsa, ed25519, issuer.jwk("p-256"), issuer.jwk("p-384")]);
    for (name, algorithm) in ALGORITHMS {
        for kid in ["rsa", "p-256", "p-384", "ed25519"] {
            let fits = match algorithm {
                Algorithm::Es256 => kid == "p-256",
                Algorithm::Es384 => kid == "p-384",
                Algorithm::EdDsa => kid == "ed25519",
                _ => kid == "rsa",
            };
            if !fits {
                let header = json!({"alg": name, "kid": kid});
                assert_eq!(verify(&set, &header, algorithm), Err(TokenRefusal::Algorithm), "{name} {kid}");
            }
        }
    }
    // RS256 is not PS256, though the key is one and the same.
    let header = json!({"alg": "PS256", "kid": "rsa"});
    assert_eq!(verify(&set, &header, Algorithm::Rs256), Err(TokenRefusal::Signature));
    // The issuer can limit a key to one algorithm.
    let narrow = parse(&[changed("rsa", json!({"alg": "RS512"}))]);
    let by = |name, algorithm| verify(&narrow, &json!({"alg": name, "kid": "rsa"}), algorithm).err();
    assert_eq!(by("RS512", Algorithm::Rs512), None);
    assert_eq!(by("RS256", Algorithm::Rs256), Some(TokenRefusal::Algorithm));
}

#[test]
fn b14_a_token_without_a_kid_is_taken_if_one_key_fits() {
    let header = json!({"alg": "EdDSA"});
    let (one, other) = (changed("ed25519", json!({"kid": null})), TestIssuer::new().jwk("rsa"));
    assert!(verify(&parse(&[one.clone(), other.clone()]), &header, Algorithm::EdDsa).is_ok());
    let second = changed("ed25519", json!({"x": b64([9; 32])}));
    let both = parse(&[one.clone(), second]);
    assert_eq!(verify(&both, &header, Algorithm::EdDsa), Err(TokenRefusal::AmbiguousKey));
    assert_eq!(verify(&parse(&[other]), &header, Algorithm::EdDsa), Err(TokenRefusal::UnknownKey));
    assert_eq!(verify(&KeySet::default(), &header, Algorithm::EdDsa), Err(TokenRefusal::UnknownKey));
    // One that names a key is not served by a key without a name.
    let named = json!({"alg": "EdDSA", "kid": "ed25519"});
    assert_eq!(verify(&parse(&[one]), &named, Algorithm::EdDsa), Err(TokenRefusal::UnknownKey));
}

#[test]
fn b14_a_kid_is_an_opaque_key_of_a_map() {
    let longest = "k".repeat(256);
    for kid in ["../../../dev/null", "' OR 1=1--", "a\0b", "*", longest.as_str()] {
        let header = json!({"alg": "EdDSA", "kid": kid});
        assert_eq!(verify(&TestIssuer::new().keys(), &header, Algorithm::EdDsa), Err(TokenRefusal::UnknownKey));
        let named = parse(&[changed("ed25519", json!({ "kid": kid }))]);
        assert!(verify(&named, &header, Algorithm::EdDsa).is_ok(), "{kid}");
    }
    for kid in [json!("k".repeat(257)), json!(""), json!(7), json!(["ed25519"]), json!(null), json!({})] {
        let header = json!({"alg": "EdDSA", "kid": kid});
        let refusal = verify(&TestIssuer::new().keys(), &header, Algorithm::EdDsa).unwrap_err();
        assert!(matches!(refusal, TokenRefusal::Malformed(_)), "{kid}: {refusal:?}");
    }
}

#[test]
fn b12_documents_that_are_no_key_set_are_refused_whole() {
    let set = |json: &str| KeySet::parse(json.as_bytes()).map(|set| set.len());
    for json in ["", "<html></html>", "[]", "null", "{", r#"{"keys":[],"keys":[]}"#, r#"{"keys":[]} x"#] {
        assert_eq!(set(json), Err(InvalidKeySet::Json), "{json}");
    }
    assert_eq!(set(&format!(r#"{{"keys":{}"#, "[".repeat(100_000))), Err(InvalidKeySet::Json));
    assert_eq!(set(r#"{"keys":[{"kid":"a","kid":"b"}]}"#), Err(InvalidKeySet::Json));
    assert_eq!(set("{}"), Err(InvalidKeySet::NoKeys));
    assert_eq!(set(r#"{"keys":{}}"#), Err(InvalidKeySet::NoKeys));
    assert_eq!(set(r#"{"keys":[]}"#), Ok(0));
    let keys = |count| json!({"keys": vec![json!({"kty": "x"}); count]}).to_string();
    assert_eq!(set(&keys(50)), Ok(0));
    assert_eq!(set(&keys(51)), Err(InvalidKeySet::TooManyKeys));
    let padded = |length: usize| r#"{"keys":[]}"#.to_owned() + &" ".repeat(length - 11);
    assert_eq!(set(&padded(MAX_KEY_SET_BYTES)), Ok(0));
    assert_eq!(set(&padded(MAX_KEY_SET_BYTES + 1)), Err(InvalidKeySet::TooLarge));
}

#[test]
fn what_issuers_put_beside_their_keys_is_ignored() {
    let extra = json!({"x5c": ["MIIB"], "x5t": "a", "x5t#S256": "b", "issuer": "c", "nbf": 1, "key_ops": null});
    assert_eq!(parse(&[changed("rsa", extra)]).len(), 1);
}
