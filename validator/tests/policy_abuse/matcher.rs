//! Requests that are meant to match what they should not, and patterns meant to cost more than they should.

use brevet_validator::policy::Context;
use serde_json::{Value, json};

use crate::{allow, allows, holds};

#[test]
fn c7_lists_as_long_as_a_document_are_read_and_asked() {
    let actions: Vec<String> = (0..9_000).map(|n| format!("s3:a{n}*")).collect();
    let policy = allow(json!({"Action": actions}));
    assert!(allows(&policy, "s3:A8999x", "arn:aws:s3:::b", &Context::default()));
    assert!(!allows(&policy, "s3:b", "arn:aws:s3:::b", &Context::default()));
    let keys: serde_json::Map<String, Value> = (0..5_000).map(|n| (format!("k:{n}"), json!("true"))).collect();
    let policy = allow(json!({"Condition": {"Null": keys}}));
    assert!(allows(&policy, "sts:AssumeRole", "arn:aws:s3:::b", &Context::default()));
}

/// An exponential match would never end.
#[test]
fn c7_e9_wildcard_bombs_come_to_an_end_in_every_element() {
    let length = 2048;
    let long = "a".repeat(length);
    let mut context = Context::default();
    context.set("k:x", &*long);
    context.set("k:arn", format!("arn:aws:s3:::{long}"));
    let resource = format!("arn:aws:s3:::{long}");
    let action = format!("s3:{long}");
    for bomb in [
        "*a".repeat(length / 2),
        "*A".repeat(length / 2),
        "?*".repeat(length / 2),
        format!("*{}", "?a".repeat(length / 4)),
    ] {
        // What follows in the pattern but not in the text fails only at the end.
        let bomb = bomb + "c";
        for elements in [
            json!({"Action": format!("s3:{bomb}")}),
            json!({"Action": "s3:*", "Resource": format!("arn:aws:s3:::{bomb}")}),
            json!({"Action": "s3:*", "Resource": format!("arn:aws:s3:{bomb}:{bomb}:{bomb}")}),
            json!({"Action": "s3:*", "Condition": {"StringLike": {"k:x": bomb}}}),
            json!({"Action": "s3:*", "Condition": {"ArnLike": {"k:arn": format!("arn:{bomb}:{bomb}:{bomb}:{bomb}:{bomb}")}}}),
        ] {
            assert!(!allows(&allow(elements), &action, &resource, &context));
        }
    }
    let full = vec!["*a".repeat(length / 2) + "c"; 60];
    assert!(!allows(
        &allow(json!({"Action": "*", "Condition": {"StringLike": {"k:x": full}}})),
        &action,
        &resource,
        &context
    ));
}

#[test]
fn c8_negation_is_of_each_value_and_an_absent_key_is_not_a_match() {
    let tags =
        |operator: &str, values: &[&str]| holds(json!({operator: {"aws:TagKeys": ["a", "b"]}}), "aws:TagKeys", values);
    for (operator, none, inside, mixed, outside) in [
        ("ForAllValues:StringEquals", true, true, false, false),
        ("ForAnyValue:StringEquals", false, true, true, false),
        ("ForAllValues:StringNotEquals", true, false, false, true),
        ("ForAnyValue:StringNotEquals", false, false, true, true),
        ("ForAnyValue:StringEqualsIfExists", true, true, true, false),
        ("StringEquals", false, true, true, false),
        ("StringNotEquals", true, false, false, true),
    ] {
        let seen = [&[][..], &["a", "b"], &["a", "x"], &["x", "y"]].map(|values| tags(operator, values));
        assert_eq!(seen, [none, inside, mixed, outside], "{operator}");
    }
}

#[test]
fn c14_only_the_very_external_id_satisfies_its_condition() {
    let id = |values: &[&str]| holds(json!({"StringEquals": {"sts:ExternalId": "7f3a"}}), "sts:ExternalId", values);
    assert!(id(&["7f3a"]));
    for other in ["", "7f3", "7f3ab", "7F3A", "7f3a\n", " 7f3a", "7f3a\0", "*", "7f3?", "${sts:ExternalId}", "７f3a"] {
        assert!(!id(&[other]), "{other:?}");
    }
    assert!(!id(&[]));
}

#[test]
fn c15_permission_to_assume_is_not_permission_to_tag_or_to_set_an_identity() {
    for (action, tags) in
        [("sts:AssumeRole", false), ("sts:Assume*", false), ("STS:ASSUME?OLE", false), ("sts:*", true)]
    {
        let policy = allow(json!({"Action": action}));
        for companion in ["sts:TagSession", "sts:SetSourceIdentity"] {
            assert_eq!(allows(&policy, companion, "arn:aws:iam::1:role/r", &Context::default()), tags, "{action}");
        }
        assert!(allows(&policy, "sts:AssumeRole", "arn:aws:iam::1:role/r", &Context::default()), "{action}");
    }
}

#[test]
fn c16_wildcards_and_look_alikes_of_a_request_are_data() {
    let policy =
        allow(json!({"Resource": ["arn:aws:iam::123456789012:role/reader", "arn:aws:iam::123456789012:role/é"]}));
    for (role, expected) in [
        ("reader", true),
        ("*", false),
        ("reade?", false),
        ("${aws:username}", false),
        ("Reader", false),
        ("reader ", false),
        ("reader\0", false),
        ("./reader", false),
        ("x/../reader", false),
        ("re\u{430}der", false),
        ("é", true),
        ("e\u{301}", false),
    ] {
        let resource = format!("arn:aws:iam::123456789012:role/{role}");
        assert_eq!(allows(&policy, "sts:AssumeRole", &resource, &Context::default()), expected, "{role:?}");
    }
}

#[test]
fn b19_wildcards_and_variables_in_a_claim_are_data() {
    let claim = |condition: Value, value: &str| holds(condition, "oidc:sub", &[value]);
    for value in ["*", "?", "repo:o/r:*", "repo:o/*", "${oidc:sub}", "repo:o/r:ref?"] {
        assert!(!claim(json!({"StringEquals": {"oidc:sub": "repo:o/r:ref"}}), value), "{value}");
        assert!(!claim(json!({"StringLike": {"oidc:sub": "repo:o/r:re?"}}), value), "{value}");
    }
    // A variable brings the claim into the pattern, where it stands for nothing but itself.
    let policy = allow(json!({"Resource": "arn:aws:s3:::b/${oidc:sub}/x"}));
    for value in ["*", "?", "a/*", "${aws:username}", "$", "a}"] {
        let mut context = Context::default();
        context.set("oidc:sub", value);
        context.set("aws:username", "ada");
        assert!(allows(&policy, "sts:AssumeRole", &format!("arn:aws:s3:::b/{value}/x"), &context), "{value}");
        for foreign in ["arn:aws:s3:::b/ada/x", "arn:aws:s3:::b/a/x/x", "arn:aws:s3:::b//x"] {
            assert!(!allows(&policy, "sts:AssumeRole", foreign, &context), "{value}: {foreign}");
        }
    }
}

#[test]
fn b21_values_are_compared_byte_for_byte() {
    let alike = ["Ada", "ada ", " ada", "ad\u{430}", "ada\u{200b}", "\u{202e}ada", "a\u{308}da", "ａda", "ada\0"];
    for operator in ["StringEquals", "StringLike"] {
        let equals = |value: &str| holds(json!({operator: {"oidc:sub": "ada"}}), "oidc:sub", &[value]);
        assert!(equals("ada"));
        assert!(alike.iter().all(|value| !equals(value)), "{operator}");
        // Composed and decomposed forms are two texts.
        assert!(!holds(json!({operator: {"oidc:sub": "\u{e4}da"}}), "oidc:sub", &["a\u{308}da"]), "{operator}");
    }
}

#[test]
fn b21_blindness_to_case_stays_within_an_alphabet() {
    let equals = |wanted: &str, given: &str| {
        holds(json!({"StringEqualsIgnoreCase": {"oidc:sub": wanted}}), "oidc:sub", &[given])
    };
    for (wanted, given, expected) in [
        ("ada", "ADA", true),
        ("éa", "ÉA", true),
        ("k", "\u{212a}", false),
        ("s", "\u{17f}", false),
        ("i", "\u{130}", false),
        ("ss", "ß", false),
        ("ada", "ad\u{410}", false),
    ] {
        assert_eq!(equals(wanted, given), expected, "{wanted} {given}");
        assert_eq!(equals(given, wanted), expected, "{given} {wanted}");
    }
    let policy = allow(json!({"Action": "iam:Tag*k*"}));
    assert!(!allows(&policy, "iam:Tag\u{212a}ey", "arn:aws:s3:::b", &Context::default()));
}
