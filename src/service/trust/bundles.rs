//! Trust bundles: each has a sequence of its own, which is in the store before the bundle leaves, and the last of a zone is kept.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use brevet_validator::timestamp::Timestamp;
use brevet_validator::token::Zone;
use bytes::Bytes;

use crate::service::directory::Directory;
use crate::service::error::{Error, Kind};
use crate::service::keys::{Anchor, Keys};

/// For how many seconds a bundle is handed out, unless its zone changes.
const FRESH: i64 = 6 * 3600;
/// How many seconds pass before it is tried again, where a new one could not be made and the old one serves.
const PAUSE: i64 = 30;
/// How long a new bundle may take where an old one would do.
const PATIENCE: Duration = Duration::from_secs(5);
/// Attempts at a sequence. Each that fails means that another replica took one.
const ATTEMPTS: usize = 5;

/// The bundles of this process.
#[derive(Debug)]
pub(super) struct Bundles {
    directory: Arc<Directory>,
    keys: Arc<Keys>,
    /// Held while a bundle is made.
    anchor: tokio::sync::Mutex<Known>,
    /// The last bundle of each zone, by name.
    last: Mutex<HashMap<String, Kept>>,
}

/// The anchor, as of a version of its record. `None`: not known.
#[derive(Debug)]
struct Known {
    anchor: Anchor,
    version: Option<u64>,
}

/// A bundle as it is handed out. Its bytes hold the zone's keys.
#[derive(Clone)]
pub(super) struct Bundle {
    pub(super) sequence: u64,
    pub(super) bytes: Bytes,
}

impl std::fmt::Debug for Bundle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bundle").field("sequence", &self.sequence).finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Kept {
    bundle: Bundle,
    /// What it is of: a zone that was made anew under the same name is another one.
    zone: Zone,
    fresh_until: Timestamp,
}

impl Bundles {
    pub(super) fn new(directory: Arc<Directory>, keys: Arc<Keys>, anchor: Anchor) -> Self {
        let version = directory.snapshot().version_of_other(Anchor::RECORD_KEY);
        let anchor = tokio::sync::Mutex::new(Known { anchor, version });
        Self { directory, keys, anchor, last: Mutex::default() }
    }

    /// The last bundle of a zone, or a new one if it is of another state of the zone or old. With the store down the old one
    /// goes on to serve.
    pub(super) async fn current(&self, zone: &Zone, head: &Bytes, now: Timestamp) -> Result<Bundle, Error> {
        if let Some(bundle) = self.fresh(zone, now) {
            return Ok(bundle);
        }
        let made = tokio::time::timeout(PATIENCE, self.make_once(zone, head, now)).await;
        made.unwrap_or_else(|late| Err(Error::unavailable(late))).or_else(|error| {
            match self.last().get_mut(zone.name()) {
                Some(kept) if kept.zone == *zone => {
                    let cause = error.cause().map(ToString::to_string);
                    tracing::warn!(cause, zone = zone.name(), "no new trust bundle could be made; the last one serves");
                    kept.fresh_until = now + PAUSE;
                    Ok(kept.bundle.clone())
                }
                _ => Err(error),
            }
        })
    }

    /// A new bundle, unless someone else made one while this waited for its turn.
    async fn make_once(&self, zone: &Zone, head: &Bytes, now: Timestamp) -> Result<Bundle, Error> {
        let mut known = self.anchor.lock().await;
        match self.fresh(zone, now) {
            Some(bundle) => Ok(bundle),
            None => self.make_under(&mut known, zone, head, now).await,
        }
    }

    /// A new bundle.
    pub(super) async fn make(&self, zone: &Zone, head: &Bytes, now: Timestamp) -> Result<Bundle, Error> {
        let mut known = self.anchor.lock().await;
        self.make_under(&mut known, zone, head, now).await
    }

    async fn make_under(&self, known: &mut Known, zone: &Zone, head: &Bytes, now: Timestamp) -> Result<Bundle, Error> {
        let sequence = self.next_sequence(known).await?;
        let bytes = self.keys.export_bundle(zone, sequence, now, head.to_vec()).map_err(Error::internal)?;
        let bundle = Bundle { sequence, bytes: bytes.into() };
        let kept = Kept { bundle: bundle.clone(), zone: zone.clone(), fresh_until: now + FRESH };
        self.last().insert(zone.name().to_owned(), kept);
        Ok(bundle)
    }

    /// Takes the next sequence. Once this returns it is in the store, and nobody else's.
    async fn next_sequence(&self, known: &mut Known) -> Result<u64, Error> {
        for _ in 1..ATTEMPTS {
            match self.try_sequence(known).await {
                Err(error) if error.kind() == Kind::ConcurrentModification => self.read_anchor(known).await?,
                outcome => return outcome,
            }
        }
        self.try_sequence(known).await.map_err(Error::unavailable)
    }

    async fn try_sequence(&self, known: &mut Known) -> Result<u64, Error> {
        let next = Anchor { bundle_sequence: known.anchor.bundle_sequence + 1, ..known.anchor.clone() };
        let (record, version) = (next.encode(), known.version);
        // Until it is known how this ends, for nobody may wait for it.
        known.version = None;
        self.directory
            .change(|edit| {
                if version.is_none() || edit.before().version_of_other(Anchor::RECORD_KEY) != version {
                    return Err(Error::new(Kind::ConcurrentModification, "The anchor has changed."));
                }
                edit.put_other(Anchor::RECORD_KEY, record);
                Ok(())
            })
            .await?;
        *known = Known { version: version.map(|version| version + 1), anchor: next };
        Ok(known.anchor.bundle_sequence)
    }

    /// As the store has it. What is read is at least as new as the version, so that a commit over a newer one fails.
    async fn read_anchor(&self, known: &mut Known) -> Result<(), Error> {
        self.directory.compare().await?;
        let version = self.directory.snapshot().version_of_other(Anchor::RECORD_KEY);
        let others = self.directory.others().await?;
        let record = others.into_iter().find(|record| record.key == Anchor::RECORD_KEY);
        let record = record.ok_or_else(|| Error::internal("the record of the anchor is gone"))?;
        *known = Known { anchor: Anchor::decode(&record.content).map_err(Error::internal)?, version };
        Ok(())
    }

    fn fresh(&self, zone: &Zone, now: Timestamp) -> Option<Bundle> {
        let last = self.last();
        let kept = last.get(zone.name()).filter(|kept| kept.zone == *zone && now < kept.fresh_until);
        kept.map(|kept| kept.bundle.clone())
    }

    fn last(&self) -> MutexGuard<'_, HashMap<String, Kept>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
