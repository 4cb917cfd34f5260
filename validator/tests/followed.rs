//! A validator that follows the service: what it decides while it hears from it, and when it no longer does.

use std::time::Duration;

use brevet_validator::credential::Credentials;
use brevet_validator::signature::Rules;
use brevet_validator::timestamp::Timestamp;
use brevet_validator::token::{Entry, LogPosition, Revocation, RevocationHead, Subject, TrustBundle};
use brevet_validator::validator::{Activity, Rejection, Staleness, Step, TrustFollower, Validator, WhenStale};
use ring::signature::Ed25519KeyPair;

use layer_support::{ANCHOR_SEED, HOUR, Sts, get, noon, sign, verify};

mod layer_support;

const SERVICE: &str = "s3";

/// The service's side of a stream, a follower and its validator.
struct World {
    sts: Sts,
    follower: TrustFollower,
    validator: Validator,
    position: LogPosition,
}

fn revoked(credentials: &Credentials) -> Vec<u8> {
    let account = "123456789012".parse().unwrap();
    let subject = Subject::Session { account, access_key_id: credentials.access_key_id };
    Entry::Revoked(Revocation { subject, revision: 1, until: noon() + 40 * HOUR }).encode()
}

fn head(position: LogPosition, confirmed_at: Timestamp) -> Vec<u8> {
    let anchor = Ed25519KeyPair::from_seed_unchecked(&ANCHOR_SEED).unwrap();
    RevocationHead { trust_domain: [1; 16], position, confirmed_at }.sign(&anchor)
}

impl World {
    fn new(when_stale: WhenStale) -> Self {
        let sts = Sts::new(1);
        let mut follower = TrustFollower::new("default", None);
        let position = LogPosition::start([1; 16]);
        let bundle = encode(&sts.bundle(noon() + 20 * HOUR));
        let step = Step { bundle: &bundle, log: &[1; 16], entries: &[], head: &head(position, noon()) };
        follower.apply(step, noon()).unwrap().unwrap();
        let staleness = Staleness { max: Duration::from_secs(900), when_stale };
        let rules = Rules::of_service(SERVICE);
        let validator = Validator::following(rules, follower.in_force().unwrap(), staleness, 100).unwrap();
        Self { sts, follower, validator, position }
    }

    fn hear(&mut self, bundle: &[u8], entries: &[Vec<u8>], now: Timestamp) {
        self.position = entries.iter().fold(self.position, |position, entry| position.after(entry));
        let step = Step { bundle, log: &[], entries, head: &head(self.position, now) };
        self.follower.apply(step, now).unwrap().unwrap();
        self.validator.follow(self.follower.in_force().unwrap()).unwrap();
    }

    fn session(&self, name: &str) -> Credentials {
        self.sts.session(name, noon(), 30 * HOUR)
    }

    fn ask(&self, credentials: &Credentials, now: Timestamp) -> Result<(), Rejection> {
        verify(&self.validator, &sign(get("/k"), b"", credentials, SERVICE, now), now).map(drop)
    }
}

fn encode(bundle: &TrustBundle) -> Vec<u8> {
    bundle.encode(&ANCHOR_SEED.into()).unwrap()
}

#[test]
fn d11_a_revocation_counts_with_the_next_request() {
    let mut world = World::new(WhenStale::FailClosed);
    let (alice, bob) = (world.session("alice"), world.session("bob"));
    for session in [&alice, &bob] {
        world.ask(session, noon()).unwrap();
    }
    world.hear(&[], &[revoked(&alice)], noon() + 1);
    assert_eq!(world.ask(&alice, noon() + 1), Err(Rejection::InvalidToken));
    world.ask(&bob, noon() + 1).unwrap();
    assert_eq!(world.validator.followed().unwrap().revocations(), 1);
}

#[test]
fn d12_cut_off_it_goes_on_until_it_is_stale_and_recovers_by_itself() {
    let mut world = World::new(WhenStale::FailClosed);
    let alice = world.session("alice");
    world.ask(&alice, noon() + 900).unwrap();
    for _ in 0..2 {
        assert_eq!(world.ask(&alice, noon() + 901), Err(Rejection::KeysUnavailable));
    }
    assert_eq!(world.validator.followed().unwrap().refused_while_stale(), 2);
    world.hear(&[], &[], noon() + 902);
    world.ask(&alice, noon() + 902).unwrap();
}

#[test]
fn d12_fail_open_accepts_and_counts_what_is_genuine_but_for_what_is_known_to_be_revoked() {
    let mut world = World::new(WhenStale::FailOpen);
    let (alice, bob) = (world.session("alice"), world.session("bob"));
    world.hear(&[], &[revoked(&bob)], noon() + 1);
    world.ask(&alice, noon() + 800).unwrap();
    assert_eq!(world.validator.followed().unwrap().accepted_while_stale(), 0);
    world.ask(&alice, noon() + HOUR).unwrap();
    assert_eq!(world.ask(&bob, noon() + HOUR), Err(Rejection::InvalidToken));
    assert_eq!(world.validator.followed().unwrap().accepted_while_stale(), 1);
    // However the owner wants it, an expired bundle is the end.
    assert_eq!(world.ask(&alice, noon() + 20 * HOUR), Err(Rejection::KeysUnavailable));
}

#[test]
fn d23_a_clock_that_jumps_makes_nothing_fresh() {
    let mut world = World::new(WhenStale::FailClosed);
    let alice = world.sts.session("alice", noon() + -HOUR, 30 * HOUR);
    for jump in [HOUR, -HOUR] {
        assert_eq!(world.ask(&alice, noon() + jump), Err(Rejection::KeysUnavailable), "{jump}");
        world.ask(&alice, noon()).unwrap();
    }
    // Set back for good: the next word of the service is enough.
    world.hear(&[], &[], noon() + -1800);
    world.ask(&alice, noon() + -1800).unwrap();
}

#[test]
fn a_new_bundle_replaces_the_keys_and_a_heartbeat_leaves_what_is_remembered() {
    let mut world = World::new(WhenStale::FailClosed);
    let alice = world.session("alice");
    world.ask(&alice, noon()).unwrap();
    let mut distrusting = TrustBundle { sequence: 2, ..world.sts.bundle(noon() + 20 * HOUR) };
    distrusting.verifying_keys[0].state = brevet_validator::token::KeyState::Distrusted;
    world.hear(&[], &[], noon() + 1);
    world.ask(&alice, noon() + 1).unwrap();
    world.hear(&encode(&distrusting), &[], noon() + 2);
    assert_eq!(world.ask(&alice, noon() + 2), Err(Rejection::InvalidToken));
    assert_eq!(world.validator.followed().unwrap().bundle().unwrap().sequence, 2);
}

#[test]
fn a_validator_of_a_bundle_alone_knows_no_staleness() {
    let sts = Sts::new(1);
    let validator = Validator::from_bundle(Rules::of_service(SERVICE), &sts.bundle(noon() + 20 * HOUR), 100).unwrap();
    let alice = sts.session("alice", noon(), 30 * HOUR);
    let late = noon() + 19 * HOUR;
    verify(&validator, &sign(get("/k"), b"", &alice, SERVICE, late), late).unwrap();
    assert!(validator.followed().is_none());
}

#[test]
fn the_last_use_of_each_session_is_remembered_once_its_signature_passed() {
    let world = World::new(WhenStale::FailClosed);
    let (alice, bob) = (world.session("alice"), world.session("bob"));
    world.ask(&alice, noon()).unwrap();
    world.ask(&bob, noon()).unwrap();
    world.ask(&alice, noon() + 60).unwrap();
    let of = |credentials: &Credentials, last_used| {
        let access_key_id = credentials.access_key_id;
        Activity { access_key_id, last_used, service: SERVICE.to_owned() }
    };
    assert_eq!(world.validator.activities(noon() + 1), [of(&alice, noon() + 60)]);
    // A signature that does not pass is nobody's use.
    let mut forged = sign(get("/k"), b"", &bob, SERVICE, noon() + 90);
    *forged.uri_mut() = "/other".parse().unwrap();
    assert!(verify(&world.validator, &forged, noon() + 90).is_err());
    let mut all = world.validator.activities(noon());
    all.sort_by_key(|activity| activity.last_used);
    assert_eq!(all, [of(&bob, noon()), of(&alice, noon() + 60)]);
}
