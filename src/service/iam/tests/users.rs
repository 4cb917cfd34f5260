use brevet_validator::validator::Rejection;

use super::stage::*;
use crate::service::error::Kind;
use crate::service::iam::*;
use crate::service::test_world::ACCOUNT;

fn user(answer: Answer) -> UserDetail {
    match answer {
        Answer::User(detail) => detail,
        other => panic!("{other:?}"),
    }
}

fn update(name: &str, new_path: Option<&str>, new_name: Option<&str>) -> Request {
    Request::UpdateUser(UpdateUser {
        user_name: some(name),
        new_path: new_path.map(str::to_owned),
        new_user_name: new_name.map(str::to_owned),
    })
}

#[tokio::test]
async fn a_user_is_made_shown_and_deleted() {
    let mut stage = Stage::new().await;
    let made = user(
        stage
            .done(Request::CreateUser(CreateUser {
                path: some("/ops/"),
                user_name: some("Ada"),
                tags: vec![tag("team", "blue")],
                ..Default::default()
            }))
            .await,
    );
    assert_eq!(made.arn.as_str(), user_arn("ops/Ada"));
    assert!(made.id.starts_with("AIDA") && made.id.len() == 21);

    let shown = user(stage.done(Request::GetUser(user_name("ada"))).await);
    assert_eq!((shown.name.as_deref(), shown.id, shown.tags.len()), (Some("Ada"), made.id, 1));

    stage.done(Request::DeleteUser(user_name("Ada"))).await;
    let refusal = stage.refused(Request::GetUser(user_name("Ada"))).await;
    assert_eq!(refusal, (Kind::NoSuchEntity, "The user with name Ada cannot be found.".into()));
    let refusal = stage.refused(Request::DeleteUser(user_name("Ada"))).await;
    assert_eq!(refusal.0, Kind::NoSuchEntity);
}

#[tokio::test]
async fn c25_names_are_unique_whatever_their_case_and_ascii_alone() {
    let mut stage = Stage::new().await;
    stage.done(create_user("Ada")).await;
    let refusal = stage.refused(create_user("aDA")).await;
    assert_eq!(refusal, (Kind::EntityAlreadyExists, "User with name aDA already exists.".into()));
    for confusable in ["\u{410}da", "Ada ", "A\u{200b}da", "Ada\u{301}", "Ada/x", "Ada\n", "Ada*", "", "a:b"] {
        assert_eq!(stage.refused(create_user(confusable)).await.0, Kind::ValidationError, "{confusable:?}");
    }
}

#[tokio::test]
async fn bounds_of_parameters_are_refused_in_the_words_of_aws() {
    let mut stage = Stage::new().await;
    let missing = stage.refused(Request::CreateUser(CreateUser::default())).await.1;
    assert_eq!(
        missing,
        "1 validation error detected: Value null at 'userName' failed to satisfy constraint: Member must not be null"
    );
    let long = stage.refused(create_user(&"x".repeat(65))).await.1;
    assert!(
        long.ends_with("at 'userName' failed to satisfy constraint: Member must have length less than or equal to 64")
    );
    let bad = stage.refused(create_user("a b")).await.1;
    assert_eq!(
        bad,
        "The specified value for userName is invalid. It must contain only alphanumeric characters and/or the \
         following: +=,.@_-"
    );
    for path in ["", "ops", "/ops", "ops/", "//", "/a b/", "/\u{e9}/"] {
        let request = CreateUser { path: some(path), user_name: some("x"), ..Default::default() };
        assert_eq!(stage.refused(Request::CreateUser(request)).await.0, Kind::ValidationError, "{path}");
    }
    stage.done(create_user(&"x".repeat(64))).await;
}

#[tokio::test]
async fn a_user_moves_with_its_id_its_keys_and_its_policies() {
    let (mut stage, (ada, _)) =
        Stage::with(|world| (world.user("ada", &allow("iam:GetUser", "*")), world.user("bob", ""))).await;
    let before = user(stage.done(Request::GetUser(user_name("ada"))).await);
    stage.done(update("ada", Some("/ops/"), Some("Countess"))).await;
    assert_eq!(stage.refused(Request::GetUser(user_name("ada"))).await.0, Kind::NoSuchEntity);

    // The key still signs, for the same user under its new name.
    let after = user(stage.call_as(&ada, Request::GetUser(UserName::default())).await.unwrap());
    assert_eq!((after.arn.as_str(), &after.id), (user_arn("ops/Countess").as_str(), &before.id));

    stage.done(update("Countess", None, Some("COUNTESS"))).await;
    assert_eq!(user(stage.done(Request::GetUser(user_name("countess"))).await).name.as_deref(), Some("COUNTESS"));

    let refusal = stage.refused(update("countess", None, Some("BOB"))).await;
    assert_eq!(refusal, (Kind::EntityAlreadyExists, "User with name BOB already exists.".into()));
}

#[tokio::test]
async fn a_user_with_keys_or_policies_is_not_deleted() {
    let (mut stage, ()) = Stage::with(|world| {
        world.user("with-key", "");
        world.policy(ACCOUNT, "managed", &allow("s3:*", "*"));
    })
    .await;
    stage.done(create_user("ada")).await;
    let conflict = |text: &str| (Kind::DeleteConflict, text.to_owned());

    let refusal = stage.refused(Request::DeleteUser(user_name("with-key"))).await;
    assert_eq!(refusal, conflict("Cannot delete entity, must delete access keys first."));

    stage.done(of_user("ada", put_policy("p", &allow("s3:*", "*")))).await;
    let refusal = stage.refused(Request::DeleteUser(user_name("ada"))).await;
    assert_eq!(refusal, conflict("Cannot delete entity, must delete policies first."));
    stage.done(of_user("ada", OwnedAction::DeletePolicy { policy_name: some("p") })).await;

    stage.done(of_user("ada", attach("managed"))).await;
    let refusal = stage.refused(Request::DeleteUser(user_name("ada"))).await;
    assert_eq!(refusal, conflict("Cannot delete entity, must detach all policies first."));
    stage.done(of_user("ada", OwnedAction::DetachPolicy { policy_arn: Some(policy_arn("managed")) })).await;

    // A boundary goes with the user.
    stage.done(of_user("ada", put_boundary("managed"))).await;
    stage.done(Request::DeleteUser(user_name("ada"))).await;
}

#[tokio::test]
async fn without_a_name_the_caller_is_shown() {
    let (mut stage, root) = Stage::with(|world| world.root()).await;
    let admin = user(stage.done(Request::GetUser(UserName::default())).await);
    assert_eq!(admin.name.as_deref(), Some("admin"));
    let shown = user(stage.call_as(&root, Request::GetUser(UserName::default())).await.unwrap());
    assert_eq!((shown.id.as_str(), shown.name), (ACCOUNT, None));
    assert_eq!(shown.arn.as_str(), format!("arn:aws:iam::{ACCOUNT}:root"));
}

#[tokio::test]
async fn c27_a_user_made_again_under_the_same_name_is_another() {
    let (mut stage, ada) = Stage::with(|world| world.user("ada", &allow("iam:*", "*"))).await;
    let old = stage.caller(&ada);
    let before = user(stage.done(Request::GetUser(user_name("ada"))).await);
    let keys = DeleteAccessKey { user_name: some("ada"), access_key_id: some(ada.access_key_id.as_str()) };
    stage.done(Request::DeleteAccessKey(keys)).await;
    stage.done(of_user("ada", OwnedAction::DeletePolicy { policy_name: some("p") })).await;
    stage.done(Request::DeleteUser(user_name("ada"))).await;
    let after = user(stage.done(create_user("ada")).await);
    assert_ne!(before.id, after.id);

    // A request that was authenticated before the change makes no key for the new user.
    let refusal = stage.iam.call(&old, Request::CreateAccessKey(CreateAccessKey::default())).await.unwrap_err();
    assert_eq!(refusal.kind(), Kind::NoSuchEntity);
    let snapshot = stage.directory.snapshot();
    assert!(snapshot.user(ACCOUNT.parse().unwrap(), "ada").unwrap().access_keys.is_empty());

    stage.caller(&stage.admin.clone());
    let rejection = stage.world().verified(&ada, crate::service::test_world::now()).unwrap_err();
    assert_eq!(rejection, Rejection::InvalidToken);
}
