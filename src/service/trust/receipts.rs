//! Which validators there are, how far each has come, and what whoever revokes is told of that.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use brevet_validator::identity::{AccountId, UniqueId};
use tokio::sync::watch;
use tokio::time::Instant;

use super::target::Target;
use crate::service::caller::Caller;
use crate::service::error::{Error, Kind};

/// Streams at once.
const MOST_STREAMS: usize = 10_000;
/// Validators that went away and are waited for. Beyond these the one that went first is forgotten.
const MOST_AWAY: usize = 10_000;

/// Who a validator is: what it calls itself, by whom it acts, so that no principal can take another's place.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct ValidatorKey {
    account: AccountId,
    /// Of the user or the role, whatever the session is called; `None`: root.
    principal: Option<UniqueId>,
    pub(super) zone: String,
    validator_id: String,
}

impl ValidatorKey {
    pub(super) fn new(caller: &Caller, zone: &str, validator_id: &str) -> Self {
        let subject = caller.subject();
        Self {
            account: subject.account,
            principal: subject.unique_id,
            zone: zone.to_owned(),
            validator_id: validator_id.to_owned(),
        }
    }
}

/// What a validator does when it hears nothing from the service.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Bound {
    pub(super) max_staleness: Duration,
    pub(super) fail_open: bool,
}

/// How far a validator has come: a log, and how many of its entries are in force.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Progress {
    pub(super) log: [u8; 16],
    pub(super) count: u64,
}

/// Which validators refuse already. Those that start later refuse from the start.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Receipts {
    /// That follow this process, or did so until a moment ago.
    pub validators: u32,
    /// Have said that they refuse.
    pub refusing: u32,
    /// Do not yet refuse as far as is known, and are not connected.
    pub unreachable: u32,
    /// From the commit to the last of the receipts.
    pub slowest: Duration,
    /// Within which the others refuse too: the longest bound among them. `None` if all refuse, or one of them fails open.
    pub bound: Option<Duration>,
    /// Of those that do not refuse yet: go on accepting whatever happens.
    pub failing_open: u32,
}

impl Receipts {
    /// Whether nobody who is connected is still awaited.
    fn is_settled(&self) -> bool {
        self.refusing + self.unreachable == self.validators
    }
}

#[derive(Debug)]
struct Validator {
    bound: Bound,
    /// The stream that it is connected by.
    stream: Option<u64>,
    /// When that ended.
    away_since: Instant,
    progress: Option<Progress>,
}

/// All validators of this process.
#[derive(Debug)]
pub(super) struct Registry {
    state: Mutex<State>,
    changed: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct State {
    validators: HashMap<ValidatorKey, Validator>,
    streams: u64,
    /// That are open: more than the connected validators while one of them is being replaced.
    open: usize,
}

impl Registry {
    pub(super) fn new() -> Self {
        Self { state: Mutex::default(), changed: watch::Sender::new(()) }
    }

    /// Registers a stream in the place of an earlier one of the same validator. The validator is away once it is dropped.
    pub(super) fn connect(
        self: &Arc<Self>,
        key: ValidatorKey,
        bound: Bound,
        progress: Option<Progress>,
    ) -> Result<Connected, Error> {
        let mut state = self.state();
        if state.open >= MOST_STREAMS {
            let text = format!("Cannot exceed quota for TrustStreams: {MOST_STREAMS}");
            return Err(Error::new(Kind::LimitExceeded, text));
        }
        state.open += 1;
        state.streams += 1;
        let stream = state.streams;
        let validator = Validator { bound, stream: Some(stream), away_since: Instant::now(), progress };
        state.validators.insert(key.clone(), validator);
        drop(state);
        self.changed.send_replace(());
        Ok(Connected { registry: Arc::clone(self), key, stream })
    }

    /// Takes down how far a validator has come. One that is not known is none that anybody waits for.
    pub(super) fn acknowledge(&self, key: &ValidatorKey, progress: Progress) {
        if let Some(validator) = self.state().validators.get_mut(key) {
            validator.progress = Some(progress);
        }
        self.changed.send_replace(());
    }

    /// Waits until every connected validator is at the target or the time is over.
    pub(super) async fn wait(
        &self,
        committed: Instant,
        patience: Duration,
        target: impl Fn() -> Target,
        stopped: impl Future<Output = ()>,
    ) -> Receipts {
        let (mut stopped, mut slowest) = (std::pin::pin!(stopped), Duration::ZERO);
        let mut refusing = 0;
        let deadline = committed + patience;
        let mut changes = self.changed.subscribe();
        loop {
            // Before it is looked at, so that what changes afterwards wakes.
            changes.mark_unchanged();
            let receipts = self.receipts(&target());
            if receipts.refusing > refusing {
                (refusing, slowest) = (receipts.refusing, committed.elapsed());
            }
            let receipts = Receipts { slowest, ..receipts };
            if receipts.is_settled() {
                return receipts;
            }
            tokio::select! {
                changed = changes.changed() => if changed.is_err() { return receipts },
                () = tokio::time::sleep_until(deadline) => return receipts,
                () = &mut stopped => return receipts,
            }
        }
    }

    /// How many validators are connected, by zone.
    pub(super) fn connected(&self) -> HashMap<String, u32> {
        let mut counts = HashMap::new();
        for (key, _) in self.state().validators.iter().filter(|(_, validator)| validator.stream.is_some()) {
            *counts.entry(key.zone.clone()).or_default() += 1;
        }
        counts
    }

    fn receipts(&self, target: &Target) -> Receipts {
        let mut state = self.state();
        state.forget(Instant::now());
        let mut receipts = Receipts::default();
        let mut longest = Duration::ZERO;
        for Validator { bound, stream, progress, .. } in state.validators.values() {
            receipts.validators += 1;
            if progress.is_some_and(|progress| target.is_reached_by(progress)) {
                receipts.refusing += 1;
                continue;
            }
            receipts.unreachable += u32::from(stream.is_none());
            receipts.failing_open += u32::from(bound.fail_open);
            longest = longest.max(bound.max_staleness);
        }
        let all_refuse = receipts.refusing == receipts.validators;
        receipts.bound = (!all_refuse && receipts.failing_open == 0).then_some(longest);
        receipts
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Forgets those that have been away for so long that they accept nothing any more. One that fails open never does.
    fn forget(&mut self, now: Instant) {
        self.validators.retain(|_, Validator { bound, stream, away_since, .. }| {
            stream.is_some() || bound.fail_open || now.duration_since(*away_since) < bound.max_staleness
        });
    }

    /// Makes room among those that are away.
    fn bound_away(&mut self, now: Instant) {
        if self.validators.len() <= self.open + MOST_AWAY {
            return;
        }
        self.forget(now);
        let away = self.validators.iter().filter(|(_, validator)| validator.stream.is_none());
        let first = away.min_by_key(|(_, validator)| (validator.bound.fail_open, validator.away_since));
        let first = first.map(|(key, _)| key.clone());
        if let Some(first) = first.filter(|_| self.validators.len() > self.open + MOST_AWAY) {
            self.validators.remove(&first);
        }
    }
}

/// A validator's stream.
#[derive(Debug)]
pub(super) struct Connected {
    registry: Arc<Registry>,
    key: ValidatorKey,
    stream: u64,
}

impl Connected {
    pub(super) fn key(&self) -> &ValidatorKey {
        &self.key
    }

    /// Whether a later stream of the same validator took its place.
    pub(super) fn is_replaced(&self) -> bool {
        let state = self.registry.state();
        state.validators.get(&self.key).is_none_or(|validator| validator.stream != Some(self.stream))
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        let mut state = self.registry.state();
        let now = Instant::now();
        state.open -= 1;
        if let Some(validator) = state.validators.get_mut(&self.key)
            && validator.stream == Some(self.stream)
        {
            (validator.stream, validator.away_since) = (None, now);
        }
        state.bound_away(now);
        drop(state);
        self.registry.changed.send_replace(());
    }
}
