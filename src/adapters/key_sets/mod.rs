//! The keys of identity providers: fetched, guarded and remembered, one by one, so that none slows another.

mod address;
mod fetch;
mod guard;
mod state;

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use brevet_validator::timestamp::Timestamp;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};

use self::fetch::{Fetch, HttpFetch};
use self::state::{State, Step};
use crate::service::clock::Clock;
use crate::service::federation::KeySet;
use crate::service::federation::key_sets::{KeySetError, KeySetSource, KeySetStatus, KeySets, Published};

/// Providers that are remembered; the one that was not used for longest goes.
const CAPACITY: usize = 4_096;

/// Remembers what it fetched. There is one per process.
#[derive(Debug)]
pub struct FetchedKeySets {
    clock: Arc<dyn Clock>,
    fetch: Arc<dyn Fetch>,
    capacity: usize,
    entries: Mutex<HashMap<Arc<Published>, Arc<Entry>>>,
}

/// What is known of one provider.
#[derive(Debug)]
struct Entry(Mutex<Known>);

#[derive(Debug)]
struct Known {
    state: State,
    /// The fetch that is under way. It ends by itself: whoever waits for it may go away.
    flight: Option<Flight>,
    used_at: Timestamp,
}

type Flight = Shared<BoxFuture<'static, ()>>;

impl FetchedKeySets {
    /// Nothing is fetched before it is asked for.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self::with(clock, Arc::new(HttpFetch::default()), CAPACITY)
    }

    fn with(clock: Arc<dyn Clock>, fetch: Arc<dyn Fetch>, capacity: usize) -> Self {
        Self { clock, fetch, capacity, entries: Mutex::default() }
    }

    async fn published(&self, source: &Arc<Published>, kid: Option<&str>) -> Result<Arc<KeySet>, KeySetError> {
        let entry = self.entry(source)?;
        let flight = {
            let now = self.clock.now();
            let mut known = entry.lock();
            known.used_at = now;
            match known.state.step(kid, now) {
                Step::Answer => return known.state.answer(kid, false, now),
                Step::AnswerAndFetch => {
                    drop(self.join(&mut known, &entry, source, kid));
                    return known.state.answer(kid, false, now);
                }
                Step::FetchFirst => self.join(&mut known, &entry, source, kid),
            }
        };
        flight.await;
        entry.lock().state.answer(kid, true, self.clock.now())
    }

    /// The fetch that is under way, or a new one.
    fn join(&self, known: &mut Known, entry: &Arc<Entry>, source: &Arc<Published>, kid: Option<&str>) -> Flight {
        if let Some(flight) = &known.flight {
            return flight.clone();
        }
        let (clock, entry, kid) = (Arc::clone(&self.clock), Arc::clone(entry), kid.map(str::to_owned));
        let fetch = self.fetch.fetch(Arc::clone(source));
        let task = tokio::spawn(async move {
            // If it panicked, waiters would else wait for a fetch that never ends.
            let outcome = AssertUnwindSafe(fetch).catch_unwind().await.unwrap_or(Err(KeySetError::Unreachable));
            let mut known = entry.lock();
            known.state.record(outcome, kid.as_deref(), clock.now());
            known.flight = None;
        });
        let flight = task.map(drop).boxed().shared();
        known.flight = Some(flight.clone());
        flight
    }

    fn entry(&self, source: &Arc<Published>) -> Result<Arc<Entry>, KeySetError> {
        let mut entries = self.entries();
        if let Some(entry) = entries.get(source) {
            return Ok(Arc::clone(entry));
        }
        let now = self.clock.now();
        if entries.len() >= self.capacity {
            let idle = entries.iter().filter_map(|(source, entry)| {
                let known = entry.lock();
                (known.flight.is_none() && known.state.is_idle(now)).then_some((known.used_at, source))
            });
            let oldest = idle.min_by_key(|(used_at, _)| *used_at).map(|(_, source)| Arc::clone(source));
            entries.remove(&oldest.ok_or(KeySetError::Busy)?);
        }
        let known = Known { state: State::default(), flight: None, used_at: now };
        let entry = Arc::new(Entry(Mutex::new(known)));
        entries.insert(Arc::clone(source), Arc::clone(&entry));
        Ok(entry)
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<Arc<Published>, Arc<Entry>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KeySets for FetchedKeySets {
    fn key_set<'a>(
        &'a self,
        source: &'a KeySetSource,
        kid: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Arc<KeySet>, KeySetError>> {
        match source {
            KeySetSource::Pinned(keys) => std::future::ready(Ok(Arc::clone(keys))).boxed(),
            KeySetSource::Published(source) => self.published(source, kid).boxed(),
        }
    }

    fn status(&self, source: &KeySetSource) -> KeySetStatus {
        match source {
            KeySetSource::Pinned(keys) => KeySetStatus { keys: keys.len(), ..KeySetStatus::default() },
            KeySetSource::Published(source) => {
                let entry = self.entries().get(source).map(Arc::clone);
                entry.map_or_else(KeySetStatus::default, |entry| entry.lock().state.status(self.clock.now()))
            }
        }
    }
}

#[cfg(test)]
mod tests;
