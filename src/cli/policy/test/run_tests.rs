//! What cases come to, and what they exercise.

use super::super::files::find;
use super::*;

/// The failures of a test file and, of each document, which statements it exercised.
fn outcome(text: &str) -> (Vec<String>, Vec<Vec<bool>>) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("t.yaml"), text).unwrap();
    let mut documents = Documents::default();
    let files = find(&[folder.path().to_owned()]).unwrap();
    let suites: Vec<_> = files.into_iter().map(|file| Suite::load(file, &mut documents).unwrap()).collect();
    let (outcomes, coverage) = run(&suites, &documents);
    let shown = |failure: &Failure<'_>| {
        let by: Vec<_> = failure.statements.iter().map(|(_, statement)| statement.number).collect();
        format!("{} {} {by:?}", failure.action, failure.decision.reason)
    };
    let failures = outcomes.iter().flat_map(|outcome| outcome.failures.iter().map(shown)).collect();
    (failures, coverage.into_iter().map(|coverage| coverage.exercised).collect())
}

#[test]
fn a_case_is_all_of_its_combinations() {
    let (failures, exercised) = outcome(
        r#"
policies:
  identity:
    Statement:
      - {Effect: Allow, Action: "s3:*", Resource: "arn:aws:s3:::a"}
      - {Effect: Deny, Action: "s3:Put*", Resource: "*"}
      - {Effect: Allow, Action: "sqs:*", Resource: "*"}
defaults: {principal: "arn:aws:iam::123456789012:user/ada"}
allow:
  - {action: [s3:GetObject, s3:PutObject], resource: ["arn:aws:s3:::a", "arn:aws:s3:::b"]}
deny:
  - {action: s3:GetObject, resource: ["arn:aws:s3:::a", "arn:aws:s3:::b"]}
"#,
    );
    assert_eq!(
        failures,
        [
            "s3:GetObject NO_MATCHING_ALLOW []",
            "s3:PutObject EXPLICIT_DENY [2]",
            "s3:PutObject EXPLICIT_DENY [2]",
            "s3:GetObject ALLOWED [1]"
        ]
    );
    assert_eq!(exercised, [[true, true, false]]);
}

#[test]
fn the_trust_policy_is_asked_for_roles_and_the_resources_policy_for_the_rest() {
    let (failures, exercised) = outcome(
        r#"
policies:
  identity: {Statement: {Effect: Allow, Action: "sts:*", Resource: "*"}}
  resource: {Statement: {Effect: Allow, Principal: {AWS: 123456789012}, Action: "s3:*", Resource: "*"}}
  trust: {Statement: {Effect: Allow, Principal: {AWS: "arn:aws:iam::123456789012:root"}, Action: "sts:AssumeRole"}}
defaults: {principal: "arn:aws:iam::123456789012:user/ada", resource: "arn:aws:iam::123456789012:role/r"}
allow:
  - action: sts:AssumeRole
  - action: sts:GetCallerIdentity
deny:
  - {action: sts:TagSession, reason: TRUST_NOT_SATISFIED}
  - {action: s3:GetObject, resource: "arn:aws:s3:::b/k", reason: NO_MATCHING_ALLOW}
"#,
    );
    assert!(failures.is_empty(), "{failures:?}");
    assert_eq!(exercised, [[true], [true], [true]]);
}

#[test]
fn a_web_identity_has_no_policies_of_its_own() {
    let (failures, exercised) = outcome(
        r#"
policies:
  identity: {Statement: {Effect: Deny, Action: "*", Resource: "*"}}
  trust:
    Statement:
      Effect: Allow
      Principal: {Federated: "arn:aws:iam::123456789012:oidc-provider/idp.example"}
      Action: sts:AssumeRoleWithWebIdentity
      Condition:
        StringEquals: {"idp.example:sub": ada, "oidc:aud": "${idp.example:azp}"}
        "ForAnyValue:StringEquals": {"idp.example:groups": ops}
    Version: 2012-10-17
defaults:
  federated: arn:aws:iam::123456789012:oidc-provider/idp.example
  claims: {sub: ada, aud: brevet, azp: brevet, groups: [dev, ops]}
  action: sts:AssumeRoleWithWebIdentity
  resource: arn:aws:iam::123456789012:role/r
allow: [{}]
deny:
  - claims: {groups: []}
  - claims: {sub: eve}
  - claims: {aud: other}
"#,
    );
    assert!(failures.is_empty(), "{failures:?}");
    assert_eq!(exercised, [[false], [true]]);
}

#[test]
fn the_account_of_a_resource_is_its_arns_or_the_one_that_is_given() {
    let file = |account: &str| {
        format!(
            r#"
policies: {{resource: {{Statement: {{Effect: Allow, Principal: {{AWS: "arn:aws:iam::123456789012:user/ada"}}, Action: "*", Resource: "*"}}}}}}
defaults: {{principal: "arn:aws:iam::123456789012:user/ada"{account}}}
allow:
  - {{action: s3:GetObject, resource: "arn:aws:s3:::b/k"}}
  - {{action: sqs:SendMessage, resource: "arn:aws:sqs:eu-west-1:123456789012:q"}}
"#
        )
    };
    assert_eq!(outcome(&file("")).0, ["s3:GetObject NO_MATCHING_ALLOW []"]);
    assert!(outcome(&file(", account: 123456789012")).0.is_empty());
    assert_eq!(outcome(&file(", account: 210987654321")).0, ["s3:GetObject NO_MATCHING_ALLOW []"]);
}

#[test]
fn what_a_case_writes_goes_over_what_follows_from_its_caller() {
    let (failures, _) = outcome(
        r#"
policies:
  identity:
    Version: 2012-10-17
    Statement: {Effect: Allow, Action: "s3:*", Resource: "arn:aws:s3:::home/${aws:username}"}
defaults: {principal: "arn:aws:iam::123456789012:user/ops/ada", action: s3:GetObject}
allow:
  - resource: arn:aws:s3:::home/ada
  - {resource: "arn:aws:s3:::home/eve", context: {"aws:UserName": eve}}
deny:
  - {resource: "arn:aws:s3:::home/ada", context: {"aws:username": ~}}
"#,
    );
    assert!(failures.is_empty(), "{failures:?}");
}
