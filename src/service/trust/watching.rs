//! A validator that follows: what it lacks, computed from its own place whenever it is ready for more, as long as it may have it.
//!
//! Nothing is queued for it, so that one which reads slowly costs no memory: it gets the newest next.

use std::fmt;
use std::sync::Arc;

use brevet_validator::timestamp::Timestamp;
use brevet_validator::token::Zone;
use brevet_validator::validator::Verified;
use bytes::Bytes;
use tokio::sync::watch;

use super::receipts::{Connected, Progress};
use super::{Published, Trust};
use crate::service::caller::{Caller, Envelope};
use crate::service::clock::Clock;
use crate::service::directory::Snapshot;
use crate::service::error::{Error, Kind};
use crate::service::zones;

/// Entries of a step. More follow in the next.
const MOST_ENTRIES: usize = 1000;
/// After how many seconds permission is asked again, though nothing changed: policies can speak of times.
const RECHECK: i64 = 60;

/// What a validator gets: applied in the order of the fields, all of it or nothing.
#[derive(Clone, Default)]
pub struct Step {
    /// A bundle to use from now on, with the zone's keys; empty: the same as before.
    pub bundle: Bytes,
    /// Another log than before.
    pub log: Option<[u8; 16]>,
    /// The entries that follow.
    pub entries: Vec<Bytes>,
    /// The head after them; empty if more follow.
    pub head: Bytes,
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Step").field("entries", &self.entries.len()).finish_non_exhaustive()
    }
}

/// A stream that is open.
pub struct Watching {
    trust: Arc<Trust>,
    clock: Arc<dyn Clock>,
    holder: Holder,
    connected: Connected,
    published: watch::Receiver<Arc<Published>>,
    stopping: watch::Receiver<bool>,
    /// The zone as it was at the last check.
    zone: Zone,
    /// On which directory, and when, it was last asked whether the holder may have this.
    checked: Option<(Arc<Snapshot>, Timestamp)>,
    bundle_sequence: u64,
    progress: Option<Progress>,
    /// The last heartbeat that went out.
    beat: Option<u64>,
}

impl fmt::Debug for Watching {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watching").field("connected", &self.connected).finish_non_exhaustive()
    }
}

/// Who opened a stream, for asking again whether they may.
#[derive(Clone)]
pub(super) struct Holder {
    pub(super) verified: Verified,
    pub(super) envelope: Envelope,
    pub(super) region: String,
}

/// What a validator said that it has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    pub(super) bundle_sequence: u64,
    pub(super) progress: Option<Progress>,
}

impl Holder {
    /// Whether the credentials still stand and still may watch this zone, in a directory and at a time.
    fn admit(&self, snapshot: &Arc<Snapshot>, name: &str, now: Timestamp) -> Result<Zone, Error> {
        let caller = Caller::new(self.verified.clone(), Arc::clone(snapshot), &self.envelope, &self.region, now)?;
        zones::permit(&caller, "WatchTrust", name)?;
        zones::exported(snapshot, name)
    }

    fn check_expiry(&self, now: Timestamp) -> Result<(), Error> {
        match self.verified.session() {
            Some(session) if session.lifetime.expires_at <= now => {
                Err(Error::new(Kind::ExpiredToken, "The security token included in the request is expired."))
            }
            _ => Ok(()),
        }
    }
}

impl Watching {
    pub(super) fn new(
        trust: Arc<Trust>,
        clock: Arc<dyn Clock>,
        holder: Holder,
        connected: Connected,
        zone: Zone,
        held: Held,
    ) -> Self {
        Self {
            stopping: trust.stopping.subscribe(),
            published: trust.published.subscribe(),
            zone,
            checked: None,
            bundle_sequence: held.bundle_sequence,
            progress: held.progress,
            beat: None,
            trust,
            clock,
            holder,
            connected,
        }
    }

    /// The next step, as soon as there is one. After an error there is none.
    pub async fn next(&mut self) -> Result<Step, Error> {
        loop {
            if *self.stopping.borrow() {
                return Err(Error::unavailable("the process stops"));
            }
            let published = Arc::clone(&self.published.borrow_and_update());
            self.check(&published)?;
            if let Some(step) = self.step(&published).await? {
                return Ok(step);
            }
            drop(published);
            tokio::select! {
                changed = self.published.changed() => changed.map_err(Error::internal)?,
                _ = self.stopping.changed() => {}
            }
        }
    }

    fn check(&mut self, published: &Published) -> Result<(), Error> {
        let now = self.clock.now();
        self.holder.check_expiry(now)?;
        if self.connected.is_replaced() {
            let text = "Another stream of the same validator took the place of this one.";
            return Err(Error::new(Kind::ConcurrentModification, text));
        }
        let current = published.log.snapshot();
        let is_recent = |at: Timestamp| (at..at + RECHECK).contains(&now);
        if self.checked.as_ref().is_some_and(|(snapshot, at)| Arc::ptr_eq(snapshot, current) && is_recent(*at)) {
            return Ok(());
        }
        self.zone = self.holder.admit(current, &self.connected.key().zone, now)?;
        self.checked = Some((Arc::clone(current), now));
        Ok(())
    }

    /// What is new since the last step; at each heartbeat at least the head.
    async fn step(&mut self, published: &Published) -> Result<Option<Step>, Error> {
        let bundle = self.trust.bundles.current(&self.zone, &published.head, self.clock.now()).await?;
        let newer = bundle.sequence > self.bundle_sequence;
        let end = published.log.position();
        let known = self.progress.filter(|progress| progress.log == end.log);
        let count = known.map_or(0, |progress| progress.count);
        let entries = published.log.after(count, MOST_ENTRIES);
        if !newer && known.is_some() && entries.is_empty() && self.beat == Some(published.beat) {
            return Ok(None);
        }

        let count = count + entries.len() as u64;
        let is_whole = count == end.count;
        self.progress = Some(Progress { log: end.log, count });
        if newer {
            self.bundle_sequence = bundle.sequence;
        }
        if is_whole {
            self.beat = Some(published.beat);
        }
        Ok(Some(Step {
            bundle: if newer { bundle.bytes } else { Bytes::new() },
            log: known.is_none().then_some(end.log),
            entries,
            head: if is_whole { published.head.clone() } else { Bytes::new() },
        }))
    }
}
