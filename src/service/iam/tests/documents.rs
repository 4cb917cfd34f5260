use super::stage::*;
use crate::service::error::Kind;
use crate::service::iam::*;

/// A policy of exactly so many characters that are no white space.
fn of_size(size: usize) -> String {
    let with_id = |id: &str| allow("s3:*", "*").replace("\"Statement\"", &format!("\"Id\":\"{id}\",\"Statement\""));
    with_id(&"x".repeat(size - with_id("").len()))
}

#[tokio::test]
async fn c7_quotas_count_characters_that_are_no_white_space() {
    let mut stage = Stage::new().await;
    stage.done(create_user("ada")).await;
    stage.done(create_role("r", NO_ONE)).await;

    let spaced = of_size(2048).replace(",", " ,\n\t\r ");
    stage.done(of_user("ada", put_policy("p", &spaced))).await;
    stage.done(of_user("ada", put_policy("p", &of_size(2048)))).await;
    let refusal = stage.refused(of_user("ada", put_policy("p", &of_size(2049)))).await;
    assert_eq!(refusal, (Kind::LimitExceeded, "Maximum policy size of 2048 bytes exceeded for user ada".into()));
    // All inline policies count together.
    assert_eq!(stage.refused(of_user("ada", put_policy("q", &of_size(100)))).await.0, Kind::LimitExceeded);

    stage.done(of_role("r", put_policy("p", &of_size(10_000)))).await;
    stage.done(of_role("r", put_policy("q", &of_size(240)))).await;
    let refusal = stage.refused(of_role("r", put_policy("q", &of_size(241)))).await;
    assert_eq!(refusal, (Kind::LimitExceeded, "Maximum policy size of 10240 bytes exceeded for role r".into()));

    stage.done(create_policy("p", &of_size(6144))).await;
    let refusal = stage.refused(create_policy("q", &of_size(6145))).await;
    assert_eq!(refusal, (Kind::LimitExceeded, "Cannot exceed quota for PolicySize: 6144".into()));
    let trust = NO_ONE.replace("\"Version\"", &format!("\"Id\":\"{}\",\"Version\"", "x".repeat(4096)));
    let refusal = stage.refused(create_role("q", &trust)).await;
    assert_eq!(refusal, (Kind::LimitExceeded, "Cannot exceed quota for ACLSizePerRole: 4096".into()));
}

#[tokio::test]
async fn c7_a_document_out_of_bounds_is_never_parsed_nor_repeated() {
    let mut stage = Stage::new().await;
    for bad in [String::new(), "\u{1F600}".into(), "{\"canary\":\0}".into(), "canary".repeat(21_846)] {
        let (kind, text) = stage.refused(of_user("admin", put_policy("p", &bad))).await;
        assert_eq!(kind, Kind::ValidationError);
        assert!(text.contains("at 'policyDocument' failed") && !text.contains("canary"), "{text}");
    }
}

#[tokio::test]
async fn a_malformed_document_is_refused_with_its_place() {
    let mut stage = Stage::new().await;
    stage.done(create_role("r", NO_ONE)).await;
    stage.done(create_policy("p", &allow("s3:*", "*"))).await;
    let version = CreatePolicyVersion {
        policy_arn: Some(policy_arn("p")),
        policy_document: policy_text("{}"),
        set_as_default: None,
    };
    let trust = UpdateAssumeRolePolicy {
        role_name: some("r"),
        policy_document: policy_text(&allow("sts:AssumeRole", "*")),
        ..Default::default()
    };
    for request in [
        of_user("admin", put_policy("p", "{\n  \"Version\": 1\n}")),
        // A trust policy is no identity policy, and the other way round.
        of_role("r", put_policy("p", NO_ONE)),
        create_policy("q", NO_ONE),
        create_role("q", &allow("sts:AssumeRole", "*")),
        Request::CreatePolicyVersion(version),
        Request::UpdateAssumeRolePolicy(trust),
        create_policy("q", "null"),
        create_policy("q", "[[[[[["),
    ] {
        let name = request.name();
        let (kind, text) = stage.refused(request).await;
        assert_eq!(kind, Kind::MalformedPolicyDocument, "{name}");
        assert!(text.starts_with("Syntax errors in policy: ") && text.contains("(line "), "{name}: {text}");
    }
    let (_, text) = stage.refused(create_policy("q", "{\n\"Version\":\"2012-10-17\",\n\"Statment\":[]}")).await;
    assert!(text.contains("line 3") && text.contains("Statement"), "{text}");
}
