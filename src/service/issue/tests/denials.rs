//! Who may not take a role on, and that the answer does not tell whether there is one.

use super::*;
use crate::service::test_world::{ACCOUNT, ALLOW_ALL, OTHER_ACCOUNT, assume_role, inline, trust};
use crate::store::records;

const DENY_ASSUME: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},
    {"Effect":"Deny","Action":"sts:AssumeRole","Resource":"*"}]}"#;
const DENY_UNTAGGED: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},
    {"Effect":"Deny","Action":"sts:AssumeRole","Resource":"*","Condition":{"StringNotEquals":{"aws:ResourceTag/team":"red"}}}]}"#;
const DENY_SECRET: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},
    {"Effect":"Deny","Action":"sts:AssumeRole","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/team":"blue"}}}]}"#;

/// The same refusal for the same ARN, with and without a role behind it.
#[track_caller]
fn indistinguishable(world: &mut World, user: &Credentials, role: records::Role, reason: Reason) {
    let arn = format!("arn:aws:iam::{}:role{}{}", role.account, role.path, role.name);
    let ask = AssumeRole { tags: vec![tag("k", "v")], source_identity: text("someone"), ..assume_role(&arn) };
    let absent = denied(world.assume(user, &ask), reason);
    world.put_role(role);
    assert_eq!(denied(world.assume(user, &ask), reason), absent);
}

#[test]
fn c17_absent_refusing_and_foreign_roles_are_one_answer_to_every_caller() {
    for (policy, reason) in [
        ("", Reason::TrustNotSatisfied),
        (ALLOW_ALL, Reason::TrustNotSatisfied),
        (DENY_ASSUME, Reason::ExplicitDeny),
        (DENY_UNTAGGED, Reason::ExplicitDeny),
        (DENY_SECRET, Reason::TrustNotSatisfied),
    ] {
        let mut world = World::new();
        let user = world.user("ada", policy);
        world.user("eve", "");
        let eve = "arn:aws:iam::111111111111:user/eve";
        let refusing = world.role_record("refusing", &trust(eve));
        indistinguishable(&mut world, &user, refusing, reason);
        let foreign = records::Role { account: OTHER_ACCOUNT.into(), ..world.role_record("foreign", &trust(eve)) };
        indistinguishable(&mut world, &user, foreign, reason);
        let denying = trust(ACCOUNT).replace("Allow", "Deny");
        let denying = world.role_record("denying", &denying);
        indistinguishable(&mut world, &user, denying, reason);
        let tags = vec![records::Tag { key: "team".into(), value: "blue".into() }];
        let tagged = records::Role { tags, ..world.role_record("tagged", &trust(eve)) };
        indistinguishable(&mut world, &user, tagged, reason);
    }
}

#[test]
fn c17_a_role_that_leaves_it_to_the_account_is_not_told_to_who_lacks_the_permission() {
    let mut world = World::new();
    let user = world.user("ada", "");
    let role = world.role_record("ops", &trust(ACCOUNT));
    indistinguishable(&mut world, &user, role, Reason::TrustNotSatisfied);
    let across = records::Role { account: OTHER_ACCOUNT.into(), ..world.role_record("across", &trust(ACCOUNT)) };
    indistinguishable(&mut world, &user, across, Reason::TrustNotSatisfied);
}

#[test]
fn the_refusal_names_the_caller_and_the_arn_as_it_was_sent() {
    let mut world = World::new();
    let user = world.user("ada", ALLOW_ALL);
    let message =
        denied(world.assume(&user, &assume_role("arn:aws:iam::222222222222:role/A/b")), Reason::TrustNotSatisfied);
    assert_eq!(
        message,
        "User: arn:aws:iam::111111111111:user/ada is not authorized to perform: sts:AssumeRole on resource: \
         arn:aws:iam::222222222222:role/A/b (TRUST_NOT_SATISFIED): the role's trust policy does not allow it, or there \
         is no such role."
    );
}

#[test]
fn a_user_whom_the_trust_policy_names_needs_no_permission_in_its_own_account() {
    let mut world = World::new();
    let user = world.user("ada", "");
    let ada = "arn:aws:iam::111111111111:user/ada";
    let role = world.role("ops", &trust(ada), "");
    assert!(world.assume(&user, &assume_role(&role)).is_ok());
    let foreign = records::Role { account: OTHER_ACCOUNT.into(), ..world.role_record("far", &trust(ada)) };
    let foreign = world.put_role(foreign);
    denied(world.assume(&user, &assume_role(&foreign)), Reason::TrustNotSatisfied);
}

#[test]
fn across_accounts_both_sides_must_allow() {
    let mut world = World::new();
    let user = world.user("ada", ALLOW_ALL);
    let foreign = records::Role { account: OTHER_ACCOUNT.into(), ..world.role_record("far", &trust(ACCOUNT)) };
    let foreign = world.put_role(foreign);
    let issued = world.assume(&user, &assume_role(&foreign)).unwrap();
    assert_eq!(session(&world, &issued.credentials).claims.account().as_str(), OTHER_ACCOUNT);
}

#[test]
fn an_explicit_deny_that_only_the_role_s_tags_bring_about_denies() {
    let mut world = World::new();
    let user = world.user("ada", DENY_SECRET);
    let team = |value: &str| vec![records::Tag { key: "team".into(), value: value.into() }];
    let blue = records::Role { tags: team("blue"), ..world.role_record("blue", &trust(ACCOUNT)) };
    let red = records::Role { tags: team("red"), ..world.role_record("red", &trust(ACCOUNT)) };
    let [blue, red] = [blue, red].map(|role| world.put_role(role));
    denied(world.assume(&user, &assume_role(&blue)), Reason::TrustNotSatisfied);
    assert!(world.assume(&user, &assume_role(&red)).is_ok());

    let user = world.user("bob", DENY_UNTAGGED);
    denied(world.assume(&user, &assume_role(&blue)), Reason::ExplicitDeny);
    assert!(world.assume(&user, &assume_role(&red)).is_ok());
}

#[test]
fn root_takes_no_roles_on() {
    let mut world = World::new();
    let root = world.root();
    let role = world.role("ops", &trust(ACCOUNT), "");
    for arn in [role.as_str(), "arn:aws:iam::111111111111:role/absent"] {
        let message = denied(world.assume(&root, &assume_role(arn)), Reason::ExplicitDeny);
        assert_eq!(message, "Roles may not be assumed by root accounts. (EXPLICIT_DENY)");
    }
}

#[test]
fn c15_tags_and_source_identity_are_permissions_of_their_own() {
    let mut world = World::new();
    let only = |actions: &str| {
        trust(ACCOUNT).replace(r#"["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"]"#, actions)
    };
    let user = world.user("ada", ALLOW_ALL);
    let plain = world.role("plain", &only(r#""sts:AssumeRole""#), "");
    let untagged = world.role("untagged", &only(r#"["sts:AssumeRole","sts:SetSourceIdentity"]"#), "");
    let tags = vec![tag("k", "v")];
    assert!(world.assume(&user, &assume_role(&plain)).is_ok());
    for (role, ask) in [
        (&plain, AssumeRole { tags: tags.clone(), ..assume_role(&plain) }),
        (&untagged, AssumeRole { tags: tags.clone(), source_identity: text("ada"), ..assume_role(&untagged) }),
    ] {
        let message = denied(world.assume(&user, &ask), Reason::TrustNotSatisfied);
        assert!(message.contains(&format!("perform: sts:TagSession on resource: {role}")), "{message}");
    }
    let ask = AssumeRole { source_identity: text("ada"), ..assume_role(&plain) };
    let message = denied(world.assume(&user, &ask), Reason::TrustNotSatisfied);
    assert!(message.contains("perform: sts:SetSourceIdentity on"), "{message}");

    let own_side = ALLOW_ALL.replace(r#""Action":"*""#, r#""Action":"sts:AssumeRole""#);
    let bob = world.user("bob", &own_side);
    let open = world.role("open", &trust(ACCOUNT), "");
    assert!(world.assume(&bob, &assume_role(&open)).is_ok());
    denied(world.assume(&bob, &AssumeRole { tags, ..assume_role(&open) }), Reason::NoMatchingAllow);
}

#[test]
fn a_caller_s_boundary_limits_which_roles_it_may_take_on() {
    let mut world = World::new();
    let boundary = world.policy(ACCOUNT, "b", &ALLOW_ALL.replace(r#""Action":"*""#, r#""Action":"iam:*""#));
    let user = records::User {
        permissions_boundary_arn: boundary,
        inline_policies: inline(ALLOW_ALL),
        ..world.user_record("ada")
    };
    let user = world.put_user(user);
    let role = world.role_record("ops", &trust(ACCOUNT));
    indistinguishable(&mut world, &user, role, Reason::TrustNotSatisfied);
}
