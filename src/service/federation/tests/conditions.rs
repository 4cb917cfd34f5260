//! What policies see of a token, and what sessions get from it.

use brevet_validator::policy::{Context, Effect, Kind, Policies, Policy, Query, Subject, evaluate_trust};
use serde_json::{Value, json};

use crate::service::federation::test_issuer::{CLIENT_ID, SUBJECT, TestIssuer};
use crate::service::federation::{Claim, ClaimValue, IdentityToken, RefusalCode, TokenRefusal};

const PROVIDER: &str = "arn:aws:iam::111111111111:oidc-provider/idp.example.com/realm";

fn token(changes: Value) -> IdentityToken {
    let issuer = TestIssuer::new();
    issuer.verify(&issuer.token_with(changes.clone())).unwrap_or_else(|error| panic!("{changes}: {error}"))
}

fn claim(token: &IdentityToken, name: &str) -> Option<ClaimValue> {
    token.claims().iter().find(|claim| claim.name == name).map(|Claim { value, .. }| value.clone())
}

fn one(value: &str) -> Option<ClaimValue> {
    Some(ClaimValue::One(value.to_owned()))
}

fn many(values: &[&str]) -> Option<ClaimValue> {
    Some(ClaimValue::Many(values.iter().map(|&value| value.to_owned()).collect()))
}

/// Whether a trust policy with this condition lets the token in.
fn is_trusted(token: &IdentityToken, condition: &Value) -> bool {
    let document = json!({
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"Federated": PROVIDER},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": condition,
        },
    });
    let policy = Policy::parse(&document.to_string(), Kind::Trust).unwrap();
    let account = "111111111111".parse().unwrap();
    let subject = Subject {
        account,
        arn: "arn:aws:sts::111111111111:web-identity/x".parse().unwrap(),
        role_or_user_arn: None,
        unique_id: None,
        federated: Some(PROVIDER.to_owned()),
    };
    let mut context = Context::default();
    token.add_to(&mut context);
    let policies = Policies { resource: Some(&policy), resource_account: Some(account), ..Policies::default() };
    let (action, resource) = ("sts:AssumeRoleWithWebIdentity", "arn:aws:iam::111111111111:role/x");
    evaluate_trust(&policies, &Query { subject: &subject, action, resource, context: &context }).effect == Effect::Allow
}

fn key(claim: &str) -> String {
    format!("idp.example.com/realm:{claim}")
}

#[test]
fn claims_become_values_of_conditions() {
    let token = token(json!({
        "aud": [CLIENT_ID, "other"],
        "azp": CLIENT_ID,
        "run": 17,
        "big": u64::MAX,
        "ratio": 0.5,
        "protected": true,
        "groups": ["a", "b,c", 3, false],
        "nobody": [],
        "mixed": ["a", {"b": 1}],
        "kubernetes.io": {"namespace": "ci", "pod": {"name": "builder-0"}, "none": null},
    }));
    for (name, value) in [
        ("sub", one(SUBJECT)),
        ("aud", one(CLIENT_ID)),
        ("oaud", many(&[CLIENT_ID, "other"])),
        ("azp", one(CLIENT_ID)),
        ("run", one("17")),
        ("big", one("18446744073709551615")),
        ("ratio", one("0.5")),
        ("protected", one("true")),
        ("groups", many(&["a", "b,c", "3", "false"])),
        ("nobody", None),
        ("mixed", None),
        ("kubernetes.io", None),
        ("kubernetes.io/namespace", one("ci")),
        ("kubernetes.io/pod/name", one("builder-0")),
        ("kubernetes.io/none", None),
    ] {
        assert_eq!(claim(&token, name), value, "{name}");
    }
    assert!(is_trusted(&token, &json!({"StringEquals": {key("kubernetes.io/namespace"): "ci"}})));
    assert!(is_trusted(&token, &json!({"ForAnyValue:StringEquals": {key("groups"): "b,c"}})));
    assert!(is_trusted(&token, &json!({"Bool": {key("protected"): "true"}})));
    assert!(!is_trusted(&token, &json!({"ForAnyValue:StringEquals": {key("groups"): "b"}})));
    assert!(!is_trusted(&token, &json!({"StringEquals": {"other.example:sub": SUBJECT}})));
}

#[test]
fn b19_what_a_claim_says_is_data() {
    for sub in ["*", "?", "repo:*", "repo:octo-org/octo-repo:*", "${idp.example.com/realm:sub}", "a/b"] {
        let token = token(json!({"sub": sub, "wanted": SUBJECT}));
        assert!(!is_trusted(&token, &json!({"StringEquals": {key("sub"): SUBJECT}})), "{sub}");
        assert!(!is_trusted(&token, &json!({"StringLike": {key("sub"): SUBJECT}})), "{sub}");
        // A claim that a variable puts into a pattern is no pattern.
        let variable = format!("${{{}}}", key("sub"));
        assert!(!is_trusted(&token, &json!({"StringLike": {key("wanted"): variable}})), "{sub}");
        assert!(is_trusted(&token, &json!({"StringLike": {key("sub"): variable}})), "{sub}");
    }
}

#[test]
fn b21_subjects_that_look_alike_are_not_alike() {
    for sub in ["Octo", "octo ", "\u{200b}octo", "oct\u{43e}", "OCTO"] {
        assert!(!is_trusted(&token(json!({"sub": sub})), &json!({"StringEquals": {key("sub"): "octo"}})), "{sub}");
    }
    assert!(!is_trusted(&token(json!({"sub": "caf\u{e9}"})), &json!({"StringEquals": {key("sub"): "cafe\u{301}"}})));
}

#[test]
fn b22_types_of_claims_are_not_guessed() {
    // A text is not split into a list, and a text `false` is no more than a text.
    let token = token(json!({"groups": "admins,users", "email_verified": "false", "n": "017"}));
    assert!(!is_trusted(&token, &json!({"ForAnyValue:StringEquals": {key("groups"): "admins"}})));
    assert!(!is_trusted(&token, &json!({"Bool": {key("email_verified"): "true"}})));
    assert!(!is_trusted(&token, &json!({"StringEquals": {key("n"): "17"}})));
}

#[test]
fn b6_two_claims_for_one_condition_key_are_refused() {
    let issuer = TestIssuer::new();
    for changes in [
        json!({"SUB": "admin"}),
        json!({"a/b": "1", "a": {"b": "2"}}),
        json!({"a/b": "1", "A": {"B": ["2"]}}),
        json!({"gro\u{3a3}": "1", "gro\u{3c3}": "2"}),
    ] {
        assert_eq!(issuer.refusal(changes.clone()), TokenRefusal::SameName, "{changes}");
    }
    // What the token calls `Aud` or `oaud` does not stand for what was accepted.
    let token = token(json!({"Aud": "admin", "oaud": "admin"}));
    assert_eq!(
        (claim(&token, "aud"), claim(&token, "oaud"), claim(&token, "Aud")),
        (one(CLIENT_ID), one(CLIENT_ID), None)
    );
}

#[test]
fn names_that_nesting_makes_very_long_are_no_keys() {
    let deep = (0..30).fold(json!("x"), |inner, _| json!({ "n".repeat(100): inner }));
    let token = token(json!({ "deep": deep, "n".repeat(2_000): "x" }));
    assert!(token.claims().iter().all(|claim| claim.name.len() <= 1_024));
}

#[test]
fn b30_tags_and_source_identity_are_fields_of_their_own() {
    let tags = json!({"principal_tags": {"Team": ["red"], "Cost": [""]}, "transitive_tag_keys": ["Team"]});
    let nested =
        json!({"https://aws.amazon.com/tags": tags, "https://aws.amazon.com/source_identity": "ada@example.com"});
    let flat = json!({
        "https://aws.amazon.com/tags/principal_tags": tags["principal_tags"],
        "https://aws.amazon.com/tags/transitive_tag_keys": tags["transitive_tag_keys"],
        "https://aws.amazon.com/source_identity": "ada@example.com",
    });
    for changes in [nested, flat] {
        let token = token(changes);
        let mut tags = token.principal_tags().to_vec();
        tags.sort();
        assert_eq!(tags, [("Cost".to_owned(), String::new()), ("Team".to_owned(), "red".to_owned())]);
        assert_eq!(token.transitive_tag_keys(), ["Team"]);
        assert_eq!(token.source_identity(), Some("ada@example.com"));
        assert!(token.claims().iter().all(|claim| !claim.name.starts_with("https://aws.amazon.com/")));
    }
    let plain = token(json!({"https://aws.amazon.com/tagsets": "x"}));
    assert_eq!((plain.principal_tags(), plain.source_identity()), (&[][..], None));
    assert_eq!(claim(&plain, "https://aws.amazon.com/tagsets"), one("x"));
}

#[test]
fn b30_tags_of_another_form_are_refused() {
    let issuer = TestIssuer::new();
    let many: serde_json::Map<_, _> = (0..51).map(|n| (format!("k{n}"), json!(["v"]))).collect();
    for tags in [
        json!("Team=red"),
        json!([]),
        json!({"principal_tags": []}),
        json!({"principal_tags": {"Team": "red"}}),
        json!({"principal_tags": {"Team": []}}),
        json!({"principal_tags": {"Team": ["red", "blue"]}}),
        json!({"principal_tags": {"Team": [7]}}),
        json!({"principal_tags": {"": ["red"]}}),
        json!({"principal_tags": {"Te*m": ["red"]}}),
        json!({"principal_tags": {"k".repeat(129): ["red"]}}),
        json!({"principal_tags": {"Team": ["v".repeat(257)]}}),
        json!({"principal_tags": many}),
        json!({"transitive_tag_keys": "Team"}),
        json!({"transitive_tag_keys": [7]}),
        json!({"principal_tags": {}, "other": {}}),
    ] {
        let refusal = issuer.refusal(json!({"https://aws.amazon.com/tags": tags}));
        assert_eq!((refusal, refusal.code()), (TokenRefusal::Tags, RefusalCode::IdpRejectedClaim), "{tags}");
    }
    for changes in [
        json!({"https://aws.amazon.com/tags": {}, "https://aws.amazon.com/tags/principal_tags": {}}),
        json!({"https://aws.amazon.com/tags/principal_tags/Team": ["red"]}),
        json!({"https://aws.amazon.com/tags/": {}}),
    ] {
        assert_eq!(issuer.refusal(changes.clone()), TokenRefusal::Tags, "{changes}");
    }
    for name in [json!("a"), json!("a b"), json!("a".repeat(65)), json!(["ada"]), json!(7), json!("")] {
        let refusal = issuer.refusal(json!({"https://aws.amazon.com/source_identity": name}));
        assert_eq!(refusal, TokenRefusal::SourceIdentity, "{name}");
    }
}
