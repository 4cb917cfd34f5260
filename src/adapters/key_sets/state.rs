//! What is remembered of one issuer's keys, and what follows from it now. Without I/O and clock: time is an argument.
//!
//! | age of a known key | what is done | why |
//! |---|---|---|
//! | up to the issuer's `max-age`, within 5 and 55 minutes | served | fresh |
//! | up to an hour since the issuer was last asked | served, and the issuer is asked | nobody waits |
//! | more | served once the issuer was asked, whatever came of that | a withdrawn key lives for an hour at most |
//! | 24 hours since the issuer last answered | refused | nobody knows whether it is still good |
//!
//! For a key that is not in the set the issuer is asked first, as often as [`State::rests`] lets it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use brevet_validator::timestamp::Timestamp;

use crate::service::federation::KeySet;
use crate::service::federation::key_sets::{KeySetError, KeySetStatus};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;

/// Keys are fresh for what the issuer says, within these bounds. The upper one leaves time to ask again before the hour.
const FRESH_MIN: i64 = 5 * MINUTE;
const FRESH_MAX: i64 = 55 * MINUTE;

/// If the issuer does not say.
const FRESH_DEFAULT: i64 = 15 * MINUTE;

/// From here on callers wait for the issuer to be asked.
const WAIT_AFTER: i64 = HOUR;

/// From here on keys are not used.
const DEAD_AFTER: i64 = 24 * HOUR;

/// Between two fetches.
const REST: i64 = 30;

/// After failures in a row. The last one stays.
const REST_AFTER_FAILURES: [i64; 4] = [REST, MINUTE, 2 * MINUTE, 5 * MINUTE];

/// After the very first fetch, if it failed: a provider that was just set up is tried again soon.
const REST_AFTER_FIRST_FAILURE: i64 = 5;

/// How long a key that the issuer did not publish is not asked for again: long enough to spare the issuer, short enough for
/// issuers that sign before they publish.
const ABSENT_FOR: i64 = 2 * MINUTE;

/// Absent keys that are remembered; the oldest goes.
const ABSENT_MAX: usize = 32;

/// No honest key id is longer; the reader of tokens refuses them anyway.
const KID_MAX: usize = 256;

/// What a fetch brings.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) keys: KeySet,
    /// How long the issuer calls it fresh.
    pub(super) max_age: Option<Duration>,
    /// What time it was for the issuer.
    pub(super) date: Option<Timestamp>,
}

/// What to do for a caller.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Step {
    /// [`State::answer`] is the answer.
    Answer,
    /// The same, but ask the issuer for the benefit of later callers.
    AnswerAndFetch,
    /// Ask the issuer first.
    FetchFirst,
}

#[derive(Debug)]
struct Good {
    keys: Arc<KeySet>,
    fetched_at: Timestamp,
    stale_at: Timestamp,
    /// Seconds that the issuer's clock was ahead of ours.
    ahead: Option<i64>,
}

#[derive(Clone, Copy, Debug)]
struct Failure {
    error: KeySetError,
    /// Failures in a row.
    count: usize,
}

/// Of one issuer.
#[derive(Debug, Default)]
pub(super) struct State {
    good: Option<Good>,
    /// If the latest fetch failed.
    failure: Option<Failure>,
    /// End of the latest fetch.
    asked_at: Option<Timestamp>,
    /// Whether there was more than one.
    asked_again: bool,
    absent: VecDeque<(String, Timestamp)>,
    /// How many fetches ended how.
    fetches: BTreeMap<&'static str, u64>,
}

impl State {
    /// What to do for a token that names this key.
    pub(super) fn step(&self, kid: Option<&str>, now: Timestamp) -> Step {
        if self.rests(now) {
            return Step::Answer;
        }
        let Some(good) = self.usable(now) else { return Step::FetchFirst };
        if !within(self.asked_at, WAIT_AFTER, now) {
            return Step::FetchFirst;
        }
        match kid {
            Some(kid) if !good.keys.has(kid) && self.may_ask_for(kid, now) => Step::FetchFirst,
            _ if now >= good.stale_at => Step::AnswerAndFetch,
            _ => Step::Answer,
        }
    }

    /// What to give. `asked`: the issuer was asked since the caller came.
    pub(super) fn answer(&self, kid: Option<&str>, asked: bool, now: Timestamp) -> Result<Arc<KeySet>, KeySetError> {
        match (self.usable(now), self.failure) {
            // The issuer may have published the key since it was last asked, and is left alone for now.
            (Some(good), None)
                if !asked && kid.is_some_and(|kid| !good.keys.has(kid) && self.may_ask_for(kid, now)) =>
            {
                Err(KeySetError::Resting)
            }
            (Some(good), None) => Ok(Arc::clone(&good.keys)),
            // A token without a key id may mean any key.
            (Some(good), Some(_)) if kid.is_none_or(|kid| good.keys.has(kid)) => Ok(Arc::clone(&good.keys)),
            // Whether the issuer publishes the key by now is not known: "try again" is true, "no such key" may not be.
            (_, Some(failure)) => Err(failure.error),
            (None, None) => Err(KeySetError::Unreachable),
        }
    }

    /// Takes in the outcome of a fetch that was begun for this key.
    pub(super) fn record(&mut self, outcome: Result<Fetched, KeySetError>, kid: Option<&str>, now: Timestamp) {
        self.asked_again = self.asked_at.is_some();
        self.asked_at = Some(now);
        *self.fetches.entry(outcome.as_ref().map_or_else(|error| error.as_str(), |_| "success")).or_default() += 1;
        match outcome {
            Ok(Fetched { keys, max_age, date }) => {
                let fresh = max_age.map_or(FRESH_DEFAULT, |age| i64::try_from(age.as_secs()).unwrap_or(i64::MAX));
                let stale_at = now + fresh.clamp(FRESH_MIN, FRESH_MAX);
                if let Some(kid) = kid.filter(|kid| !keys.has(kid)) {
                    self.remember_absent(kid, now);
                }
                let ahead = date.map(|date| date - now);
                self.good = Some(Good { keys: Arc::new(keys), fetched_at: now, stale_at, ahead });
                self.failure = None;
            }
            Err(error) => {
                let count = self.failure.map_or(1, |failure| failure.count.saturating_add(1));
                self.failure = Some(Failure { error, count });
            }
        }
    }

    /// For operators.
    pub(super) fn status(&self, now: Timestamp) -> KeySetStatus {
        KeySetStatus {
            last_good_fetch: self.good.as_ref().map(|good| good.fetched_at),
            last_error: self.failure.map(|failure| failure.error),
            stale_at: self.good.as_ref().map(|good| good.stale_at),
            clock_ahead: self.good.as_ref().and_then(|good| good.ahead),
            keys: self.usable(now).map_or(0, |good| good.keys.len()),
            fetches: self.fetches.clone(),
        }
    }

    /// Whether nothing is lost but the keys if this is forgotten: what is forgotten may be asked at once.
    pub(super) fn is_idle(&self, now: Timestamp) -> bool {
        !within(self.asked_at, REST, now) && !self.rests(now)
    }

    /// Whether the issuer is left alone for now.
    fn rests(&self, now: Timestamp) -> bool {
        let rest = match self.failure {
            // An unknown key may be newer than the first fetch.
            None if !self.asked_again => 0,
            None => REST,
            Some(_) if !self.asked_again => REST_AFTER_FIRST_FAILURE,
            Some(Failure { count, .. }) => REST_AFTER_FAILURES[count.clamp(1, REST_AFTER_FAILURES.len()) - 1],
        };
        within(self.asked_at, rest, now)
    }

    /// A clock that was set back by less than this age makes keys no worse.
    fn usable(&self, now: Timestamp) -> Option<&Good> {
        self.good.as_ref().filter(|good| (now - good.fetched_at).abs() < DEAD_AFTER)
    }

    fn may_ask_for(&self, kid: &str, now: Timestamp) -> bool {
        let is_absent = self.absent.iter().any(|(absent, at)| absent == kid && within(Some(*at), ABSENT_FOR, now));
        kid.len() <= KID_MAX && !is_absent
    }

    fn remember_absent(&mut self, kid: &str, now: Timestamp) {
        if kid.len() > KID_MAX {
            return;
        }
        self.absent.retain(|(absent, at)| absent != kid && within(Some(*at), ABSENT_FOR, now));
        if self.absent.len() == ABSENT_MAX {
            self.absent.pop_front();
        }
        self.absent.push_back((kid.to_owned(), now));
    }
}

/// Whether less than `seconds` have passed since then. With a clock that was set back they have: the issuer is asked
/// again, and nothing lives longer than it should.
fn within(since: Option<Timestamp>, seconds: i64, now: Timestamp) -> bool {
    since.is_some_and(|since| since <= now && now < since + seconds)
}

#[cfg(test)]
mod tests;
