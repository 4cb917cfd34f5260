use super::stage::*;
use crate::service::directory::Tag;
use crate::service::error::Kind;
use crate::service::iam::*;
use crate::service::test_world::ACCOUNT;

type On = fn(&str, OwnedAction) -> Request;

/// What holds for users holds for roles.
async fn both() -> (Stage, [(On, &'static str, &'static str); 2]) {
    let mut stage = Stage::new().await;
    stage.done(create_user("x")).await;
    stage.done(create_role("x", NO_ONE)).await;
    (stage, [(of_user, "user", "User"), (of_role, "role", "Role")])
}

fn tags(answer: Answer) -> Vec<Tag> {
    match answer {
        Answer::Tags(page) => page.items,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn inline_policies_are_put_shown_listed_and_deleted() {
    let (mut stage, owners) = both().await;
    for (on, word, _) in owners {
        for name in ["b", "a", "b"] {
            stage.done(on("x", put_policy(name, &allow("s3:*", &format!("arn:aws:s3:::{name}"))))).await;
        }
        let Answer::PolicyNames(page) = stage.done(on("x", OwnedAction::ListPolicies(PageInput::default()))).await
        else {
            panic!("no names")
        };
        assert_eq!(page.items, ["a", "b"]);
        let get = || OwnedAction::GetPolicy { policy_name: some("b") };
        let Answer::InlinePolicy(shown) = stage.done(on("X", get())).await else { panic!("no policy") };
        assert_eq!((shown.owner.as_str(), shown.name.as_str()), ("x", "b"));
        assert_eq!(*shown.document, allow("s3:*", "arn:aws:s3:::b"));
        stage.done(on("x", OwnedAction::DeletePolicy { policy_name: some("b") })).await;
        let absent = (Kind::NoSuchEntity, format!("The {word} policy with name b cannot be found."));
        assert_eq!(stage.refused(on("x", get())).await, absent);
        assert_eq!(stage.refused(on("x", OwnedAction::DeletePolicy { policy_name: some("b") })).await, absent);
    }
}

#[tokio::test]
async fn managed_policies_are_attached_listed_and_detached() {
    let (mut stage, owners) = both().await;
    for n in 0..=10 {
        let path = some(if n % 2 == 0 { "/even/" } else { "/odd/" });
        let (policy_name, policy_document) = (Some(format!("p{n:02}")), policy_text(&allow("s3:*", "*")));
        stage
            .done(Request::CreatePolicy(CreatePolicy { path, policy_name, policy_document, ..Default::default() }))
            .await;
    }
    let name = |n: usize| format!("{}/p{n:02}", if n.is_multiple_of(2) { "even" } else { "odd" });
    for (on, _, kind) in owners {
        for n in (0..10).rev() {
            stage.done(on("x", attach(&name(n)))).await;
        }
        stage.done(on("x", attach(&name(3)))).await;
        let refusal = stage.refused(on("x", attach(&name(10)))).await;
        assert_eq!(refusal, (Kind::LimitExceeded, format!("Cannot exceed quota for PoliciesPer{kind}: 10")));

        let list = ListByPath { path_prefix: some("/odd/"), page: PageInput::default() };
        let Answer::AttachedPolicies(page) = stage.done(on("x", OwnedAction::ListAttachedPolicies(list))).await else {
            panic!("no policies")
        };
        assert_eq!(page.items.len(), 5);
        assert_eq!(page.items[0], AttachedPolicy { name: "p01".into(), arn: policy_arn("odd/p01") });

        let detach = || OwnedAction::DetachPolicy { policy_arn: Some(policy_arn("odd/p01")) };
        stage.done(on("x", detach())).await;
        let absent = (Kind::NoSuchEntity, format!("Policy {} was not found.", policy_arn("odd/p01")));
        assert_eq!(stage.refused(on("x", detach())).await, absent);
    }
}

#[tokio::test]
async fn a_boundary_is_put_shown_and_taken_away() {
    let (mut stage, owners) = both().await;
    stage.done(create_policy("p", &allow("s3:*", "*"))).await;
    let arn = format!("arn:aws:iam::{ACCOUNT}:policy/p");
    for (on, _, _) in owners {
        stage.done(on("x", put_boundary("p"))).await;
        let absent = stage.refused(on("x", put_boundary("q"))).await;
        assert_eq!(absent.0, Kind::NoSuchEntity);
    }
    let Answer::User(user) = stage.done(Request::GetUser(user_name("x"))).await else { panic!("no user") };
    let Answer::Role(role) = stage.done(Request::GetRole(role_name("x"))).await else { panic!("no role") };
    assert_eq!((user.boundary.as_ref(), role.boundary.as_ref()), (Some(&arn), Some(&arn)));
    for (on, _, _) in owners {
        // Taking away what is not there changes nothing.
        stage.done(on("x", OwnedAction::DeletePermissionsBoundary {})).await;
        stage.done(on("x", OwnedAction::DeletePermissionsBoundary {})).await;
    }
    let Answer::User(user) = stage.done(Request::GetUser(user_name("x"))).await else { panic!("no user") };
    assert_eq!(user.boundary, None);
}

#[tokio::test]
async fn tags_are_put_replaced_whatever_their_case_and_removed() {
    let (mut stage, owners) = both().await;
    for (on, _, kind) in owners {
        stage.done(on("x", OwnedAction::Tag { tags: vec![tag("Team", "blue"), tag("Zone", "1")] })).await;
        stage.done(on("x", OwnedAction::Tag { tags: vec![tag("team", "red")] })).await;
        let shown = tags(stage.done(on("x", OwnedAction::ListTags(PageInput::default()))).await);
        let expected =
            [("Zone", "1"), ("team", "red")].map(|(key, value)| Tag { key: key.into(), value: value.into() });
        assert_eq!(shown, expected);
        stage.done(on("x", OwnedAction::Untag { tag_keys: vec!["TEAM".into(), "absent".into()] })).await;
        let shown = tags(stage.done(on("x", OwnedAction::ListTags(PageInput::default()))).await);
        assert_eq!(shown.len(), 1);

        let many = (0..49).map(|n| tag(&n.to_string(), "")).collect();
        stage.done(on("x", OwnedAction::Tag { tags: many })).await;
        let refusal = stage.refused(on("x", OwnedAction::Tag { tags: vec![tag("one more", "")] })).await;
        assert_eq!(refusal, (Kind::LimitExceeded, format!("Cannot exceed quota for TagsPer{kind}: 50")));
    }
}

#[tokio::test]
async fn a21_tags_with_characters_that_forge_lines_are_refused() {
    let mut stage = Stage::new().await;
    let bad = [
        tag("", "v"),
        tag(&"k".repeat(129), "v"),
        tag("k", &"v".repeat(257)),
        tag("a\r\nb", "v"),
        tag("k", "a\0b"),
        tag("k", "a\u{2028}b"),
        tag("k", "<b>"),
        TagInput { key: None, value: some("v") },
        TagInput { key: some("k"), value: None },
    ];
    for bad in bad {
        let (kind, text) = stage.refused(of_user("admin", OwnedAction::Tag { tags: vec![bad] })).await;
        assert_eq!(kind, Kind::ValidationError);
        assert!(!text.chars().any(|c| c.is_control() || c == '\u{2028}'), "{text:?}");
    }
    for bad in [vec![tag("k", "1"), tag("K", "2")], vec![tag("aws:x", "")], vec![tag("AWS:x", "")]] {
        assert_eq!(stage.refused(of_user("admin", OwnedAction::Tag { tags: bad })).await.0, Kind::InvalidInput);
    }
    let many = (0..51).map(|n| tag(&n.to_string(), "")).collect();
    assert_eq!(stage.refused(of_user("admin", OwnedAction::Tag { tags: many })).await.0, Kind::ValidationError);
    stage.done(of_user("admin", OwnedAction::Tag { tags: vec![tag("Größe 1_.:/=+-@", "")] })).await;
}
