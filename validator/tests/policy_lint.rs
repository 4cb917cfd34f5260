//! The linter's examples: every mistake is found where it is, and good policies have none.
//!
//! `vectors/policy/lint/bad/CODE[-variant].json` has the mistake CODE and no other; `good/` has none. What is found in the
//! bad ones, and where, is in `findings.json`; `BREVET_UPDATE_VECTORS=1` writes it anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use brevet_validator::policy::{
    Code, Context, Effect, Finding, Kind, Policies, Policy, Query, Severity, Subject, evaluate, guess_kind, lint,
};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

fn examples(folder: &str) -> BTreeMap<String, String> {
    let files = fs::read_dir(vectors().join(folder)).unwrap().map(|entry| entry.unwrap().path());
    files.map(|path| (path.file_stem().unwrap().to_str().unwrap().into(), fs::read_to_string(path).unwrap())).collect()
}

fn vectors() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/policy/lint")
}

fn findings(text: &str) -> Vec<Finding> {
    lint(text, guess_kind(text))
}

/// The code that a bad example is named after.
fn code_of(name: &str) -> String {
    name.split('-').next().unwrap().to_uppercase()
}

#[test]
fn each_mistake_is_found_where_it_is() {
    let mut found = BTreeMap::new();
    let mut others = Vec::new();
    for (name, text) in examples("bad") {
        let findings = findings(&text);
        assert!(!findings.is_empty(), "{name}");
        others.extend(findings.iter().filter(|f| f.code.as_str() != code_of(&name)).map(|f| (name.clone(), f.clone())));
        let as_json = |f: &Finding| {
            json!({
                "severity": f.severity.as_str(), "line": f.line, "column": f.column,
                "message": f.message, "suggestion": f.suggestion,
            })
        };
        found.insert(name, findings.iter().map(as_json).collect::<Vec<_>>());
    }
    assert!(others.is_empty(), "{others:#?}");
    let file = vectors().join("findings.json");
    if std::env::var_os("BREVET_UPDATE_VECTORS").is_some() {
        fs::write(&file, serde_json::to_string_pretty(&found).unwrap() + "\n").unwrap();
    }
    let expected: BTreeMap<String, Vec<Value>> = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    assert_eq!(found, expected);
}

#[test]
fn good_policies_have_no_findings() {
    for (name, text) in examples("good") {
        assert_eq!(findings(&text), [], "{name}");
    }
}

#[test]
fn every_code_has_a_bad_and_a_good_example() {
    let all: BTreeSet<String> = Code::ALL.iter().map(|code| code.as_str().to_owned()).collect();
    let of = |folder| examples(folder).into_keys().map(|name| code_of(&name)).collect::<BTreeSet<_>>();
    assert_eq!(of("bad"), all);
    assert_eq!(all.difference(&of("good")).collect::<Vec<_>>(), Vec::<&String>::new());
}

#[test]
fn b18_b20_open_doors_are_dangerous() {
    for name in [
        "no_subject",
        "no_subject-negated",
        "no_subject-google",
        "audience_only",
        "audience_only-gitlab",
        "audience_only-buildkite",
        "open_subject",
        "open_subject-no-boundary",
        "open_subject-star",
        "open_subject-neutral-key",
        "public_principal",
        "public_principal-aws",
        "allow_not_principal",
        "for_all_values",
    ] {
        let text = &examples("bad")[name];
        assert!(findings(text).iter().any(|finding| finding.severity == Severity::Dangerous), "{name}");
    }
}

#[test]
fn the_kind_is_guessed_from_the_elements() {
    for (text, kind) in [
        (r#"{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}}"#, Kind::Trust),
        (r#"{"Statement": [{"NotPrincipal": "*", "Action": "s3:*", "Resource": "*"}]}"#, Kind::Resource),
        (r#"{"Statement": [{"Action": "s3:*", "Resource": "*"}]}"#, Kind::Identity),
        ("[]", Kind::Identity),
        ("{", Kind::Identity),
    ] {
        assert_eq!(guess_kind(text), kind, "{text}");
    }
}

#[test]
fn e7_a_document_full_of_mistakes_is_linted_in_time_and_told_in_part() {
    let issuers: Vec<String> = (0..600).map(|n| format!("token.actions.githubusercontent.com/{n}")).collect();
    let subjects: Vec<String> = (0..2_000).map(|n| format!("repo:a{n}/*")).collect();
    let keys: serde_json::Map<String, Value> = (0..800).map(|n| (format!("oidc:x{n}"), json!("*"))).collect();
    let statement = json!({
        "Effect": "Allow", "Principal": {"Federated": issuers}, "Action": "sts:*",
        "Condition": {"StringLike": {"oidc:sub": subjects}, "StringEquals": keys},
    });
    let text = json!({"Version": "2012-10-17", "Statement": statement}).to_string();
    assert!(text.len() < 131_072, "{}", text.len());
    assert_eq!(findings(&text).len(), 100);

    let actions: Vec<String> = (0..9_000).map(|n| format!("s3:a{n}*")).collect();
    let statements = json!([
        {"Effect": "Allow", "Action": &actions[..4_500], "Resource": "*"},
        {"Effect": "Allow", "Action": &actions[4_500..], "Resource": "*"},
    ]);
    assert_eq!(findings(&json!({"Version": "2012-10-17", "Statement": statements}).to_string()), []);
}

const ACTIONS: [&str; 5] = ["s3:GetObject", "s3:GreatObject", "s3:PutObject", "s3:List", "iam:Get"];
const RESOURCES: [&str; 5] =
    ["arn:aws:s3:::b/x", "arn:aws:s3:::b/y", "arn:aws:s3:::c/x", "arn:aws:s3:r:1:b/x", "arn:aws:iam:::b/x"];
const USER_TYPES: [Option<&str>; 6] = [None, Some("User"), Some("Account"), Some("U*"), Some("Uwe"), Some("*")];

/// What statements say to each of these requests.
fn effects(statements: &[Value]) -> Vec<Effect> {
    let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    let policy = Policy::parse(&text, Kind::Session).unwrap();
    let subject = Subject {
        account: "123456789012".parse().unwrap(),
        arn: "arn:aws:iam::123456789012:user/ada".parse().unwrap(),
        role_or_user_arn: None,
        unique_id: None,
        federated: None,
    };
    let mut effects = Vec::new();
    for user_type in USER_TYPES {
        let mut context = Context::default();
        if let Some(user_type) = user_type {
            context.set("aws:PrincipalType", user_type);
        }
        for (action, resource) in ACTIONS.iter().flat_map(|action| RESOURCES.map(|resource| (*action, resource))) {
            let query = Query { subject: &subject, action, resource, context: &context };
            effects.push(evaluate(&Policies { identity: &[&policy], ..Policies::default() }, &query).effect);
        }
    }
    effects
}

fn finds(statements: &[Value], code: Code) -> bool {
    let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    lint(&text, Kind::Identity).iter().any(|finding| finding.code == code)
}

fn condition() -> impl Strategy<Value = (String, Value)> {
    let operators =
        select(vec!["StringEquals", "StringNotEquals", "StringLike", "StringNotLike", "StringEqualsIfExists", "Null"]);
    let values = proptest::collection::vec(select(vec!["User", "Account", "U*", "*"]), 1..3);
    (operators, values, any::<bool>()).prop_map(|(operator, values, null)| {
        let wanted = if operator == "Null" { json!(null.to_string()) } else { json!(values) };
        (operator.to_owned(), json!({"aws:PrincipalType": wanted}))
    })
}

fn statement() -> impl Strategy<Value = Value> {
    let actions = vec!["*", "s3:*", "s3:Get*", "s3:GetObject", "s3:G?tObject", "s3:G*tObject", "s3:Put*"];
    let resources =
        vec!["*", "arn:aws:s3:::*", "arn:aws:s3:::b/*", "arn:aws:s3:::b/x", "arn:aws:s3:*:1*:b/x", "arn:aws:s3:::?/x"];
    let list = |words: Vec<&'static str>| proptest::collection::vec(select(words), 1..3);
    (
        select(vec!["Allow", "Deny"]),
        any::<(bool, bool)>(),
        list(actions),
        list(resources),
        proptest::option::of(condition()),
    )
        .prop_map(|(effect, (not_action, not_resource), actions, resources, condition)| {
            let mut statement = json!({
                "Effect": effect,
                if not_action { "NotAction" } else { "Action" }: actions,
                if not_resource { "NotResource" } else { "Resource" }: resources,
            });
            if let Some((operator, test)) = condition {
                statement["Condition"] = json!({operator: test});
            }
            statement
        })
}

proptest! {
    #[test]
    fn what_is_told_to_be_superfluous_changes_no_decision(
        first in statement(),
        mut second in statement(),
        alike in any::<bool>(),
    ) {
        if alike {
            let effect_and_condition = second;
            second = first.clone();
            second["Effect"] = effect_and_condition["Effect"].clone();
            if let Some(condition) = effect_and_condition.get("Condition") {
                second["Condition"] = condition.clone();
            }
        }
        let both = [first.clone(), second];
        if finds(&both, Code::Shadowed) {
            prop_assert_eq!(effects(&both), effects(std::slice::from_ref(&first)));
        }
        if finds(&both, Code::AlwaysDenied) {
            let denials: Vec<Value> = both.iter().filter(|statement| statement["Effect"] == "Deny").cloned().collect();
            prop_assert_eq!(effects(&both), effects(&denials));
        }
    }

    #[test]
    fn what_is_told_never_to_match_allows_nothing_and_all_else_allows_something(
        conditions in proptest::collection::vec(condition(), 2..4),
    ) {
        let operators: serde_json::Map<String, Value> = conditions.into_iter().collect();
        let lists_all = operators.contains_key("StringEquals") && operators.len() > 1;
        let statement = json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": operators});
        let statement = [statement];
        let allows = effects(&statement).contains(&Effect::Allow);
        if finds(&statement, Code::NeverMatches) {
            prop_assert!(!allows);
        } else if lists_all {
            prop_assert!(allows);
        }
    }

    #[test]
    fn linting_never_fails_and_points_into_the_document(
        value in r#"(repo:|[a-z*?@/:$\{\}é]){0,12}"#,
        key in r"(token\.actions\.githubusercontent\.com|aws|sts|oidc):[a-zA-Z_/]{1,12}",
        operator in "(ForAllValues:|ForAnyValue:)?String(Not)?(Equals|Like)(IfExists)?",
    ) {
        let document = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow",
            "Principal": {"Federated": "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {operator: {key: value}},
        }]});
        let text = serde_json::to_string_pretty(&document).unwrap();
        for finding in lint(&text, Kind::Trust) {
            let line = text.lines().nth(finding.line - 1).unwrap();
            prop_assert!(line.chars().nth(finding.column - 1).is_some_and(|c| !c.is_whitespace()));
        }
    }
}
