//! What the reader of policies keeps to, whatever the text.

use brevet_validator::policy::{
    Code, Context, Kind, Policies, Policy, Query, Subject, evaluate, evaluate_trust, explain, explain_trust,
    guess_kind, lint,
};
use serde_json::Value;

const KINDS: [Kind; 4] = [Kind::Identity, Kind::Trust, Kind::Resource, Kind::Session];

/// Reads, lints and asks the text as each kind of policy.
pub(crate) fn check(text: &str) {
    assert_eq!(guess_kind(text), guess_kind(text));
    for kind in KINDS {
        let parsed = Policy::parse(text, kind);
        assert_eq!(format!("{parsed:?}"), format!("{:?}", Policy::parse(text, kind)), "read twice");
        match parsed {
            Ok(policy) => {
                another_reader_sees_the_same(text, &policy);
                findings_point_into_the_text(text, kind);
                can_be_asked(&policy, kind);
            }
            Err(error) => {
                let line = line(text, error.line);
                assert!((1..=line.chars().count() + 1).contains(&error.column), "{error}");
                assert!(error.message.len() < 1024, "an answer of {} bytes", error.message.len());
                let [finding] = lint(text, kind).try_into().expect("one finding");
                assert_eq!((finding.code, finding.line, finding.column), (Code::Malformed, error.line, error.column));
            }
        }
    }
}

/// The document is one to `serde_json` too, names nothing twice, and has as many statements.
fn another_reader_sees_the_same(text: &str, policy: &Policy) {
    match serde_json::from_str::<Value>(text) {
        Ok(document) => {
            let statements = document["Statement"].as_array().map_or(1, Vec::len);
            assert_eq!(policy.statement_count(), statements);
            assert_eq!(names_in(text), names_of(&document), "a name is written twice");
        }
        // JSON has numbers of any size; ours are kept as text, theirs are not.
        Err(error) => assert!(error.to_string().starts_with("number out of range"), "{error}"),
    }
}

/// How many members the objects of a document have as written: each has a colon outside of strings.
fn names_in(text: &str) -> usize {
    let (mut names, mut in_string, mut escaped) = (0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_string,
            b'"' => in_string = !in_string,
            b':' if !in_string => names += 1,
            _ => {}
        }
    }
    names
}

/// And as read by one who keeps the last of those that have the same name.
fn names_of(value: &Value) -> usize {
    match value {
        Value::Object(members) => members.len() + members.values().map(names_of).sum::<usize>(),
        Value::Array(values) => values.iter().map(names_of).sum(),
        _ => 0,
    }
}

fn findings_point_into_the_text(text: &str, kind: Kind) {
    for finding in lint(text, kind) {
        assert_ne!(finding.code, Code::Malformed, "{finding:?}");
        let pointed_at = line(text, finding.line).chars().nth(finding.column - 1);
        assert!(pointed_at.is_some_and(|c| !c.is_whitespace()), "{finding:?}");
    }
}

/// A question has an answer, and the same with its reasons.
fn can_be_asked(policy: &Policy, kind: Kind) {
    let subject = Subject {
        account: "123456789012".parse().expect("an account"),
        arn: "arn:aws:iam::123456789012:user/ada".parse().expect("an ARN"),
        role_or_user_arn: None,
        unique_id: None,
        federated: None,
    };
    let mut context = Context::default();
    for (key, value) in [
        ("aws:username", "ada"),
        ("aws:SourceIp", "10.1.2.3"),
        ("aws:CurrentTime", "2020-01-01T00:00:00Z"),
        ("aws:SecureTransport", "true"),
        ("sts:ExternalId", "*a?"),
    ] {
        context.set(key, value);
    }
    context.set_all("aws:TagKeys", ["Team", "Cost"].map(str::to_owned));
    let own = [policy];
    let account = Some(subject.account);
    let (policies, action, resource) = match kind {
        Kind::Identity => (
            Policies { identity: &own, resource_account: account, ..Policies::default() },
            "s3:GetObject",
            "arn:aws:s3:::b/é:a/aaaaaaaa",
        ),
        Kind::Session => (
            Policies { identity: &own, session: Some(&own), resource_account: account, ..Policies::default() },
            "s3:GetObject",
            "arn:aws:s3:eu:1:b/x",
        ),
        Kind::Resource => (
            Policies { resource: Some(policy), resource_account: account, ..Policies::default() },
            "s3:GetObject",
            "arn:aws:s3:::b",
        ),
        Kind::Trust => (
            Policies { resource: Some(policy), resource_account: account, ..Policies::default() },
            "sts:AssumeRole",
            "arn:aws:iam::123456789012:role/r",
        ),
    };
    let query = Query { subject: &subject, action, resource, context: &context };
    if kind == Kind::Trust {
        assert_eq!(explain_trust(&policies, &query).decision, evaluate_trust(&policies, &query));
    } else {
        assert_eq!(explain(&policies, &query).decision, evaluate(&policies, &query));
    }
}

/// A line by its number, which must be there.
fn line(text: &str, number: usize) -> &str {
    text.split('\n').nth(number - 1).expect("a line of the text")
}
