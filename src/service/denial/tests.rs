//! Who may see what of a refusal, and that its encoded message gives nothing away.

use brevet_validator::credential::Credentials;
use serde_json::{Value, json};

use super::*;
use crate::service::error::{Error, Kind};
use crate::service::issue::AssumeRole;
use crate::service::keys::Keys;
use crate::service::test_world::{ACCOUNT, ALLOW_ALL, OTHER_ACCOUNT, World, assume_role, inline, trust};
use crate::store::records;

const SALT: [u8; 16] = [7; 16];

fn denial(error: &Error) -> &Denial {
    error.denial().unwrap_or_else(|| panic!("{error} has no trace"))
}

fn refused(world: &World, user: &Credentials, ask: &AssumeRole) -> Denial {
    denial(&world.assume(user, ask).unwrap_err()).clone()
}

fn message(world: &World, denial: &Denial) -> String {
    encode(denial, &world.keys, SALT).unwrap()
}

/// What the account of a caller sees.
fn decoded(world: &World, caller: &Credentials, text: &str) -> Result<Value, Error> {
    let input = DecodeAuthorizationMessage { encoded_message: Some(text.to_owned()) };
    let decoded = decode_authorization_message(&world.caller(caller)?, &world.keys, &input)?;
    Ok(serde_json::from_str(&decoded).unwrap())
}

fn with_external_id(account: &str) -> String {
    trust(account).replace(
        r#""Effect""#,
        r#""Sid":"Partner","Condition":{"StringEquals":{"sts:ExternalId":"the-expected-id"}},"Effect""#,
    )
}

fn someone_of(world: &mut World, account: &str) -> Credentials {
    let user = records::User {
        account: account.into(),
        inline_policies: inline(ALLOW_ALL),
        ..world.user_record(&format!("auditor-{account}"))
    };
    world.put_user(user)
}

#[test]
fn a_decoded_refusal_names_the_statement_the_condition_and_the_caller_s_value() {
    let mut world = World::new();
    let user = world.user("ada", ALLOW_ALL);
    let role = world.role("partner", &with_external_id(ACCOUNT), "");
    let ask = AssumeRole { external_id: Some("my-wrong-id".into()), ..assume_role(&role) };
    let text = message(&world, &refused(&world, &user, &ask));
    let message = decoded(&world, &user, &text).unwrap();

    assert_eq!((&message["allowed"], &message["explicitDeny"]), (&json!(false), &json!(false)));
    assert_eq!(
        message["failures"]["items"],
        json!([{
            "statementId": "Partner",
            "operator": "StringEquals",
            "key": "sts:ExternalId",
            "values": {"items": [{"value": "the-expected-id"}]},
            "given": {"items": [{"value": "my-wrong-id"}]},
        }])
    );
    let context = &message["context"];
    assert_eq!(context["principal"]["name"], "ada");
    assert_eq!(context["principal"]["arn"], "arn:aws:iam::111111111111:user/ada");
    assert_eq!((&context["action"], &context["resource"]), (&json!("sts:AssumeRole"), &json!(role)));
    assert_eq!(message["trace"]["detail"], "TRUST_CONDITION_MISMATCH");
}

#[test]
fn c18_each_account_sees_its_own_side_and_a_third_one_nothing() {
    let mut world = World::new();
    let ada = world.user("ada", &ALLOW_ALL.replace(r#""Effect""#, r#""Sid":"AdasOwn","Effect""#));
    let role = records::Role { account: OTHER_ACCOUNT.into(), ..world.role_record("far", &with_external_id(ACCOUNT)) };
    let role = world.put_role(role);
    let third = "333333333333";
    let account = records::Account { id: third.into(), ..Default::default() };
    world.put(&format!("accounts/{third}"), records::encode(&account));
    let (owner, stranger) = (someone_of(&mut world, OTHER_ACCOUNT), someone_of(&mut world, third));

    let text = message(&world, &refused(&world, &ada, &assume_role(&role)));
    let callers = decoded(&world, &ada, &text).unwrap().to_string();
    assert!(callers.contains("AdasOwn") && !callers.contains("Partner"), "{callers}");
    assert!(!callers.contains("the-expected-id") && !callers.contains("TRUST_CONDITION"), "{callers}");
    let owners = decoded(&world, &owner, &text).unwrap().to_string();
    assert!(owners.contains("the-expected-id") && owners.contains("TRUST_CONDITION_MISMATCH"), "{owners}");
    assert!(!owners.contains("AdasOwn"), "{owners}");
    let nothing = decoded(&world, &stranger, &text).unwrap_err();
    assert_eq!(nothing.kind(), Kind::InvalidAuthorizationMessage);
}

#[test]
fn c17_what_the_caller_s_account_can_decode_is_the_same_for_absent_and_refusing_roles() {
    let mut world = World::new();
    let policy = ALLOW_ALL.replace(
        r#""Resource":"*""#,
        r#""Resource":"*","Condition":{"StringEqualsIfExists":{"aws:ResourceTag/team":"red"}}"#,
    );
    let ada = world.user("ada", &policy);
    let owner = someone_of(&mut world, OTHER_ACCOUNT);
    let arn = format!("arn:aws:iam::{OTHER_ACCOUNT}:role/far");
    let absent = message(&world, &refused(&world, &ada, &assume_role(&arn)));
    let tags = vec![records::Tag { key: "team".into(), value: "blue".into() }];
    let denying = trust(ACCOUNT).replace("Allow", "Deny");
    for trust in [with_external_id(ACCOUNT), denying, trust(OTHER_ACCOUNT)] {
        let role =
            records::Role { account: OTHER_ACCOUNT.into(), tags: tags.clone(), ..world.role_record("far", &trust) };
        world.put_role(role);
        let refusing = message(&world, &refused(&world, &ada, &assume_role(&arn)));
        assert_eq!(decoded(&world, &ada, &refusing).unwrap(), decoded(&world, &ada, &absent).unwrap());
        assert_ne!(decoded(&world, &owner, &refusing).unwrap(), decoded(&world, &owner, &absent).unwrap());
    }
    let owners = decoded(&world, &owner, &absent).unwrap();
    assert_eq!(owners["trace"]["detail"], "TRUST_ABSENT");
    assert!(!owners.to_string().contains("ecoy"), "{owners}");
}

#[test]
fn every_message_has_one_length_however_much_there_is_to_tell() {
    let mut world = World::new();
    let ada = world.user("ada", "");
    let mut lengths = Vec::new();
    let long = "x".repeat(40);
    for statements in [0, 1, 20, 200] {
        let other = |i: usize| {
            let random: String =
                (0..30).map(|j| char::from(b'a' + ((i * 31 + j * j * 7 + i * j) % 26) as u8)).collect();
            format!(
                r#"{{"Sid":"S{i}","Effect":"Allow","Principal":{{"AWS":"{ACCOUNT}"}},"Action":"sts:AssumeRole","Condition":
                {{"StringEquals":{{"sts:ExternalId":"{random}{long}"}}}}}}"#
            )
        };
        let list: Vec<String> = (0..statements).map(other).collect();
        let arn = match statements {
            0 => "arn:aws:iam::111111111111:role/absent".to_owned(),
            _ => world.role(
                &format!("r{statements}"),
                &format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, list.join(",")),
                "",
            ),
        };
        let tags = (0..50).map(|i| crate::service::issue::TagInput {
            key: Some(format!("key-{i}-{}", "k".repeat(100))),
            value: Some(format!("value-{i}-{}", "v".repeat(200))),
        });
        let ask = AssumeRole { tags: tags.collect(), external_id: Some("given".into()), ..assume_role(&arn) };
        let text = message(&world, &refused(&world, &ada, &ask));
        lengths.push(text.len());
        assert!(text.bytes().all(|c| c.is_ascii_alphanumeric() || b"-_".contains(&c)));
        let bob = world.user("bob", ALLOW_ALL);
        let decoded = decoded(&world, &bob, &text).unwrap();
        assert_eq!(decoded["context"]["principal"]["arn"], "arn:aws:iam::111111111111:user/ada");
        if statements > 0 {
            let failures = decoded["failures"]["items"].as_array().unwrap();
            assert!(failures.iter().any(|f| f["given"]["items"][0]["value"] == "given"), "{statements}: {decoded}");
        }
    }
    assert_eq!(lengths, [ENCODED_LENGTH; 4]);
}

#[test]
fn c18_a_message_that_was_changed_or_is_another_deployment_s_does_not_open() {
    let mut world = World::new();
    let ada = world.user("ada", ALLOW_ALL);
    let role = world.role("partner", &with_external_id(ACCOUNT), "");
    let text = message(&world, &refused(&world, &ada, &assume_role(&role)));
    assert!(decoded(&world, &ada, &text).is_ok());
    let refuse = |text: &str| {
        let error = decoded(&world, &ada, text).unwrap_err();
        assert_eq!(
            (error.kind(), error.message()),
            (Kind::InvalidAuthorizationMessage, "The authorization message is invalid.")
        );
    };
    for at in (0..text.len()).step_by(97).chain([0, 1, 6, 7, 27, 28, text.len() - 1]) {
        let mut changed = text.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        refuse(&String::from_utf8(changed).unwrap());
    }
    for other in [&text[1..], &text[..text.len() - 4], &format!("{text}="), "AQ", &"A".repeat(ENCODED_LENGTH), "é"] {
        refuse(other);
    }
    let random = crate::service::test_world::Counting::default();
    let (epoch, anchor) = Keys::generate(&random, crate::service::test_world::now()).unwrap();
    let mut fresh = [0; 32];
    crate::service::random::Random::fill(&random, &mut fresh).unwrap();
    let foreign = Keys::new(*b"another domain..", &[epoch], &anchor, &random).unwrap();
    let denial = refused(&world, &ada, &assume_role(&role));
    refuse(&encode(&denial, &foreign, SALT).unwrap());
}

#[test]
fn c18_decoding_is_a_permission() {
    let mut world = World::new();
    let ada = world.user("ada", "");
    let role = world.role("partner", &with_external_id(ACCOUNT), "");
    let text = message(&world, &refused(&world, &ada, &assume_role(&role)));
    let error = decoded(&world, &ada, &text).unwrap_err();
    assert!(matches!(error.kind(), Kind::AccessDenied(_)), "{error}");
    assert!(error.message().contains("perform: sts:DecodeAuthorizationMessage on resource: "), "{error}");
    let deny = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},
        {"Effect":"Deny","Action":"sts:DecodeAuthorizationMessage","Resource":"*"}]}"#;
    let bob = world.user("bob", deny);
    assert!(matches!(decoded(&world, &bob, &text).unwrap_err().kind(), Kind::AccessDenied(_)));
}

#[test]
fn a_role_can_open_its_trust_policy_to_callers_whom_it_refuses() {
    let mut world = World::new();
    let ada = world.user("ada", ALLOW_ALL);
    let open = records::Role {
        account: OTHER_ACCOUNT.into(),
        explain_to_caller: true,
        ..world.role_record("open", &with_external_id(ACCOUNT))
    };
    let role = world.put_role(open);
    let ask = AssumeRole { external_id: Some("my-wrong-id".into()), ..assume_role(&role) };
    let error = world.assume(&ada, &ask).unwrap_err();
    assert_eq!(
        error.message(),
        format!(
            "User: arn:aws:iam::111111111111:user/ada is not authorized to perform: sts:AssumeRole on resource: {role} \
             (TRUST_NOT_SATISFIED, TRUST_CONDITION_MISMATCH): the role's trust policy does not allow it; statement \
             \"Partner\": StringEquals sts:ExternalId wants \"the-expected-id\", and the request has \
             \"my-wrong-id\"."
        )
    );
    let seen = decoded(&world, &ada, &message(&world, denial(&error))).unwrap().to_string();
    assert!(seen.contains("the-expected-id"), "{seen}");
}

#[test]
fn refusals_that_no_policy_took_part_in_say_so() {
    let mut world = World::new();
    let boundary = "arn:aws:iam::111111111111:policy/gone";
    let user = records::User {
        permissions_boundary_arn: boundary.into(),
        inline_policies: inline(ALLOW_ALL),
        ..world.user_record("ada")
    };
    let ada = world.put_user(user);
    let caller = world.caller(&ada).unwrap();
    let resource = "arn:aws:iam::111111111111:user/x".parse().unwrap();
    let asked =
        crate::service::caller::Asked { action: "iam:GetUser", resource: &resource, context: &caller.context() };
    let error = caller.demand(&asked).unwrap_err();
    assert!(error.message().ends_with("(BOUNDARY): the permissions boundary does not allow it."), "{error}");
    let bob = world.user("bob", ALLOW_ALL);
    let decoded = decoded(&world, &bob, &message(&world, denial(&error))).unwrap();
    assert_eq!(
        decoded["trace"]["hints"],
        json!(["The managed policy that is the permissions boundary is gone, so nothing is allowed."])
    );
}
