//! What a policy decision costs, and how that grows with the statements.
//!
//! The statement that decides is the last. Those before it fail as those of real policies do: on the resource, on the
//! action or on a condition, after as much as they share with it was compared.
//!
//! `cargo bench --bench policy`

use brevet_validator::identity::AccountId;
use brevet_validator::policy::{
    Context, Decision, Kind, Policies, Policy, Query, Reason, Subject, evaluate, evaluate_trust, explain,
};
use divan::{Bencher, black_box};
use serde_json::{Value, json};

const STATEMENTS: [usize; 4] = [1, 3, 30, 300];
/// A decision is too short for the clock: so many of them are one sample.
const REPETITIONS: u32 = 100;
const OWN: &str = "arn:aws:s3:::home/ada/reports/2026/summary.csv";
const FOREIGN: &str = "arn:aws:s3:::home/eve/reports/2026/summary.csv";
const ROLE: &str = "arn:aws:iam::123456789012:role/reader";

fn main() {
    divan::main();
}

/// How the statements are written.
#[derive(Clone, Copy)]
enum Style {
    /// Actions and resources with wildcards.
    Plain,
    /// Policy variables in the resource, and conditions.
    Conditional,
}

impl Style {
    /// A statement that the request meets.
    fn deciding(self, effect: &str) -> Value {
        match self {
            Self::Plain => json!({
                "Effect": effect, "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "arn:aws:s3:::home/ada/*",
            }),
            Self::Conditional => json!({
                "Effect": effect,
                "Action": ["s3:GetObject", "s3:PutObject"],
                "Resource": "arn:aws:s3:::home/${aws:username}/*",
                "Condition": {
                    "StringEquals": {"aws:PrincipalTag/Team": "red"},
                    "IpAddress": {"aws:SourceIp": "10.0.0.0/8"},
                    "Bool": {"aws:SecureTransport": "true"},
                },
            }),
        }
    }

    /// One that it does not meet.
    fn other(self, number: usize) -> Value {
        match (number % 3, self) {
            (0, Self::Plain) => json!({
                "Effect": "Allow",
                "Action": ["s3:Get*", "s3:List*"],
                "Resource": [format!("arn:aws:s3:::archive-{number}"), format!("arn:aws:s3:::archive-{number}/*")],
            }),
            (0, Self::Conditional) => json!({
                "Effect": "Allow",
                "Action": ["s3:Get*", "s3:List*"],
                "Resource": format!("arn:aws:s3:::home-{number}/${{aws:username}}/*"),
            }),
            (1, Self::Plain) => json!({
                "Effect": "Deny", "Action": ["s3:DeleteObject", "s3:PutBucket*"], "Resource": "arn:aws:s3:::home/*",
            }),
            (1, Self::Conditional) => json!({
                "Effect": "Allow",
                "Action": "s3:*",
                "Resource": "arn:aws:s3:::home/${aws:username}/*",
                "Condition": {"StringEquals": {"aws:PrincipalTag/Team": format!("team-{number}")}},
            }),
            _ => json!({
                "Effect": "Allow",
                "Action": ["sqs:SendMessage", "sqs:ReceiveMessage"],
                "Resource": format!("arn:aws:sqs:*:123456789012:orders-{number}"),
            }),
        }
    }

    fn document(self, statements: usize, effect: &str) -> String {
        let others = (0..statements - 1).map(|number| self.other(number));
        let all: Vec<Value> = others.chain([self.deciding(effect)]).collect();
        json!({"Version": "2012-10-17", "Statement": all}).to_string()
    }

    fn policy(self, statements: usize, effect: &str) -> Policy {
        parse(&self.document(statements, effect), Kind::Identity)
    }
}

fn parse(document: &str, kind: Kind) -> Policy {
    Policy::parse(document, kind).expect("a policy")
}

/// Who asks, and all that the server knows of the request.
struct Request {
    subject: Subject,
    context: Context,
}

impl Request {
    fn new() -> Self {
        let subject = Subject {
            account: account(),
            arn: "arn:aws:iam::123456789012:user/ada".parse().expect("an ARN"),
            role_or_user_arn: None,
            unique_id: Some("AIDA2222222222222222A".parse().expect("an id")),
            federated: None,
        };
        let mut context = Context::default();
        for (key, value) in [
            ("aws:CurrentTime", "2026-11-23T12:00:00Z"),
            ("aws:EpochTime", "1795435200"),
            ("aws:RequestedRegion", "us-east-1"),
            ("aws:SecureTransport", "true"),
            ("aws:SourceIp", "10.1.2.3"),
            ("aws:UserAgent", "aws-cli/2.31.0"),
            ("aws:PrincipalAccount", "123456789012"),
            ("aws:userid", "AIDA2222222222222222A"),
            ("aws:PrincipalType", "User"),
            ("aws:PrincipalArn", "arn:aws:iam::123456789012:user/ada"),
            ("aws:username", "ada"),
            ("aws:PrincipalTag/Cost", "7001"),
            ("aws:PrincipalTag/Team", "red"),
            ("sts:ExternalId", "7f3a"),
        ] {
            context.set(key, value);
        }
        Self { subject, context }
    }

    fn query<'a>(&'a self, action: &'a str, resource: &'a str) -> Query<'a> {
        Query { subject: &self.subject, action, resource, context: &self.context }
    }
}

fn account() -> AccountId {
    "123456789012".parse().expect("an account")
}

/// Measures a decision about an object of a bucket by one policy of the caller.
fn decide(bencher: Bencher<'_, '_>, policy: &Policy, object: &str, expected: Reason) {
    let request = Request::new();
    let identity = [policy];
    let policies = Policies { identity: &identity, resource_account: Some(account()), ..Policies::default() };
    let ask = || -> Decision { evaluate(black_box(&policies), black_box(&request.query("s3:GetObject", object))) };
    assert_eq!(ask().reason, expected);
    bencher.bench(ask);
}

#[divan::bench(args = STATEMENTS, sample_size = REPETITIONS)]
fn plain_allow(bencher: Bencher<'_, '_>, statements: usize) {
    decide(bencher, &Style::Plain.policy(statements, "Allow"), OWN, Reason::Allowed);
}

#[divan::bench(args = STATEMENTS, sample_size = REPETITIONS)]
fn plain_explicit_deny(bencher: Bencher<'_, '_>, statements: usize) {
    decide(bencher, &Style::Plain.policy(statements, "Deny"), OWN, Reason::ExplicitDeny);
}

#[divan::bench(args = STATEMENTS, sample_size = REPETITIONS)]
fn plain_no_matching_allow(bencher: Bencher<'_, '_>, statements: usize) {
    decide(bencher, &Style::Plain.policy(statements, "Allow"), FOREIGN, Reason::NoMatchingAllow);
}

#[divan::bench(args = STATEMENTS, sample_size = REPETITIONS)]
fn conditional_allow(bencher: Bencher<'_, '_>, statements: usize) {
    decide(bencher, &Style::Conditional.policy(statements, "Allow"), OWN, Reason::Allowed);
}

#[divan::bench(args = STATEMENTS, sample_size = REPETITIONS)]
fn conditional_explicit_deny(bencher: Bencher<'_, '_>, statements: usize) {
    decide(bencher, &Style::Conditional.policy(statements, "Deny"), OWN, Reason::ExplicitDeny);
}

#[divan::bench(args = STATEMENTS, sample_size = REPETITIONS)]
fn conditional_no_matching_allow(bencher: Bencher<'_, '_>, statements: usize) {
    decide(bencher, &Style::Conditional.policy(statements, "Allow"), FOREIGN, Reason::NoMatchingAllow);
}

/// May the caller take on a role? The trust policy names the account, so the caller's own three statements decide too.
#[divan::bench(sample_size = REPETITIONS)]
fn trust_allow(bencher: Bencher<'_, '_>) {
    let request = Request::new();
    let trust = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Federated": "accounts.google.com"}, "Action": "sts:AssumeRoleWithWebIdentity",
         "Condition": {"StringEquals": {"accounts.google.com:sub": "117"}}},
        {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::210987654321:role/vendor"}, "Action": "sts:AssumeRole"},
        {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "sts:AssumeRole",
         "Condition": {"StringEquals": {"sts:ExternalId": "7f3a"}}},
    ]});
    let own = json!({"Version": "2012-10-17", "Statement": [
        Style::Conditional.other(0),
        Style::Conditional.other(1),
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "arn:aws:iam::123456789012:role/*"},
    ]});
    let (trust, own) = (parse(&trust.to_string(), Kind::Trust), parse(&own.to_string(), Kind::Identity));
    let identity = [&own];
    let policies = Policies {
        identity: &identity,
        resource: Some(&trust),
        resource_account: Some(account()),
        ..Policies::default()
    };
    let ask = || evaluate_trust(black_box(&policies), black_box(&request.query("sts:AssumeRole", ROLE)));
    assert_eq!(ask().reason, Reason::Allowed);
    bencher.bench(ask);
}

/// From the text of a document to a policy that can be asked.
#[divan::bench(args = STATEMENTS)]
fn parse_conditional(bencher: Bencher<'_, '_>, statements: usize) {
    let document = Style::Conditional.document(statements, "Allow");
    bencher.bench(|| Policy::parse(black_box(&document), Kind::Identity).expect("a policy"));
}

/// The decision of `conditional_allow` with the whole trace of it.
#[divan::bench(args = STATEMENTS)]
fn explain_conditional_allow(bencher: Bencher<'_, '_>, statements: usize) {
    let policy = Style::Conditional.policy(statements, "Allow");
    let request = Request::new();
    let identity = [&policy];
    let policies = Policies { identity: &identity, resource_account: Some(account()), ..Policies::default() };
    bencher.bench(|| explain(black_box(&policies), black_box(&request.query("s3:GetObject", OWN))));
}
