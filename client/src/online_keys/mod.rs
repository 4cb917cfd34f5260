//! Signing keys that a validator cannot derive, asked for over gRPC and remembered for a while.

mod ask;
mod memory;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use brevet_validator::credential::AccessKeyId;
use brevet_validator::timestamp::Timestamp;
use brevet_validator::validator::{Fetching, Lookup, SigningKeySource, WantedKey};
use tokio::sync::watch;

use self::ask::{Answer, Ask, Zone};
use self::memory::{KeyName, Memory};
use crate::endpoint::{SignedChannel, ValidationClient};

/// Calls under way at once. Whoever would need another is answered at once that the key is not to be had.
const MAX_CALLS: usize = 32;
/// Of these, for keys that anyone may have made up: long-lived ones that are not known yet.
const MAX_UNPROVEN: usize = 24;
/// How long a call may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a key goes on being used while nobody can be asked for it anew, unless said otherwise.
const MAX_STALENESS: Duration = Duration::from_secs(15 * 60);
/// For so many seconds after a call that failed, old keys are used without another call.
const RESPITE: i64 = 5;

/// The keys of a zone, by GetSigningKey: those of long-lived keys, and those of sessions in an online zone.
///
/// ```no_run
/// # async fn example(bundle: brevet_validator::token::TrustBundle) -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
///
/// use brevet_client::{Endpoint, OnlineKeys, credentials};
/// use brevet_validator::{signature::Rules, validator::Validator};
///
/// let channel = Endpoint::new("https://sts.example.com")?.channel(credentials::from_environment()?).await?;
/// let keys = Arc::new(OnlineKeys::new(channel, "storage"));
/// let validator = Validator::from_bundle(Rules::of_service("s3"), &bundle, 100_000)?.with_signing_keys(keys.clone());
/// # Ok(())
/// # }
/// ```
///
/// - A key is used until the time that came with it, and as long as nobody can be asked, up to [`OnlineKeys::max_staleness`]
///   longer; never for another date than its own.
/// - However many requests want a key, one call asks for it. It goes on to its end when they give up.
/// - A key that does not exist is remembered as absent for a few seconds.
///
/// Whoever follows the revocations tells [`OnlineKeys::forget`] and [`OnlineKeys::forget_all`]. Needs a tokio runtime.
pub struct OnlineKeys {
    asked: Arc<dyn Ask>,
    max_staleness: i64,
    memory: Arc<Memory>,
    calls: Arc<Mutex<HashMap<KeyName, Outcome>>>,
    /// Unix time up to which old keys are used without another call.
    respite: Arc<AtomicI64>,
}

/// Of a call under way: `None` until it is known.
type Outcome = watch::Receiver<Option<Lookup>>;

impl OnlineKeys {
    /// Asks over this channel for the keys of a zone. Whose credentials the channel has needs `brevet:GetSigningKey` on it.
    pub fn new(channel: SignedChannel, zone: impl Into<String>) -> Self {
        let client = ValidationClient::new(channel);
        Self::over(move || Some(client.clone()), zone.into())
    }

    /// Asks over the connection that there is at the moment.
    pub(crate) fn over(client: impl Fn() -> Option<ValidationClient> + Send + Sync + 'static, zone: String) -> Self {
        Self::asking(Arc::new(Zone { client, name: zone }))
    }

    fn asking(asked: Arc<dyn Ask>) -> Self {
        Self {
            asked,
            max_staleness: seconds(MAX_STALENESS),
            memory: Arc::new(Memory::new(MAX_STALENESS)),
            calls: Arc::default(),
            respite: Arc::default(),
        }
    }

    /// How long a key goes on being used while nobody can be asked for it anew; 15 minutes unless said otherwise. To be said
    /// before the first key is asked for.
    #[must_use]
    pub fn max_staleness(self, bound: Duration) -> Self {
        Self { max_staleness: seconds(bound), memory: Arc::new(Memory::new(bound)), ..self }
    }

    /// Forgets the keys of an access key that come from before a revision of the directory, also those that are on their
    /// way: it was withdrawn then.
    pub fn forget(&self, access_key_id: AccessKeyId, revision: u64) {
        self.memory.forget(access_key_id, revision);
    }

    /// Forgets all keys, also those that are on their way: it is not known which were withdrawn.
    pub fn forget_all(&self) {
        self.memory.forget_all();
    }

    /// The outcome of a call for this key: one that is under way, or a new one.
    async fn call(&self, wanted: WantedKey<'_>, now: Timestamp) -> Lookup {
        match self.begin(wanted, now) {
            Ok(mut outcome) => {
                let known = outcome.wait_for(Option::is_some).await;
                known.ok().and_then(|known| known.clone()).unwrap_or(Lookup::Unknown)
            }
            Err(known) => known,
        }
    }

    /// A call to wait for, or what is known without one.
    fn begin(&self, wanted: WantedKey<'_>, now: Timestamp) -> Result<Outcome, Lookup> {
        let name = KeyName::of(wanted);
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(outcome) = calls.get(&name) {
            return Ok(outcome.clone());
        }
        // One that was under way may have ended since the key was looked for.
        match self.find(wanted, now) {
            Lookup::Unknown if calls.len() < self.room(wanted, now) => {}
            known => return Err(known),
        }
        let (tell, outcome) = watch::channel(None);
        calls.insert(name.clone(), outcome.clone());
        let (asked, memory, calls) = (Arc::clone(&self.asked), Arc::clone(&self.memory), Arc::clone(&self.calls));
        let (began, respite) = (memory.began(), Arc::clone(&self.respite));
        tokio::spawn(async move {
            let answer = tokio::time::timeout(PATIENCE, asked.ask(&name)).await.unwrap_or(Answer::None);
            // Only then: calls that strangers keep from being made must not let old keys go on.
            if matches!(answer, Answer::None) {
                respite.store(now.unix() + RESPITE, Ordering::Relaxed);
            }
            let lookup = memory.keep(&name, answer, began, now);
            calls.lock().unwrap_or_else(PoisonError::into_inner).remove(&name);
            tell.send_replace(Some(lookup));
        });
        Ok(outcome)
    }

    /// How many calls may be under way before one for this key.
    fn room(&self, wanted: WantedKey<'_>, now: Timestamp) -> usize {
        let proven = wanted.security_token.is_some() || self.memory.find(wanted, now).is_some();
        if proven { MAX_CALLS } else { MAX_UNPROVEN }
    }

    /// A key past its time that may be used because nobody can be asked.
    fn stale(&self, wanted: WantedKey<'_>, now: Timestamp) -> Option<Lookup> {
        let held = self.memory.find(wanted, now)?;
        (now < held.cache_until + self.max_staleness).then(|| Lookup::Found(held.key.clone()))
    }
}

impl SigningKeySource for OnlineKeys {
    fn find(&self, wanted: WantedKey<'_>, now: Timestamp) -> Lookup {
        match self.memory.find(wanted, now) {
            Some(held) if now < held.cache_until => Lookup::Found(held.key.clone()),
            Some(_) if now.unix() < self.respite.load(Ordering::Relaxed) => {
                self.stale(wanted, now).unwrap_or(Lookup::Unknown)
            }
            None if self.memory.is_absent(wanted) => Lookup::Absent,
            Some(_) | None => Lookup::Unknown,
        }
    }

    fn fetch<'a>(&'a self, wanted: WantedKey<'a>, now: Timestamp) -> Fetching<'a> {
        Box::pin(async move {
            match self.call(wanted, now).await {
                // Nobody answers, or so it was a moment ago.
                Lookup::Unknown => self.find(wanted, now),
                known => known,
            }
        })
    }
}

impl fmt::Debug for OnlineKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnlineKeys").field("max_staleness", &self.max_staleness).finish_non_exhaustive()
    }
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}
