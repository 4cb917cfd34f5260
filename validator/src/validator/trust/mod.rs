//! What a validator knows of the service that it follows, and how each message moves it. Bytes and time are arguments.
//!
//! A message is applied whole or not at all, and nothing that has not been signed by the anchor that was pinned takes effect.

mod error;
mod log;
mod staleness;
#[cfg(test)]
pub(super) mod tests;

use std::sync::Arc;

pub use self::error::TrustError;
pub use self::log::Log;
pub use self::staleness::{Staleness, WhenStale};

use crate::secret::Secret;
use crate::timestamp::Timestamp;
use crate::token::{LogPosition, RevocationHead, TrustBundle};

/// What a validator decides with.
#[derive(Clone, Debug)]
pub struct Trust {
    bundle: Arc<TrustBundle>,
    /// Until the first contact there may be none.
    log: Option<Log>,
    confirmed_at: Option<Timestamp>,
    resets: u64,
}

/// A `WatchTrustResponse`.
#[derive(Clone, Copy, Default)]
pub struct Step<'a> {
    /// A bundle to use from now on; empty: the same as before.
    pub bundle: &'a [u8],
    /// The log that the entries belong to; empty: the same as before.
    pub log: &'a [u8],
    /// The entries that follow those before.
    pub entries: &'a [Vec<u8>],
    /// The signed head after these entries; empty: more follow.
    pub head: &'a [u8],
}

/// What took effect, as it came: for the copy on disk.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// The bytes of a bundle file.
    pub bundle: Option<Secret<Vec<u8>>>,
    /// The log begins anew, and the entries are all that it has.
    pub new_log: bool,
    /// Entries that came since the last changes.
    pub entries: Vec<Vec<u8>>,
    /// The signed head after them.
    pub head: Vec<u8>,
}

/// Follows one zone. Holds what is in force, and what has come of the next state.
#[derive(Clone, Debug)]
pub struct TrustFollower {
    zone: String,
    in_force: Option<Trust>,
    draft: Option<Draft>,
}

/// The next state, of which the head is still to come.
#[derive(Clone, Debug)]
struct Draft {
    bundle: Option<Arc<TrustBundle>>,
    log: Option<Log>,
    resets: u64,
    changes: Changes,
}

impl Trust {
    /// What a copy on disk says. Without a log nothing is known of revocations.
    pub(super) fn restored(bundle: TrustBundle, log: Option<(Log, Timestamp)>) -> Self {
        let (log, confirmed_at) = log.unzip();
        // As it was told: a clock that stands far before it was set back, and must not make it look fresh.
        Self { bundle: Arc::new(bundle), log, confirmed_at, resets: 0 }
    }

    /// The bundle, whose sequence is the highest that was seen.
    pub fn bundle(&self) -> &Arc<TrustBundle> {
        &self.bundle
    }

    /// Revocations and withdrawn keys; `None` if nothing is known of them.
    pub fn log(&self) -> Option<&Log> {
        self.log.as_ref()
    }

    /// Until when that was known to be all. Never later than the clock when it was told, and never earlier than it was before
    /// unless the clock was set back.
    pub fn confirmed_at(&self) -> Option<Timestamp> {
        self.confirmed_at
    }

    /// How often another log took the place of the one before.
    pub fn resets(&self) -> u64 {
        self.resets
    }
}

impl TrustFollower {
    /// Follows a zone from what is known of it. If that is nothing, the first bundle pins its anchor.
    pub fn new(zone: impl Into<String>, known: Option<Trust>) -> Self {
        Self { zone: zone.into(), in_force: known, draft: None }
    }

    /// What to decide with; `None` before the first contact.
    pub fn in_force(&self) -> Option<&Trust> {
        self.in_force.as_ref()
    }

    /// Sequence of the bundle that need not be sent again; 0: none.
    pub fn bundle_sequence(&self) -> u64 {
        self.in_force.as_ref().map_or(0, |trust| trust.bundle.sequence)
    }

    /// Where the log stands that need not be sent again.
    pub fn position(&self) -> Option<LogPosition> {
        Some(self.in_force.as_ref()?.log.as_ref()?.position())
    }

    /// Drops what has come of the next state: a new stream begins after what is in force.
    pub fn restart(&mut self) {
        self.draft = None;
    }

    /// Applies a message. `None`: nothing took effect yet, because more follows.
    ///
    /// After an error nothing has changed, and the stream is out of step: begin another.
    pub fn apply(&mut self, step: Step<'_>, now: Timestamp) -> Result<Option<Changes>, TrustError> {
        let mut draft = self.draft.take().unwrap_or_else(|| Draft::after(self.in_force.as_ref()));
        if !step.bundle.is_empty() {
            draft.take_bundle(step.bundle, &self.zone, now)?;
        }
        if !step.log.is_empty() {
            draft.begin_log(step.log)?;
        }
        draft.append(step.entries)?;
        if step.head.is_empty() {
            self.draft = Some(draft);
            return Ok(None);
        }

        let head = draft.check_head(step.head)?;
        if draft.changes.new_log && self.in_force.as_ref().is_some_and(|known| known.is_ahead_of(&head, now)) {
            // A replica that lags behind the one before may lack what that one revoked. It catches up within this draft.
            self.draft = Some(draft);
            return Ok(None);
        }
        let before = self.in_force.as_ref().and_then(|known| known.confirmed_at);
        let confirmed_at = before.map_or(head.confirmed_at, |before| before.max(head.confirmed_at)).min(now);
        let before = self.in_force.as_ref().and_then(|known| known.log.as_ref()).filter(|_| draft.changes.new_log);
        let (trust, changes) = draft.finish(before, confirmed_at)?;
        self.in_force = Some(trust);
        Ok(Some(changes))
    }
}

impl Trust {
    /// Whether a head is older than what is known. A mark in the future says nothing: the clock was set back since.
    fn is_ahead_of(&self, head: &RevocationHead, now: Timestamp) -> bool {
        self.confirmed_at.is_some_and(|known| known <= now && head.confirmed_at < known)
    }
}

impl Draft {
    fn after(known: Option<&Trust>) -> Self {
        Self {
            bundle: known.map(|trust| Arc::clone(&trust.bundle)),
            log: known.and_then(|trust| trust.log.clone()),
            resets: known.map_or(0, |trust| trust.resets),
            changes: Changes::default(),
        }
    }

    fn take_bundle(&mut self, bytes: &[u8], zone: &str, now: Timestamp) -> Result<(), TrustError> {
        let pinned = self.bundle.as_ref().map(|bundle| &bundle.anchor);
        let bundle = TrustBundle::decode(bytes, pinned)?;
        if let Some(before) = &self.bundle {
            if bundle.trust_domain != before.trust_domain {
                return Err(TrustError::TrustDomain);
            }
            if bundle.sequence < before.sequence {
                return Err(TrustError::Rollback { seen: before.sequence, got: bundle.sequence });
            }
        }
        if bundle.zone != zone {
            return Err(TrustError::Zone { asked: zone.to_owned(), got: bundle.zone });
        }
        if bundle.is_expired(now) {
            return Err(TrustError::Expired(bundle.expires_at));
        }
        self.bundle = Some(Arc::new(bundle));
        self.changes.bundle = Some(Secret::new(bytes.to_vec()));
        Ok(())
    }

    fn begin_log(&mut self, id: &[u8]) -> Result<(), TrustError> {
        self.log = Some(Log::new(id.try_into().map_err(|_| TrustError::LogId)?));
        self.resets += 1;
        self.changes.new_log = true;
        self.changes.entries.clear();
        Ok(())
    }

    fn append(&mut self, entries: &[Vec<u8>]) -> Result<(), TrustError> {
        for entry in entries {
            self.log.as_mut().ok_or(TrustError::NoLog)?.append(entry)?;
            self.changes.entries.push(entry.clone());
        }
        Ok(())
    }

    fn check_head(&mut self, bytes: &[u8]) -> Result<RevocationHead, TrustError> {
        let bundle = self.bundle.as_ref().ok_or(TrustError::NoBundle)?;
        let log = self.log.as_ref().ok_or(TrustError::NoLog)?;
        let head = RevocationHead::verify(bytes, &bundle.anchor, &bundle.trust_domain)?;
        if head.position != log.position() {
            return Err(TrustError::Position);
        }
        self.changes.head = bytes.to_vec();
        Ok(head)
    }

    /// `before`: the log whose place this one takes.
    fn finish(self, before: Option<&Log>, confirmed_at: Timestamp) -> Result<(Trust, Changes), TrustError> {
        let bundle = self.bundle.ok_or(TrustError::NoBundle)?;
        let mut log = self.log.ok_or(TrustError::NoLog)?;
        if let Some(before) = before {
            log.absorb(before);
        }
        // By the service's time, so that a clock that jumps ahead makes nobody forget.
        log.prune(confirmed_at);
        Ok((Trust { bundle, log: Some(log), confirmed_at: Some(confirmed_at), resets: self.resets }, self.changes))
    }
}

/// The bundle is secret.
impl std::fmt::Debug for Step<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Step").field("entries", &self.entries.len()).finish_non_exhaustive()
    }
}
