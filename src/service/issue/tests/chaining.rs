//! Sessions made from sessions.

use brevet_validator::token::{Claims, SessionId};
use proptest::prelude::*;

use super::*;
use crate::service::issue::GetSessionToken;
use crate::service::test_world::{ACCOUNT, ALLOW_ALL, assume_role, trust};

/// An administrator, and roles `r0` and `r1` that trust the account and may do everything.
fn world() -> (World, Credentials, [String; 2]) {
    let mut world = World::new();
    let user = world.user("ada", ALLOW_ALL);
    let roles = ["r0", "r1"].map(|name| world.role(name, &trust(ACCOUNT), ALLOW_ALL));
    (world, user, roles)
}

#[test]
fn a_chained_session_knows_where_it_comes_from() {
    let (world, user, [r0, r1]) = world();
    let ask = AssumeRole { duration_seconds: text("7200"), ..assume_role(&r0) };
    let first = world.assume(&user, &ask).unwrap();
    let second = world.assume(&first.credentials, &assume_role(&r1)).unwrap();
    let third = world.assume(&second.credentials, &assume_role(&r0)).unwrap();
    assert_eq!(third.parent(), Some(second.session_id));
    let claims = session(&world, &third.credentials).claims;
    assert_eq!(claims.ancestors, [first.session_id, second.session_id]);
    assert_eq!(claims.root_expires_at, Some(first.lifetime.expires_at));
    let origin = session(&world, &first.credentials).claims;
    assert_eq!(claims.source_access_key, Some(user.access_key_id));
    assert_eq!((claims.source_user, claims.source_user.is_some()), (origin.source_user, true));
}

#[test]
fn c11_role_chaining_gives_an_hour_at_most() {
    let (world, user, [r0, r1]) = world();
    let first = world.assume(&user, &assume_role(&r0)).unwrap().credentials;
    let ask = |seconds: &str| AssumeRole { duration_seconds: text(seconds), ..assume_role(&r1) };
    invalid(
        world.assume(&first, &ask("3601")),
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
    );
    assert_eq!(world.assume(&first, &ask("3600")).unwrap().lifetime.seconds(), 3600);
    assert_eq!(world.assume(&first, &assume_role(&r1)).unwrap().lifetime.seconds(), 3600);
}

#[test]
fn a_session_of_get_session_token_is_no_role_and_its_roles_live_as_long_as_they_may() {
    let (world, user, [r0, _]) = world();
    let caller = world.caller(&user).unwrap();
    let token = world.issuer.session_token(&caller, &GetSessionToken::default()).unwrap();
    let ask = AssumeRole { duration_seconds: text("43200"), source_identity: text("ada"), ..assume_role(&r0) };
    let issued = world.assume(&token.credentials, &ask).unwrap();
    assert_eq!((issued.lifetime.seconds(), issued.parent()), (43_200, Some(token.session_id)));
    assert_eq!(issued.source_identity(), Some("ada"));
}

#[test]
fn c11_a_chain_has_at_most_eight_links() {
    let (world, user, roles) = world();
    let mut credentials = world.assume(&user, &assume_role(&roles[0])).unwrap().credentials;
    for n in 1..=Claims::MAX_ANCESTORS {
        credentials = world.assume(&credentials, &assume_role(&roles[n % 2])).unwrap().credentials;
    }
    let message = denied(world.assume(&credentials, &assume_role(&roles[0])), Reason::ExplicitDeny);
    assert!(message.starts_with("A chain of sessions has at most 8 links."), "{message}");
}

#[test]
fn c12_transitive_tags_are_inherited_and_others_are_not() {
    let (world, user, [r0, r1]) = world();
    let ask = AssumeRole {
        tags: vec![tag("Team", "red"), tag("project", "x")],
        transitive_tag_keys: vec!["team".to_owned()],
        ..assume_role(&r0)
    };
    let first = world.assume(&user, &ask).unwrap().credentials;
    for key in ["Team", "team", "TEAM"] {
        let ask = AssumeRole { tags: vec![tag(key, "blue")], ..assume_role(&r1) };
        invalid(world.assume(&first, &ask), "conflicts with a transitive tag key from the calling session");
    }
    let second = world.assume(&first, &AssumeRole { tags: vec![tag("project", "y")], ..assume_role(&r1) }).unwrap();
    let third = world.assume(&second.credentials, &assume_role(&r0)).unwrap();
    assert_eq!(third.packed_policy_size, None, "nothing was passed");
    let tags = session(&world, &third.credentials).claims.tags;
    let tags: Vec<_> = tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str(), tag.transitive)).collect();
    assert_eq!(tags, [("Team", "red", true)]);
}

#[test]
fn c12_inherited_tags_need_the_permission_to_tag() {
    let (mut world, user, [r0, _]) = world();
    let untagged = trust(ACCOUNT).replace(r#""sts:TagSession","#, "");
    let untagged = world.role("untagged", &untagged, "");
    let ask =
        AssumeRole { tags: vec![tag("team", "red")], transitive_tag_keys: vec!["team".to_owned()], ..assume_role(&r0) };
    let first = world.assume(&user, &ask).unwrap().credentials;
    let message = denied(world.assume(&first, &assume_role(&untagged)), Reason::TrustNotSatisfied);
    assert!(message.contains("sts:TagSession"), "{message}");
}

#[test]
fn c12_a_source_identity_is_kept_and_never_changed() {
    let (mut world, user, [r0, r1]) = world();
    let with = |role: &str, name: &str| AssumeRole { source_identity: text(name), ..assume_role(role) };
    let first = world.assume(&user, &with(&r0, "ada")).unwrap().credentials;
    let kept = world.assume(&first, &assume_role(&r1)).unwrap();
    assert_eq!(kept.source_identity(), Some("ada"));
    assert_eq!(session(&world, &kept.credentials).claims.source_identity.as_deref(), Some("ada"));
    assert!(world.assume(&first, &with(&r1, "ada")).is_ok());
    denied(world.assume(&first, &with(&r1, "Ada")), Reason::ExplicitDeny);

    let anonymous = world.assume(&user, &assume_role(&r0)).unwrap().credentials;
    denied(world.assume(&anonymous, &with(&r1, "ada")), Reason::ExplicitDeny);

    let closed = trust(ACCOUNT).replace(r#","sts:SetSourceIdentity""#, "");
    let closed = world.role("closed", &closed, "");
    let message = denied(world.assume(&first, &assume_role(&closed)), Reason::TrustNotSatisfied);
    assert!(message.contains("sts:SetSourceIdentity"), "{message}");
}

#[test]
fn a_session_policy_limits_which_roles_its_session_may_take_on() {
    let (world, user, [r0, r1]) = world();
    let policy = text(&ALLOW_ALL.replace(r#""Action":"*""#, r#""Action":"s3:*""#));
    let first = world.assume(&user, &AssumeRole { policy, ..assume_role(&r0) }).unwrap().credentials;
    denied(world.assume(&first, &assume_role(&r1)), Reason::TrustNotSatisfied);
}

proptest! {
    #[test]
    fn c11_c12_a_chain_never_exceeds_what_it_began_with(
        hops in prop::collection::vec(
            (
                prop::option::of(800u32..5_000),
                prop::collection::vec(("[a-cA-C]", "[xy]", any::<bool>()), 0..3),
                prop::option::of("[ab]{2}"),
            ),
            1..6,
        ),
    ) {
        let (world, user, roles) = world();
        let mut credentials = user;
        let mut before: Option<(SessionId, Claims)> = None;
        for (n, (seconds, tags, source_identity)) in hops.into_iter().enumerate() {
            let transitive = tags.iter().filter(|(_, _, transitive)| *transitive);
            let ask = AssumeRole {
                duration_seconds: seconds.map(|seconds| seconds.to_string()),
                transitive_tag_keys: transitive.map(|(key, _, _)| key.clone()).collect(),
                tags: tags.iter().map(|(key, value, _)| tag(key, value)).collect(),
                source_identity,
                ..assume_role(&roles[n % 2])
            };
            let Ok(issued) = world.assume(&credentials, &ask) else { continue };
            let claims = session(&world, &issued.credentials).claims;
            if let Some((parent, before)) = &before {
                prop_assert!(issued.lifetime.seconds() <= 3600);
                prop_assert!(before.tags.iter().filter(|tag| tag.transitive).all(|tag| claims.tags.contains(tag)));
                prop_assert_eq!(&claims.source_identity, &before.source_identity);
                prop_assert_eq!(claims.ancestors.last(), Some(parent));
                prop_assert_eq!(claims.ancestors.len(), before.ancestors.len() + 1);
                prop_assert_eq!(claims.source_access_key, before.source_access_key);
            }
            credentials = issued.credentials;
            before = Some((issued.session_id, claims));
        }
    }
}
