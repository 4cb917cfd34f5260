//! Who may revoke which sessions.

use super::*;

#[tokio::test]
async fn a_session_may_end_itself_without_any_permission_and_no_other() {
    let (mut stage, ada) = Stage::with(|world| world.user("ada", &allow("sts:*", "*")));
    let own = stage.assume(&ada, "deploy");
    let another = stage.assume(&ada, "deploy");
    let refused = stage.try_revoke(&own, one(&another)).await.unwrap_err();
    assert!(matches!(refused.kind(), Kind::AccessDenied(_)), "{refused}");
    assert!(
        refused.message().contains(&format!("brevet:RevokeSession on resource: {SESSION}{}", another.access_key_id))
    );

    stage.try_revoke(&own, one(&own)).await.unwrap();
    assert!(stage.is_refused(&own));
    assert!(!stage.is_refused(&another) && !stage.is_refused(&ada));
    // Sessions of GetSessionToken may call nearly nothing, but this.
    let session = stage.session_token(&ada);
    stage.try_revoke(&session, one(&session)).await.unwrap();
    assert!(stage.is_refused(&session));
}

#[tokio::test]
async fn a_permission_is_for_what_it_names() {
    let (mut stage, callers) = Stage::with(|world| {
        let here = format!("arn:aws:brevet:eu-central-1:{ACCOUNT}:");
        ["role/deploy", "user/*", "root", "session/*", "oidc-provider/*"].map(|resource| {
            world.user(&resource.replace(['/', '*'], "-"), &allow("brevet:RevokeSession", &format!("{here}{resource}")))
        })
    });
    let some_session = AccessKeyId::from_bytes(KeyKind::Temporary, [1; 10]).to_string();
    let targets = [
        Which::RoleArn(role_arn("deploy")),
        Which::PrincipalArn(user_arn("admin")),
        Which::PrincipalArn(format!("arn:aws:iam::{ACCOUNT}:root")),
        Which::AccessKeyId(some_session),
        Which::RoleArn(role_arn("other")),
        Which::IssuedBefore(now()),
    ];
    for (caller, own) in callers.iter().zip([0, 1, 2, 3, 99]) {
        for (n, target) in targets.iter().enumerate() {
            let allowed = n == own || (own == 3 && n == 5);
            let answer = stage.try_revoke(caller, target.clone()).await;
            match &answer {
                Ok(_) => assert!(allowed, "{own}: {target:?}"),
                Err(error) => assert!(!allowed && matches!(error.kind(), Kind::AccessDenied(_)), "{own}: {error}"),
            }
        }
    }
}

#[tokio::test]
async fn what_is_in_another_account_is_as_good_as_absent() {
    let (mut stage, (stranger, theirs)) = Stage::with(|world| {
        let user = world.user_record("bob");
        let stranger =
            world.put_user(records::User { account: OTHER_ACCOUNT.into(), inline_policies: inline(ALLOW_ALL), ..user });
        world.put(&format!("providers/{OTHER_ACCOUNT}/id.test"), provider(OTHER_ACCOUNT, 8));
        let role = world.role_record("theirs", &trust(OTHER_ACCOUNT));
        (stranger, world.put_role(records::Role { account: OTHER_ACCOUNT.into(), ..role }))
    });
    for account in [OTHER_ACCOUNT, ACCOUNT, "333333333333"] {
        let arn = |resource: &str| format!("arn:aws:iam::{account}:{resource}");
        for which in [
            Which::RoleArn(arn("role/theirs")),
            Which::PrincipalArn(arn("user/bob")),
            Which::PrincipalArn(arn(if account == ACCOUNT { "user/absent" } else { "root" })),
            Which::ProviderArn(arn("oidc-provider/id.test")),
        ] {
            let admin = stage.admin.clone();
            let error = stage.try_revoke(&admin, which).await.unwrap_err();
            let expected = (Kind::NoSuchEntity, "There is no such user, role or identity provider in this account.");
            assert_eq!((error.kind(), error.message()), expected, "{account}");
        }
    }
    // Whose a session is cannot be known. It is taken, and changes nothing.
    stage.world.snapshot = Snapshot::clone(&stage.directory.snapshot());
    let session = stage.world.assume(&stranger, &assume_role(&theirs)).unwrap().credentials;
    stage.revoke(one(&session)).await;
    stage.revoke(Which::IssuedBefore(now())).await;
    assert!(!stage.is_refused(&session));
}

#[tokio::test]
async fn what_names_no_sessions_is_refused() {
    let mut stage = Stage::new();
    let admin = stage.admin.clone();
    let key = admin.access_key_id.to_string();
    for which in [
        Which::AccessKeyId(key),
        Which::AccessKeyId(String::new()),
        Which::AccessKeyId("ASIA/2222222222222222".into()),
        Which::RoleArn(user_arn("admin")),
        Which::RoleArn("deploy".into()),
        Which::RoleArn(format!("arn:aws:sts::{ACCOUNT}:assumed-role/deploy/x")),
        Which::PrincipalArn(format!("arn:aws:iam::{ACCOUNT}:rooted")),
        Which::PrincipalArn(format!("arn:aws:iam::{ACCOUNT}:oidc-provider/id.test")),
        Which::ProviderArn(role_arn("deploy")),
    ] {
        let error = stage.try_revoke(&admin, which.clone()).await.unwrap_err();
        assert_eq!(error.kind(), Kind::ValidationError, "{which:?}: {error}");
    }
    let caller = stage.caller(&admin).unwrap();
    let error = revoke(&stage.directory, &caller, &RevokeSession::default()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::ValidationError);
    assert!(stage.directory.snapshot().revocations().is_empty());
}
