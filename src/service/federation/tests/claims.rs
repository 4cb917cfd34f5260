//! Registered claims: their types, whom they name, and when they hold.

use serde_json::{Value, json};

use crate::service::federation::test_issuer::{CLIENT_ID, ISSUER, TestIssuer, b64, claims, issuer, now};
use crate::service::federation::{Algorithm, Expectation, RefusalCode, TokenRefusal, UnverifiedToken, UseId};

fn refusal(changes: Value) -> TokenRefusal {
    TestIssuer::new().refusal(changes)
}

fn is_taken(changes: Value) -> bool {
    let issuer = TestIssuer::new();
    issuer.verify(&issuer.token_with(changes)).is_ok()
}

/// A token whose claims are written as text, for what JSON libraries would not write.
fn refusal_of(name: &str, value: &str) -> TokenRefusal {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    let payload = claims.to_string().replacen('{', &format!("{{\"{name}\":{value},"), 1);
    let issuer = TestIssuer::new();
    match issuer.verify(&issuer.sign_text(r#"{"alg":"EdDSA","kid":"ed25519"}"#, &payload)) {
        Err(refusal) => refusal,
        Ok(_) => panic!("{name}: {value} was accepted"),
    }
}

#[test]
fn b5_times_of_the_wrong_type_are_refused() {
    for name in ["exp", "nbf", "iat"] {
        for value in [
            "\"never\"",
            "\"9999999999\"",
            "null",
            "-1",
            "1.5",
            "1795000300.0",
            "1.7950003e9",
            "true",
            "[1795000300]",
            "{}",
            "253402300800",
            "9223372036854775807",
            "9223372036854775808",
            "18446744073709551615",
        ] {
            let refusal = refusal_of(name, value);
            assert_eq!(refusal, TokenRefusal::Form(name), "{name}: {value}");
            assert_eq!(refusal.code(), RefusalCode::InvalidIdentityToken);
        }
        for value in ["1e400", "NaN", "Infinity", "18446744073709551616", "01"] {
            assert!(matches!(refusal_of(name, value), TokenRefusal::Malformed(_)), "{name}: {value}");
        }
    }
    assert!(matches!(refusal(json!({"exp": 0})), TokenRefusal::Expired { .. }));
    assert_eq!(refusal(json!({"exp": 0})).code(), RefusalCode::ExpiredTokenException);
}

#[test]
fn b6_required_claims_are_required() {
    for name in ["iss", "aud", "sub", "exp", "iat"] {
        assert_eq!(refusal(json!({name: null})), TokenRefusal::Missing(name));
    }
    // `Sub` is no `sub`, and beside one it would stand for it in conditions.
    assert_eq!(refusal(json!({"sub": null, "Sub": "a"})), TokenRefusal::Missing("sub"));
    assert_eq!(refusal(json!({"Sub": "a"})), TokenRefusal::SameName);
    assert!(is_taken(json!({"jti": null})));
}

#[test]
fn b7_one_audience_is_exactly_ours() {
    for aud in [
        json!("other"),
        json!(""),
        json!("*"),
        json!(["*"]),
        json!("sts.amazonaws.co"),
        json!("sts.amazonaws.com/"),
        json!("STS.amazonaws.com"),
        json!(" sts.amazonaws.com"),
        json!("sts.amazonaws.com,other"),
        json!("https://sts.amazonaws.com"),
        json!([CLIENT_ID, "other"]),
        json!(["other", CLIENT_ID]),
        json!([CLIENT_ID, CLIENT_ID]),
        json!(["other"]),
    ] {
        assert_eq!(refusal(json!({"aud": aud})), TokenRefusal::Audience, "{aud}");
    }
    for aud in [json!([]), json!(7), json!({"a": CLIENT_ID}), json!([[CLIENT_ID]]), json!([CLIENT_ID, 7]), json!(true)]
    {
        assert_eq!(refusal(json!({"aud": aud})), TokenRefusal::Form("aud"), "{aud}");
    }
    let many: Vec<_> = (0..4_000).map(|_| "").collect();
    assert!(matches!(refusal(json!({"aud": many})), TokenRefusal::Malformed(_)));
    assert_eq!(refusal(json!({"aud": null, "azp": CLIENT_ID})), TokenRefusal::Missing("aud"));
    assert!(is_taken(json!({"aud": [CLIENT_ID]})));
}

#[test]
fn b7_the_party_that_a_token_was_issued_to_is_ours_too() {
    let audience = |changes| {
        let issuer = TestIssuer::new();
        issuer.verify(&issuer.token_with(changes)).map(|token| token.audience().to_owned())
    };
    assert_eq!(audience(json!({"aud": [CLIENT_ID, "other"], "azp": CLIENT_ID})).as_deref(), Ok(CLIENT_ID));
    assert_eq!(audience(json!({"azp": "second-client"})).as_deref(), Ok("second-client"));
    for azp in ["other", "", "*"] {
        assert_eq!(audience(json!({"azp": azp})), Err(TokenRefusal::AuthorizedParty));
        assert_eq!(audience(json!({"aud": [CLIENT_ID, "other"], "azp": azp})), Err(TokenRefusal::AuthorizedParty));
    }
    assert_eq!(audience(json!({"aud": "other", "azp": CLIENT_ID})), Err(TokenRefusal::Audience));
    assert_eq!(audience(json!({"azp": [CLIENT_ID]})), Err(TokenRefusal::Form("azp")));
}

#[test]
fn b7_a_provider_without_client_ids_takes_no_token() {
    let test = TestIssuer::new();
    let text = test.token(&claims());
    let refusal = UnverifiedToken::parse(&text).unwrap().verify(&test.keys(), &Expectation::new(&issuer(), &[]), now());
    assert_eq!(refusal.unwrap_err(), TokenRefusal::Audience);
}

#[test]
fn b8_the_issuer_is_compared_byte_for_byte() {
    for iss in [
        "https://idp.example.com/realm/",
        "https://IDP.example.com/realm",
        "http://idp.example.com/realm",
        "https://idp.example.com:443/realm",
        "https://user@idp.example.com/realm",
        "https://idp.example.com/./realm",
        "https://idp.example.com/a/../realm",
        "https://idp.example.com/%72ealm",
        "https://idp.example.com/realm?",
        "https://idp.example.com/realm#",
        "https://\u{456}dp.example.com/realm",
        "idp.example.com/realm",
        "",
        " https://idp.example.com/realm",
    ] {
        assert_eq!(refusal(json!({"iss": iss})), TokenRefusal::Issuer, "{iss}");
    }
    for iss in [json!([ISSUER]), json!(7), json!({})] {
        assert_eq!(refusal(json!({"iss": iss})), TokenRefusal::Form("iss"));
    }
}

#[test]
fn b21_subjects_are_kept_byte_for_byte() {
    for sub in ["Repo:A", "a ", " a", "caf\u{e9}", "cafe\u{301}", "a\u{200b}b", "*", "?", "${aws:username}", "a/../b"] {
        let issuer = TestIssuer::new();
        assert_eq!(issuer.verify(&issuer.token_with(json!({"sub": sub}))).unwrap().subject(), sub);
    }
    for sub in
        ["", "a\nb", "a\0", "a\u{7f}", "a\u{85}b", "\u{202e}a", "a\u{2028}b", "a\u{fdd0}", "a\u{1fffe}", "a\u{ffff}"]
    {
        assert_eq!(refusal(json!({"sub": sub})), TokenRefusal::Form("sub"), "{sub:?}");
    }
    assert!(is_taken(json!({"sub": "é".repeat(255)})));
    assert_eq!(refusal(json!({"sub": "é".repeat(256)})), TokenRefusal::Form("sub"));
}

#[test]
fn b22_claims_have_their_declared_types() {
    for value in [json!(7), json!(["a"]), json!({"a": "b"}), json!(true)] {
        for name in ["sub", "azp", "jti"] {
            assert_eq!(refusal(json!({name: value})), TokenRefusal::Form(name), "{name}: {value}");
        }
    }
    assert_eq!(refusal_of("sub", "null"), TokenRefusal::Form("sub"));
    assert_eq!(refusal_of("azp", "null"), TokenRefusal::Form("azp"));
}

#[test]
fn b23_what_tells_tokens_apart_does_not_hang_on_their_signature() {
    let issuer = TestIssuer::new();
    let use_id = |changes| issuer.verify(&issuer.token_with(changes)).unwrap().use_id().clone();
    assert_eq!(use_id(json!({})), UseId::Jti("one".into()));
    let UseId::Digest(first) = use_id(json!({"jti": null})) else { panic!("no digest") };
    assert_eq!(use_id(json!({"jti": null})), UseId::Digest(first));
    assert_ne!(use_id(json!({"jti": null, "a": 1})), UseId::Digest(first));
    assert_eq!(refusal(json!({"jti": ""})), TokenRefusal::Form("jti"));
    assert_eq!(refusal(json!({"jti": "j".repeat(256)})), TokenRefusal::Form("jti"));
    // ECDSA signs anew each time: two texts, one token.
    let payload = {
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove("jti");
        b64(claims.to_string())
    };
    let message = format!("{}.{payload}", b64(r#"{"alg":"ES256","kid":"p-256"}"#));
    let signed = || format!("{message}.{}", b64(issuer.signature(Algorithm::Es256, &message)));
    let (one, other) = (signed(), signed());
    assert_ne!(one, other);
    assert_eq!(issuer.verify(&one).unwrap().use_id(), issuer.verify(&other).unwrap().use_id());
}

#[test]
fn b26_times_hold_within_a_minute() {
    let now = now().unix();
    assert!(is_taken(json!({"nbf": now + 60})));
    assert!(matches!(refusal(json!({"nbf": now + 61})), TokenRefusal::NotYetValid { .. }));
    assert!(is_taken(json!({"iat": now + 60})));
    assert!(matches!(refusal(json!({"iat": now + 61})), TokenRefusal::NotYetValid { .. }));
    assert!(is_taken(json!({"exp": now - 59})));
    let expired = refusal(json!({"iat": now - 600, "exp": now - 60}));
    assert!(matches!(expired, TokenRefusal::Expired { expired_at, now: at } if at - expired_at == 60));
}

#[test]
fn b26_a_token_is_good_for_a_day_at_most() {
    let now = now().unix();
    assert!(is_taken(json!({"iat": now, "exp": now + 86_400})));
    for (iat, exp, seconds) in [
        (now, now + 86_401, 86_401),
        (now - 1, now + 86_400, 86_401),
        (now, now + 315_360_000, 315_360_000),
        (now + 30, now + 30, 0),
        (now + 30, now, -30),
    ] {
        let refusal = refusal(json!({"iat": iat, "exp": exp}));
        assert_eq!(refusal, TokenRefusal::Lifetime { seconds, most: 86_400 });
        assert_eq!(refusal.code(), RefusalCode::IdpRejectedClaim);
    }
}

#[test]
fn b27_the_end_of_the_token_is_known_to_whoever_issues_a_session() {
    let issuer = TestIssuer::new();
    assert_eq!(issuer.verify(&issuer.token(&claims())).unwrap().expires_at(), now() + 300);
}

#[test]
fn times_at_the_ends_of_their_range_do_not_overflow() {
    use brevet_validator::timestamp::Timestamp;
    let issuer = TestIssuer::new();
    let token = issuer.token_with(json!({"iat": 0, "exp": Timestamp::MAX.unix(), "nbf": 0}));
    for at in [Timestamp::EPOCH, now(), Timestamp::MAX] {
        assert!(issuer.verify_at(&token, at).is_err());
    }
}
