//! How long keys live and how often an issuer is asked, second by second.

use super::super::tests::key_set;
use super::*;

const START: Timestamp = Timestamp::from_unix(1_768_478_400).unwrap();

fn fetched(kids: &[&str], max_age: Option<i64>) -> Result<Fetched, KeySetError> {
    let max_age = max_age.map(|seconds| Duration::from_secs(seconds.unsigned_abs()));
    Ok(Fetched { keys: key_set(kids), max_age, date: None })
}

/// Holds the key `a`, fetched at the start, and was asked once before.
fn holding(max_age: Option<i64>) -> State {
    let mut state = State::default();
    state.record(fetched(&["a"], max_age), Some("a"), START + -HOUR);
    state.record(fetched(&["a"], max_age), Some("a"), START);
    state
}

#[test]
fn keys_are_fresh_for_as_long_as_the_issuer_says_within_bounds() {
    for (max_age, fresh) in [
        (Some(0), FRESH_MIN),
        (Some(60), FRESH_MIN),
        (Some(600), 600),
        (None, FRESH_DEFAULT),
        (Some(HOUR), FRESH_MAX),
        (Some(i64::MAX), FRESH_MAX),
    ] {
        let state = holding(max_age);
        assert_eq!(state.step(Some("a"), START + (fresh - 1)), Step::Answer, "{max_age:?}");
        assert_eq!(state.step(Some("a"), START + fresh), Step::AnswerAndFetch, "{max_age:?}");
        assert_eq!(state.step(None, START + fresh), Step::AnswerAndFetch, "{max_age:?}");
    }
}

#[test]
fn b17_after_an_hour_nobody_is_served_before_the_issuer_was_asked() {
    let mut state = holding(Some(HOUR));
    assert_eq!(state.step(Some("a"), START + (HOUR - 1)), Step::AnswerAndFetch);
    assert_eq!(state.step(Some("a"), START + HOUR), Step::FetchFirst);
    state.record(fetched(&["b"], None), Some("a"), START + HOUR);
    assert!(!state.answer(Some("a"), true, START + HOUR).unwrap().has("a"));
}

#[test]
fn b17_the_last_good_set_serves_for_a_day_while_the_issuer_is_down() {
    let mut state = holding(Some(HOUR));
    let mut now = START + HOUR;
    let mut asked = 0;
    while now < START + DEAD_AFTER {
        if state.step(Some("a"), now) != Step::Answer {
            state.record(Err(KeySetError::Unreachable), Some("a"), now);
            asked += 1;
        }
        assert!(state.answer(Some("a"), true, now).unwrap().has("a"), "{now}");
        now = now + 10;
    }
    assert_eq!(state.answer(Some("a"), true, now).unwrap_err(), KeySetError::Unreachable);
    assert!((23 * 12..=23 * 12 + 3).contains(&asked), "every five minutes, but {asked}");
}

#[test]
fn b17_with_the_issuer_down_a_known_key_waits_for_a_try_only_if_there_was_none_for_an_hour() {
    let mut state = holding(Some(HOUR));
    state.record(Err(KeySetError::Timeout), Some("a"), START + HOUR);
    assert_eq!(state.step(Some("a"), START + (HOUR + REST - 1)), Step::Answer);
    assert_eq!(state.step(Some("a"), START + (HOUR + REST)), Step::AnswerAndFetch);
    assert_eq!(state.step(Some("a"), START + 2 * HOUR), Step::FetchFirst);
}

#[test]
fn b15_after_the_first_fetch_there_is_one_in_thirty_seconds() {
    let mut state = State::default();
    let mut asked = Vec::new();
    for second in 0..120 {
        for n in 0..10 {
            let (kid, now) = (format!("{second}-{n}"), START + second);
            if state.step(Some(&kid), now) == Step::FetchFirst {
                state.record(fetched(&["a"], None), Some(&kid), now);
                asked.push(second);
            }
            assert!(state.answer(Some("a"), true, now).is_ok());
        }
    }
    assert_eq!(asked, [0, 0, 30, 60, 90]);
}

#[test]
fn b15_a_key_that_was_not_published_is_not_asked_for_again_for_two_minutes() {
    let mut state = holding(None);
    let asked_at = START + REST;
    assert_eq!(state.step(Some("b"), asked_at), Step::FetchFirst);
    state.record(fetched(&["a"], None), Some("b"), asked_at);
    for later in [REST, ABSENT_FOR - 1] {
        assert_eq!(state.step(Some("b"), asked_at + later), Step::Answer);
        assert_eq!(state.step(Some("c"), asked_at + later), Step::FetchFirst);
    }
    assert_eq!(state.step(Some("b"), asked_at + ABSENT_FOR), Step::FetchFirst);
}

#[test]
fn b14_whatever_a_token_calls_its_key_is_kept_small() {
    let mut state = holding(None);
    let long = "k".repeat(1_000_000);
    assert_eq!(state.step(Some(&long), START + REST), Step::Answer);
    for n in 0..1_000 {
        state.record(fetched(&["a"], None), Some(&format!("../{n}\0' OR 1=1")), START + n / 100);
        state.record(fetched(&["a"], None), Some(&long), START + n / 100);
    }
    assert_eq!(state.absent.len(), ABSENT_MAX);
    assert!(state.absent.iter().all(|(kid, _)| kid.len() <= KID_MAX));
}

#[test]
fn b12_a_failure_keeps_the_set_and_says_so() {
    let mut state = holding(None);
    state.record(Err(KeySetError::TooLarge), Some("b"), START + REST);
    assert!(state.answer(Some("a"), true, START + REST).is_ok());
    assert!(state.answer(None, true, START + REST).is_ok());
    assert_eq!(state.answer(Some("b"), true, START + REST).unwrap_err(), KeySetError::TooLarge);
    let status = state.status(START + REST);
    assert_eq!((status.last_good_fetch, status.last_error), (Some(START), Some(KeySetError::TooLarge)));
    assert_eq!(status.keys, 1);
    state.record(fetched(&["a", "b"], None), Some("b"), START + 2 * REST);
    assert!(state.answer(Some("b"), true, START + 2 * REST).unwrap().has("b"));
    let status = state.status(START + 2 * REST);
    assert_eq!((status.last_error, status.keys), (None, 2));
    assert_eq!(status.fetches, [("success", 3), ("too_large", 1)].into());
    assert_eq!(status.stale_at, Some(START + 2 * REST + FRESH_DEFAULT));
    // What is too old to be used is not held, whatever there is in memory.
    assert_eq!(state.status(START + 2 * REST + DEAD_AFTER).keys, 0);
}

#[test]
fn an_issuer_that_never_answered_is_tried_again_soon_and_then_ever_less() {
    let mut state = State::default();
    let mut tries = Vec::new();
    for second in 0..1_000 {
        if state.step(Some("a"), START + second) == Step::FetchFirst {
            state.record(Err(KeySetError::Status), Some("a"), START + second);
            tries.push(second);
        }
        assert_eq!(state.answer(Some("a"), true, START + second).unwrap_err(), KeySetError::Status);
    }
    assert_eq!(tries, [0, 5, 65, 185, 485, 785]);
}

#[test]
fn an_issuer_may_withdraw_all_its_keys() {
    let mut state = holding(None);
    state.record(fetched(&[], None), None, START + HOUR);
    assert!(state.answer(Some("a"), true, START + HOUR).unwrap().is_empty());
}

#[test]
fn a_clock_that_is_set_back_makes_the_issuer_be_asked() {
    let mut state = holding(None);
    for back in [1, HOUR, DEAD_AFTER - 1] {
        assert_eq!(state.step(Some("a"), START + -back), Step::FetchFirst);
        assert!(state.answer(Some("a"), true, START + -back).is_ok());
    }
    assert!(state.answer(Some("a"), true, START + -DEAD_AFTER).is_err());
    state.record(fetched(&["a"], None), Some("a"), START + -HOUR);
    assert_eq!(state.step(Some("a"), START + -HOUR), Step::Answer);
}

#[test]
fn b17_a_key_that_may_be_newer_than_the_last_fetch_is_not_called_unknown() {
    let mut state = State::default();
    state.record(fetched(&["a"], None), None, START);
    // Someone asks for a key that does not exist: that is the second fetch, and the issuer rests.
    state.record(fetched(&["a"], None), Some("made-up"), START + 1);
    assert_eq!(state.step(Some("b"), START + 2), Step::Answer);
    assert_eq!(state.answer(Some("b"), false, START + 2).unwrap_err(), KeySetError::Resting);
    // What the issuer was asked for, and what it has, is known.
    assert!(!state.answer(Some("made-up"), false, START + 2).unwrap().has("made-up"));
    assert!(state.answer(Some("a"), false, START + 2).unwrap().has("a"));
    assert!(state.answer(None, false, START + 2).is_ok());
    // Whoever waited for the fetch knows as well.
    assert!(!state.answer(Some("b"), true, START + 2).unwrap().has("b"));
    assert_eq!(state.step(Some("b"), START + 1 + REST), Step::FetchFirst);
}

#[test]
fn the_issuer_s_clock_is_compared_with_ours_when_keys_come() {
    let mut state = holding(None);
    assert_eq!(state.status(START).clock_ahead, None);
    for (told, ahead) in [(Some(START + 90), Some(90)), (Some(START + -40), Some(-40)), (None, None)] {
        state.record(fetched(&["a"], None).map(|fetched| Fetched { date: told, ..fetched }), None, START);
        assert_eq!(state.status(START + 500).clock_ahead, ahead);
    }
}
