//! Signing keys that change while requests flow: each epoch's sessions are good from its first to its last second, at validators
//! that are up to date and at those one bundle behind, and never beyond.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;

use brevet_validator::credential::Credentials;
use brevet_validator::signature::Rules;
use brevet_validator::timestamp::Timestamp;
use brevet_validator::token::{KeyState, TrustBundle, VerifyingKey, Zone};
use brevet_validator::validator::{Rejection, Validator};

use layer_support::{HOUR, Sts, get, noon, sign, verify};

mod layer_support;

/// An epoch signs for so long; its sessions live for [`SESSION`] beyond.
const EPOCH: i64 = 6 * HOUR;
const SESSION: i64 = HOUR;
const EPOCHS: i64 = 4;

/// When an epoch begins to sign.
fn begin(epoch: i64) -> Timestamp {
    noon() + epoch * EPOCH
}

/// The service in an epoch: keys of its own in a deployment that all share.
fn service(epoch: i64) -> Sts {
    Sts::of_epoch(1, u32::try_from(epoch).unwrap() + 1)
}

/// The bundle in an epoch: the last key verifies only, this one signs, the next one is prepared.
fn bundle(epoch: i64) -> TrustBundle {
    let known = (epoch - 1).max(0)..=epoch + 1;
    let (verifying_keys, zone_keys) = known
        .map(|n| {
            let state = match n - epoch {
                ..0 => KeyState::VerifyOnly,
                0 => KeyState::Active,
                1.. => KeyState::Prepared,
            };
            let (not_before, not_after) = (begin(n), begin(n + 1));
            let key =
                VerifyingKey { not_before, not_after, max_lifetime: SESSION, state, ..service(n).verifying_key() };
            (key, service(n).zone_key(&Zone::Default))
        })
        .unzip();
    TrustBundle {
        sequence: u64::try_from(epoch).unwrap() + 1,
        verifying_keys,
        zone_keys,
        ..service(epoch).bundle(begin(epoch + 2))
    }
}

fn validator(epoch: i64) -> Validator {
    Validator::from_bundle(Rules::of_service("s3"), &bundle(epoch), 1000).unwrap()
}

fn session(epoch: i64, from: Timestamp) -> Credentials {
    service(epoch).session(&format!("s{}", from.unix()), from, SESSION)
}

fn ask(validator: &Validator, session: &Credentials, now: Timestamp) -> Result<(), Rejection> {
    verify(validator, &sign(get("/k"), b"", session, "s3", now), now).map(drop)
}

#[test]
fn d8_while_keys_roll_over_no_good_request_is_refused_by_a_validator_that_is_one_bundle_behind() {
    for epoch in 1..EPOCHS {
        let (current, behind) = (validator(epoch), validator(epoch - 1));
        for seconds in [0, 1, EPOCH / 2, EPOCH - SESSION, EPOCH - 1] {
            let now = begin(epoch) + seconds;
            // Made now, and made by the epoch before in its last second.
            let fresh = session(epoch, now);
            let late = session(epoch - 1, begin(epoch) + -1);
            for (name, validator) in [("current", &current), ("behind", &behind)] {
                assert_eq!(ask(validator, &fresh, now), Ok(()), "{name}, {seconds} s into {epoch}");
                let expected = if seconds < SESSION - 1 { Ok(()) } else { Err(Rejection::ExpiredToken) };
                assert_eq!(ask(validator, &late, now), expected, "{name}, {seconds} s into {epoch}");
            }
        }
    }
}

#[test]
fn d8_d9_a_key_signs_nothing_before_its_first_second_and_nothing_after_its_last() {
    for epoch in 1..EPOCHS {
        let (early, late) = (session(epoch, begin(epoch) + -1), session(epoch, begin(epoch + 1)));
        for validator in [validator(epoch - 1), validator(epoch), validator(epoch + 1)] {
            assert_eq!(ask(&validator, &early, begin(epoch)), Err(Rejection::InvalidToken));
        }
        // The bundle before is over by then.
        for validator in [validator(epoch), validator(epoch + 1)] {
            assert_eq!(ask(&validator, &late, begin(epoch + 1)), Err(Rejection::InvalidToken));
        }
        // And a validator that has not heard of it, or heard that it is gone, knows it not at all.
        let now = begin(epoch + 2);
        let retired = session(epoch, now + -1);
        assert_eq!(ask(&validator(epoch + 2), &retired, now), Err(Rejection::InvalidToken));
    }
}

#[test]
fn d8_a_validator_two_bundles_behind_refuses_by_the_expiry_of_its_own() {
    let (behind, now) = (validator(0), begin(2));
    assert_eq!(ask(&behind, &session(2, now), now), Err(Rejection::KeysUnavailable));
}

#[test]
fn d8_bundles_are_replaced_under_load_without_one_false_answer() {
    const THREADS: usize = 3;
    const STEPS: i64 = 400;
    let validator = validator(0);
    // What time it is, in seconds since the beginning: the bundle is replaced before the time moves into a new epoch.
    let clock = AtomicU64::new(0);
    let asked = AtomicUsize::new(0);
    thread::scope(|scope| {
        let ask_on = || {
            scope.spawn(|| {
                loop {
                    let seconds = i64::try_from(clock.load(Ordering::SeqCst)).unwrap();
                    let (now, epoch) = (begin(0) + seconds, seconds / EPOCH);
                    if epoch >= EPOCHS {
                        return;
                    }
                    let mut sessions = vec![session(epoch, now)];
                    if seconds - epoch * EPOCH < SESSION - 1 && epoch > 0 {
                        sessions.push(session(epoch - 1, begin(epoch) + -1));
                    }
                    let answers: Vec<_> = sessions.iter().map(|session| ask(&validator, session, now)).collect();
                    // Unless the time moved on by hours while it was asked.
                    if i64::try_from(clock.load(Ordering::SeqCst)).unwrap() / EPOCH == epoch {
                        assert!(answers.iter().all(Result::is_ok), "{seconds}: {answers:?}");
                    }
                    asked.fetch_add(1, Ordering::SeqCst);
                }
            })
        };
        let threads: Vec<_> = (0..THREADS).map(|_| ask_on()).collect();
        for step in 0..=STEPS {
            let seconds = EPOCHS * EPOCH * step / STEPS;
            if seconds % EPOCH == 0 && seconds / EPOCH < EPOCHS {
                validator.replace_bundle(&bundle(seconds / EPOCH)).unwrap();
            }
            clock.store(u64::try_from(seconds).unwrap(), Ordering::SeqCst);
            let goal = asked.load(Ordering::SeqCst) + THREADS;
            while asked.load(Ordering::SeqCst) < goal && threads.iter().any(|thread| !thread.is_finished()) {
                thread::yield_now();
            }
        }
    });
    assert!(asked.into_inner() >= usize::try_from(STEPS).unwrap() * THREADS);
}
