//! The form of tokens, their headers, and whose signature is on them.

use ring::hmac;
use serde_json::{Value, json};

use crate::service::federation::test_issuer::{ALGORITHMS, CLIENT_ID, ISSUER, SUBJECT, TestIssuer, b64, claims, now};
use crate::service::federation::{
    Algorithm, Expectation, Issuer, Plaintext, RefusalCode, TokenRefusal, UnverifiedToken, UseId, test_issuer,
};

fn refusal(token: &str) -> TokenRefusal {
    match TestIssuer::new().verify(token) {
        Err(refusal) => refusal,
        Ok(_) => panic!("{token} was accepted"),
    }
}

fn is_malformed(token: &str) -> bool {
    matches!(refusal(token), TokenRefusal::Malformed(_))
}

/// A token with this header; the claims are good.
fn headed(header: &Value) -> String {
    TestIssuer::new().sign_text(&header.to_string(), &claims().to_string())
}

#[test]
fn a_good_token_of_each_algorithm_is_taken() {
    let issuer = TestIssuer::new();
    let (registered, client_ids) = (test_issuer::issuer(), [CLIENT_ID.to_owned()]);
    for (name, algorithm) in ALGORITHMS {
        let text = issuer.token_by(name, algorithm);
        let unverified = UnverifiedToken::parse(&text).unwrap();
        assert_eq!((unverified.issuer(), unverified.algorithm()), (ISSUER, algorithm));
        let expected = Expectation { algorithms: &[algorithm], ..Expectation::new(&registered, &client_ids) };
        let token =
            unverified.verify(&issuer.keys(), &expected, now()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((token.issuer(), token.subject(), token.audience()), (&registered, SUBJECT, CLIENT_ID));
        assert_eq!((token.issued_at(), token.expires_at()), (now() + -60, now() + 300));
        assert_eq!(token.use_id(), &UseId::Jti("one".into()));
        // By default RSASSA-PSS is not accepted.
        assert_eq!(issuer.verify(&text).err(), name.starts_with("PS").then_some(TokenRefusal::Algorithm), "{name}");
    }
    assert!(issuer.verify(&headed(&json!({"alg": "Ed25519", "kid": "ed25519", "typ": "jwt", "x5t": "a"}))).is_ok());
}

#[test]
fn b1_tokens_without_a_signature_are_refused() {
    let payload = claims().to_string();
    for name in ["none", "None", "nOnE", ""] {
        let header = json!({"alg": name}).to_string();
        for signature in ["", "AA"] {
            let token = format!("{}.{}.{signature}", b64(&header), b64(&payload));
            let expected = if signature.is_empty() { None } else { Some(TokenRefusal::Algorithm) };
            assert!(expected.map_or_else(|| is_malformed(&token), |expected| refusal(&token) == expected), "{name}");
        }
        assert_eq!(refusal(&headed(&json!({"alg": name}))), TokenRefusal::Algorithm);
    }
    assert!(is_malformed(&headed(&json!({"kid": "ed25519"}))));
    assert!(is_malformed(&headed(&json!({"alg": null}))));
    assert!(is_malformed(&headed(&json!({"alg": ["EdDSA"]}))));
    let good = TestIssuer::new().token(&claims());
    let unsigned = good.rsplit_once('.').unwrap().0;
    assert!(
        [unsigned.to_owned(), format!("{unsigned}."), "..".into(), ".".into(), String::new()]
            .iter()
            .all(|t| is_malformed(t))
    );
}

#[test]
fn b2_hmac_with_the_published_key_is_refused() {
    let jwk = TestIssuer::new().jwk("rsa");
    let text = jwk["n"].as_str().unwrap();
    for secret in [text.as_bytes(), jwk.to_string().as_bytes(), b"secret", b""] {
        for name in ["HS256", "HS384", "HS512"] {
            let header = json!({"alg": name, "kid": "rsa"}).to_string();
            let message = format!("{}.{}", b64(header), b64(claims().to_string()));
            let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
            assert_eq!(refusal(&format!("{message}.{}", b64(tag))), TokenRefusal::Algorithm);
        }
    }
}

#[test]
fn b3_the_client_id_is_no_key() {
    let header = json!({"alg": "HS256", "kid": CLIENT_ID}).to_string();
    let message = format!("{}.{}", b64(header), b64(claims().to_string()));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, b"the client secret"), message.as_bytes());
    assert_eq!(refusal(&format!("{message}.{}", b64(tag))), TokenRefusal::Algorithm);
}

#[test]
fn b13_header_parameters_that_choose_a_key_or_a_reading_are_refused() {
    let jwk = TestIssuer::new().jwk("ed25519");
    for (name, value) in [
        ("jku", json!("https://idp.example.com/jwks")),
        ("x5u", json!("https://evil.example/cert")),
        ("jwk", jwk),
        ("x5c", json!(["MIIB"])),
        ("crit", json!(["x"])),
        ("crit", json!([])),
        ("b64", json!(false)),
        ("b64", json!(true)),
        ("zip", json!("DEF")),
        ("cty", json!("JWT")),
        ("enc", json!("A256GCM")),
        ("iss", json!(ISSUER)),
        ("sub", json!("other")),
        ("jku", json!(null)),
    ] {
        let header = json!({"alg": "EdDSA", "kid": "ed25519", name: value});
        assert_eq!(refusal(&headed(&header)), TokenRefusal::Header(name), "{header}");
    }
    for typ in [json!("at+jwt"), json!("dpop+jwt"), json!("secevent+jwt"), json!(""), json!(1), json!(null)] {
        assert_eq!(refusal(&headed(&json!({"alg": "EdDSA", "kid": "ed25519", "typ": typ}))), TokenRefusal::Type);
    }
    // JWE, JSON serialization, a token within a token.
    let good = TestIssuer::new().token(&claims());
    assert!(is_malformed("a.b.c.d.e"));
    assert!(is_malformed(&format!("{good}.{good}")));
    assert!(is_malformed(&json!({"payload": "a", "protected": "b", "signature": "c"}).to_string()));
    assert!(is_malformed(&TestIssuer::new().sign_parts(&b64(r#"{"alg":"EdDSA","kid":"ed25519"}"#), &b64(&good))));
}

#[test]
fn b24_keys_are_those_of_the_expected_issuer() {
    let ours = TestIssuer::new();
    let client_ids = [CLIENT_ID.to_owned()];
    let other = Issuer::parse("https://other.example", Plaintext::Refused).unwrap();
    // Signed by ours, claims to be of the other: which keys are asked is the caller's choice, and neither helps.
    let text = ours.token_with(json!({"iss": other.as_str()}));
    let unverified = UnverifiedToken::parse(&text).unwrap();
    let foreign = ours.jwks().to_string().replace(ours.jwk("ed25519")["x"].as_str().unwrap(), &b64([8; 32]));
    let foreign = crate::service::federation::KeySet::parse(foreign.as_bytes()).unwrap();
    let with = |keys, issuer| unverified.verify(keys, &Expectation::new(issuer, &client_ids), now()).unwrap_err();
    assert_eq!(with(&foreign, &other), TokenRefusal::Signature);
    assert_eq!(with(&ours.keys(), &test_issuer::issuer()), TokenRefusal::Issuer);
}

#[test]
fn b28_size_and_encoding_are_strict() {
    let issuer = TestIssuer::new();
    assert_eq!(refusal(&"a".repeat(20_001)), TokenRefusal::TooLong);
    assert_eq!(refusal(&"a".repeat(10_000_000)), TokenRefusal::TooLong);
    assert_eq!(TokenRefusal::TooLong.code(), RefusalCode::ValidationError);
    let longest = (14_000..).map(|n| issuer.token_with(json!({"x": "x".repeat(n)}))).take_while(|t| t.len() <= 20_000);
    assert!(issuer.verify(&longest.last().unwrap()).is_ok());

    let good = issuer.token(&claims());
    let [header, payload, signature]: [&str; 3] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
    for token in [
        format!(" {good}"),
        format!("{good}\n"),
        format!("{good}="),
        format!("{good}=="),
        format!("{header}=.{payload}.{signature}"),
        format!("{header}. {payload}.{signature}"),
        format!("{header}.{payload}.{}", signature.replace('_', "/").replace('-', "+") + "+"),
        format!("{header}.{payload}\u{e9}.{signature}"),
        format!("Bearer {good}"),
    ] {
        assert!(is_malformed(&token), "{token}");
    }
    // 64 bytes leave four bits unused in the last character.
    let last = signature.chars().last().unwrap();
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let next = alphabet.chars().nth(alphabet.find(last).unwrap() + 1).unwrap();
    assert!(is_malformed(&format!("{}{next}", good.strip_suffix(last).unwrap())));
}

#[test]
fn b6_b29_json_that_two_readers_could_read_differently_is_refused() {
    let issuer = TestIssuer::new();
    let header = r#"{"alg":"EdDSA","kid":"ed25519"}"#;
    let good = claims().to_string();
    let with = |member: &str| good.replacen('{', &format!("{{{member},"), 1);
    assert!(issuer.verify(&issuer.sign_text(header, &with(r#""a":1"#))).is_ok());
    let members: Vec<_> = (0..600).map(|n| format!("\"{n}\":0")).collect();
    for payload in [
        with(r#""sub":"admin""#),
        with(r#""\u0073ub":"admin""#),
        with(r#""a":{"b":1,"b":2}"#),
        with(r#""a":"\ud800""#),
        with(r#""a":1e400"#),
        with(r#""a":NaN"#),
        with(&format!(r#""a":{}{}"#, "[".repeat(32), "]".repeat(32))),
        with(&format!(r#""a":{}"#, "[".repeat(10_000))),
        with(&members.join(",")),
        with(&format!(r#""a":[{}]"#, ["0"; 5_000].join(","))),
        format!("[{good}]"),
        format!("{good}{good}"),
        String::new(),
        "null".into(),
    ] {
        assert!(is_malformed(&issuer.sign_text(header, &payload)), "{payload}");
    }
    for header in [r#"{"alg":"none","alg":"EdDSA"}"#, r#"{"alg":"EdDSA","kid":"ed25519","kid":"rsa"}"#, "[]", "{"] {
        assert!(is_malformed(&issuer.sign_text(header, &good)), "{header}");
    }
}

#[test]
fn b34_the_signature_comes_before_the_claims() {
    let issuer = TestIssuer::new();
    for changes in [json!({"exp": 0}), json!({"aud": "other"}), json!({"sub": null}), json!({"exp": "never"})] {
        let token = issuer.token_with(changes);
        let (message, _) = token.rsplit_once('.').unwrap();
        let forged = format!("{message}.{}", b64([1; 64]));
        assert_eq!(refusal(&forged), TokenRefusal::Signature);
    }
}

#[test]
fn nothing_of_a_token_is_in_messages_and_debug_output() {
    let issuer = TestIssuer::new();
    let token = issuer.token_with(json!({"email": "ada@example.com"}));
    let unverified = UnverifiedToken::parse(&token).unwrap();
    let verified = issuer.verify(&token).unwrap();
    for text in [format!("{unverified:?}"), format!("{verified:?}")] {
        assert!(!text.contains("ada") && !text.contains("repo") && !text.contains("eyJ"), "{text}");
    }
    let expired = issuer.refusal(json!({"iat": 1_794_999_000, "exp": 1_794_999_300}));
    assert_eq!(expired.code(), RefusalCode::ExpiredTokenException);
    assert_eq!(
        expired.to_string(),
        "Token expired: current date/time 1795000000 must be before the expiration date/time 1794999300"
    );
}

#[test]
fn b15_a_caller_can_ask_for_the_key_without_verifying_anything() {
    let issuer = TestIssuer::new();
    let header = json!({"alg": "EdDSA", "kid": "random"}).to_string();
    let token = issuer.sign_text(&header, &claims().to_string());
    let unverified = UnverifiedToken::parse(&token).unwrap();
    assert_eq!((unverified.key_id(), unverified.algorithm()), (Some("random"), Algorithm::EdDsa));
    assert!(!issuer.keys().has("random"));
    assert_eq!(refusal(&token), TokenRefusal::UnknownKey);
}
