//! Test files as they are understood, and what is refused.

use super::*;

fn parse(text: &str) -> Result<Suite, Fault> {
    Suite::parse(text, Path::new("t.yaml"), &mut Documents::default())
}

const ALL: &str = "{Statement: {Effect: Allow, Action: '*', Resource: '*'}}";
const TRUST: &str = "{Statement: {Effect: Allow, Principal: '*', Action: 'sts:*'}}";
const CASE: &str = "action: s3:GetObject, resource: 'arn:aws:s3:::shop/a'";
const ADA: &str = "defaults: {principal: 'arn:aws:iam::123456789012:user/ada'}";

#[test]
fn cases_are_read_in_the_order_of_allow_and_deny() {
    let suite = parse(&format!(
        "policies: {{identity: {ALL}}}\n{ADA}\ndeny:\n- {{{CASE}, reason: BOUNDARY}}\n- {{{CASE}}}\nallow:\n- {{name: x, {CASE}}}\n"
    ))
    .unwrap();
    let cases: Vec<_> = suite.cases.iter().map(|case| (case.at.line, case.name.as_deref(), case.expected)).collect();
    let deny = |reason| Expected::Deny(reason);
    assert_eq!(
        cases,
        [(7, Some("x"), Expected::Allow), (4, None, deny(Some(Reason::Boundary))), (5, None, deny(None))]
    );
}

#[test]
fn no_session_policies_and_none_that_allow_are_two_things() {
    let session = |policies: &str| {
        parse(&format!("policies: {policies}\n{ADA}\nallow: [{{{CASE}}}]")).unwrap().attached.session.map(|s| s.len())
    };
    assert_eq!(session(&format!("{{identity: {ALL}}}")), None);
    assert_eq!(session("{session: []}"), Some(0));
    assert_eq!(session(&format!("{{session: [{ALL}, {ALL}]}}")), Some(2));
}

#[test]
fn actions_about_trust_are_known_in_any_case() {
    for action in ["sts:AssumeRole", "STS:assumerolewithwebidentity", "sts:TagSession", "sts:SetSourceIdentity"] {
        assert!(is_about_trust(action), "{action}");
    }
    for action in ["sts:GetCallerIdentity", "s3:AssumeRole", "sts:AssumeRoot"] {
        assert!(!is_about_trust(action), "{action}");
    }
}

#[test]
fn what_cannot_be_meant_is_refused_where_it_stands() {
    let policies = format!("policies: {{identity: {ALL}}}");
    let trusting = format!("policies: {{trust: {TRUST}}}");
    let role = "resource: 'arn:aws:iam::123456789012:role/r'";
    for (file, told) in [
        ("".to_owned(), "1:1: a test file is a mapping"),
        ("[]".to_owned(), "1:1: a test file is a mapping"),
        (format!("{policies}\nalow: []"), "2:1: a test file has no key \"alow\""),
        (format!("{ADA}\nallow: [{{{CASE}}}]"), "1:1: the file has no `policies`"),
        (format!("policies: {{}}\n{ADA}\nallow: [{{{CASE}}}]"), "1:11: `policies` names no policy"),
        (format!("policies: {{boundary: [{ALL}]}}"), "1:22: a policy is the path of a file, or a document"),
        (format!("policies: {{identity: {TRUST}}}"), "1:"),
        (format!("{policies}\nallow: []"), "1:1: the file has no case"),
        (format!("{policies}\nallow:"), "2:1: `allow` has no value"),
        (format!("{policies}\nallow: {{{CASE}}}"), "2:8: cases are a list"),
        (format!("{policies}\nallow: [{{{CASE}}}]"), "2:9: the case has no caller"),
        (format!("{policies}\n{ADA}\nallow: [{{action: 's3:GetObject'}}]"), "3:9: the case has no `resource`"),
        (format!("{policies}\n{ADA}\nallow: [{{resource: '*'}}]"), "3:9: the case has no `action`"),
        (format!("{policies}\n{ADA}\nallow: [{{{CASE}, reason: BOUNDARY}}]"), "3:65: a case of `allow` has no key"),
        (format!("{policies}\n{ADA}\ndeny: [{{{CASE}, reason: BOUNDRY}}]"), "3:72: \"BOUNDRY\" is not a reason"),
        (format!("{policies}\n{ADA}\ndeny: [{{{CASE}, reason: ALLOWED}}]"), "3:72: \"ALLOWED\" is not a reason"),
        (format!("{policies}\n{ADA}\ndeny: [{{{CASE}, reason: TRUST_NOT_SATISFIED}}]"), "3:72: the file has no trust"),
        (
            format!("{trusting}\n{ADA}\nallow: [{{action: 'sts:AssumeRole', resource: '*'}}]"),
            "3:46: sts:AssumeRole asks for a role",
        ),
        (
            format!("{trusting}\nallow: [{{federated: x, action: 's3:GetObject', {role}}}]"),
            "2:32: a web identity cannot call s3:GetObject",
        ),
        (
            format!("{policies}\nallow: [{{federated: x, action: 'sts:AssumeRole', {role}}}]"),
            "2:32: a web identity needs a trust policy",
        ),
    ] {
        let fault = parse(&file).unwrap_err().to_string();
        assert!(fault.trim_start().starts_with(told), "{file}\n{fault}");
    }
}

#[test]
fn questions_are_counted_before_any_is_asked() {
    let many = |n: usize, what: &str| (0..n).map(|i| format!("'{what}{i}'")).collect::<Vec<_>>().join(",");
    let file = |n: usize| {
        let (actions, resources) = (many(100, "s3:Get"), many(n, "arn:aws:s3:::shop/"));
        format!("policies: {{identity: {ALL}}}\n{ADA}\nallow: [{{action: [{actions}], resource: [{resources}]}}]")
    };
    assert!(parse(&file(100)).is_ok());
    assert!(parse(&file(101)).unwrap_err().to_string().ends_with("the file asks more than 10000 questions"));
}
