use serde_json::json;

use super::stage::*;
use crate::service::iam::*;

#[test]
fn the_audit_log_gets_names_and_arns_under_the_names_of_cloudtrail() {
    let request = Request::CreateUser(CreateUser {
        user_name: some("ada"),
        path: some("/ops/"),
        tags: vec![tag("k", "v")],
        ..Default::default()
    });
    assert_eq!(
        request.audit_parameters(),
        json!({"userName": "ada", "path": "/ops/", "tags": [{"key": "k", "value": "v"}]})
    );
    let request =
        of_role("r", OwnedAction::ListAttachedPolicies(ListByPath { path_prefix: some("/"), page: page("5", None) }));
    assert_eq!(request.audit_parameters(), json!({"roleName": "r", "pathPrefix": "/", "maxItems": "5"}));
    let request = of_user("u", OwnedAction::DeletePermissionsBoundary {});
    assert_eq!(request.audit_parameters(), json!({"userName": "u"}));
    let request = of_user("u", OwnedAction::Untag { tag_keys: vec!["k".into()] });
    assert_eq!(request.audit_parameters(), json!({"userName": "u", "tagKeys": ["k"]}));
    assert_eq!(Request::GetUser(UserName::default()).audit_parameters(), json!({}));
}

#[test]
fn the_audit_log_gets_length_and_digest_of_documents() {
    let request = of_role("r", put_policy("p", "canary"));
    let audited = request.audit_parameters();
    assert_eq!(audited["policyName"], "p");
    let digest = "e100fbce008c04ec40637af0af91fb2f05aeedc23f856a2d3c0b1580625d755e";
    assert_eq!(audited["policyDocument"], json!({"length": 6, "sha256": digest}));
    assert!(!audited.to_string().contains("canary") && !format!("{request:?}").contains("canary"));
}

#[test]
fn e5_the_audit_log_gets_no_more_of_a_value_than_can_be_valid() {
    let long = "é".repeat(60_000);
    for request in [create_user(&long), of_user("u", OwnedAction::Tag { tags: vec![tag("k", &long)] })] {
        assert!(request.audit_parameters().to_string().len() < 2200, "{}", request.name());
    }
}

#[test]
fn changes_are_all_that_neither_get_nor_list_nor_simulate() {
    assert!(!Request::GetUser(UserName::default()).is_change());
    assert!(!of_user("u", OwnedAction::ListTags(PageInput::default())).is_change());
    for read in [
        Request::SimulateCustomPolicy(SimulateCustomPolicy::default()),
        Request::SimulatePrincipalPolicy(SimulatePrincipalPolicy::default()),
        Request::GetContextKeysForCustomPolicy(GetContextKeysForCustomPolicy::default()),
        Request::GetContextKeysForPrincipalPolicy(GetContextKeysForPrincipalPolicy::default()),
    ] {
        assert!(!read.is_change(), "{}", read.name());
    }
    assert!(create_user("u").is_change());
    assert!(of_role("r", OwnedAction::Untag { tag_keys: Vec::new() }).is_change());
    assert!(Request::SetDefaultPolicyVersion(PolicyVersionId::default()).is_change());
}

#[test]
fn a_new_secret_is_in_no_debug_text() {
    let key = AccessKeyDetail {
        user_name: None,
        id: "AKIAIOSFODNN7EXAMPLE".parse().unwrap(),
        status: crate::service::directory::KeyStatus::Active,
        created_at: crate::service::test_world::now(),
        expires_at: None,
        description: String::new(),
        last_use: None,
    };
    let secret = brevet_validator::credential::SecretKey::new("canary".into());
    assert!(!format!("{:?}", Answer::NewAccessKey(key, secret)).contains("canary"));
}
