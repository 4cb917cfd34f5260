//! Follows a service that stops, falls silent, lies and comes back.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use brevet_client::Endpoint;
use brevet_client::follow::{FollowError, FollowedValidator, Follower, Status};
use brevet_validator::credential::{AccessKeyId, Credentials, KeyKind, SecretKey};
use brevet_validator::signature::Rules;
use brevet_validator::validator::{CopyError, Staleness, WhenStale};

use trust_server::{Mode, Process, Trust, bundle};

mod trust_server;

fn credentials() -> Credentials {
    Credentials {
        access_key_id: AccessKeyId::from_bytes(KeyKind::LongLived, [1; 10]),
        secret_access_key: SecretKey::new("s".repeat(40)),
        security_token: None,
        expiration: None,
    }
}

/// A service, and where a validator keeps its copy.
struct World {
    trust: Trust,
    process: Option<Process>,
    folder: tempfile::TempDir,
    endpoint: Endpoint,
}

impl World {
    fn new() -> Self {
        let trust = Trust::new();
        let process = trust.serve(None);
        let endpoint = Endpoint::new(&format!("http://{}", process.address)).unwrap();
        Self { trust, process: Some(process), folder: tempfile::tempdir().unwrap(), endpoint }
    }

    fn copy(&self) -> PathBuf {
        self.folder.path().join("trust.bundle")
    }

    fn follower(&self) -> Follower {
        let source = || async { Ok::<_, std::io::Error>(credentials()) };
        let staleness = Staleness { max: Duration::from_secs(2), when_stale: WhenStale::FailClosed };
        Follower::new(self.endpoint.clone(), source, self.copy())
            .staleness(staleness)
            .validator_id("v-1")
            .first_contact_timeout(Duration::from_secs(3))
    }

    async fn start(&self) -> FollowedValidator {
        self.follower().start(Rules::of_service("s3")).await.unwrap()
    }

    /// Cuts every connection and stops.
    fn stop(&mut self) -> std::net::SocketAddr {
        self.process.take().unwrap().address
    }
}

/// Waits for a status like this.
async fn until(followed: &FollowedValidator, what: &str, like: impl Fn(&Status) -> bool) -> Duration {
    let begun = Instant::now();
    while !like(&followed.status()) {
        assert!(begun.elapsed() < Duration::from_secs(20), "never {what}: {:?}", followed.status());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    begun.elapsed()
}

async fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(10), "never {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d11_a_revocation_is_in_force_on_disk_and_acknowledged_within_two_seconds() {
    let world = World::new();
    let followed = world.start().await;
    let status = followed.status();
    assert!(status.connected && !status.stale && status.last_error.is_none(), "{status:?}");
    assert_eq!((status.bundle_sequence, status.revocations), (5, 0));
    eventually("acknowledged", || !world.trust.state().acks.is_empty()).await;
    world.trust.revoke(1);
    assert!(until(&followed, "revoked", |status| status.revocations == 1).await < Duration::from_secs(2));
    eventually("acknowledged", || world.trust.state().acks.iter().any(|ack| ack.count == 1)).await;

    let state = world.trust.state();
    let ack = state.acks.last().unwrap();
    assert_eq!((&*ack.zone, &*ack.validator_id, ack.bundle_sequence, &*ack.log), ("default", "v-1", 5, &[1; 16][..]));
    let counts: Vec<_> = state.acks.iter().map(|ack| ack.count).collect();
    assert_eq!(counts, [0, 1], "what changed nothing is not acknowledged");
    let watch = &state.watches[0];
    assert_eq!((watch.bundle_sequence, watch.log.len(), watch.count, watch.fail_open), (0, 0, 0, false));
    assert_eq!(watch.max_staleness.unwrap().seconds, 2);
    for file in ["trust.bundle", "trust.bundle.revocations"] {
        let mode = std::fs::metadata(world.folder.path().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d12_cut_off_it_becomes_stale_and_recovers_by_itself() {
    let mut world = World::new();
    let followed = world.start().await;
    let address = world.stop();
    until(&followed, "lost", |status| !status.connected).await;
    assert!(!followed.status().stale && followed.status().last_error.is_some());
    until(&followed, "stale", |status| status.stale).await;
    world.trust.revoke(1);
    world.process = Some(world.trust.serve(Some(address)));
    until(&followed, "well again", |status| status.connected && !status.stale && status.revocations == 1).await;
    let state = world.trust.state();
    let watch = state.watches.last().unwrap();
    assert_eq!((watch.bundle_sequence, &*watch.log, watch.count), (5, &[1; 16][..], 0), "only what is new is sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_process_of_the_service_has_another_log() {
    let mut world = World::new();
    world.trust.revoke(1);
    world.trust.revoke(2);
    let followed = world.start().await;
    until(&followed, "revoked", |status| status.revocations == 2).await;
    let address = world.stop();
    world.trust.state().log = 2;
    world.trust.state().entries.truncate(1);
    world.process = Some(world.trust.serve(Some(address)));
    until(&followed, "heard again", |status| status.connected).await;
    assert_eq!(followed.validator().followed().unwrap().log_resets(), 2);
    assert_eq!(followed.status().revocations, 2, "the one that the other log lacks is still in force");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_stream_is_dead_after_five_seconds() {
    let world = World::new();
    let followed = world.start().await;
    world.trust.state().mode = Mode::Silent;
    let silent = until(&followed, "lost", |status| !status.connected).await;
    assert!((4..8).contains(&silent.as_secs()), "{silent:?}");
    world.trust.state().mode = Mode::Well;
    until(&followed, "heard again", |status| status.connected).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d10_what_the_anchor_did_not_sign_changes_nothing_and_is_asked_for_anew() {
    let world = World::new();
    let followed = world.start().await;
    world.trust.state().mode = Mode::BadHead;
    world.trust.revoke(1);
    world.trust.state().sequence = 6;
    until(&followed, "refused", |status| status.last_error.as_ref().is_some_and(|e| e.contains("signature"))).await;
    let status = followed.status();
    assert_eq!((status.bundle_sequence, status.revocations), (5, 0));
    until(&followed, "stale", |status| status.stale).await;
    world.trust.state().mode = Mode::Well;
    until(&followed, "well again", |status| !status.stale && status.bundle_sequence == 6).await;
    assert!(world.trust.state().watches.last().unwrap().log.is_empty(), "the whole log");
    assert_eq!(std::fs::read(world.copy()).unwrap().len(), bundle(6).len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_ends_in_order_is_begun_again_and_none_in_a_tight_circle() {
    let world = World::new();
    let followed = world.start().await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    world.trust.state().mode = Mode::End;
    eventually("begun again", || world.trust.state().watches.len() > 1).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let streams = world.trust.state().watches.len();
    assert!(streams < 30, "{streams} streams");
    world.trust.state().mode = Mode::Well;
    until(&followed, "well again", |status| status.connected && !status.stale).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_copy_it_starts_while_the_service_is_down() {
    let mut world = World::new();
    world.trust.revoke(1);
    let followed = world.start().await;
    until(&followed, "revoked", |status| status.revocations == 1).await;
    eventually("acknowledged", || !world.trust.state().acks.is_empty()).await;
    drop(followed);
    let address = world.stop();

    let followed = eventually_started(&world).await;
    assert_eq!((followed.status().revocations, followed.status().connected), (1, false));
    until(&followed, "stale", |status| status.stale).await;
    world.process = Some(world.trust.serve(Some(address)));
    until(&followed, "well again", |status| status.connected && !status.stale).await;
}

/// The one before lets go of the copy when its task has ended.
async fn eventually_started(world: &World) -> FollowedValidator {
    let begun = Instant::now();
    loop {
        match world.follower().start(Rules::of_service("s3")).await {
            Ok(followed) => return followed,
            Err(FollowError::Copy(CopyError::InUse(_))) if begun.elapsed() < Duration::from_secs(10) => {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_bundle_alone_it_is_stale_until_the_first_contact() {
    let mut world = World::new();
    let address = world.stop();
    std::fs::write(world.copy(), bundle(5)).unwrap();
    std::fs::set_permissions(world.copy(), std::fs::Permissions::from_mode(0o600)).unwrap();
    let followed = world.start().await;
    let status = followed.status();
    assert!(status.stale && status.age_seconds.is_none(), "{status:?}");
    world.process = Some(world.trust.serve(Some(address)));
    until(&followed, "in contact", |status| !status.stale).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_copy_and_contact_it_does_not_start_and_says_why() {
    let mut world = World::new();
    world.trust.state().mode = Mode::Deny;
    let refused = world.follower().start(Rules::of_service("s3")).await.unwrap_err().to_string();
    assert!(refused.contains("trust.bundle") && refused.contains("PermissionDenied"), "{refused}");
    assert_eq!(world.trust.state().watches.len(), 1, "it is not asked again at once");
    world.stop();
    let down = world.follower().start(Rules::of_service("s3")).await.unwrap_err().to_string();
    assert!(down.contains("cannot connect"), "{down}");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_not_taken_over_the_network_in_the_clear() {
    let world = World::new();
    let endpoint = Endpoint::new("http://sts.example.com").unwrap();
    let source = || async { Ok::<_, std::io::Error>(credentials()) };
    let follower = || {
        let timeout = Duration::from_millis(1);
        Follower::new(endpoint.clone(), source, world.copy()).first_contact_timeout(timeout)
    };
    let refused = follower().start(Rules::of_service("s3")).await;
    assert!(matches!(refused, Err(FollowError::Plaintext(_))), "{refused:?}");
    let tried = follower().allow_plaintext(true).start(Rules::of_service("s3")).await;
    assert!(matches!(tried, Err(FollowError::NoContact { .. })), "{tried:?}");
    let named = world.follower().validator_id("no name").start(Rules::of_service("s3")).await;
    assert!(matches!(named, Err(FollowError::ValidatorId(_))), "{named:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_is_there_as_metrics() {
    let world = World::new();
    world.trust.revoke(1);
    let followed = world.start().await;
    let text = followed.status().to_prometheus_text();
    for line in [
        "brevet_validator_trust_connected{zone=\"default\"} 1",
        "brevet_validator_trust_stale{zone=\"default\"} 0",
        "brevet_validator_trust_revocations{zone=\"default\"} 1",
        "brevet_validator_trust_bundle_sequence{zone=\"default\"} 5",
        "brevet_validator_trust_accepted_while_stale_total{zone=\"default\"} 0",
        "# TYPE brevet_validator_trust_refused_while_stale_total counter",
    ] {
        assert!(text.lines().any(|is| is == line), "no {line} in\n{text}");
    }
    for name in ["age_seconds", "bundle_expiry_timestamp_seconds"] {
        assert!(text.contains(&format!("\nbrevet_validator_trust_{name}{{zone=\"default\"}} ")), "{name}");
    }
}
