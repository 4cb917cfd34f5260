//! What validators are told: the trust bundle of their zone, the log of revocations with its signed head, and what they say of it.

mod bundles;
mod log;
mod receipts;
mod request;
mod target;
#[cfg(test)]
mod tests;
mod watching;

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use brevet_validator::timestamp::Timestamp;
use brevet_validator::token::Zone;
use bytes::Bytes;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

pub use self::receipts::Receipts;
pub use self::request::{AcknowledgeTrust, Answer, Request, ServedBundle, WatchTrust};
pub use self::watching::{Step, Watching};

use self::bundles::Bundles;
use self::log::Log;
use self::receipts::{Progress, Registry, ValidatorKey};
use self::target::Target;
use self::watching::{Held, Holder};
use super::caller::{Caller, Envelope};
use super::clock::Clock;
use super::directory::Directory;
use super::error::Error;
use super::keys::{Anchor, Keys};
use super::random::{NoRandomness, Random};
use super::sessions::{Activity, activity};
use super::zones;

/// How often the store is compared, and the head is signed anew.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// Changes that come within this time are told together.
const PAUSE: Duration = Duration::from_millis(10);

/// The bundles, the log and the validators of this process.
#[derive(Debug)]
pub struct Trust {
    directory: Arc<Directory>,
    keys: Arc<Keys>,
    random: Arc<dyn Random>,
    bundles: Bundles,
    validators: Arc<Registry>,
    published: watch::Sender<Arc<Published>>,
    /// Held while something is published.
    publisher: Mutex<()>,
    /// When the directory was last compared with the store, in seconds since 1970; 0: never.
    confirmed_at: AtomicI64,
    stopping: watch::Sender<bool>,
}

/// The log with its head, as of a moment.
#[derive(Debug)]
struct Published {
    log: Log,
    head: Bytes,
    /// Counts the seconds, so that whoever follows knows that one has passed.
    beat: u64,
}

/// What operators are shown.
#[derive(Clone, Debug, Default)]
pub struct TrustFigures {
    /// Validators that follow, by zone.
    pub watching: HashMap<String, u32>,
    /// Revocations in force.
    pub revocations: usize,
    /// Seconds since the directory was last compared with the store; `None`: it never was.
    pub confirmation_age: Option<i64>,
}

impl Trust {
    /// Begins a log with what the directory holds. `anchor` signs, and knows the sequence of the last bundle.
    pub fn new(
        directory: Arc<Directory>,
        keys: Arc<Keys>,
        random: Arc<dyn Random>,
        anchor: Anchor,
    ) -> Result<Self, NoRandomness> {
        let log = Log::begin(draw(&*random)?, directory.snapshot(), Timestamp::EPOCH);
        let head = keys.sign_head(log.position(), Timestamp::EPOCH).into();
        Ok(Self {
            bundles: Bundles::new(Arc::clone(&directory), Arc::clone(&keys), anchor),
            validators: Arc::new(Registry::new()),
            published: watch::Sender::new(Arc::new(Published { log, head, beat: 0 })),
            publisher: Mutex::default(),
            confirmed_at: AtomicI64::default(),
            stopping: watch::Sender::new(false),
            directory,
            keys,
            random,
        })
    }

    /// Compares the directory with the store each second, and publishes each change and each second. Runs as long as the
    /// process.
    pub async fn keep(self: Arc<Self>, clock: Arc<dyn Clock>) {
        // So that the first head that anyone gets is fresh.
        let _ = self.confirm(&*clock).await;
        tokio::join!(self.confirm_each_second(&*clock), self.publish_changes(&*clock));
    }

    /// Ends all streams, and all waiting for receipts: the process stops.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// The trust bundle of a zone as a file, with a sequence of its own, for whoever operates the deployment.
    pub async fn new_bundle(&self, zone: &str, now: Timestamp) -> Result<Vec<u8>, Error> {
        let zone = zones::exported(&self.directory.snapshot(), zone)?;
        // A process that never published has no log that anyone could follow.
        let head = self.confirmed_at().map_or_else(Bytes::new, |_| self.published.borrow().head.clone());
        Ok(self.bundles.make(&zone, &head, now).await?.bytes.to_vec())
    }

    /// The trust bundle of a zone, for a caller who may have it.
    pub(super) async fn get_bundle(&self, caller: &Caller, name: &str) -> Result<ServedBundle, Error> {
        let zone = admit(caller, "GetTrustBundle", name)?;
        let head = self.published.borrow().head.clone();
        let bundle = self.bundles.current(&zone, &head, caller.now()).await?;
        Ok(ServedBundle { sequence: bundle.sequence, bytes: bundle.bytes })
    }

    /// Opens a stream for a caller who may have it.
    pub(super) fn watch(
        self: &Arc<Self>,
        caller: &Caller,
        envelope: &Envelope,
        clock: &Arc<dyn Clock>,
        input: &WatchTrust,
    ) -> Result<Watching, Error> {
        request::check_validator_id(&input.validator_id)?;
        let (bound, progress) = (input.bound()?, input.progress()?);
        let zone = admit(caller, "WatchTrust", &input.zone)?;
        self.check_progress(progress)?;
        // The stream must not be judged by a directory that is older than the one that admits it.
        self.publish(caller.now(), false);

        let key = ValidatorKey::new(caller, &input.zone, &input.validator_id);
        let connected = self.validators.connect(key, bound, progress)?;
        let holder = Holder {
            verified: caller.verified().clone(),
            envelope: envelope.clone(),
            region: caller.region().to_owned(),
        };
        let held = Held { bundle_sequence: input.bundle_sequence, progress };
        Ok(Watching::new(Arc::clone(self), Arc::clone(clock), holder, connected, zone, held))
    }

    /// Takes down how far a validator has come. Returns the sessions that it saw.
    pub(super) fn acknowledge(&self, caller: &Caller, input: AcknowledgeTrust) -> Result<Vec<Activity>, Error> {
        request::check_validator_id(&input.validator_id)?;
        let progress = input.progress()?;
        let activities = activity::read(input.activities, caller.now())?;
        admit(caller, "AcknowledgeTrust", &input.zone)?;
        self.check_progress(progress)?;
        if let Some(progress) = progress {
            self.validators.acknowledge(&ValidatorKey::new(caller, &input.zone, &input.validator_id), progress);
        }
        Ok(activities)
    }

    /// Waits until every connected validator refuses what is revoked by now, at most for so long after the commit.
    pub(super) async fn receipts(&self, committed: Instant, patience: Duration, now: Timestamp) -> Receipts {
        let end = self.publish(now, false).log.position();
        let at = Progress { log: end.log, count: end.count };
        let target = || {
            let log = &self.published.borrow().log;
            Target { at, anew: Progress { log: log.position().log, count: log.first() } }
        };
        let mut stopping = self.stopping.subscribe();
        let stopped = async move { drop(stopping.wait_for(|stopping| *stopping).await) };
        self.validators.wait(committed, patience, target, stopped).await
    }

    /// For operators.
    pub fn figures(&self, now: Timestamp) -> TrustFigures {
        TrustFigures {
            watching: self.validators.connected(),
            revocations: self.directory.snapshot().revocations().len(),
            confirmation_age: self.confirmed_at().map(|at| (now - at).max(0)),
        }
    }

    /// A validator cannot have what is not there yet.
    fn check_progress(&self, progress: Option<Progress>) -> Result<(), Error> {
        let end = self.published.borrow().log.position();
        match progress {
            Some(Progress { log, count }) if log == end.log && count > end.count => {
                Err(Error::validation("The log has fewer entries than that."))
            }
            _ => Ok(()),
        }
    }

    async fn confirm_each_second(&self, clock: &dyn Clock) {
        let (mut seconds, mut was_down) = (ticks(), false);
        loop {
            seconds.tick().await;
            match self.confirm(clock).await {
                Ok(()) => was_down = false,
                Err(error) if !was_down => {
                    let cause = error.cause().map(ToString::to_string);
                    tracing::warn!(cause, "the store does not answer; validators are told since when");
                    was_down = true;
                }
                Err(_) => {}
            }
        }
    }

    /// Compares the directory with the store now.
    pub(super) async fn confirm(&self, clock: &dyn Clock) -> Result<(), Error> {
        // Before the question: the answer may take its time.
        let at = clock.now();
        self.directory.compare().await?;
        self.confirmed_at.store(at.unix(), Ordering::Release);
        Ok(())
    }

    async fn publish_changes(&self, clock: &dyn Clock) {
        let (mut changes, mut seconds) = (self.directory.changes(), ticks());
        loop {
            let heartbeat = tokio::select! {
                changed = changes.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    false
                }
                _ = seconds.tick() => true,
            };
            self.publish(clock.now(), heartbeat);
            sleep(PAUSE).await;
        }
    }

    /// Tells of the directory as it is now, if it changed or a second has passed.
    fn publish(&self, now: Timestamp, heartbeat: bool) -> Arc<Published> {
        let _one_at_a_time = self.publisher.lock().unwrap_or_else(PoisonError::into_inner);
        // Before the snapshot is taken, which so is as new as the comparison.
        let confirmed_at = self.confirmed_at().unwrap_or(Timestamp::EPOCH);
        let snapshot = self.directory.snapshot();
        let before = Arc::clone(&self.published.borrow());
        let is_new = !Arc::ptr_eq(before.log.snapshot(), &snapshot);
        if !is_new && !heartbeat {
            return before;
        }
        let mut log = before.log.clone();
        if is_new {
            log.advance(Arc::clone(&snapshot), now);
        }
        if log.is_worn()
            && let Ok(id) = draw(&*self.random)
        {
            log = Log::begin(id, snapshot, now);
        }
        let head = match heartbeat || log.position() != before.log.position() {
            true => self.keys.sign_head(log.position(), confirmed_at).into(),
            false => before.head.clone(),
        };
        let published = Arc::new(Published { log, head, beat: before.beat + u64::from(heartbeat) });
        self.published.send_replace(Arc::clone(&published));
        published
    }

    /// When the directory was last known to be what the store has, if it ever was compared.
    pub(super) fn confirmed_at(&self) -> Option<Timestamp> {
        match self.confirmed_at.load(Ordering::Acquire) {
            0 => None,
            at => Timestamp::from_unix(at),
        }
    }
}

/// The zone, for a caller who may do this to it. Whether there is one, only they learn.
fn admit(caller: &Caller, operation: &str, name: &str) -> Result<Zone, Error> {
    zones::NAME.check(name, "zone")?;
    zones::permit(caller, operation, name)?;
    zones::exported(caller.snapshot(), name)
}

fn ticks() -> tokio::time::Interval {
    let mut ticks = interval(HEARTBEAT);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

fn draw(random: &dyn Random) -> Result<[u8; 16], NoRandomness> {
    let mut id = [0; 16];
    random.fill(&mut id)?;
    Ok(id)
}
