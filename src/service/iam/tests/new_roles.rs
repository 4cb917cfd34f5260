//! Roles that are made with their policies at once.

use brevet_validator::credential::Credentials;
use serde_json::{Value, json};

use super::stage::*;
use crate::service::error::Kind;
use crate::service::iam::*;
use crate::service::test_world::{ACCOUNT, trust};

fn whole(name: &str) -> CreateRole {
    CreateRole {
        role_name: some(name),
        assume_role_policy_document: policy_text(NO_ONE),
        policy_name: some("inline"),
        policy_document: policy_text(&allow("s3:GetObject", "*")),
        policy_arns: vec![policy_arn("read"), policy_arn("read"), policy_arn("bound")],
        permissions_boundary: Some(policy_arn("bound")),
        tags: vec![tag("team", "red")],
        ..Default::default()
    }
}

async fn stage_with_policies() -> Stage {
    let mut stage = Stage::new().await;
    for name in ["read", "bound"] {
        stage.done(create_policy(name, &allow("s3:*", "*"))).await;
    }
    stage
}

/// The key of a new user with this policy.
async fn user(stage: &mut Stage, name: &str, policy: &Value) -> Credentials {
    stage.done(create_user(name)).await;
    stage.done(of_user(name, put_policy("p", &policy.to_string()))).await;
    match stage.done(create_access_key(name)).await {
        Answer::NewAccessKey(key, secret_access_key) => {
            Credentials { access_key_id: key.id, secret_access_key, security_token: None, expiration: None }
        }
        other => panic!("{other:?}"),
    }
}

fn exists(stage: &Stage, name: &str) -> bool {
    stage.directory.snapshot().role(ACCOUNT.parse().unwrap(), name).is_some()
}

#[tokio::test]
async fn a_role_is_made_with_all_of_its_policies() {
    let mut stage = stage_with_policies().await;
    let request = Request::CreateRole(whole("deploy"));
    let audit = request.audit_parameters();
    assert_eq!((&audit["policyName"], &audit["policyArns"][0]), (&json!("inline"), &json!(policy_arn("read"))));
    assert!(audit["policyDocument"]["sha256"].is_string() && audit.get("allowDangerous").is_none());
    let Answer::NewRole(made, findings) = stage.done(request).await else { panic!("no role") };
    assert!(made.id.as_str().starts_with("AROA") && findings.is_empty());
    let snapshot = stage.directory.snapshot();
    let grants = &snapshot.role(ACCOUNT.parse().unwrap(), "deploy").unwrap().grants;
    assert_eq!(grants.attached, [policy_arn("read"), policy_arn("bound")]);
    assert_eq!((grants.inline[0].name.as_str(), grants.boundary.clone()), ("inline", Some(policy_arn("bound"))));
    let (kind, _) = stage.refused(Request::DeletePolicy(PolicyArn { policy_arn: Some(policy_arn("read")) })).await;
    assert_eq!(kind, Kind::DeleteConflict);
}

#[tokio::test]
async fn what_a_role_is_made_with_needs_the_permission_to_give_it() {
    let needed = ["CreateRole", "TagRole", "AttachRolePolicy", "PutRolePolicy"];
    let mut stage = stage_with_policies().await;
    for (n, missing) in needed.iter().enumerate() {
        let actions: Vec<String> =
            needed.iter().filter(|action| *action != missing).map(|action| format!("iam:{action}")).collect();
        let document =
            json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]});
        let key = user(&mut stage, &format!("maker{n}"), &document).await;
        let refusal = stage.call_as(&key, Request::CreateRole(whole("r"))).await.unwrap_err();
        assert!(matches!(refusal.kind(), Kind::AccessDenied(_)), "{missing}: {refusal}");
        let asked = format!("perform: iam:{missing} on resource: arn:aws:iam::{ACCOUNT}:role/r");
        assert!(refusal.message().contains(&asked), "{missing}: {refusal}");
        assert!(!exists(&stage, "r"));
    }
}

#[tokio::test]
async fn the_policies_that_may_be_attached_can_be_named() {
    let mut stage = stage_with_policies().await;
    let only = |condition: Value| {
        json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": ["iam:CreateRole", "iam:TagRole", "iam:PutRolePolicy"], "Resource": "*"},
            {"Effect": "Allow", "Action": "iam:AttachRolePolicy", "Resource": "*", "Condition": condition},
        ]})
    };
    for (n, (condition, allowed)) in [
        (json!({"ArnEquals": {"iam:PolicyARN": policy_arn("read")}}), false),
        (json!({"ArnEquals": {"iam:PolicyARN": [policy_arn("read"), policy_arn("bound")]}}), true),
        (
            json!({"StringEquals": {"iam:PermissionsBoundary": policy_arn("bound"), "aws:ResourceTag/team": "red"}}),
            true,
        ),
        (json!({"StringEquals": {"iam:PermissionsBoundary": policy_arn("read")}}), false),
    ]
    .into_iter()
    .enumerate()
    {
        let key = user(&mut stage, &format!("maker{n}"), &only(condition.clone())).await;
        let made = stage.call_as(&key, Request::CreateRole(whole(&format!("r{n}")))).await;
        assert_eq!(made.is_ok(), allowed, "{condition}");
    }
}

#[tokio::test]
async fn nothing_is_made_if_one_part_is_refused() {
    let mut stage = stage_with_policies().await;
    let long = allow(&format!("s3:{}", "x".repeat(10_240)), "*");
    for (change, kind) in [
        (CreateRole { policy_document: policy_text("{}"), ..whole("r") }, Kind::MalformedPolicyDocument),
        (CreateRole { policy_document: policy_text(NO_ONE), ..whole("r") }, Kind::MalformedPolicyDocument),
        (CreateRole { policy_document: policy_text(&long), ..whole("r") }, Kind::LimitExceeded),
        (CreateRole { policy_document: None, ..whole("r") }, Kind::ValidationError),
        (CreateRole { policy_name: None, ..whole("r") }, Kind::ValidationError),
        (CreateRole { policy_name: some("a/b"), ..whole("r") }, Kind::ValidationError),
        (CreateRole { policy_arns: vec![policy_arn("none")], ..whole("r") }, Kind::NoSuchEntity),
        (CreateRole { policy_arns: vec!["arn:aws:s3:::bucket-of-acme".into()], ..whole("r") }, Kind::InvalidInput),
        (
            CreateRole { policy_arns: (0..11).map(|n| policy_arn(&format!("p{n}"))).collect(), ..whole("r") },
            Kind::LimitExceeded,
        ),
    ] {
        assert_eq!(stage.refused(Request::CreateRole(change.clone())).await.0, kind, "{change:?}");
        assert!(!exists(&stage, "r"));
    }
}

#[tokio::test]
async fn b18_b20_a_dangerous_trust_makes_a_role_only_if_it_is_allowed() {
    let mut stage = Stage::new().await;
    let open = |allow_dangerous| {
        let assume_role_policy_document = policy_text(&trust("*"));
        let role_name = some("open");
        Request::CreateRole(CreateRole {
            role_name,
            assume_role_policy_document,
            allow_dangerous,
            ..Default::default()
        })
    };
    let (kind, message) = stage.refused(open(false)).await;
    assert_eq!(kind, Kind::MalformedPolicyDocument);
    assert!(message.contains("PUBLIC_PRINCIPAL"), "{message}");
    let request = open(true);
    assert_eq!(request.audit_parameters()["allowDangerous"], true);
    let answer = stage.done(request).await;
    let elements = answer.audit_elements();
    assert_eq!(elements["findings"], json!(["PUBLIC_PRINCIPAL"]));
    assert_eq!(elements["arn"], format!("arn:aws:iam::{ACCOUNT}:role/open"));
}
