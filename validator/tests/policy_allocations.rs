//! A decision allocates nothing.
//!
//! To count allocations, the test puts itself between the program and the system's allocator. `GlobalAlloc` is an unsafe
//! trait, so this is the one file with `unsafe` in it: both functions hand their arguments to the system's allocator as
//! they came and return what it returns, so its contract is kept because the caller kept it.
#![expect(
    unsafe_code,
    reason = "GlobalAlloc is an unsafe trait; nothing but counting is added to the system's allocator"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use brevet_validator::policy::{
    Context, Decision, Kind, Policies, Policy, Query, Reason, Subject, evaluate, evaluate_trust,
};
use serde_json::json;

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: see the head of the file. `realloc` and `alloc_zeroed` default to these two.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`, and `alloc` gave out blocks of `System`.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn policy(kind: Kind, document: serde_json::Value) -> Policy {
    Policy::parse(&document.to_string(), kind).unwrap()
}

fn user() -> Subject {
    Subject {
        account: "123456789012".parse().unwrap(),
        arn: "arn:aws:iam::123456789012:user/ada".parse().unwrap(),
        role_or_user_arn: None,
        unique_id: None,
        federated: None,
    }
}

fn without_allocation(decide: impl Fn() -> Decision) -> Reason {
    let before = ALLOCATIONS.get();
    let decision = decide();
    assert_eq!(ALLOCATIONS.get() - before, 0, "{decision:?}");
    decision.reason
}

#[test]
fn decisions_allocate_nothing() {
    let own = policy(
        Kind::Identity,
        json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "s3:List*", "Resource": "*"},
            {"Effect": "Deny", "NotAction": ["s3:*", "sts:*"], "NotResource": "arn:aws:s3:::${aws:username}"},
            {"Effect": "Allow", "Action": ["s3:Get*", "sts:*"], "Resource": ["arn:aws:s3:::home/${aws:username}/*", "arn:aws:iam::*"],
             "Condition": {
                "StringLike": {"aws:username": ["a*", "${aws:x, 'b'}"]},
                "StringNotEqualsIgnoreCase": {"aws:username": "Éve"},
                "ForAllValues:StringEquals": {"aws:TagKeys": ["Team", "Cost"]},
                "NumericLessThanEquals": {"sts:DurationSeconds": "3600"},
                "DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"},
                "Bool": {"aws:SecureTransport": "true"},
                "BinaryEquals": {"k:binary": "YQ=="},
                "IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "2001:db8::/32"]},
                "ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/${aws:username}"},
                "Null": {"aws:TokenIssueTime": "true"}
             }}
        ]}),
    );
    let trust = policy(
        Kind::Trust,
        json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": "sts:AssumeRole",
             "Condition": {"StringEquals": {"aws:PrincipalTag/Team": "red"}}}
        ]}),
    );
    let mut context = Context::default();
    for (key, value) in [
        ("aws:username", "ada"),
        ("aws:PrincipalTag/Team", "red"),
        ("sts:DurationSeconds", "3600"),
        ("aws:CurrentTime", "2026-05-01T12:00:00.5+02:00"),
        ("aws:SecureTransport", "true"),
        ("k:binary", "YQ=="),
        ("aws:SourceIp", "10.1.2.3"),
        ("aws:PrincipalArn", "arn:aws:iam::123456789012:user/ada"),
    ] {
        context.set(key, value);
    }
    context.set_all("aws:TagKeys", ["Team".to_owned(), "Cost".to_owned()]);
    let subject = user();
    let identity = [&own];
    let policies = Policies {
        identity: &identity,
        boundary: Some(&own),
        session: Some(&identity),
        resource: None,
        resource_account: Some(subject.account),
    };
    let query = |action, resource| Query { subject: &subject, action, resource, context: &context };
    let ask = |action, resource| without_allocation(|| evaluate(&policies, &query(action, resource)));
    assert_eq!(ask("s3:GetObject", "arn:aws:s3:::home/ada/x"), Reason::Allowed);
    assert_eq!(ask("s3:GetObject", "arn:aws:s3:::home/eve/x"), Reason::NoMatchingAllow);
    assert_eq!(ask("iam:GetUser", "arn:aws:iam::123456789012:user/ada"), Reason::ExplicitDeny);

    let policies = Policies { resource: Some(&trust), ..policies };
    let role = "arn:aws:iam::123456789012:role/r";
    let assume = |action| without_allocation(|| evaluate_trust(&policies, &query(action, role)));
    assert_eq!(assume("sts:AssumeRole"), Reason::Allowed);
    assert_eq!(assume("sts:TagSession"), Reason::TrustNotSatisfied);
}

#[test]
fn three_hundred_statements_with_conditions_and_variables_allocate_nothing() {
    let statement = |n: usize| {
        json!({
            "Effect": if n % 3 == 1 { "Deny" } else { "Allow" },
            "Action": ["s3:Get*", "s3:Put?bject"],
            "Resource": [format!("arn:aws:s3:::a{n}/*"), "arn:aws:s3:::home/${aws:username}/*"],
            "Condition": {
                "StringLike": {"aws:username": ["a?a", "${aws:x, 'b'}"]},
                "IpAddress": {"aws:SourceIp": "10.0.0.0/8"},
                "NumericEquals": {"k:n": n},
            },
        })
    };
    let statements: Vec<_> = (0..300).map(statement).collect();
    let policy = policy(Kind::Identity, json!({"Version": "2012-10-17", "Statement": statements}));
    assert_eq!(policy.statement_count(), 300);
    let (subject, identity) = (user(), [&policy]);
    let policies = Policies { identity: &identity, resource_account: Some(subject.account), ..Policies::default() };
    // Only one statement's condition holds: the last, one that denies, and none.
    for (n, reason) in [("299", Reason::Allowed), ("298", Reason::ExplicitDeny), ("300", Reason::NoMatchingAllow)] {
        let mut context = Context::default();
        for (key, value) in [("aws:username", "ada"), ("aws:SourceIp", "10.1.2.3"), ("k:n", n)] {
            context.set(key, value);
        }
        let resource = "arn:aws:s3:::home/ada/x";
        let query = Query { subject: &subject, action: "s3:GetObject", resource, context: &context };
        assert_eq!(without_allocation(|| evaluate(&policies, &query)), reason, "{n}");
    }
}
