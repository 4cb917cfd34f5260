//! What is issued while its issuer's ground is taken away.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use brevet_validator::credential::Credentials;

use super::stage::*;
use crate::service::caller::Caller;
use crate::service::iam::*;
use crate::service::test_world::{ACCOUNT, ALLOW_ALL, assume_role, envelope, now, trust};

/// Deletions, each against as many exchanges as fit in.
fn rounds() -> usize {
    std::env::var("BREVET_PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(40)
}

#[test]
fn d14_whoever_races_the_deletion_of_a_user_gets_nothing_that_outlives_it() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut stage = runtime.block_on(Stage::new());
    runtime.block_on(stage.done(create_role("deploy", &trust(ACCOUNT))));
    let (mut issued, mut refused) = (0, 0);
    for _ in 0..rounds() {
        let (credentials, key) = runtime.block_on(make_ada(&mut stage));
        stage.caller(&credentials);
        let verified = stage.world().verified(&credentials, now()).unwrap();
        let admin = {
            let admin = stage.admin.clone();
            stage.caller(&admin)
        };

        let deleted = AtomicBool::new(false);
        let sessions = thread::scope(|scope| {
            let exchanges = scope.spawn(|| {
                let mut sessions = Vec::new();
                let input = assume_role(&format!("arn:aws:iam::{ACCOUNT}:role/deploy"));
                loop {
                    let last = deleted.load(Ordering::SeqCst);
                    let snapshot = stage.directory.snapshot();
                    let caller = Caller::new(verified.clone(), snapshot, &envelope(), "eu-central-1", now());
                    // Between the two the user may go.
                    thread::yield_now();
                    match caller.and_then(|caller| stage.world().issuer.assume_role(&caller, &input)) {
                        Ok(issued) => sessions.push(issued.credentials),
                        Err(_) if last => return sessions,
                        Err(_) => {}
                    }
                }
            });
            for step in [
                of_user("ada", OwnedAction::DeletePolicy { policy_name: some("p") }),
                Request::DeleteAccessKey(key),
                Request::DeleteUser(user_name("ada")),
            ] {
                runtime.block_on(stage.iam.call(&admin, step)).unwrap();
            }
            deleted.store(true, Ordering::SeqCst);
            exchanges.join().unwrap()
        });

        issued += sessions.len();
        let after = stage.directory.snapshot();
        for session in &sessions {
            let verified = stage.world().verified(session, now()).unwrap();
            assert!(after.revocations().refuses(verified.session().unwrap()).is_some());
            refused += 1;
        }
    }
    assert!(issued > 0 && issued == refused, "{issued} issued, {refused} refused");
}

/// A user who may do anything, and the words to delete the key again.
async fn make_ada(stage: &mut Stage) -> (Credentials, DeleteAccessKey) {
    stage.done(create_user("ada")).await;
    stage.done(of_user("ada", put_policy("p", ALLOW_ALL))).await;
    let Answer::NewAccessKey(key, secret) = stage.done(create_access_key("ada")).await else {
        panic!("another answer");
    };
    let delete = DeleteAccessKey { user_name: some("ada"), access_key_id: Some(key.id.to_string()) };
    let credentials =
        Credentials { access_key_id: key.id, secret_access_key: secret, security_token: None, expiration: None };
    (credentials, delete)
}
