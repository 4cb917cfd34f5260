//! What a revocation refuses, and for how long it is kept.

use super::*;

#[tokio::test]
async fn d11_one_session_goes_with_its_children_and_leaves_the_others() {
    let mut stage = Stage::new();
    let admin = stage.admin.clone();
    let first = stage.assume(&admin, "other");
    let child = stage.assume(&first, "deploy");
    let sibling = stage.assume(&admin, "other");
    stage.revoke(one(&first)).await;
    assert!(stage.is_refused(&first) && stage.is_refused(&child));
    assert!(!stage.is_refused(&sibling) && !stage.is_refused(&admin));
    let after = stage.assume(&admin, "other");
    assert!(!stage.is_refused(&after));
}

#[tokio::test]
async fn d13_each_kind_concerns_its_own_so_far_and_a_restart_keeps_it() {
    let (mut stage, (ada, root)) = Stage::with(|world| {
        world.put(&format!("providers/{ACCOUNT}/id.test"), provider(ACCOUNT, 7));
        (world.user("ada", ALLOW_ALL), world.root())
    });
    let provider = format!("arn:aws:iam::{ACCOUNT}:oidc-provider/id.test");
    for (which, refused) in [
        (Which::RoleArn(role_arn("deploy")), ["deploy", "web"].as_slice()),
        (Which::PrincipalArn(role_arn("deploy")), &["deploy", "web"]),
        (Which::PrincipalArn(user_arn("ada")), &["ada", "deploy"]),
        (Which::PrincipalArn(format!("arn:aws:iam::{ACCOUNT}:root")), &["root"]),
        (Which::ProviderArn(provider), &["web"]),
        (Which::IssuedBefore(now()), &["admin", "ada", "deploy", "root", "web"]),
        (Which::IssuedBefore(now() + 1000), &["admin", "ada", "deploy", "root", "web"]),
        (Which::IssuedBefore(now() + -1), &[]),
    ] {
        let admin = stage.admin.clone();
        let made = |stage: &mut Stage| {
            let web = web_claims(&stage.directory.snapshot());
            [
                ("admin", stage.session_token(&admin)),
                ("ada", stage.session_token(&ada)),
                ("deploy", stage.assume(&ada, "deploy")),
                ("root", stage.session_token(&root)),
                ("web", stage.world.session(&web)),
            ]
        };
        let before = made(&mut stage);
        stage.revoke(which.clone()).await;
        for (name, session) in &before {
            assert_eq!(stage.is_refused(session), refused.contains(name), "{which:?}: {name}");
        }
        let after = made(&mut stage);
        for (name, session) in &after {
            assert!(!stage.is_refused(session), "made after {which:?}: {name}");
        }
        let restarted = stage.restarted().await;
        for (name, session) in before.iter().chain(&after) {
            let verified = stage.world.verified(session, now()).unwrap();
            let session = verified.session().unwrap();
            let known = stage.directory.snapshot();
            assert_eq!(restarted.revocations().refuses(session), known.revocations().refuses(session), "{name}");
        }
    }
}

#[tokio::test]
async fn d14_what_was_decided_before_and_minted_after_is_refused() {
    let mut stage = Stage::new();
    let (admin, first) = (stage.admin.clone(), stage.admin.clone());
    let first = stage.assume(&first, "other");
    // Both were let in before the revocation and go on after it.
    let [by_user, by_session] = [&admin, &first].map(|by| stage.caller(by).unwrap());
    stage.revoke(Which::RoleArn(role_arn("deploy"))).await;
    stage.revoke(one(&first)).await;
    for caller in [by_user, by_session] {
        let late = stage.world.issuer.assume_role(&caller, &assume_role(&role_arn("deploy"))).unwrap();
        assert!(stage.is_refused(&late.credentials));
    }
}

#[tokio::test]
async fn d15_an_unknown_session_and_one_revoked_before_are_taken_and_nothing_piles_up() {
    let mut stage = Stage::new();
    let id = |n| AccessKeyId::from_bytes(KeyKind::Temporary, [n; 10]);
    for n in [1, 1, 2, 3, 4] {
        let until = stage.revoke(Which::AccessKeyId(id(n).to_string())).await;
        assert_eq!(until, now() + 37 * 3600);
    }
    assert_eq!(stage.directory.snapshot().revocations().len(), 4);

    // Two leave with each that comes, once they are over.
    let later = |seconds, n| {
        let subject = Subject::Session { account: account(), access_key_id: id(n) };
        stage.directory.change(move |edit: &mut Edit| Ok(edit.revoke(subject, now() + seconds)))
    };
    let mut left = Vec::new();
    for (seconds, n) in [(37 * 3600, 5), (37 * 3600 + 1, 6), (37 * 3600 + 1, 1), (37 * 3600 + 2, 7)] {
        later(seconds, n).await.unwrap();
        left.push(stage.directory.snapshot().revocations().len());
    }
    assert_eq!(left, [5, 4, 3, 4]);
    assert_eq!(stage.restarted().await.revocations().len(), 4);
}

#[tokio::test]
async fn of_times_those_that_another_covers_leave_and_the_rest_are_few() {
    let mut stage = Stage::new();
    let admin = stage.admin.clone();
    let times = |stage: &Stage| stage.directory.snapshot().revoked_times(account()).collect::<Vec<_>>();
    for seconds in 1..=100 {
        stage.revoke(Which::IssuedBefore(now() + -seconds)).await;
    }
    let error = stage.try_revoke(&admin, Which::IssuedBefore(now() + -101)).await.unwrap_err();
    assert_eq!(error.kind(), Kind::LimitExceeded);
    stage.revoke(Which::IssuedBefore(now() + -50)).await;
    assert_eq!((times(&stage).len(), times(&stage)[0]), (50, now() + -50));
    stage.revoke(Which::IssuedBefore(now())).await;
    assert_eq!(times(&stage), [Timestamp::MAX]);
    assert_eq!(stage.store.load().await.unwrap().1.len(), 1);
}

#[tokio::test]
async fn a_replica_that_came_second_reads_again_and_revokes() {
    let mut stage = Stage::new();
    let other = replica(&stage.store, &stage.world, &stage.random);
    let admin = stage.admin.clone();
    let session = stage.assume(&admin, "deploy");
    let caller = stage.caller(&admin).unwrap();
    for replica in [&other, &stage.directory] {
        let input = RevokeSession { which: Some(one(&session)), wait: None };
        revoke(replica, &caller, &input).await.unwrap();
        assert_eq!(replica.snapshot().revocations().len(), 1);
    }
    let (_, records) = stage.store.load().await.unwrap();
    assert_eq!(records.iter().map(|record| record.version).collect::<Vec<_>>(), [2]);
}
