use brevet_validator::credential::Credentials;
use brevet_validator::identity::Arn;
use brevet_validator::policy::{Effect, Reason};
use brevet_validator::timestamp::Timestamp;
use brevet_validator::token::{Claims, Federation, Origin, SessionTag};

use super::*;
use crate::service::issue::{GetFederationToken, GetSessionToken};
use crate::service::test_world::{ACCOUNT, ALLOW_ALL, OTHER_ACCOUNT, World, account, assume_role, inline, now, trust};
use crate::store::records;

const REVOKED: &str = "The security token included in the request is invalid.";

fn arn(text: &str) -> Arn {
    text.parse().unwrap()
}

fn refused(result: Result<Caller, Error>) {
    let error = result.unwrap_err();
    assert_eq!((error.kind(), error.message()), (Kind::InvalidClientTokenId, REVOKED));
}

/// Whether a policy with this condition matches: the only view on condition keys that matters.
fn satisfies(caller: &Caller, condition: &str) -> bool {
    let document = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Condition":{condition}}}}}"#
    );
    let policy = Policy::parse(&document, PolicyKind::Trust).unwrap();
    let policies = Policies { resource: Some(&policy), resource_account: Some(account()), ..Policies::default() };
    let (action, resource) = ("sts:AssumeRole", "arn:aws:iam::111111111111:role/x");
    let query = Query { subject: caller.subject(), action, resource, context: &caller.context() };
    policy::evaluate_trust(&policies, &query).effect == Effect::Allow
}

fn equals(key: &str, value: &str) -> String {
    format!(r#"{{"StringEquals":{{"{key}":"{value}"}}}}"#)
}

fn absent(key: &str) -> String {
    format!(r#"{{"Null":{{"{key}":"true"}}}}"#)
}

/// A world with a user `ada` who may do everything, a role `ops` that trusts the account, and their sessions.
struct Sessions {
    world: World,
    user: Credentials,
    role: Credentials,
    session: Credentials,
    federated: Credentials,
}

fn sessions() -> Sessions {
    let mut world = World::new();
    let user = world.user("ada", ALLOW_ALL);
    let role_arn = world.role("ops", &trust(ACCOUNT), ALLOW_ALL);
    let role = world.assume(&user, &assume_role(&role_arn)).unwrap().credentials;
    let ada = world.caller(&user).unwrap();
    let session = world.issuer.session_token(&ada, &GetSessionToken::default()).unwrap().credentials;
    let input = GetFederationToken { name: Some("bob".into()), policy: Some(ALLOW_ALL.into()), ..Default::default() };
    let federated = world.issuer.federation_token(&ada, &input).unwrap().credentials;
    Sessions { world, user, role, session, federated }
}

#[test]
fn c27_a_role_made_again_does_not_own_the_sessions_of_the_old_one() {
    let Sessions { mut world, role, .. } = sessions();
    let verified = world.verified(&role, now()).unwrap();
    assert!(world.caller_of(verified.clone(), now()).is_ok());
    world.role("ops", &trust(ACCOUNT), ALLOW_ALL);
    refused(world.caller_of(verified, now()));
}

#[test]
fn c27_a_user_made_again_does_not_own_the_keys_and_sessions_of_the_old_one() {
    let Sessions { mut world, user, session, federated, .. } = sessions();
    let verified = [user, session, federated].map(|credentials| world.verified(&credentials, now()).unwrap());
    world.user("ada", ALLOW_ALL);
    for verified in verified {
        refused(world.caller_of(verified, now()));
    }
}

#[test]
fn c27_nobody_is_left_where_the_directory_is_empty() {
    let Sessions { mut world, user, role, session, federated } = sessions();
    let root = world.root();
    let verified = [user, role, session, federated, root].map(|c| world.verified(&c, now()).unwrap());
    world.snapshot = Snapshot::default();
    for verified in verified {
        refused(world.caller_of(verified, now()));
    }
}

#[test]
fn a_key_that_was_disabled_since_its_signature_was_checked_is_refused() {
    let Sessions { mut world, user, session, .. } = sessions();
    let [by_key, by_session] = [&user, &session].map(|credentials| world.verified(credentials, now()).unwrap());
    let key = world.snapshot.access_key(user.access_key_id).unwrap().clone();
    let record = records::AccessKey {
        id: key.id.to_string(),
        account: ACCOUNT.into(),
        user_name: "ada".into(),
        user_unique_id: world.snapshot.user(account(), "ada").unwrap().id.to_string(),
        ..Default::default()
    };
    world.put(&format!("access-keys/{}", key.id), records::encode(&record));
    refused(world.caller_of(by_key, now()));
    assert!(world.caller_of(by_session, now()).is_ok(), "sessions outlive the key that asked for them, as in AWS");
}

#[test]
fn sessions_of_an_earlier_generation_are_refused() {
    let Sessions { mut world, role, session, federated, .. } = sessions();
    let verified = [role, session, federated].map(|credentials| world.verified(&credentials, now()).unwrap());
    let unique_id = world.snapshot.user(account(), "ada").unwrap().id.to_string();
    let user = records::User { unique_id, generation: 1, ..world.user_record("ada") };
    world.put_user(user);
    let unique_id = world.snapshot.role(account(), "ops").unwrap().id.to_string();
    let role = records::Role { unique_id, generation: 1, ..world.role_record("ops", &trust(ACCOUNT)) };
    world.put_role(role);
    for verified in verified {
        refused(world.caller_of(verified, now()));
    }
}

#[test]
fn a_renamed_user_is_the_same_user_by_its_new_name() {
    let Sessions { mut world, session, .. } = sessions();
    let verified = world.verified(&session, now()).unwrap();
    let unique_id = world.snapshot.user(account(), "ada").unwrap().id.to_string();
    let renamed = records::User { unique_id, ..world.user_record("countess") };
    world.user("ada", "");
    world.put_user(renamed);
    let caller = world.caller_of(verified, now()).unwrap();
    assert_eq!(caller.principal().arn().as_str(), "arn:aws:iam::111111111111:user/countess");
    assert!(satisfies(&caller, &equals("aws:username", "countess")));
}

#[test]
fn condition_keys_say_who_calls() {
    let Sessions { mut world, user, role, federated, .. } = sessions();
    let root = world.root();
    let ada = world.snapshot.user(account(), "ada").unwrap().id.to_string();
    let ops = world.snapshot.role(account(), "ops").unwrap().id;
    let cases = [
        (&user, "User", "arn:aws:iam::111111111111:user/ada", ada),
        (&role, "AssumedRole", "arn:aws:iam::111111111111:role/ops", format!("{ops}:a-session")),
        (&federated, "FederatedUser", "arn:aws:sts::111111111111:federated-user/bob", "111111111111:bob".to_owned()),
        (&root, "Account", "arn:aws:iam::111111111111:root", ACCOUNT.to_owned()),
    ];
    for (credentials, kind, principal, user_id) in cases {
        let caller = world.caller(credentials).unwrap();
        for (key, value) in [
            ("aws:PrincipalType", kind),
            ("aws:PrincipalArn", principal),
            ("aws:userid", user_id.as_str()),
            ("aws:PrincipalAccount", ACCOUNT),
            ("aws:RequestedRegion", "eu-central-1"),
            ("aws:UserAgent", "aws:userid=root"),
        ] {
            assert!(satisfies(&caller, &equals(key, value)), "{kind} {key}");
            assert!(!satisfies(&caller, &equals(key, "other")), "{kind} {key}");
        }
        assert_eq!(satisfies(&caller, &absent("aws:username")), kind != "User", "{kind}");
    }
}

#[test]
fn condition_keys_say_how_and_when() {
    let Sessions { world, user, .. } = sessions();
    let caller = world.caller(&user).unwrap();
    assert!(satisfies(&caller, r#"{"Bool":{"aws:SecureTransport":"false"}}"#));
    assert!(satisfies(&caller, r#"{"DateEquals":{"aws:CurrentTime":"2026-01-15T12:00:00Z"}}"#));
    assert!(satisfies(&caller, r#"{"NumericEquals":{"aws:EpochTime":"1768478400"}}"#));
}

#[test]
fn c10_an_ipv4_address_in_ipv6_clothes_is_one() {
    let Sessions { world, user, .. } = sessions();
    let caller = world.caller(&user).unwrap();
    assert!(satisfies(&caller, r#"{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}"#));
    assert!(!satisfies(&caller, r#"{"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}}"#));
}

#[test]
fn only_sessions_know_when_they_began_and_whether_a_second_factor_was_given() {
    let Sessions { world, user, role, session, .. } = sessions();
    let user = world.caller(&user).unwrap();
    assert!(satisfies(&user, &absent("aws:MultiFactorAuthPresent")) && satisfies(&user, &absent("aws:TokenIssueTime")));
    for credentials in [role, session] {
        let caller = world.caller(&credentials).unwrap();
        assert!(satisfies(&caller, r#"{"Bool":{"aws:MultiFactorAuthPresent":"false"}}"#));
        assert!(satisfies(&caller, &absent("aws:MultiFactorAuthAge")));
        assert!(satisfies(&caller, r#"{"DateEquals":{"aws:TokenIssueTime":"2026-01-15T12:00:00Z"}}"#));
    }
}

fn claims(world: &World, credentials: &Credentials) -> Claims {
    world.verified(credentials, now()).unwrap().session().unwrap().claims.clone()
}

#[test]
fn a_second_factor_opens_iam_to_sessions_of_get_session_token_and_has_an_age() {
    let Sessions { world, session, .. } = sessions();
    let without = world.caller(&session).unwrap();
    assert!(!without.may_call("iam:CreateUser"));
    let mfa_at = Timestamp::from_unix(now().unix() - 60);
    let with = world.session(&Claims { mfa_at, ..claims(&world, &session) });
    let with = world.caller(&with).unwrap();
    assert!(with.may_call("iam:CreateUser"));
    assert!(satisfies(
        &with,
        r#"{"Bool":{"aws:MultiFactorAuthPresent":"true"},"NumericEquals":{"aws:MultiFactorAuthAge":"60"}}"#
    ));
    let create = arn("arn:aws:iam::111111111111:user/x");
    assert_eq!(
        with.decide(&Asked { action: "iam:CreateUser", resource: &create, context: &with.context() }).effect,
        Effect::Allow
    );
    assert_eq!(
        without.decide(&Asked { action: "iam:CreateUser", resource: &create, context: &without.context() }).effect,
        Effect::ExplicitDeny
    );
}

#[test]
fn the_kind_of_credentials_limits_what_may_be_called() {
    let Sessions { world, user, role, session, federated } = sessions();
    let table = [
        // AssumeRole, GetCallerIdentity, GetSessionToken, GetFederationToken, GetAccessKeyInfo, iam, brevet, s3
        (user, [true, true, true, true, true, true, true, true]),
        (role, [true, true, false, false, true, true, true, true]),
        (session, [true, true, false, false, false, false, false, true]),
        (federated, [false, true, false, false, false, false, false, true]),
    ];
    let actions = [
        "sts:AssumeRole",
        "sts:GetCallerIdentity",
        "sts:GetSessionToken",
        "sts:GetFederationToken",
        "sts:GetAccessKeyInfo",
        "iam:GetUser",
        "brevet:WhoCan",
        "s3:GetObject",
    ];
    for (credentials, expected) in table {
        let caller = world.caller(&credentials).unwrap();
        assert_eq!(actions.map(|action| caller.may_call(action)), expected, "{}", caller.principal().arn());
    }
}

#[test]
fn session_tags_go_over_those_of_the_role_whatever_their_case() {
    let Sessions { mut world, role, .. } = sessions();
    let unique_id = world.snapshot.role(account(), "ops").unwrap().id.to_string();
    let tag = |key: &str, value: &str| records::Tag { key: key.into(), value: value.into() };
    let record = records::Role {
        unique_id,
        tags: vec![tag("Team", "role"), tag("Cost", "role")],
        inline_policies: inline(ALLOW_ALL),
        ..world.role_record("ops", &trust(ACCOUNT))
    };
    world.put_role(record);
    let tag = SessionTag { key: "team".into(), value: "session".into(), transitive: false };
    let session = world.session(&Claims { tags: vec![tag], ..claims(&world, &role) });
    let caller = world.caller(&session).unwrap();
    assert!(satisfies(&caller, &equals("aws:PrincipalTag/Team", "session")));
    assert!(satisfies(&caller, &equals("aws:PrincipalTag/cost", "role")));
}

#[test]
fn only_the_first_session_of_a_web_identity_names_its_provider() {
    let Sessions { world, role, .. } = sessions();
    let federation =
        Federation { issuer: "https://id.example.com/realm".into(), subject: "s".into(), provider_id: "p".into() };
    let first = Claims { federation: Some(federation), ..claims(&world, &role) };
    let chained = world.session(&first);
    let parent = world.verified(&chained, now()).unwrap().session().unwrap().id;
    let arn = "arn:aws:iam::111111111111:oidc-provider/id.example.com/realm";
    // `ops` was taken on with a long-lived key, so its session has no ancestors.
    assert!(satisfies(&world.caller(&chained).unwrap(), &equals("aws:FederatedProvider", arn)));
    let later = world.session(&Claims { ancestors: vec![parent], ..first });
    assert!(satisfies(&world.caller(&later).unwrap(), &absent("aws:FederatedProvider")));
}

fn may(caller: &Caller, action: &str, resource: &str) -> (Effect, Reason) {
    let decision = caller.decide(&Asked { action, resource: &arn(resource), context: &caller.context() });
    (decision.effect, decision.reason)
}

#[test]
fn root_may_do_everything_in_its_account_and_nothing_in_another() {
    let mut world = World::new();
    let root = world.root();
    let caller = world.caller(&root).unwrap();
    assert_eq!(may(&caller, "iam:CreateUser", "arn:aws:iam::111111111111:user/x").0, Effect::Allow);
    let foreign = format!("arn:aws:iam::{OTHER_ACCOUNT}:user/x");
    assert_eq!(may(&caller, "iam:CreateUser", &foreign).0, Effect::ImplicitDeny);
}

#[test]
fn c21_a_policy_that_allows_everything_does_not_reach_into_another_account() {
    let Sessions { world, user, role, .. } = sessions();
    for credentials in [user, role] {
        let caller = world.caller(&credentials).unwrap();
        let foreign = format!("arn:aws:iam::{OTHER_ACCOUNT}:role/x");
        assert_eq!(may(&caller, "iam:GetRole", &foreign), (Effect::ImplicitDeny, Reason::NoMatchingAllow));
    }
}

#[test]
fn a_boundary_narrows_and_one_that_is_gone_allows_nothing() {
    let mut world = World::new();
    let boundary = world.policy(ACCOUNT, "b", &ALLOW_ALL.replace(r#""Action":"*""#, r#""Action":"iam:Get*""#));
    for (boundary, get, create) in [
        (boundary, Effect::Allow, Effect::ImplicitDeny),
        ("arn:aws:iam::111111111111:policy/gone".to_owned(), Effect::ImplicitDeny, Effect::ImplicitDeny),
    ] {
        let user = records::User {
            permissions_boundary_arn: boundary,
            inline_policies: inline(ALLOW_ALL),
            ..world.user_record("ada")
        };
        let user = world.put_user(user);
        let caller = world.caller(&user).unwrap();
        assert_eq!(may(&caller, "iam:GetUser", "arn:aws:iam::111111111111:user/x").0, get);
        assert_eq!(may(&caller, "iam:CreateUser", "arn:aws:iam::111111111111:user/x"), (create, Reason::Boundary));
    }
}

#[test]
fn c5_session_policies_only_narrow_and_one_that_is_gone_allows_nothing() {
    let Sessions { mut world, role, .. } = sessions();
    let get = ALLOW_ALL.replace(r#""Action":"*""#, r#""Action":"iam:Get*""#);
    let managed = world.policy(ACCOUNT, "get", &get);
    let user = "arn:aws:iam::111111111111:user/x";
    let base = claims(&world, &role);
    let narrowed = |claims| {
        let caller = world.caller(&world.session(&claims)).unwrap();
        [may(&caller, "iam:GetUser", user).0, may(&caller, "iam:CreateUser", user).0]
    };
    let inline = Claims { session_policy: Some(get), ..base.clone() };
    assert_eq!(narrowed(inline), [Effect::Allow, Effect::ImplicitDeny]);
    let by_arn = Claims { session_policy_arns: vec![managed], ..base.clone() };
    assert_eq!(narrowed(by_arn), [Effect::Allow, Effect::ImplicitDeny]);
    let gone = Claims { session_policy_arns: vec!["arn:aws:iam::111111111111:policy/gone".into()], ..base.clone() };
    assert_eq!(narrowed(gone), [Effect::ImplicitDeny; 2]);
    assert_eq!(narrowed(base), [Effect::Allow; 2]);
}

#[test]
fn c5_a_session_policy_that_cannot_be_read_makes_the_token_unusable() {
    let Sessions { world, role, .. } = sessions();
    let unreadable = world.session(&Claims { session_policy: Some("{}".into()), ..claims(&world, &role) });
    refused(world.caller(&unreadable));
}

#[test]
fn a_federated_user_has_what_both_its_user_and_its_session_policies_allow() {
    let Sessions { mut world, federated, .. } = sessions();
    let object = "arn:aws:s3:::bucket/key";
    assert_eq!(may(&world.caller(&federated).unwrap(), "s3:GetObject", object).0, Effect::Allow);
    let without = world.session(&Claims { session_policy: None, ..claims(&world, &federated) });
    let without = world.caller(&without).unwrap();
    assert_eq!(may(&without, "s3:GetObject", object), (Effect::ImplicitDeny, Reason::SessionPolicy));
    assert_eq!(claims(&world, &federated).origin, Origin::FederationToken);

    let unique_id = world.snapshot.user(account(), "ada").unwrap().id.to_string();
    let bare = records::User { unique_id, ..world.user_record("ada") };
    world.put_user(bare);
    let caller = world.caller(&federated).unwrap();
    assert_eq!(may(&caller, "s3:GetObject", object), (Effect::ImplicitDeny, Reason::NoMatchingAllow));
}

#[test]
fn a_denial_is_aws_s_sentence_and_then_the_reason() {
    let mut world = World::new();
    let user = world.user("ada", "");
    let caller = world.caller(&user).unwrap();
    let other = arn("arn:aws:iam::111111111111:user/x");
    let error =
        caller.demand(&Asked { action: "iam:CreateUser", resource: &other, context: &caller.context() }).unwrap_err();
    assert_eq!(error.kind(), Kind::AccessDenied(Reason::NoMatchingAllow));
    assert_eq!(
        error.message(),
        "User: arn:aws:iam::111111111111:user/ada is not authorized to perform: iam:CreateUser on resource: \
         arn:aws:iam::111111111111:user/x (NO_MATCHING_ALLOW): no identity-based policy allows it."
    );
}

#[test]
fn c9_nothing_that_a_client_names_fills_a_key_of_the_server() {
    let mut world = World::new();
    let tags = vec![records::Tag { key: "../userid".into(), value: "forged".into() }];
    let user = records::User { tags, inline_policies: inline(ALLOW_ALL), ..world.user_record("ada") };
    let id = user.unique_id.clone();
    let user = world.put_user(user);
    let caller = world.caller(&user).unwrap();
    assert!(satisfies(&caller, &equals("aws:userid", &id)));
    assert!(satisfies(&caller, &equals("aws:PrincipalTag/../userid", "forged")));
}
