//! What the audit record keeps: enough to know what was asked and given, no secret, nothing unbounded.

use super::*;
use crate::service::test_world::{ACCOUNT, ALLOW_ALL, assume_role, trust};

#[test]
fn what_was_given_is_told_without_secret_and_token() {
    let mut world = World::new();
    let user = world.user("ada", ALLOW_ALL);
    let role = world.role("ops", &trust(ACCOUNT), ALLOW_ALL);
    let ask = AssumeRole { source_identity: text("ada"), tags: vec![tag("k", "v")], ..assume_role(&role) };
    let first = world.assume(&user, &ask).unwrap();
    let issued = world.assume(&first.credentials, &assume_role(&role)).unwrap();

    let elements = issued.audit_elements();
    assert_eq!(elements["credentials"]["accessKeyId"], issued.credentials.access_key_id.as_str());
    assert_eq!(elements["credentials"]["expiration"], "2026-01-15T13:00:00Z");
    assert_eq!(elements["assumedRoleUser"]["arn"], "arn:aws:sts::111111111111:assumed-role/ops/a-session");
    assert_eq!(elements["sourceIdentity"], "ada");
    assert_eq!(first.audit_elements()["packedPolicySize"], 1);
    assert_eq!(issued.audit_session()["parentSessionId"], first.audit_session()["sessionId"]);
    assert!(first.audit_session()["parentSessionId"].is_null());

    let told = format!("{elements}{}{issued:?}", issued.audit_session());
    let token = issued.credentials.security_token.as_ref().unwrap().expose();
    assert!(!told.contains(issued.credentials.secret_access_key.expose()) && !told.contains(token.as_str()));
}

#[test]
fn what_was_asked_is_told_without_codes_and_with_policies_by_their_hash() {
    let ask = AssumeRole {
        duration_seconds: text("900"),
        policy: text("canary-policy"),
        tags: vec![tag("k", "v")],
        external_id: text("external"),
        serial_number: text("serial-number"),
        token_code: text("271828"),
        ..assume_role("arn:aws:iam::111111111111:role/ops")
    };
    let told = ask.audit_parameters();
    assert_eq!(told["roleArn"], "arn:aws:iam::111111111111:role/ops");
    assert_eq!(told["durationSeconds"], "900");
    assert_eq!(told["policy"]["length"], 13);
    assert_eq!(told["policy"]["sha256"].as_str().unwrap().len(), 64);
    assert_eq!(told["tags"][0]["value"], "v");
    assert!(told.get("sourceIdentity").is_none());
    assert!(!told.to_string().contains("canary-policy") && !told.to_string().contains("271828"));
}

#[test]
fn g3_what_was_asked_is_cut_and_forges_nothing() {
    let wild = "\u{202e}\r\nx".repeat(10_000);
    let ask = AssumeRole {
        role_arn: text(&wild),
        policy_arns: vec![wild.clone(); 1_000],
        tags: vec![tag(&wild, &wild); 1_000],
        transitive_tag_keys: vec![wild; 1_000],
        ..Default::default()
    };
    let told = ask.audit_parameters().to_string();
    assert!(told.len() < 200_000, "{}", told.len());
    assert!(!told.contains(['\n', '\r', '\u{202e}']));
}
