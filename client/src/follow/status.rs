//! How a validator that is followed stands: for its owner, and for what watches it.

use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

use brevet_validator::timestamp::Timestamp;
use brevet_validator::validator::Validator;

/// A moment's view.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Status {
    /// Which zone is followed.
    pub zone: String,
    /// Whether the service is heard.
    pub connected: bool,
    /// Sequence of the bundle in force.
    pub bundle_sequence: u64,
    /// When that bundle ends, and with it everything.
    pub bundle_expires_at: Option<Timestamp>,
    /// How many revocations are in force.
    pub revocations: usize,
    /// Seconds since these were known to be all; `None`: nothing was ever heard.
    pub age_seconds: Option<u64>,
    /// Whether that is too long.
    pub stale: bool,
    /// Requests that were accepted all the same, because the owner wants it so.
    pub accepted_while_stale: u64,
    /// Requests that were refused because of it.
    pub refused_while_stale: u64,
    /// What went wrong last with the connection, if it is not well now.
    pub last_error: Option<String>,
    /// Why the copy on disk could not be written the last time, if so.
    pub copy_error: Option<String>,
}

impl Status {
    /// In the [text format](https://prometheus.io/docs/instrumenting/exposition_formats/) of Prometheus.
    pub fn to_prometheus_text(&self) -> String {
        let mut text = String::new();
        let mut metric = |name: &str, kind: &str, help: &str, value: Option<i64>| {
            let Some(value) = value else { return };
            let name = format!("brevet_validator_trust_{name}");
            let zone = &self.zone;
            // Writing to a string does not fail.
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name}{{zone=\"{zone}\"}} {value}");
        };
        let number = |n: u64| Some(i64::try_from(n).unwrap_or(i64::MAX));
        metric("connected", "gauge", "Whether the token service is heard.", Some(self.connected.into()));
        metric(
            "age_seconds",
            "gauge",
            "Time since the revocations in force were known to be all.",
            self.age_seconds.and_then(number),
        );
        metric("stale", "gauge", "Whether that is longer than the owner allows.", Some(self.stale.into()));
        metric("revocations", "gauge", "Revocations in force.", number(self.revocations as u64));
        metric("bundle_sequence", "gauge", "Sequence of the trust bundle in force.", number(self.bundle_sequence));
        metric(
            "bundle_expiry_timestamp_seconds",
            "gauge",
            "When the trust bundle in force ends.",
            self.bundle_expires_at.map(Timestamp::unix),
        );
        metric(
            "accepted_while_stale_total",
            "counter",
            "Requests accepted although their session may have been revoked.",
            number(self.accepted_while_stale),
        );
        metric(
            "refused_while_stale_total",
            "counter",
            "Requests refused because nothing was heard of revocations.",
            number(self.refused_while_stale),
        );
        metric(
            "copy_failed",
            "gauge",
            "Whether the copy on disk could not be written the last time.",
            Some(self.copy_error.is_some().into()),
        );
        text
    }
}

/// What the tasks note.
#[derive(Debug)]
pub(super) struct Shared {
    zone: String,
    notes: Mutex<Notes>,
}

#[derive(Debug, Default)]
struct Notes {
    connected: bool,
    connections: u64,
    last_error: Option<String>,
    copy_error: Option<String>,
}

impl Shared {
    pub(super) fn new(zone: String) -> Self {
        Self { zone, notes: Mutex::default() }
    }

    pub(super) fn connected(&self) {
        let mut notes = self.notes();
        notes.connected = true;
        notes.connections += 1;
        notes.last_error = None;
    }

    /// Whether it is another failure than the one before.
    pub(super) fn failed(&self, error: String) -> bool {
        let mut notes = self.notes();
        notes.connected = false;
        let news = notes.last_error.as_ref() != Some(&error);
        notes.last_error = Some(error);
        news
    }

    pub(super) fn saved(&self, fault: Option<String>) {
        self.notes().copy_error = fault;
    }

    /// How many there have been.
    pub(super) fn connections(&self) -> u64 {
        self.notes().connections
    }

    pub(super) fn last_error(&self) -> Option<String> {
        self.notes().last_error.clone()
    }

    pub(super) fn snapshot(&self, validator: &Validator) -> Status {
        let now = crate::signed::now().ok();
        let followed = validator.followed();
        let bundle = followed.and_then(|followed| followed.bundle());
        let confirmed_at = followed.and_then(|followed| followed.confirmed_at());
        let notes = self.notes();
        Status {
            zone: self.zone.clone(),
            connected: notes.connected,
            bundle_sequence: bundle.as_ref().map_or(0, |bundle| bundle.sequence),
            bundle_expires_at: bundle.as_ref().map(|bundle| bundle.expires_at),
            revocations: followed.map_or(0, |followed| followed.revocations()),
            age_seconds: confirmed_at
                .zip(now)
                .map(|(at, now)| now.unix().saturating_sub(at.unix()).max(0).unsigned_abs()),
            stale: followed.zip(now).is_none_or(|(followed, now)| followed.is_stale(now)),
            accepted_while_stale: followed.map_or(0, |followed| followed.accepted_while_stale()),
            refused_while_stale: followed.map_or(0, |followed| followed.refused_while_stale()),
            last_error: notes.last_error.clone(),
            copy_error: notes.copy_error.clone(),
        }
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
