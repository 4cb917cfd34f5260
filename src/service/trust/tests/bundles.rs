//! Bundles that are kept, and replicas over one store.

use super::*;
use crate::service::deployment::{Deployment, Founding};
use crate::service::test_world::Still;

fn sequence(bundle: &[u8]) -> u64 {
    TrustBundle::decode(bundle, None).unwrap().sequence
}

async fn got(stage: &mut Stage) -> ServedBundle {
    let admin = stage.admin.clone();
    let caller = stage.caller(&admin);
    stage.trust.get_bundle(&caller, "default").await.unwrap()
}

#[tokio::test]
async fn a_bundle_is_kept_and_those_that_are_asked_for_by_name_are_new() {
    let mut stage = Stage::new().await;
    let before = stage.store.latest().await.unwrap();
    assert_eq!((got(&mut stage).await.sequence, got(&mut stage).await.sequence), (1, 1));
    assert_eq!(stage.store.latest().await.unwrap().0, before.0 + 1, "one write for both");
    let file = stage.trust.new_bundle("default", now()).await.unwrap();
    assert_eq!((sequence(&file), got(&mut stage).await.sequence), (2, 2));
    let head = TrustBundle::decode(&got(&mut stage).await.bytes, None).unwrap().revocation_head;
    assert!(head.is_empty(), "nobody compared this process with its store");
}

#[tokio::test]
async fn bundles_carry_the_head_of_the_log() {
    let stage = Stage::new().await;
    stage.revoke(user(1)).await;
    stage.directory.compare().await.unwrap();
    stage.trust.confirmed_at.store(now().unix(), Ordering::Release);
    stage.trust.publish(now(), true);
    let bundle = stage.trust.new_bundle("default", now()).await.unwrap();
    let bundle = TrustBundle::decode(&bundle, None).unwrap();
    let head = RevocationHead::verify(&bundle.revocation_head, &bundle.anchor, &TRUST_DOMAIN).unwrap();
    assert_eq!((head.position, head.confirmed_at), (stage.end(), now()));
}

#[tokio::test]
async fn an_old_bundle_is_replaced_and_serves_on_while_the_store_is_down() {
    let stage = Stage::new().await;
    let at = async |seconds| {
        let bundle = stage.trust.bundles.current(&Zone::Default, &Bytes::new(), now() + seconds).await;
        bundle.map(|bundle| bundle.sequence).map_err(|error| error.kind())
    };
    let hours = 3600;
    assert_eq!((at(0).await, at(6 * hours - 1).await, at(6 * hours).await), (Ok(1), Ok(1), Ok(2)));
    stage.store.set_down(true);
    assert_eq!(at(13 * hours).await, Ok(2));
    stage.store.set_down(false);
    assert_eq!((at(13 * hours + 29).await, at(13 * hours + 30).await), (Ok(2), Ok(3)));
}

#[tokio::test]
async fn without_the_store_there_is_no_first_bundle() {
    let mut stage = Stage::new().await;
    stage.store.set_down(true);
    let admin = stage.admin.clone();
    let caller = stage.caller(&admin);
    let refused = stage.trust.get_bundle(&caller, "default").await.unwrap_err();
    assert_eq!(refused.kind(), Kind::ServiceUnavailable);
}

async fn replicas() -> (Arc<MemoryStore>, Deployment, Deployment) {
    let master = MasterKey::new([1; 32]);
    let founding = Founding { account: None, administrator: "admin", roles: &[], provider: None };
    let (first, _) = founding.first_transaction(&master, &Counting::default(), &Still).unwrap();
    let store = Arc::new(MemoryStore::new(now));
    store.commit(first).await.unwrap();
    let start = async |seed: u64| {
        let random = Counting::default();
        for _ in 0..seed {
            random.fill(&mut [0; 32]).unwrap();
        }
        Deployment::start(store.clone(), &master, Arc::new(random)).await.unwrap()
    };
    let (one, other) = (start(0).await, start(1_000_000).await);
    (store, one, other)
}

async fn revoke(deployment: &Deployment, subject: Subject) {
    let decide = |edit: &mut Edit| {
        edit.revoke(subject, now());
        Ok(())
    };
    deployment.directory.change(decide).await.unwrap();
}

fn revoked(deployment: &Deployment) -> Vec<u64> {
    let snapshot = deployment.directory.snapshot();
    snapshot.all_revocations().map(|revocation| revocation.revision).collect()
}

#[tokio::test]
async fn d11_a_replica_that_compares_itself_sees_what_another_revoked() {
    let (store, one, other) = replicas().await;
    revoke(&one, user(1)).await;
    assert!(revoked(&other).is_empty());
    let mut changes = other.directory.changes();
    other.directory.compare().await.unwrap();
    assert!(changes.has_changed().unwrap());
    changes.mark_unchanged();
    assert_eq!(revoked(&other), [store.latest().await.unwrap().0]);
    let published = other.trust.publish(now(), false);
    assert_eq!(published.log.position().count, 1);
    other.directory.compare().await.unwrap();
    assert!(!changes.has_changed().unwrap(), "nothing was new");
}

#[tokio::test]
async fn d11_a_change_does_not_hide_what_another_replica_committed_before_it() {
    let (store, one, other) = replicas().await;
    revoke(&one, user(1)).await;
    revoke(&other, user(2)).await;
    assert_eq!(revoked(&other).len(), 2);
    assert_eq!(other.directory.snapshot().revision, store.latest().await.unwrap());
}

#[tokio::test]
async fn d10_replicas_never_hand_out_one_sequence_twice() {
    let (_, one, other) = replicas().await;
    let mut seen = Vec::new();
    for _ in 0..3 {
        for deployment in [&one, &other] {
            seen.push(sequence(&deployment.bundle("default", now()).await.unwrap()));
        }
        other.directory.compare().await.unwrap();
    }
    assert_eq!(seen, [1, 2, 3, 4, 5, 6]);
}
