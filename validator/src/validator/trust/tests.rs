use proptest::prelude::*;

use super::*;
use crate::credential::{AccessKeyId, KeyKind};
use crate::secret::Secret;
use crate::token::{
    Entry, InvalidBundle, InvalidHead, KeyState, Revocation, RevocationHead, Subject, VerifyingKey, WithdrawnKey,
    ZoneKey,
};
use ring::signature::{Ed25519KeyPair, KeyPair as _};

pub(in crate::validator) const ANCHOR: [u8; 32] = [1; 32];
pub(in crate::validator) const NOW: i64 = 1_800_000_000;
const DAY: i64 = 86_400;

pub(in crate::validator) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(NOW + seconds).unwrap()
}

fn pair(seed: [u8; 32]) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&seed).unwrap()
}

/// A bundle of another anchor, domain, sequence or zone, as its bytes.
pub(in crate::validator) fn bundle(seed: [u8; 32], domain: u8, sequence: u64, zone: &str, days: i64) -> Vec<u8> {
    let public = pair([2; 32]).public_key().as_ref().try_into().unwrap();
    let bundle = TrustBundle {
        trust_domain: [domain; 16],
        sequence,
        issued_at: at(-DAY),
        expires_at: at(days * DAY),
        verifying_keys: vec![VerifyingKey {
            id: 1,
            public,
            not_before: at(-DAY),
            not_after: at(30 * DAY),
            max_lifetime: 43_200,
            state: KeyState::Active,
        }],
        zone: zone.into(),
        scope: None,
        zone_keys: vec![ZoneKey { epoch: 1, seal: Secret::new([3; 32]), zone: Secret::new([4; 32]) }],
        online: false,
        revocation_head: Vec::new(),
        anchor: pair(seed).public_key().as_ref().try_into().unwrap(),
    };
    bundle.encode(&Secret::new(seed)).unwrap()
}

/// The entry that revokes a session, and one that withdraws a key.
pub(in crate::validator) fn revoked(n: u8, until: i64) -> Vec<u8> {
    let account = "123456789012".parse().unwrap();
    let subject = Subject::Session { account, access_key_id: AccessKeyId::from_bytes(KeyKind::Temporary, [n; 10]) };
    Entry::Revoked(Revocation { subject, revision: u64::from(n), until: at(until) }).encode()
}

fn key(n: u8) -> AccessKeyId {
    AccessKeyId::from_bytes(KeyKind::LongLived, [n; 10])
}

fn withdrawn(n: u8, revision: u64, until: i64) -> Vec<u8> {
    Entry::Withdrawn(WithdrawnKey { access_key_id: key(n), revision, until: at(until) }).encode()
}

pub(in crate::validator) fn head(log: u8, entries: &[Vec<u8>], confirmed: i64) -> Vec<u8> {
    signed_head(ANCHOR, 9, log, entries, confirmed)
}

fn signed_head(seed: [u8; 32], domain: u8, log: u8, entries: &[Vec<u8>], confirmed: i64) -> Vec<u8> {
    let position = entries.iter().fold(LogPosition::start([log; 16]), |position, entry| position.after(entry));
    RevocationHead { trust_domain: [domain; 16], position, confirmed_at: at(confirmed) }.sign(&pair(seed))
}

fn good_bundle(sequence: u64) -> Vec<u8> {
    bundle(ANCHOR, 9, sequence, "default", 7)
}

pub(in crate::validator) fn apply(
    follower: &mut TrustFollower,
    bundle: &[u8],
    log: &[u8],
    entries: &[Vec<u8>],
    head: &[u8],
    now: i64,
) -> Result<Option<Changes>, TrustError> {
    follower.apply(Step { bundle, log, entries, head }, at(now))
}

/// In contact: bundle 5, log 1 with one session revoked, confirmed at second 0.
pub(in crate::validator) fn in_contact() -> TrustFollower {
    let mut follower = TrustFollower::new("default", None);
    let entries = [revoked(1, 3600)];
    apply(&mut follower, &good_bundle(5), &[1; 16], &entries, &head(1, &entries, 0), 0).unwrap().unwrap();
    follower
}

/// All that a follower says.
fn state(follower: &TrustFollower) -> String {
    let trust = follower.in_force();
    let log = trust.and_then(Trust::log);
    format!(
        "{} {:?} {:?} {:?} {:?}",
        follower.bundle_sequence(),
        follower.position(),
        log.map(|log| log.revocations().len()),
        trust.and_then(Trust::confirmed_at),
        trust.map(Trust::resets),
    )
}

fn revocations(follower: &TrustFollower) -> usize {
    follower.in_force().unwrap().log().unwrap().revocations().len()
}

#[test]
fn what_comes_takes_effect_with_its_head() {
    let mut follower = in_contact();
    let all = [revoked(1, 3600), revoked(2, 3600), withdrawn(3, 7, 3600)];
    for (entry, head, done) in [(1, vec![], false), (2, head(1, &all, 1), true)] {
        let changes = apply(&mut follower, &[], &[], &all[entry..=entry], &head, 1).unwrap();
        assert_eq!(changes.is_some(), done);
        assert_eq!(revocations(&follower), if done { 2 } else { 1 }, "readers go on with what they had");
        if let Some(changes) = changes {
            assert_eq!((&changes.entries[..], &changes.head), (&all[1..], &head));
            assert!(!changes.new_log && changes.bundle.is_none());
        }
    }
    let trust = follower.in_force().unwrap();
    assert_eq!(trust.confirmed_at(), Some(at(1)));
    assert_eq!(trust.log().unwrap().withdrawn(key(3)), Some(7));
    assert_eq!(trust.log().unwrap().withdrawn(key(4)), None);
}

#[test]
fn d10_a_bundle_of_elsewhere_or_of_the_past_changes_nothing() {
    let expired = bundle(ANCHOR, 9, 6, "default", 0);
    for (bundle, error) in [
        (bundle([7; 32], 9, 6, "default", 7), TrustError::Bundle(InvalidBundle::Anchor)),
        (bundle(ANCHOR, 8, 6, "default", 7), TrustError::TrustDomain),
        (bundle(ANCHOR, 9, 6, "other", 7), TrustError::Zone { asked: "default".into(), got: "other".into() }),
        (good_bundle(4), TrustError::Rollback { seen: 5, got: 4 }),
        (expired, TrustError::Expired(at(0))),
    ] {
        let mut follower = in_contact();
        let before = state(&follower);
        let entries = [revoked(1, 3600)];
        let refused = apply(&mut follower, &bundle, &[], &[], &head(1, &entries, 1), 1);
        assert_eq!(refused.unwrap_err(), error);
        assert_eq!(state(&follower), before, "{error}");
    }
}

#[test]
fn a_bundle_of_the_same_or_a_higher_sequence_is_taken() {
    for sequence in [5, 6, u64::MAX] {
        let mut follower = in_contact();
        let head = head(1, &[revoked(1, 3600)], 1);
        let changes = apply(&mut follower, &good_bundle(sequence), &[], &[], &head, 1).unwrap().unwrap();
        assert_eq!(changes.bundle.unwrap().expose(), &good_bundle(sequence));
        assert_eq!(follower.bundle_sequence(), sequence);
    }
}

#[test]
fn d10_a_head_of_elsewhere_or_after_other_entries_changes_nothing() {
    let known = [revoked(1, 3600)];
    let two = [revoked(1, 3600), revoked(2, 3600)];
    for (head, error) in [
        (signed_head([7; 32], 9, 1, &two, 1), TrustError::Head(InvalidHead::Signature)),
        (signed_head(ANCHOR, 8, 1, &two, 1), TrustError::Head(InvalidHead::TrustDomain)),
        (head(2, &two, 1), TrustError::Position),
        (head(1, &known, 1), TrustError::Position),
        (head(1, &[two[1].clone(), two[0].clone()], 1), TrustError::Position),
    ] {
        let mut follower = in_contact();
        let before = state(&follower);
        assert_eq!(apply(&mut follower, &[], &[], &two[1..], &head, 1).unwrap_err(), error);
        assert_eq!(state(&follower), before);
        // The next stream begins after what is in force.
        assert!(apply(&mut follower, &[], &[], &two[1..], &super::tests::head(1, &two, 1), 1).unwrap().is_some());
        assert_eq!(revocations(&follower), 2);
    }
}

#[test]
fn nothing_is_believed_before_a_bundle_and_a_log_have_come() {
    for (bundle, log, entries, error) in [
        (vec![], vec![1; 16], vec![], TrustError::NoBundle),
        (good_bundle(1), vec![], vec![], TrustError::NoLog),
        (good_bundle(1), vec![], vec![revoked(1, 1)], TrustError::NoLog),
        (good_bundle(1), vec![1; 15], vec![], TrustError::LogId),
    ] {
        let mut follower = TrustFollower::new("default", None);
        assert_eq!(apply(&mut follower, &bundle, &log, &entries, &head(1, &entries, 0), 0).unwrap_err(), error);
        assert!(follower.in_force().is_none());
    }
}

#[test]
fn another_log_adds_to_what_was_known_and_takes_nothing_back() {
    let mut follower = in_contact();
    let entries = [withdrawn(1, 3, 3600)];
    assert!(apply(&mut follower, &[], &[2; 16], &entries[..0], &[], 1).unwrap().is_none());
    assert_eq!(revocations(&follower), 1, "not before its head");
    let changes = apply(&mut follower, &[], &[], &entries, &head(2, &entries, 1), 1).unwrap().unwrap();
    assert!(changes.new_log);
    // The replica whose log it is does not know of the revocation, or does not know of it any more.
    assert_eq!((revocations(&follower), follower.in_force().unwrap().resets()), (1, 2));
    assert_eq!(follower.in_force().unwrap().log().unwrap().withdrawn(key(1)), Some(3));
}

#[test]
fn a_replica_that_lags_behind_waits_until_it_has_caught_up() {
    let mut follower = in_contact();
    let later = head(1, &[revoked(1, 3600)], 20);
    apply(&mut follower, &[], &[], &[], &later, 20).unwrap().unwrap();
    assert!(apply(&mut follower, &[], &[2; 16], &[], &head(2, &[], 18), 20).unwrap().is_none());
    assert_eq!(revocations(&follower), 1);
    let entries = [revoked(1, 3600)];
    assert!(apply(&mut follower, &[], &[], &entries, &head(2, &entries, 21), 21).unwrap().is_some());
    assert_eq!(follower.position().unwrap().log, [2; 16]);

    // A mark in the future is that of a clock that was wrong, and keeps nobody waiting.
    assert!(apply(&mut follower, &[], &[3; 16], &[], &head(3, &[], 10), 11).unwrap().is_some());
}

#[test]
fn a_new_stream_forgets_what_had_come_without_a_head() {
    let mut follower = in_contact();
    let two = [revoked(1, 3600), revoked(2, 3600)];
    apply(&mut follower, &[], &[], &two[1..], &[], 1).unwrap();
    follower.restart();
    assert!(apply(&mut follower, &[], &[], &two[1..], &head(1, &two, 1), 1).unwrap().is_some());
}

#[test]
fn d23_freshness_counts_from_the_service_never_from_the_future_and_does_not_go_back() {
    let entries = [revoked(1, 3600)];
    let mut follower = in_contact();
    let mut confirmed = |head_at: i64, now: i64| {
        apply(&mut follower, &[], &[], &[], &head(1, &entries, head_at), now).unwrap().unwrap();
        follower.in_force().unwrap().confirmed_at().unwrap().unix() - NOW
    };
    assert_eq!(confirmed(10, 12), 10);
    assert_eq!(confirmed(8, 13), 10, "an older head makes nothing older");
    assert_eq!(confirmed(4000, 14), 14, "a service whose clock is ahead makes nothing fresher than now");
    assert_eq!(confirmed(15, 3600), 15, "ours is ahead: stale, as the owner's limit says");
    assert_eq!(confirmed(16, 5), 5, "ours was set back: the mark is not left in the future");
}

#[test]
fn d23_a_clock_that_jumps_ahead_makes_nobody_forget_what_is_revoked() {
    let mut follower = in_contact();
    let entries = [revoked(1, 3600)];
    apply(&mut follower, &[], &[], &[], &head(1, &entries, 100), 9 * DAY).unwrap().unwrap();
    assert_eq!(revocations(&follower), 1);
    apply(&mut follower, &[], &[], &[], &head(1, &entries, 3600), 3600).unwrap().unwrap();
    assert_eq!(revocations(&follower), 0, "over by the service's time");
    assert_eq!(follower.position().unwrap().count, 1);
}

#[test]
fn d23_staleness_is_a_distance_in_both_directions() {
    let staleness = Staleness { max: std::time::Duration::from_secs(900), ..Staleness::default() };
    for (confirmed, now, over) in
        [(0, 0, false), (0, 900, false), (0, 901, true), (900, 0, false), (901, 0, true), (0, -NOW, true)]
    {
        assert_eq!(staleness.is_over(Some(at(confirmed)), at(now)), over, "{confirmed} {now}");
    }
    assert!(staleness.is_over(None, at(0)));
}

#[derive(Clone, Debug)]
enum Part {
    Bundle,
    Log,
    Entry(usize),
    Head,
}

fn part() -> impl Strategy<Value = Part> {
    prop_oneof![Just(Part::Bundle), Just(Part::Log), (0..2usize).prop_map(Part::Entry), Just(Part::Head)]
}

proptest! {
    #[test]
    fn a_message_that_is_changed_anywhere_changes_nothing(part in part(), place: prop::sample::Index, bit in 0..8u8, cut: bool) {
        let (mut bundle, mut log, mut entries) = (good_bundle(6), vec![2; 16], vec![revoked(2, 60), withdrawn(1, 2, 60)]);
        let mut head = head(2, &entries, 1);
        let bytes = match part {
            Part::Bundle => &mut bundle,
            Part::Log => &mut log,
            Part::Entry(n) => &mut entries[n],
            Part::Head => &mut head,
        };
        let place = place.index(bytes.len());
        if cut {
            bytes.truncate(place);
        } else {
            bytes[place] ^= 1 << bit;
        }
        let mut follower = in_contact();
        let before = state(&follower);
        match apply(&mut follower, &bundle, &log, &entries, &head, 1) {
            // Left out altogether: the bundle before goes on, or the head is still to come.
            Ok(changes) => {
                prop_assert!(cut && place == 0 && matches!(part, Part::Bundle | Part::Head));
                prop_assert_eq!(changes.is_some(), matches!(part, Part::Bundle));
            }
            Err(_) => prop_assert_eq!(state(&follower), before),
        }
    }

    #[test]
    fn entries_come_to_the_same_however_they_are_cut_into_messages(cuts in prop::collection::vec(any::<bool>(), 12)) {
        let entries: Vec<_> = (2..14).map(|n| revoked(n, 3600)).collect();
        let all: Vec<_> = std::iter::once(revoked(1, 3600)).chain(entries.clone()).collect();
        let mut follower = in_contact();
        let mut waiting = Vec::new();
        for (n, (entry, cut)) in entries.iter().zip(cuts).enumerate() {
            waiting.push(entry.clone());
            let head = if cut { head(1, &all[..n + 2], 1) } else { Vec::new() };
            let changes = apply(&mut follower, &[], &[], &waiting[waiting.len() - 1..], &head, 1).unwrap();
            if let Some(changes) = changes {
                prop_assert_eq!(changes.entries, std::mem::take(&mut waiting));
            }
        }
        apply(&mut follower, &[], &[], &[], &head(1, &all, 1), 1).unwrap().unwrap();
        prop_assert_eq!(revocations(&follower), 13);
    }
}
