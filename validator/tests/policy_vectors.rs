//! The golden tables: what AWS documents of conditions and of the combination, and documents that are no policies.

use brevet_validator::identity::{AccountId, Arn, UniqueId};
use brevet_validator::policy::{
    Context, Decision, Effect, Kind, Policies, Policy, Query, Reason, Subject, evaluate, evaluate_trust,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

fn context(keys: &Map<String, Value>) -> Context {
    let mut context = Context::default();
    for (key, value) in keys {
        match value {
            Value::Array(values) => context.set_all(key, values.iter().map(|v| v.as_str().unwrap().to_owned())),
            value => context.set(key, value.as_str().unwrap()),
        }
    }
    context
}

fn user() -> Subject {
    Subject {
        account: "123456789012".parse().unwrap(),
        arn: "arn:aws:iam::123456789012:user/ops/ada".parse().unwrap(),
        role_or_user_arn: None,
        unique_id: Some("AIDA2222222222222222A".parse().unwrap()),
        federated: None,
    }
}

#[derive(Deserialize)]
struct ConditionTable {
    condition: Value,
    cases: Vec<ConditionCase>,
}

#[derive(Deserialize)]
struct ConditionCase {
    context: Map<String, Value>,
    holds: bool,
}

#[test]
fn c8_conditions_hold_as_aws_documents() {
    let tables: Vec<ConditionTable> = serde_json::from_str(include_str!("vectors/policy/conditions.json")).unwrap();
    for table in tables {
        let statement = json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": table.condition});
        let document = json!({"Version": "2012-10-17", "Statement": statement}).to_string();
        let policy = Policy::parse(&document, Kind::Identity).unwrap_or_else(|e| panic!("{e}: {document}"));
        for case in table.cases {
            let query =
                Query { subject: &user(), action: "a:b", resource: "arn:aws:a:::b", context: &context(&case.context) };
            let decision = evaluate(&Policies { identity: &[&policy], ..Policies::default() }, &query);
            assert_eq!(decision.effect == Effect::Allow, case.holds, "{} in {:?}", table.condition, case.context);
        }
    }
}

#[derive(Deserialize)]
struct Malformed {
    kind: String,
    document: String,
    line: usize,
    column: usize,
    message: String,
    suggestion: Option<String>,
}

#[test]
fn c5_c6_c30_what_is_no_policy_is_refused_where_it_goes_wrong() {
    let cases: Vec<Malformed> = serde_json::from_str(include_str!("vectors/policy/malformed.json")).unwrap();
    for case in cases {
        let kind = match case.kind.as_str() {
            "Identity" => Kind::Identity,
            "Trust" => Kind::Trust,
            "Resource" => Kind::Resource,
            "Session" => Kind::Session,
            other => panic!("{other}"),
        };
        let Err(error) = Policy::parse(&case.document, kind) else { panic!("accepted: {}", case.document) };
        assert!(error.message.contains(&case.message), "{}: {error}", case.document);
        assert_eq!((error.line, error.column), (case.line, case.column), "{}: {error}", case.document);
        assert_eq!(error.suggestion, case.suggestion, "{}", case.document);
    }
}

#[test]
fn e7_size_depth_and_number_of_members_are_bounded() {
    let statement = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
    let document = |n: usize| format!(r#"{{"Statement":[{}]}}"#, vec![statement; n].join(","));
    assert_eq!(Policy::parse(&document(2000), Kind::Identity).unwrap().statement_count(), 2000);
    for too_much in [
        document(100_000),
        "[".repeat(100_000),
        format!(r#"{{"Statement":{}1{}}}"#, "[".repeat(40), "]".repeat(40)),
        format!("{{{}}}", (0..8000).map(|i| format!("\"{i}\":1")).collect::<Vec<_>>().join(",")),
        format!(r#"{{"Version":"{}"}}"#, "x".repeat(130_000)),
        format!(r#"{{"Version":{}}}"#, "9".repeat(130_000)),
    ] {
        let error = Policy::parse(&too_much, Kind::Identity).unwrap_err();
        assert!(error.message.len() < 500, "{}", error.message.len());
    }
}

#[test]
fn c5_an_empty_session_policy_allows_nothing() {
    let policy = Policy::parse(r#"{"Version": "2012-10-17", "Statement": []}"#, Kind::Session).unwrap();
    assert_eq!(policy.statement_count(), 0);
    let everything = allow("*", "*");
    let policies = Policies { identity: &[&everything], session: Some(&[&policy]), ..Policies::default() };
    let query = Query { subject: &user(), action: "a:b", resource: "arn:aws:a:::b", context: &Context::default() };
    assert_eq!(evaluate(&policies, &query).reason, Reason::SessionPolicy);
}

fn allow(action: &str, resource: &str) -> Policy {
    let statement = json!({"Effect": "Allow", "Action": action, "Resource": resource});
    Policy::parse(&json!({"Version": "2012-10-17", "Statement": statement}).to_string(), Kind::Identity).unwrap()
}

#[test]
fn c16_actions_and_resources_match_as_aws_documents() {
    let query = |action, resource, policy: &Policy| {
        let query = Query { subject: &user(), action, resource, context: &Context::default() };
        evaluate(&Policies { identity: &[policy], ..Policies::default() }, &query).effect == Effect::Allow
    };
    let role = "arn:aws:iam::123456789012:role/a/b";
    for (action, expected) in [
        ("*", true),
        ("*:*", true),
        ("STS:ASSUMEROLE", true),
        ("sts:Assume*", true),
        ("sts:AssumeRol?", true),
        ("sts:Assume", false),
        ("iam:*", false),
    ] {
        assert_eq!(query("sts:AssumeRole", role, &allow(action, "*")), expected, "{action}");
    }
    for (resource, expected) in [
        (role, true),
        ("arn:aws:iam::123456789012:role/*", true),
        ("arn:aws:iam::*:role/a/b", true),
        ("arn:aws:iam::123456789012:role/A/b", false),
        ("arn:aws:iam::123456789012:role/b", false),
        ("arn:aws:iam::123456789012:role/a/x/../b", false),
        ("arn:aws:iam::123456789013:role/a/b", false),
    ] {
        assert_eq!(query("sts:AssumeRole", role, &allow("*", resource)), expected, "{resource}");
    }
    let others = |document: Value| Policy::parse(&document.to_string(), Kind::Identity).unwrap();
    let not_iam = others(json!({"Statement": {"Effect": "Allow", "NotAction": ["iam:*", "s3:Get*"], "Resource": "*"}}));
    assert!(query("sts:AssumeRole", role, &not_iam) && !query("IAM:GetUser", role, &not_iam));
    let not_a =
        others(json!({"Statement": {"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:iam::*:role/a/*"}}));
    assert!(!query("a:b", role, &not_a) && query("a:b", "arn:aws:iam::123456789012:role/c", &not_a));
}

#[derive(Deserialize)]
struct DecisionCase {
    name: String,
    subject: String,
    #[serde(default)]
    identity: Vec<String>,
    boundary: Option<String>,
    session: Option<Vec<String>>,
    /// Effect and principal of each statement.
    resource: Option<Value>,
    owner: Option<String>,
    /// What an ordinary resource's policy decides.
    plain: String,
    /// What the same decides as a trust policy.
    trust: String,
}

#[test]
fn c19_policies_combine_as_aws_documents() {
    let cases: Vec<DecisionCase> = serde_json::from_str(include_str!("vectors/policy/decisions.json")).unwrap();
    for case in cases {
        let policy = |name: &String| {
            let (effect, action) = match name.as_str() {
                "allow" => ("Allow", "sts:AssumeRole"),
                "other" => ("Allow", "s3:GetObject"),
                "deny" => ("Deny", "sts:*"),
                other => panic!("{other}"),
            };
            let statement = json!({"Effect": effect, "Action": action, "Resource": "*"});
            Policy::parse(&json!({"Statement": statement}).to_string(), Kind::Identity).unwrap()
        };
        let resource = |kind| {
            case.resource.as_ref().map(|statements| {
                let mut statements = statements.clone();
                for statement in statements.as_array_mut().unwrap() {
                    statement["Action"] = "sts:AssumeRole".into();
                    if kind == Kind::Resource {
                        statement["Resource"] = "*".into();
                    }
                }
                Policy::parse(&json!({"Statement": statements}).to_string(), kind).unwrap()
            })
        };
        let identity: Vec<Policy> = case.identity.iter().map(policy).collect();
        let boundary = case.boundary.as_ref().map(policy);
        let session: Option<Vec<Policy>> = case.session.as_ref().map(|names| names.iter().map(policy).collect());
        let (plain, trust) = (resource(Kind::Resource), resource(Kind::Trust));
        let (identity, session) = (identity.iter().collect::<Vec<_>>(), session.as_ref());
        let session: Option<Vec<&Policy>> = session.map(|policies| policies.iter().collect());
        let subject = subject(&case.subject);
        let policies = |resource| Policies {
            identity: &identity,
            boundary: boundary.as_ref(),
            session: session.as_deref(),
            resource,
            resource_account: case.owner.as_ref().map(|owner| owner.parse::<AccountId>().unwrap()),
        };
        let query = Query {
            subject: &subject,
            action: "sts:AssumeRole",
            resource: "arn:aws:iam::123456789012:role/target",
            context: &Context::default(),
        };
        assert_eq!(show(evaluate(&policies(plain.as_ref()), &query)), case.plain, "plain: {}", case.name);
        assert_eq!(show(evaluate_trust(&policies(trust.as_ref()), &query)), case.trust, "trust: {}", case.name);
    }
}

/// The reason; with a `!` where a statement denies but the reason does not say so.
fn show(decision: Decision) -> String {
    let silent = decision.effect == Effect::ExplicitDeny && decision.reason != Reason::ExplicitDeny;
    format!("{}{}", decision.reason, if silent { "!" } else { "" })
}

fn subject(name: &str) -> Subject {
    let arn = |text: &str| text.parse::<Arn>().unwrap();
    let id = |text: &str| Some(text.parse::<UniqueId>().unwrap());
    match name {
        "user" => user(),
        "root" => Subject { arn: arn("arn:aws:iam::123456789012:root"), unique_id: None, ..user() },
        "session" => Subject {
            arn: arn("arn:aws:sts::123456789012:assumed-role/build/ci"),
            role_or_user_arn: Some(arn("arn:aws:iam::123456789012:role/ops/build")),
            unique_id: id("AROA2222222222222222A"),
            ..user()
        },
        "federated" => Subject {
            arn: arn("arn:aws:sts::123456789012:federated-user/guest"),
            role_or_user_arn: Some(arn("arn:aws:iam::123456789012:user/ops/ada")),
            ..user()
        },
        "web" => Subject {
            federated: Some("arn:aws:iam::123456789012:oidc-provider/idp.example".into()),
            unique_id: None,
            ..user()
        },
        other => panic!("{other}"),
    }
}
