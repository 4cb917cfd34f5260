//! Access keys that end, are replaced or leaked.

use brevet_validator::credential::Credentials;
use brevet_validator::timestamp::Timestamp;

use super::stage::*;
use crate::service::directory::{KeyStatus, KeyUse};
use crate::service::error::Kind;
use crate::service::iam::*;
use crate::service::last_uses::LastUses;
use crate::service::test_world::{ACCOUNT, ALLOW_ALL, assume_role, now, trust};

fn make(user: &str, expiration: Option<Expiration>, description: &str) -> Request {
    let description = some(description);
    Request::CreateAccessKey(CreateAccessKey { user_name: some(user), description, expiration })
}

fn of_key(key: &Credentials, action: KeyAction) -> Request {
    Request::Key(KeyRequest { access_key_id: Some(key.access_key_id.to_string()), action })
}

fn rotate(overlap: Option<i64>) -> KeyAction {
    KeyAction::Rotate { overlap, expiration: None }
}

fn new_key(answer: Answer) -> (AccessKeyDetail, Credentials) {
    let (Answer::NewAccessKey(key, secret) | Answer::RotatedAccessKey { new: key, secret, .. }) = answer else {
        panic!("{answer:?}")
    };
    let access_key_id = key.id;
    (key, Credentials { access_key_id, secret_access_key: secret, security_token: None, expiration: None })
}

fn detail(answer: Answer) -> AccessKeyDetail {
    match answer {
        Answer::AccessKey(key) | Answer::QuarantinedAccessKey(key, _) | Answer::AccessKeyLastUsed(key) => key,
        other => panic!("{other:?}"),
    }
}

/// A user who may do anything, and a key.
async fn ada(stage: &mut Stage, expiration: Option<Expiration>) -> Credentials {
    stage.done(create_user("ada")).await;
    stage.done(of_user("ada", put_policy("p", ALLOW_ALL))).await;
    new_key(stage.done(make("ada", expiration, "laptop")).await).1
}

#[tokio::test]
async fn a_key_is_refused_from_the_second_on_in_which_it_ends() {
    let mut stage = Stage::new().await;
    let key = ada(&mut stage, Some(Expiration::After(60))).await;
    stage.caller(&key);
    let is_good = |at| stage.world().verified(&key, at).is_ok();
    assert!(is_good(now()) && is_good(now() + 59));
    assert!(!is_good(now() + 60) && !is_good(Timestamp::MAX));
    // Verified a moment before, it is looked up a moment later.
    let verified = stage.world().verified(&key, now() + 59).unwrap();
    assert!(stage.world().caller_of(verified.clone(), now() + 59).is_ok());
    let late = stage.world().caller_of(verified, now() + 60).unwrap_err();
    assert_eq!(late.kind(), Kind::InvalidClientTokenId);
}

#[tokio::test]
async fn an_end_must_be_later_than_now() {
    let mut stage = Stage::new().await;
    stage.done(create_user("ada")).await;
    for end in [Expiration::After(0), Expiration::At(now()), Expiration::At(Timestamp::EPOCH)] {
        assert_eq!(stage.refused(make("ada", Some(end), "")).await.0, Kind::ValidationError, "{end:?}");
    }
    let (key, _) = new_key(stage.done(make("ada", Some(Expiration::After(i64::MAX)), "")).await);
    assert_eq!(key.expires_at, Some(Timestamp::MAX));
    let (key, _) = new_key(stage.done(make("ada", Some(Expiration::At(now() + 1)), "")).await);
    assert_eq!((key.expires_at, key.status), (Some(now() + 1), KeyStatus::Active));
}

#[tokio::test]
async fn a_description_is_what_can_be_printed() {
    let mut stage = Stage::new().await;
    let key = ada(&mut stage, None).await;
    let describe = |text: &str| of_key(&key, KeyAction::Describe { description: some(text) });
    for good in ["", "für die Sicherung: täglich", &"é".repeat(256)] {
        assert_eq!(detail(stage.done(describe(good)).await).description, good);
    }
    for bad in ["two\nlines", "\u{202e}", "\0", &"x".repeat(257)] {
        assert_eq!(stage.refused(describe(bad)).await.0, Kind::ValidationError, "{bad:?}");
        assert_eq!(stage.refused(make("ada", None, bad)).await.0, Kind::ValidationError, "{bad:?}");
    }
}

#[tokio::test]
async fn an_expired_key_stays_so_until_it_is_deleted() {
    let mut stage = Stage::new().await;
    let key = ada(&mut stage, Some(Expiration::After(60))).await;
    let admin = stage.admin.clone();
    stage.caller(&admin);
    let verified = stage.world().verified(&admin, now()).unwrap();
    let later = stage.world().caller_of(verified, now() + 60).unwrap();
    let shown = stage.iam.call(&later, of_key(&key, KeyAction::Get {})).await.unwrap();
    assert_eq!(detail(shown).status, KeyStatus::Expired);
    let status = UpdateAccessKey {
        user_name: some("ada"),
        access_key_id: Some(key.access_key_id.to_string()),
        status: some("Active"),
    };
    for request in [of_key(&key, KeyAction::Enable {}), Request::UpdateAccessKey(status)] {
        assert_eq!(stage.iam.call(&later, request).await.unwrap_err().kind(), Kind::InvalidInput);
    }
    stage.iam.call(&later, of_key(&key, KeyAction::Disable {})).await.unwrap();
    stage.iam.call(&later, of_key(&key, KeyAction::Delete {})).await.unwrap();
    assert!(stage.directory.snapshot().access_key(key.access_key_id).is_none());
}

#[tokio::test]
async fn a_rotated_key_is_good_for_the_overlap_and_its_successor_as_long_as_it_was_to_be() {
    let mut stage = Stage::new().await;
    let old = ada(&mut stage, Some(Expiration::After(90 * 86_400))).await;
    let before = stage.directory.snapshot().revision;
    let answer = stage.done(of_key(&old, rotate(Some(3600)))).await;
    assert_eq!(stage.directory.snapshot().revision.0, before.0 + 1, "one commit");
    let (key, new) = new_key(answer);
    assert_eq!((key.expires_at, key.description.as_str()), (Some(now() + 90 * 86_400), "laptop"));
    stage.caller(&new);
    assert!(stage.world().verified(&old, now() + 3599).is_ok());
    assert!(stage.world().verified(&old, now() + 3600).is_err());

    let (kind, text) = stage.refused(of_key(&new, rotate(None))).await;
    let wanted = format!("Cannot exceed quota for AccessKeysPerUser: 2. Delete {} first", old.access_key_id);
    assert_eq!((kind, text), (Kind::LimitExceeded, wanted));
    stage.done(of_key(&old, KeyAction::Delete {})).await;
    let (_, third) = new_key(stage.done(of_key(&new, rotate(Some(0)))).await);
    stage.caller(&third);
    assert!(stage.world().verified(&new, now()).is_err());
}

#[tokio::test]
async fn a_rotation_whose_answer_was_lost_is_done_again_and_cuts_no_lifetime() {
    for (expiration, wanted) in [(None, None), (Some(Expiration::After(90 * 86_400)), Some(now() + 90 * 86_400))] {
        let mut stage = Stage::new().await;
        let old = ada(&mut stage, expiration).await;
        for _ in 0..3 {
            let (key, new) = new_key(stage.done(of_key(&old, rotate(Some(60)))).await);
            assert_eq!(key.expires_at, wanted);
            stage.done(of_key(&new, KeyAction::Delete {})).await;
        }
    }
}

#[tokio::test]
async fn a_rotation_never_puts_off_an_end_and_has_bounds() {
    let mut stage = Stage::new().await;
    let old = ada(&mut stage, Some(Expiration::After(60))).await;
    for overlap in [-1, 30 * 86_400 + 1, i64::MAX] {
        assert_eq!(stage.refused(of_key(&old, rotate(Some(overlap)))).await.0, Kind::ValidationError, "{overlap}");
    }
    let Answer::RotatedAccessKey { old: rotated, new, .. } = stage.done(of_key(&old, rotate(None))).await else {
        panic!("another answer");
    };
    assert_eq!((rotated.expires_at, new.expires_at), (Some(now() + 60), Some(now() + 60)));
}

#[tokio::test]
async fn d11_a_quarantine_disables_a_key_and_ends_its_sessions_at_once() {
    let mut stage = Stage::new().await;
    let key = ada(&mut stage, None).await;
    let (_, other) = new_key(stage.done(create_access_key("ada")).await);
    stage.done(create_role("ops", &trust(ACCOUNT))).await;
    let role = assume_role(&format!("arn:aws:iam::{ACCOUNT}:role/ops"));
    let session = |stage: &mut Stage, key: &Credentials| {
        stage.caller(key);
        stage.world().assume(key, &role).unwrap().credentials
    };
    let started = session(&mut stage, &key);
    let unconcerned = session(&mut stage, &other);
    let before = stage.directory.snapshot().revision;
    let Answer::QuarantinedAccessKey(told, until) = stage.done(of_key(&key, KeyAction::Quarantine {})).await else {
        panic!("another answer");
    };
    assert_eq!((told.status, until), (KeyStatus::Inactive, now() + 37 * 3600));
    assert_eq!(stage.directory.snapshot().revision.0, before.0 + 1, "one commit");
    stage.caller(&unconcerned);
    assert!(stage.world().verified(&key, now()).is_err());
    assert!(stage.world().caller(&started).is_err());

    stage.done(of_key(&key, KeyAction::Enable {})).await;
    stage.caller(&key);
    assert!(stage.world().caller(&started).is_err(), "what was revoked stays so");
    let later = session(&mut stage, &key);
    stage.caller(&later);
}

#[tokio::test]
async fn c1_a_quarantine_needs_both_permissions_and_rotation_too() {
    let (mut stage, [one, two, three]) = Stage::with(|world| {
        let key = allow("iam:UpdateAccessKey", "*");
        let session = allow("brevet:RevokeSession", "*");
        [world.user("one", &key), world.user("two", &session), world.user("three", &allow("iam:CreateAccessKey", "*"))]
    })
    .await;
    let key = ada(&mut stage, None).await;
    for (caller, action, needed) in [
        (
            &one,
            KeyAction::Quarantine {},
            format!("brevet:RevokeSession on resource: arn:aws:brevet:eu-central-1:{ACCOUNT}:user/ada"),
        ),
        (&two, KeyAction::Quarantine {}, format!("iam:UpdateAccessKey on resource: arn:aws:iam::{ACCOUNT}:user/*")),
        (&one, rotate(None), "iam:CreateAccessKey".to_owned()),
        (&three, rotate(None), "iam:UpdateAccessKey".to_owned()),
    ] {
        let refusal = stage.call_as(caller, of_key(&key, action)).await.unwrap_err();
        assert!(matches!(refusal.kind(), Kind::AccessDenied(_)) && refusal.message().contains(&needed), "{refusal}");
    }
    stage.caller(&key);
    assert!(stage.directory.snapshot().revocations().is_empty());
}

#[tokio::test]
async fn c2_a_key_named_by_its_id_alone_tells_nobody_whose_it_is_or_whether_it_is() {
    let own = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["iam:*AccessKey*","brevet:*"],
        "Resource":["arn:aws:iam::*:user/${aws:username}","arn:aws:brevet:*:*:user/${aws:username}"]}}"#;
    let (mut stage, (bob, root)) = Stage::with(|world| (world.user("bob", own), world.root())).await;
    let adas = ada(&mut stage, None).await;
    let ghost = Credentials { access_key_id: "AKIAIOSFODNN7EXAMPLE".parse().unwrap(), ..adas.clone() };
    let actions = || {
        [
            KeyAction::Get {},
            KeyAction::GetLastUsed {},
            KeyAction::Disable {},
            KeyAction::Enable {},
            KeyAction::Describe { description: None },
            rotate(None),
            KeyAction::Quarantine {},
            KeyAction::Delete {},
        ]
    };
    for action in actions() {
        let mut texts = Vec::new();
        for key in [&adas, &ghost, &root] {
            let refusal = stage.call_as(&bob, of_key(key, action.clone())).await.unwrap_err();
            assert!(matches!(refusal.kind(), Kind::AccessDenied(_)), "{action:?}: {refusal}");
            texts.push(refusal.message().to_owned());
        }
        assert!(texts.iter().all(|text| *text == texts[0]) && !texts[0].contains("ada"), "{texts:?}");
        // Who may do anything learns what is there, but of the keys of the account itself.
        for key in [&ghost, &root] {
            assert_eq!(stage.refused(of_key(key, action.clone())).await.0, Kind::NoSuchEntity, "{action:?}");
        }
    }
    // One's own and the account's own.
    assert_eq!(detail(stage.call_as(&bob, of_key(&bob, KeyAction::Get {})).await.unwrap()).user_name, some("bob"));
    assert_eq!(detail(stage.call_as(&root, of_key(&root, KeyAction::Get {})).await.unwrap()).user_name, None);
    assert_eq!(detail(stage.call_as(&root, of_key(&adas, KeyAction::Get {})).await.unwrap()).user_name, some("ada"));
}

#[tokio::test]
async fn c21_a_key_of_another_account_is_not_there() {
    let mut stage = Stage::new().await;
    let key = ada(&mut stage, None).await;
    let foreign = stage.directory.snapshot().access_key(key.access_key_id).unwrap().clone();
    let account = crate::service::test_world::OTHER_ACCOUNT.parse().unwrap();
    let id = "AKIAIOSFODNN7EXAMPLE".parse().unwrap();
    let put = |edit: &mut crate::service::directory::Edit| {
        edit.put(crate::service::directory::AccessKey { id, account, ..foreign });
        Ok(())
    };
    stage.directory.change(put).await.unwrap();
    let key = Credentials { access_key_id: id, ..key };
    assert_eq!(stage.refused(of_key(&key, KeyAction::Get {})).await.0, Kind::NoSuchEntity);
    assert_eq!(stage.refused(of_key(&key, KeyAction::Quarantine {})).await.0, Kind::NoSuchEntity);
}

#[tokio::test]
async fn uses_are_told_at_once_and_written_down_together() {
    let mut stage = Stage::new().await;
    let key = ada(&mut stage, None).await;
    let (id, uses) = (key.access_key_id, std::sync::Arc::new(LastUses::default()));
    stage.iam = stage.iam.clone().with_last_uses(std::sync::Arc::clone(&uses));
    assert_eq!(detail(stage.done(of_key(&key, KeyAction::GetLastUsed {})).await).last_use, None);

    uses.note(id, "sts", "eu-west-1", now());
    uses.note(stage.admin.access_key_id, "iam", "us-east-1", now());
    let told = detail(stage.done(of_key(&key, KeyAction::GetLastUsed {})).await).last_use.unwrap();
    assert_eq!((told.at, told.place.service(), told.place.region()), (now(), "sts", "eu-west-1"));
    let written = |stage: &Stage| -> Option<KeyUse> { stage.directory.snapshot().last_use(id).cloned() };
    assert_eq!(written(&stage), None);

    let before = stage.directory.snapshot().revision;
    uses.write(&stage.directory).await.unwrap();
    assert_eq!(stage.directory.snapshot().revision.0, before.0 + 1, "one commit for all");
    assert_eq!(written(&stage), Some(told.clone()));
    uses.write(&stage.directory).await.unwrap();
    assert_eq!(stage.directory.snapshot().revision.0, before.0 + 1, "nothing is written twice");

    // A use that is older than what another replica wrote is none.
    let elsewhere = LastUses::default();
    elsewhere.note(id, "sts", "us-east-1", now() + (-5));
    elsewhere.write(&stage.directory).await.unwrap();
    assert_eq!(written(&stage), Some(told.clone()));
    // A clock that was set back takes nothing back.
    uses.note(id, "iam", "us-east-1", now() + 9);
    uses.note(id, "iam", "us-east-1", now() + 3);
    assert_eq!(uses.last_use(&stage.directory.snapshot(), id).unwrap().at, now() + 9);
    uses.write(&stage.directory).await.unwrap();
    assert_eq!(LastUses::default().last_use(&stage.directory.snapshot(), id).unwrap().at, now() + 9);
}

#[tokio::test]
async fn uses_of_deleted_keys_leave_the_store() {
    let mut stage = Stage::new().await;
    let key = ada(&mut stage, None).await;
    let uses = LastUses::default();
    uses.note(key.access_key_id, "sts", "us-east-1", now());
    uses.write(&stage.directory).await.unwrap();
    stage.done(of_key(&key, KeyAction::Delete {})).await;
    uses.note(key.access_key_id, "sts", "us-east-1", now() + 1);
    uses.write(&stage.directory).await.unwrap();
    assert_eq!(stage.directory.snapshot().last_use(key.access_key_id), None);
}
