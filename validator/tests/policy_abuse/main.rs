//! Attacks on the reader and the matcher of policies, by their rows.

mod matcher;
mod reader;

use brevet_validator::policy::{Context, Effect, Kind, Policies, Policy, Query, Subject, evaluate};
use serde_json::{Value, json};

fn subject() -> Subject {
    Subject {
        account: "123456789012".parse().unwrap(),
        arn: "arn:aws:iam::123456789012:user/ada".parse().unwrap(),
        role_or_user_arn: None,
        unique_id: None,
        federated: None,
    }
}

/// The policy of one statement that allows `sts:AssumeRole` on everything, but for the elements given.
fn allow(elements: Value) -> Policy {
    let mut statement = json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"});
    for (name, value) in elements.as_object().unwrap() {
        statement[name] = value.clone();
    }
    let text = json!({"Version": "2012-10-17", "Statement": statement}).to_string();
    Policy::parse(&text, Kind::Identity).unwrap_or_else(|e| panic!("{e}: {text}"))
}

fn allows(policy: &Policy, action: &str, resource: &str, context: &Context) -> bool {
    let query = Query { subject: &subject(), action, resource, context };
    evaluate(&Policies { identity: &[policy], ..Policies::default() }, &query).effect == Effect::Allow
}

/// Whether a condition holds for these values of the key.
fn holds(condition: Value, key: &str, values: &[&str]) -> bool {
    let mut context = Context::default();
    match values {
        [value] => context.set(key, *value),
        values => context.set_all(key, values.iter().map(|value| (*value).to_owned())),
    }
    allows(&allow(json!({"Condition": condition})), "sts:AssumeRole", "arn:aws:iam::123456789012:role/r", &context)
}
