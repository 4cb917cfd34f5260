use std::collections::HashSet;

use brevet_validator::credential::Credentials;
use futures_util::future::join_all;

use super::stage::*;
use crate::service::directory::{KeyOwner, KeyStatus};
use crate::service::error::Kind;
use crate::service::iam::*;
use crate::service::test_world::account;

fn new_key(answer: Answer) -> Credentials {
    match answer {
        Answer::NewAccessKey(key, secret) => {
            Credentials { access_key_id: key.id, secret_access_key: secret, security_token: None, expiration: None }
        }
        other => panic!("{other:?}"),
    }
}

fn listed(answer: Answer) -> Vec<AccessKeyDetail> {
    match answer {
        Answer::AccessKeys(page) => page.items,
        other => panic!("{other:?}"),
    }
}

fn list(user: Option<&str>) -> Request {
    Request::ListAccessKeys(ListAccessKeys {
        user_name: user.map(str::to_owned),
        page: PageInput::default(),
        ..Default::default()
    })
}

fn set_status(user: &str, id: &str, status: &str) -> Request {
    let (user_name, access_key_id, status) = (some(user), some(id), some(status));
    Request::UpdateAccessKey(UpdateAccessKey { user_name, access_key_id, status })
}

fn delete(user: Option<&str>, id: &str) -> Request {
    Request::DeleteAccessKey(DeleteAccessKey { user_name: user.map(str::to_owned), access_key_id: some(id) })
}

#[tokio::test]
async fn a_key_signs_until_it_is_disabled_or_deleted() {
    let mut stage = Stage::new().await;
    stage.done(create_user("ada")).await;
    stage.done(of_user("ada", put_policy("p", &allow("iam:*", "*")))).await;
    let key = new_key(stage.done(create_access_key("ada")).await);
    assert_eq!(key.secret_access_key.expose().len(), 40);
    let id = key.access_key_id.as_str();
    assert_eq!(listed(stage.call_as(&key, list(None)).await.unwrap())[0].id, key.access_key_id);

    stage.done(set_status("ada", id, "Inactive")).await;
    assert_eq!(listed(stage.done(list(Some("ada"))).await)[0].status, KeyStatus::Inactive);
    assert!(stage.world().verified(&key, crate::service::test_world::now()).is_err());
    stage.done(set_status("ada", id, "Active")).await;
    stage.caller(&key);

    stage.done(delete(Some("ada"), id)).await;
    assert!(listed(stage.done(list(Some("ada"))).await).is_empty());
    assert!(stage.directory.snapshot().access_key(key.access_key_id).is_none());
    let refusal = stage.refused(delete(Some("ada"), id)).await;
    assert_eq!(refusal, (Kind::NoSuchEntity, format!("The Access Key with id {id} cannot be found.")));
}

#[tokio::test]
async fn a_third_key_exceeds_the_quota() {
    let mut stage = Stage::new().await;
    stage.done(create_user("ada")).await;
    stage.done(create_access_key("ada")).await;
    stage.done(create_access_key("ada")).await;
    let refusal = stage.refused(create_access_key("ada")).await;
    assert_eq!(refusal, (Kind::LimitExceeded, "Cannot exceed quota for AccessKeysPerUser: 2".into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_at_once_make_two_keys() {
    let mut stage = Stage::new().await;
    stage.done(create_user("ada")).await;
    let caller = stage.caller(&stage.admin.clone());
    let calls = (0..100).map(|_| {
        let (iam, caller) = (stage.iam.clone(), caller.clone());
        tokio::spawn(async move { iam.call(&caller, create_access_key("ada")).await })
    });
    let results: Vec<_> = join_all(calls).await.into_iter().map(Result::unwrap).collect();
    let (made, refused): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!((made.len(), refused.len()), (2, 98));
    assert!(refused.into_iter().all(|error| error.unwrap_err().kind() == Kind::LimitExceeded));
    let ids: HashSet<_> = made.into_iter().map(|answer| new_key(answer.unwrap()).access_key_id).collect();
    let snapshot = stage.directory.snapshot();
    let user = snapshot.user(account(), "ada").unwrap();
    assert_eq!(user.access_keys.iter().copied().collect::<HashSet<_>>(), ids);
    assert!(ids.iter().all(|id| snapshot.access_key(*id).is_some()));
}

#[tokio::test]
async fn root_has_keys_of_its_own_and_they_are_nobody_elses() {
    let (mut stage, root) = Stage::with(|world| world.root()).await;
    let second = new_key(stage.call_as(&root, Request::CreateAccessKey(CreateAccessKey::default())).await.unwrap());
    assert_eq!(stage.directory.snapshot().access_key(second.access_key_id).unwrap().owner, KeyOwner::Root);
    let third = stage.call_as(&root, Request::CreateAccessKey(CreateAccessKey::default())).await.unwrap_err();
    assert_eq!(third.kind(), Kind::LimitExceeded);
    assert_eq!(listed(stage.call_as(&second, list(None)).await.unwrap()).len(), 2);

    // An administrator reaches them under no name.
    let id = second.access_key_id.to_string();
    for user in [Some("root"), Some("admin"), None] {
        assert_eq!(stage.refused(delete(user, &id)).await.0, Kind::NoSuchEntity, "{user:?}");
    }
    stage.call_as(&root, delete(None, &id)).await.unwrap();
}

#[tokio::test]
async fn c2_a_key_is_reached_through_its_own_user_alone() {
    let (mut stage, (ada, bob)) = Stage::with(|world| {
        let own = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:*AccessKey*",
            "Resource":"arn:aws:iam::*:user/${aws:username}"}}"#;
        (world.user("ada", own), world.user("bob", own))
    })
    .await;
    let bobs = bob.access_key_id.as_str();
    // Naming the other user is denied, naming the other's key under one's own name finds nothing.
    for request in [
        create_access_key("bob"),
        create_access_key("admin"),
        list(Some("bob")),
        set_status("bob", bobs, "Inactive"),
        delete(Some("bob"), bobs),
    ] {
        let name = request.name();
        let kind = stage.call_as(&ada, request).await.unwrap_err().kind();
        assert!(matches!(kind, Kind::AccessDenied(_)), "{name}: {kind:?}");
    }
    for request in [set_status("ada", bobs, "Inactive"), delete(Some("ada"), bobs), delete(None, bobs)] {
        assert_eq!(stage.call_as(&ada, request).await.unwrap_err().kind(), Kind::NoSuchEntity);
    }
    stage.call_as(&ada, Request::CreateAccessKey(CreateAccessKey::default())).await.unwrap();
    stage.caller(&bob);
}

#[tokio::test]
async fn statuses_and_ids_out_of_bounds_are_refused() {
    let mut stage = Stage::new().await;
    let id = stage.admin.access_key_id.to_string();
    for status in ["Expired", "active", ""] {
        let (kind, text) = stage.refused(set_status("admin", &id, status)).await;
        assert_eq!(kind, Kind::ValidationError, "{status}");
        assert!(text.ends_with("Member must satisfy enum value set: [Active, Inactive]"), "{text}");
    }
    for bad in ["", "AKIA", &"A".repeat(129), "AKIAIOSFODNN7EXAMPL!", "AKIAIOSFODNN7EXAMP\r\n"] {
        assert_eq!(stage.refused(delete(Some("admin"), bad)).await.0, Kind::ValidationError, "{bad:?}");
    }
    for unknown in ["AKIAIOSFODNN7EXAMPLE", "not_an_id_but_allowed", &id.to_lowercase()] {
        assert_eq!(stage.refused(delete(Some("admin"), unknown)).await.0, Kind::NoSuchEntity, "{unknown}");
    }
}
