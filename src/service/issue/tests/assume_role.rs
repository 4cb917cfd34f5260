use brevet_validator::identity::Principal;
use brevet_validator::token::Origin;

use super::*;
use crate::service::issue::Holder;
use crate::service::test_world::{ACCOUNT, ALLOW_ALL, OTHER_ACCOUNT, assume_role, inline, trust};
use crate::store::records;

/// An administrator, and a role that trusts its account.
fn world() -> (World, Credentials, String) {
    let mut world = World::new();
    let user = world.user("ada", ALLOW_ALL);
    let role = world.role("ops", &trust(ACCOUNT), ALLOW_ALL);
    (world, user, role)
}

#[test]
fn a_trusted_caller_gets_credentials_that_are_the_role() {
    let (world, user, role) = world();
    let issued = world.assume(&user, &assume_role(&role)).unwrap();
    assert_eq!(issued.lifetime.seconds(), 3600);
    assert_eq!(issued.credentials.expiration, Some(now() + 3600));
    assert_eq!((issued.packed_policy_size, issued.source_identity(), issued.parent()), (None, None, None));
    let Holder::AssumedRole { id, arn } = &issued.holder else { panic!("{:?}", issued.holder) };
    assert_eq!(arn.as_str(), "arn:aws:sts::111111111111:assumed-role/ops/a-session");

    let caller = world.caller(&issued.credentials).unwrap();
    let identity = world.issuer.caller_identity(&caller);
    assert_eq!((&identity.arn, &identity.user_id, identity.account.as_str()), (arn, id, ACCOUNT));
    let session = session(&world, &issued.credentials);
    assert_eq!(session.id, issued.session_id);
    assert_eq!(session.claims.origin, Origin::AssumeRole);
    assert_eq!(session.claims.directory_revision, 7);
    assert_eq!(session.claims.region, "eu-central-1");
    assert_eq!(session.claims.source_access_key, Some(user.access_key_id));
    let ada = world.caller(&user).unwrap();
    let Principal::User { id, .. } = ada.principal() else { panic!("a user") };
    assert_eq!(session.claims.source_user, Some(*id));
    assert!(session.claims.ancestors.is_empty() && session.claims.root_expires_at.is_none());
}

#[test]
fn no_two_sessions_share_a_key() {
    let (world, user, role) = world();
    let [a, b] = [(); 2].map(|()| world.assume(&user, &assume_role(&role)).unwrap());
    assert_ne!(a.session_id, b.session_id);
    assert_ne!(a.credentials.secret_access_key.expose(), b.credentials.secret_access_key.expose());
}

#[test]
fn what_is_required_must_be_there() {
    let (world, user, role) = world();
    invalid(world.assume(&user, &AssumeRole { role_arn: None, ..assume_role(&role) }), "Value null at 'roleArn'");
    let nameless = AssumeRole { role_session_name: None, ..assume_role(&role) };
    invalid(world.assume(&user, &nameless), "Value null at 'roleSessionName'");
}

#[test]
fn c16_what_is_not_the_arn_of_a_role_is_invalid() {
    let (world, user, _) = world();
    for bad in [
        "arn:aws:iam::111111111111:user/ada",
        "arn:aws:iam::11111111111:role/ops1",
        "arn:aws:iam::aws:role/ops-of-aws",
        "arn:aws:iam:eu-west-1:111111111111:role/ops",
        "arn:aws-cn:iam::111111111111:role/ops",
        "arn:aws:sts::111111111111:role/ops",
        "arn:aws:iam::111111111111:role/o\nps",
        "a role, by any other name",
    ] {
        invalid(world.assume(&user, &assume_role(bad)), "is invalid");
    }
    invalid(world.assume(&user, &assume_role("arn:aws:iam")), "greater than or equal to 20");
    let long = format!("arn:aws:iam::111111111111:role/{}", "x".repeat(2048));
    invalid(world.assume(&user, &assume_role(&long)), "less than or equal to 2048");
}

#[test]
fn c16_only_the_exact_arn_names_a_role() {
    let (world, user, _) = world();
    for other in ["OPS", "ops/", "/ops", "a/../ops", "*", "op?", "ops%20", "ops\u{200b}"] {
        let arn = format!("arn:aws:iam::111111111111:role/{other}");
        denied(world.assume(&user, &assume_role(&arn)), Reason::TrustNotSatisfied);
    }
}

#[test]
fn c13_durations_are_refused_outside_their_bounds_and_never_cut() {
    let (mut world, user, _) = world();
    let role = records::Role { max_session_duration: 7200, ..world.role_record("short", &trust(ACCOUNT)) };
    let role = world.put_role(role);
    let ask = |seconds: &str| AssumeRole { duration_seconds: text(seconds), ..assume_role(&role) };
    for (seconds, part) in [
        ("899", "greater than or equal to 900"),
        ("0", "greater than or equal to 900"),
        ("43201", "less than or equal to 43200"),
        ("2147483648", "less than or equal to 43200"),
        ("-1", "[0-9]+"),
        ("3600.0", "[0-9]+"),
        ("3600 ", "[0-9]+"),
        ("１", "[0-9]+"),
        ("", "[0-9]+"),
        ("7201", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."),
    ] {
        invalid(world.assume(&user, &ask(seconds)), part);
    }
    for (seconds, expected) in [("900", 900), ("7200", 7200)] {
        assert_eq!(world.assume(&user, &ask(seconds)).unwrap().lifetime.seconds(), expected);
    }
}

#[test]
fn a_limit_of_the_role_is_told_only_to_whom_the_role_trusts() {
    let (mut world, user, _) = world();
    let role = records::Role { max_session_duration: 3600, ..world.role_record("short", &trust(OTHER_ACCOUNT)) };
    let role = world.put_role(role);
    let ask = AssumeRole { duration_seconds: text("43200"), policy: text("{"), ..assume_role(&role) };
    denied(world.assume(&user, &ask), Reason::TrustNotSatisfied);
}

#[test]
fn session_policies_are_carried_as_they_were_passed_and_counted() {
    let (mut world, user, role) = world();
    let managed = world.policy(ACCOUNT, "p", ALLOW_ALL);
    let ask = AssumeRole { policy: text(ALLOW_ALL), policy_arns: vec![managed.clone()], ..assume_role(&role) };
    let issued = world.assume(&user, &ask).unwrap();
    let bytes = ALLOW_ALL.len() + managed.len();
    assert_eq!(issued.packed_policy_size, Some(u32::try_from((bytes * 100).div_ceil(2100)).unwrap()));
    let claims = session(&world, &issued.credentials).claims;
    assert_eq!((claims.session_policy.as_deref(), claims.session_policy_arns), (Some(ALLOW_ALL), vec![managed]));
}

#[test]
fn c5_what_is_no_policy_is_malformed() {
    let (world, user, role) = world();
    let principal =
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}"#;
    for bad in ["{}", "{", "[]", "null", principal, &ALLOW_ALL.replace("Allow", "allow")] {
        let ask = AssumeRole { policy: text(bad), ..assume_role(&role) };
        assert_eq!(world.assume(&user, &ask).unwrap_err().kind(), Kind::MalformedPolicyDocument, "{bad}");
    }
}

#[test]
fn c6_a_member_that_is_there_twice_is_malformed() {
    let (world, user, role) = world();
    let twice = ALLOW_ALL.replace(r#""Effect":"Allow""#, r#""Effect":"Deny","Effect":"Allow""#);
    let ask = AssumeRole { policy: text(&twice), ..assume_role(&role) };
    assert_eq!(world.assume(&user, &ask).unwrap_err().kind(), Kind::MalformedPolicyDocument);
}

#[test]
fn c7_policies_beyond_their_bounds_are_refused() {
    let (mut world, user, role) = world();
    let policy =
        |spaces| AssumeRole { policy: text(&format!("{ALLOW_ALL}{}", " ".repeat(spaces))), ..assume_role(&role) };
    let fitting = 2048 - ALLOW_ALL.len();
    assert_eq!(world.assume(&user, &policy(fitting)).unwrap().packed_policy_size, Some(98));
    invalid(
        world.assume(&user, &policy(fitting + 1)),
        "at 'policy' failed to satisfy constraint: Member must have length less than or equal to 2048",
    );
    let tags = (0..3).map(|n| tag(&format!("key{n}"), &"v".repeat(60))).collect();
    let both = AssumeRole { tags, ..policy(fitting) };
    assert_eq!(world.assume(&user, &both).unwrap_err().kind(), Kind::PackedPolicyTooLarge);

    let arns: Vec<_> = (0..11).map(|n| world.policy(ACCOUNT, &format!("p{n}"), ALLOW_ALL)).collect();
    let eleven = AssumeRole { policy_arns: arns.clone(), ..assume_role(&role) };
    invalid(world.assume(&user, &eleven), "at 'policyArns'");
    let ten = AssumeRole { policy_arns: arns[1..].to_vec(), ..assume_role(&role) };
    assert!(world.assume(&user, &ten).is_ok());
}

#[test]
fn managed_session_policies_must_be_of_the_role_s_account() {
    let (mut world, user, role) = world();
    let foreign = world.policy(OTHER_ACCOUNT, "p", ALLOW_ALL);
    for arn in [foreign.as_str(), "arn:aws:iam::111111111111:policy/gone", "arn:aws:iam::aws:policy/ReadOnlyAccess"] {
        let ask = AssumeRole { policy_arns: vec![arn.to_owned()], ..assume_role(&role) };
        invalid(world.assume(&user, &ask), "does not exist or is not attachable");
    }
}

#[test]
fn what_fills_the_budget_but_not_a_token_is_too_large() {
    let (mut world, user, _) = world();
    let path = format!("/{}/", "p".repeat(510));
    let name = "n".repeat(64);
    let role = records::Role { path, ..world.role_record(&name, &trust(ACCOUNT)) };
    let role = world.put_role(role);
    let policy = text(&format!("{ALLOW_ALL}{}", " ".repeat(1700 - ALLOW_ALL.len())));
    let tags = (0..50).map(|n| tag(&format!("k{n:07}"), "")).collect();
    let ask = AssumeRole { policy, tags, ..assume_role(&role) };
    let error = world.assume(&user, &ask).unwrap_err();
    assert_eq!(error.kind(), Kind::PackedPolicyTooLarge, "{error}");
    assert!(error.message().contains("do not fit into a security token"), "{error}");
}

#[test]
fn c14_an_external_id_is_for_the_trust_policy_to_judge() {
    let (mut world, user, _) = world();
    let asking = trust(ACCOUNT).replacen(
        r#""Effect":"Allow","#,
        r#""Effect":"Allow","Condition":{"StringEquals":{"sts:ExternalId":"s3cret-ID"}},"#,
        1,
    );
    let role = world.role("asks", &asking, "");
    let indifferent = world.role("does-not-ask", &trust(ACCOUNT), "");
    let ask = |role: &str, id: Option<&str>| AssumeRole { external_id: id.map(str::to_owned), ..assume_role(role) };
    assert!(world.assume(&user, &ask(&role, Some("s3cret-ID"))).is_ok());
    assert!(world.assume(&user, &ask(&indifferent, Some("whatever"))).is_ok());
    invalid(world.assume(&user, &ask(&role, Some(""))), "at 'externalId'");
    invalid(world.assume(&user, &ask(&role, Some("s3cret-ID\n"))), "at 'externalId'");

    let absent = world.assume(&user, &assume_role(&role.replace("asks", "none")));
    let absent = denied(absent, Reason::TrustNotSatisfied).replace("role/none", "role/asks");
    for wrong in [None, Some("s3cret"), Some("S3CRET-id"), Some("s3cret-ID2"), Some("another-tenant")] {
        let message = denied(world.assume(&user, &ask(&role, wrong)), Reason::TrustNotSatisfied);
        assert_eq!(message, absent, "{wrong:?}");
    }
}

#[test]
fn a_trust_policy_sees_name_duration_tags_and_the_role_s_own_tags() {
    let (mut world, user, _) = world();
    let condition = r#""Condition":{
        "StringEquals":{"sts:RoleSessionName":"a-session","aws:RequestTag/team":"red","aws:ResourceTag/Owner":"red",
            "sts:SourceIdentity":"ada"},
        "NumericEquals":{"sts:DurationSeconds":"900"},
        "ForAllValues:StringEquals":{"aws:TagKeys":["team","cost"],"sts:TransitiveTagKeys":["cost"]},
        "Null":{"sts:ExternalId":"true","aws:TagKeys":"false"}},"#;
    let trust = trust(ACCOUNT).replacen(r#""Effect":"Allow","#, &format!(r#""Effect":"Allow",{condition}"#), 1);
    let tags = vec![records::Tag { key: "Owner".into(), value: "red".into() }];
    let role = records::Role { tags, ..world.role_record("tagged", &trust) };
    let role = world.put_role(role);
    let ask = AssumeRole {
        duration_seconds: text("900"),
        tags: vec![tag("team", "red"), tag("cost", "7")],
        transitive_tag_keys: vec!["cost".to_owned()],
        source_identity: text("ada"),
        ..assume_role(&role)
    };
    assert!(world.assume(&user, &ask).is_ok());
    let other = AssumeRole { tags: vec![tag("team", "blue"), tag("cost", "7")], ..ask };
    denied(world.assume(&user, &other), Reason::TrustNotSatisfied);
}

#[test]
fn until_there_are_devices_no_second_factor_is_right() {
    let (world, user, role) = world();
    let serial = text("arn:aws:iam::111111111111:mfa/ada");
    for (serial_number, token_code) in [(serial.clone(), text("123456")), (serial, None), (None, text("123456"))] {
        let ask = AssumeRole { serial_number, token_code, ..assume_role(&role) };
        let message = denied(world.assume(&user, &ask), Reason::ExplicitDeny);
        assert!(message.starts_with("MultiFactorAuthentication failed with invalid MFA one time pass code."));
        assert!(!message.contains("123456"));
    }
    let ask = AssumeRole { token_code: text("12345"), ..assume_role(&role) };
    invalid(world.assume(&user, &ask), "at 'tokenCode'");
}

#[test]
fn a_boundary_and_path_of_the_role_hold_for_its_session() {
    let (mut world, user, _) = world();
    let boundary = world.policy(ACCOUNT, "b", &ALLOW_ALL.replace(r#""Action":"*""#, r#""Action":"iam:Get*""#));
    let role = records::Role {
        path: "/ops/".into(),
        permissions_boundary_arn: boundary,
        inline_policies: inline(ALLOW_ALL),
        ..world.role_record("bound", &trust(ACCOUNT))
    };
    let role = world.put_role(role);
    let issued = world.assume(&user, &assume_role(&role)).unwrap();
    let caller = world.caller(&issued.credentials).unwrap();
    assert_eq!(caller.principal().arn().as_str(), "arn:aws:sts::111111111111:assumed-role/bound/a-session");
    let resource = "arn:aws:iam::111111111111:user/x".parse().unwrap();
    let context = caller.context();
    let effect = |action| caller.decide(&Asked { action, resource: &resource, context: &context }).effect;
    assert_eq!([effect("iam:GetUser"), effect("iam:CreateUser")], [Effect::Allow, Effect::ImplicitDeny]);
}
