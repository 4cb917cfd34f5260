//! GetSessionToken, GetFederationToken, GetAccessKeyInfo.

use brevet_validator::token::Origin;

use super::*;
use crate::service::issue::{GetAccessKeyInfo, GetFederationToken, GetSessionToken, Holder};
use crate::service::test_world::{ACCOUNT, ALLOW_ALL, OTHER_ACCOUNT, assume_role, inline, trust};
use crate::store::records;

fn session_token(world: &World, credentials: &Credentials, seconds: Option<&str>) -> Result<Issued, Error> {
    let input = GetSessionToken { duration_seconds: seconds.map(str::to_owned), ..Default::default() };
    world.issuer.session_token(&world.caller(credentials)?, &input)
}

fn bob() -> GetFederationToken {
    GetFederationToken { name: text("bob"), ..Default::default() }
}

fn federation_token(world: &World, credentials: &Credentials, input: &GetFederationToken) -> Result<Issued, Error> {
    world.issuer.federation_token(&world.caller(credentials)?, input)
}

/// A policy that allows one action on one resource.
fn allow(action: &str, resource: &str) -> String {
    ALLOW_ALL
        .replace(r#""Action":"*""#, &format!(r#""Action":"{action}""#))
        .replace(r#""Resource":"*""#, &format!(r#""Resource":"{resource}""#))
}

#[test]
fn get_session_token_needs_no_permission_and_no_policy_can_deny_it() {
    let mut world = World::new();
    let deny = ALLOW_ALL.replace("Allow", "Deny");
    for (name, policy) in [("ada", ""), ("bob", deny.as_str())] {
        let user = world.user(name, policy);
        let issued = session_token(&world, &user, None).unwrap();
        assert_eq!((issued.lifetime.seconds(), issued.packed_policy_size), (43_200, None));
        assert!(matches!(issued.holder, Holder::Caller));
        let caller = world.caller(&issued.credentials).unwrap();
        assert_eq!(world.issuer.caller_identity(&caller), world.issuer.caller_identity(&world.caller(&user).unwrap()));
        let claims = session(&world, &issued.credentials).claims;
        assert_eq!((claims.origin, claims.source_access_key), (Origin::SessionToken, Some(user.access_key_id)));
        assert_eq!(claims.mfa_at, None);
    }
}

#[test]
fn c13_user_sessions_live_between_a_quarter_of_an_hour_and_a_day_and_a_half() {
    let mut world = World::new();
    let user = world.user("ada", ALLOW_ALL);
    for good in [900, 129_600] {
        let issued = session_token(&world, &user, Some(&good.to_string())).unwrap();
        assert_eq!(issued.lifetime.seconds(), good);
    }
    for bad in ["899", "129601", "-1", "", "9e2"] {
        invalid(session_token(&world, &user, Some(bad)), "at 'durationSeconds'");
        let input = GetFederationToken { duration_seconds: text(bad), ..bob() };
        invalid(federation_token(&world, &user, &input), "at 'durationSeconds'");
    }
}

#[test]
fn root_gets_an_hour_whatever_it_asks_for() {
    let mut world = World::new();
    let root = world.root();
    for (asked, given) in [(None, 3600), (Some("129600"), 3600), (Some("900"), 900)] {
        assert_eq!(session_token(&world, &root, asked).unwrap().lifetime.seconds(), given);
        let input = GetFederationToken { duration_seconds: asked.map(str::to_owned), ..bob() };
        assert_eq!(federation_token(&world, &root, &input).unwrap().lifetime.seconds(), given);
    }
    invalid(session_token(&world, &root, Some("129601")), "less than or equal to 129600");
}

#[test]
fn a36_temporary_keys_buy_neither_session_nor_federation_tokens() {
    let mut world = World::new();
    let user = world.user("ada", ALLOW_ALL);
    let role = world.role("ops", &trust(ACCOUNT), ALLOW_ALL);
    let input = GetFederationToken { policy: text(ALLOW_ALL), ..bob() };
    let sessions = [
        world.assume(&user, &assume_role(&role)).unwrap(),
        session_token(&world, &user, None).unwrap(),
        federation_token(&world, &user, &input).unwrap(),
    ];
    for issued in sessions {
        let message = denied(session_token(&world, &issued.credentials, None), Reason::ExplicitDeny);
        assert_eq!(message, "Cannot call GetSessionToken with session credentials (EXPLICIT_DENY)");
        let message = denied(federation_token(&world, &issued.credentials, &bob()), Reason::ExplicitDeny);
        assert_eq!(message, "Cannot call GetFederationToken with session credentials (EXPLICIT_DENY)");
    }
}

#[test]
fn a36_a_federated_user_takes_no_role_on() {
    let mut world = World::new();
    let user = world.user("ada", ALLOW_ALL);
    let role = world.role("ops", &trust("*"), "");
    let input = GetFederationToken { policy: text(ALLOW_ALL), ..bob() };
    let federated = federation_token(&world, &user, &input).unwrap().credentials;
    denied(world.assume(&federated, &assume_role(&role)), Reason::ExplicitDeny);
}

#[test]
fn until_there_are_devices_get_session_token_knows_no_second_factor() {
    let mut world = World::new();
    let user = world.user("ada", "");
    let caller = world.caller(&user).unwrap();
    let input = GetSessionToken {
        serial_number: text("arn:aws:iam::111111111111:mfa/ada"),
        token_code: text("123456"),
        ..Default::default()
    };
    let message = denied(world.issuer.session_token(&caller, &input), Reason::ExplicitDeny);
    assert!(message.starts_with("MultiFactorAuthentication failed with invalid MFA one time pass code."));
}

#[test]
fn get_federation_token_needs_permission_for_the_name() {
    let mut world = World::new();
    let none = world.user("none", "");
    let message = denied(federation_token(&world, &none, &bob()), Reason::NoMatchingAllow);
    assert!(message.contains("sts:GetFederationToken on resource: arn:aws:sts::111111111111:federated-user/bob"));

    let policy = allow("sts:GetFederationToken", "arn:aws:sts::111111111111:federated-user/b*");
    let some = world.user("some", &policy);
    let issued = federation_token(&world, &some, &bob()).unwrap();
    assert_eq!(issued.lifetime.seconds(), 43_200);
    let Holder::FederatedUser { id, arn } = &issued.holder else { panic!("{:?}", issued.holder) };
    assert_eq!((id.as_str(), arn.as_str()), ("111111111111:bob", "arn:aws:sts::111111111111:federated-user/bob"));
    let eve = GetFederationToken { name: text("eve"), ..bob() };
    denied(federation_token(&world, &some, &eve), Reason::NoMatchingAllow);

    let tagged = GetFederationToken { tags: vec![tag("k", "v")], ..bob() };
    let message = denied(federation_token(&world, &some, &tagged), Reason::NoMatchingAllow);
    assert!(message.contains("sts:TagSession"), "{message}");
}

#[test]
fn federated_names_have_at_most_thirty_two_characters() {
    let mut world = World::new();
    let user = world.user("ada", ALLOW_ALL);
    for (name, part) in [
        (None, "Value null at 'name'"),
        (text("b"), "greater than or equal to 2"),
        (text(&"b".repeat(33)), "less than or equal to 32"),
        (text("b b"), "regular expression"),
    ] {
        invalid(federation_token(&world, &user, &GetFederationToken { name, ..bob() }), part);
    }
}

#[test]
fn federated_sessions_carry_their_policies_and_tags() {
    let mut world = World::new();
    let user = world.user("ada", ALLOW_ALL);
    let managed = world.policy(ACCOUNT, "p", ALLOW_ALL);
    let foreign = world.policy(OTHER_ACCOUNT, "p", ALLOW_ALL);
    let input = GetFederationToken {
        policy: text(ALLOW_ALL),
        policy_arns: vec![managed.clone()],
        tags: vec![tag("team", "red")],
        ..bob()
    };
    let issued = federation_token(&world, &user, &input).unwrap();
    let bytes = ALLOW_ALL.len() + managed.len() + "teamred".len();
    assert_eq!(issued.packed_policy_size, Some(u32::try_from((bytes * 100).div_ceil(2100)).unwrap()));
    let claims = session(&world, &issued.credentials).claims;
    assert_eq!((claims.origin, claims.tags.len()), (Origin::FederationToken, 1));
    assert_eq!((claims.session_policy, claims.session_policy_arns), (text(ALLOW_ALL), vec![managed]));

    let malformed = GetFederationToken { policy: text("{}"), ..bob() };
    assert_eq!(federation_token(&world, &user, &malformed).unwrap_err().kind(), Kind::MalformedPolicyDocument);
    let foreign = GetFederationToken { policy_arns: vec![foreign], ..bob() };
    invalid(federation_token(&world, &user, &foreign), "does not exist or is not attachable");
}

#[test]
fn c18_get_access_key_info_tells_of_the_caller_s_own_account_alone() {
    let mut world = World::new();
    let ada = world.user("ada", ALLOW_ALL);
    let foreign = records::User { account: OTHER_ACCOUNT.into(), ..world.user_record("eve") };
    let foreign = world.put_user(records::User { inline_policies: inline(ALLOW_ALL), ..foreign });
    let session = session_token(&world, &ada, None).unwrap().credentials;
    let caller = world.caller(&ada).unwrap();
    let info = |id: &str| world.issuer.access_key_info(&caller, &GetAccessKeyInfo { access_key_id: text(id) });

    assert_eq!(info(ada.access_key_id.as_str()).unwrap().as_str(), ACCOUNT);
    let answer = |id: &str| {
        let error = info(id).unwrap_err();
        assert_eq!(error.kind(), Kind::AccessDenied(Reason::NoMatchingAllow));
        error.message().replace(id, "ID")
    };
    let unknown = answer("AKIAIOSFODNN7EXAMPLE");
    for id in [foreign.access_key_id.as_str(), session.access_key_id.as_str(), "not_an_access_key_id"] {
        assert_eq!(answer(id), unknown);
    }
    for bad in ["AKIA", "AKIA OSFODNN7EXAMPLE", &"A".repeat(129)] {
        assert_eq!(info(bad).unwrap_err().kind(), Kind::ValidationError);
    }

    let bob = world.user("bob", "");
    let bob_asks = |id: &str| {
        let input = GetAccessKeyInfo { access_key_id: text(id) };
        world.issuer.access_key_info(&world.caller(&bob).unwrap(), &input).unwrap_err()
    };
    assert_eq!(bob_asks(ada.access_key_id.as_str()).kind(), Kind::AccessDenied(Reason::NoMatchingAllow));
}
