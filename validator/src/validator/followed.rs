//! What a validator that follows the service reads with each request.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use arc_swap::ArcSwapOption;

use super::trust::{Log, Staleness, Trust, WhenStale};
use super::{Rejection, Validator};
use crate::credential::AccessKeyId;
use crate::signature::Rules;
use crate::timestamp::Timestamp;
use crate::token::{InvalidKeyRing, Session, TrustBundle};

/// Revocations and how fresh they are.
#[derive(Debug)]
pub struct FollowedTrust {
    staleness: Staleness,
    /// Put in place before `confirmed_at`, which says that it is all.
    in_force: ArcSwapOption<InForce>,
    /// Unix time; [`NEVER`] before the first contact.
    confirmed_at: AtomicI64,
    bundle: ArcSwapOption<TrustBundle>,
    accepted: AtomicU64,
    refused: AtomicU64,
}

#[derive(Debug)]
struct InForce {
    log: Log,
    resets: u64,
}

const NEVER: i64 = -1;

impl FollowedTrust {
    fn new(staleness: Staleness) -> Self {
        Self {
            staleness,
            in_force: ArcSwapOption::empty(),
            confirmed_at: AtomicI64::new(NEVER),
            bundle: ArcSwapOption::empty(),
            accepted: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        }
    }

    /// The bundle in force.
    pub fn bundle(&self) -> Option<Arc<TrustBundle>> {
        self.bundle.load_full()
    }

    /// Until when the revocations in force were known to be all.
    pub fn confirmed_at(&self) -> Option<Timestamp> {
        // Whoever sees the mark sees what it speaks of.
        Timestamp::from_unix(self.confirmed_at.load(Ordering::Acquire))
    }

    /// Whether that is too long ago.
    pub fn is_stale(&self, now: Timestamp) -> bool {
        self.staleness.is_over(self.confirmed_at(), now)
    }

    /// How long is too long.
    pub fn staleness(&self) -> Staleness {
        self.staleness
    }

    /// The revision at which a long-lived key was withdrawn: forget what was derived from it at an earlier one.
    pub fn withdrawn(&self, id: AccessKeyId) -> Option<u64> {
        self.in_force.load().as_ref()?.log.withdrawn(id)
    }

    /// How often the log was another one than before. Forget all fetched keys whenever that changes.
    pub fn log_resets(&self) -> u64 {
        self.in_force.load().as_ref().map_or(0, |in_force| in_force.resets)
    }

    /// How many revocations are in force.
    pub fn revocations(&self) -> usize {
        self.in_force.load().as_ref().map_or(0, |in_force| in_force.log.revocations().len())
    }

    /// Requests that were accepted although nobody knew whether their session was revoked.
    pub fn accepted_while_stale(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Requests that were refused because nobody knew.
    pub fn refused_while_stale(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Whether sessions may be decided on now. If only because the owner wants them to be, gives what counts those accepted.
    pub(super) fn check(&self, now: Timestamp) -> Result<Option<&AtomicU64>, Rejection> {
        if !self.is_stale(now) {
            return Ok(None);
        }
        match self.staleness.when_stale {
            WhenStale::FailOpen => Ok(Some(&self.accepted)),
            WhenStale::FailClosed => {
                self.refused.fetch_add(1, Ordering::Relaxed);
                Err(Rejection::KeysUnavailable)
            }
        }
    }

    /// Whether a genuine session is refused.
    pub(super) fn refuses(&self, session: &Session) -> bool {
        self.in_force.load().as_ref().is_some_and(|in_force| in_force.log.revocations().refuses(session).is_some())
    }

    fn put(&self, trust: &Trust) {
        self.bundle.store(Some(Arc::clone(trust.bundle())));
        let in_force = trust.log().map(|log| InForce { log: log.clone(), resets: trust.resets() });
        self.in_force.store(in_force.map(Arc::new));
        self.confirmed_at.store(trust.confirmed_at().map_or(NEVER, Timestamp::unix), Ordering::Release);
    }
}

impl Validator {
    /// A validator that decides with what a [`TrustFollower`](super::TrustFollower) has in force. Whoever follows hands in
    /// each change with [`Validator::follow`].
    pub fn following(
        rules: Rules,
        trust: &Trust,
        staleness: Staleness,
        max_cached: u64,
    ) -> Result<Self, InvalidKeyRing> {
        let mut validator = Self::from_bundle(rules, trust.bundle(), max_cached)?;
        let followed = FollowedTrust::new(staleness);
        followed.put(trust);
        validator.followed = Some(followed);
        Ok(validator)
    }

    /// Puts what is known now in force, for the next request on.
    pub fn follow(&self, trust: &Trust) -> Result<(), InvalidKeyRing> {
        let Some(followed) = &self.followed else { return Ok(()) };
        let same = followed.bundle().is_some_and(|bundle| Arc::ptr_eq(&bundle, trust.bundle()));
        if !same {
            self.replace_bundle(trust.bundle())?;
        }
        followed.put(trust);
        Ok(())
    }

    /// What is followed; `None` for a validator that has a bundle alone.
    pub fn followed(&self) -> Option<&FollowedTrust> {
        self.followed.as_ref()
    }
}
