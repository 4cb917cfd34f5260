//! A trace for people: what was asked, what decided it, and what came near.

use std::fmt::Write as _;

use crate::cli::output::shown;
use brevet_validator::policy::{
    ConditionTrace, Effect, ElementTrace, PolicyTrace, StatementEffect, StatementTrace, Step, Trace, Verdict,
};

/// The trace as lines of text.
pub(super) fn of(trace: &Trace) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write(trace, &mut text);
    text.truncate(text.trim_end().len());
    text
}

fn write(trace: &Trace, text: &mut String) -> std::fmt::Result {
    let query = &trace.query;
    let verdict = match trace.decision.effect {
        Effect::Allow => "ALLOW",
        Effect::ExplicitDeny | Effect::ImplicitDeny => "DENY ",
    };
    let detail = trace.detail.map(|detail| format!(" ({detail})")).unwrap_or_default();
    let step = trace.step().map(|step| format!(" at {}", Step::as_str(step))).unwrap_or_default();
    writeln!(text, "{verdict}  {}{detail}{step}", trace.decision.reason)?;
    writeln!(text, "  principal  {}", shown(&query.principal))?;
    writeln!(text, "  action     {}", shown(&query.action))?;
    writeln!(text, "  resource   {}", shown(&query.resource))?;
    let policies = |text: &mut String, name: &str, policies: &[&PolicyTrace]| {
        policies.iter().try_for_each(|policy| self::policy(name, policy, text))
    };
    policies(text, "identity policy", &trace.identity.iter().collect::<Vec<_>>())?;
    policies(text, "permissions boundary", &trace.boundary.iter().collect::<Vec<_>>())?;
    policies(text, "session policy", &trace.session.iter().flatten().collect::<Vec<_>>())?;
    policies(text, "resource or trust policy", &trace.resource.iter().collect::<Vec<_>>())?;
    if !query.context.is_empty() {
        writeln!(text, "  condition keys of the request")?;
    }
    for (key, values) in &query.context {
        writeln!(text, "    {}  {}", shown(key), list(values))?;
    }
    for hint in &trace.hints {
        writeln!(text, "  hint  {}", shown(hint))?;
    }
    if trace.abridged {
        writeln!(text, "  The trace was shortened to fit into its message.")?;
    }
    Ok(())
}

fn policy(name: &str, policy: &PolicyTrace, text: &mut String) -> std::fmt::Result {
    let verdict = match policy.verdict {
        Verdict::Allow => "allows it",
        Verdict::Deny => "denies it",
        Verdict::Silent => "does not speak of it",
    };
    writeln!(text, "  {name}: {verdict}")?;
    policy.statements.iter().try_for_each(|statement| self::statement(statement, text))
}

fn statement(statement: &StatementTrace, text: &mut String) -> std::fmt::Result {
    let effect = match statement.effect {
        StatementEffect::Allow => "Allow",
        StatementEffect::Deny => "Deny",
    };
    let sid = statement.sid.as_ref().map(|sid| format!(" {}", shown(sid))).unwrap_or_default();
    let matched = if statement.matched { "applies" } else { "does not apply" };
    writeln!(text, "    statement {}{sid}: {effect}, {matched}", statement.number)?;
    for ElementTrace { element, wanted, given, matched } in &statement.elements {
        line(*matched, &format!("{element:?}"), wanted, given, text)?;
    }
    for ConditionTrace { operator, key, wanted, given, matched } in &statement.conditions {
        line(*matched, &format!("{operator} {}", shown(key)), wanted, given, text)?;
    }
    Ok(())
}

/// What matched takes one line, what did not shows both sides.
fn line(matched: bool, what: &str, wanted: &[String], given: &[String], text: &mut String) -> std::fmt::Result {
    if matched {
        return writeln!(text, "      ok    {what}");
    }
    let given = if given.is_empty() { "nothing: the request has no such key".to_owned() } else { list(given) };
    writeln!(text, "      FAIL  {what}\n              policy   {}\n              request  {given}", list(wanted))
}

fn list(values: &[String]) -> String {
    values.iter().map(|value| shown(value)).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use brevet_validator::policy::{Context, Kind, Policies, Policy, Query, Subject, explain_trust};

    use super::*;

    #[test]
    fn a_refusal_shows_what_was_compared_with_what() {
        let trust = r#"{"Version": "2012-10-17", "Statement": {"Sid": "Main", "Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": {"AWS": "123456789012"}, "Condition": {"StringEquals": {"sts:ExternalId": ["a", "b"]},
            "Bool": {"aws:SecureTransport": "true"}}}}"#;
        let trust = Policy::parse(trust, Kind::Trust).unwrap();
        let subject = Subject::named(&"arn:aws:iam::123456789012:user/ada".parse().unwrap()).unwrap();
        let mut context = Context::default();
        context.set("sts:ExternalId", "c\u{1b}[2J");
        let (action, resource) = ("sts:AssumeRole", "arn:aws:iam::123456789012:role/r");
        let policies =
            Policies { resource: Some(&trust), resource_account: Some(subject.account), ..Policies::default() };
        let query = Query { subject: &subject, action, resource, context: &context };
        let report = of(&explain_trust(&policies, &query));
        let expected = "\
DENY   TRUST_NOT_SATISFIED (TRUST_CONDITION_MISMATCH) at TRUST_POLICY
  principal  arn:aws:iam::123456789012:user/ada
  action     sts:AssumeRole
  resource   arn:aws:iam::123456789012:role/r
  resource or trust policy: does not speak of it
    statement 1 Main: Allow, does not apply
      ok    Principal
      ok    Action
      FAIL  StringEquals sts:ExternalId
              policy   a, b
              request  c\\u{1b}[2J
      FAIL  Bool aws:SecureTransport
              policy   true
              request  nothing: the request has no such key
  condition keys of the request
    sts:externalid  c\\u{1b}[2J
  hint  The request has no aws:SecureTransport, which Bool in statement \"Main\" compares.";
        assert_eq!(report, expected);
    }
}
