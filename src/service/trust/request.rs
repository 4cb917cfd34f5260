//! What validators ask, as it came off the wire and in good form, and what they are answered.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use super::receipts::{Bound, Progress};
use super::watching::Watching;
use crate::service::error::Error;
use crate::service::parameters::{Text, shown};
use crate::service::sessions::ToldActivity;

const VALIDATOR_ID: Text = Text { min: 1, max: 64, pattern: "[A-Za-z0-9._-]+", matches: is_validator_id, shown: true };
/// No bundle is good for longer.
const LONGEST_STALENESS: Duration = Duration::from_secs(30 * 86_400);

/// What a validator asks.
#[derive(Clone, Debug)]
pub enum Request {
    /// `brevet:GetTrustBundle`: of this zone.
    GetBundle(String),
    /// `brevet:WatchTrust`
    Watch(WatchTrust),
    /// `brevet:AcknowledgeTrust`
    Acknowledge(AcknowledgeTrust),
}

/// Which zone, and what the validator has already.
#[derive(Clone, Debug, Default)]
pub struct WatchTrust {
    /// Its name.
    pub zone: String,
    /// What the validator calls itself.
    pub validator_id: String,
    /// Sequence of its bundle; 0: none.
    pub bundle_sequence: u64,
    /// Id of the log that it has; empty: none.
    pub log: Vec<u8>,
    /// How many entries of that.
    pub count: u64,
    /// How long it goes on without hearing from the service; required.
    pub max_staleness: Option<Duration>,
    /// Whether it goes on accepting beyond that.
    pub fail_open: bool,
}

/// How far a validator has come.
#[derive(Clone, Debug, Default)]
pub struct AcknowledgeTrust {
    /// As in [`WatchTrust`], as the next two.
    pub zone: String,
    /// What the validator calls itself.
    pub validator_id: String,
    /// Sequence of its bundle.
    pub bundle_sequence: u64,
    /// Id of its log.
    pub log: Vec<u8>,
    /// How many entries of that are in force.
    pub count: u64,
    /// Sessions that were used.
    pub activities: Vec<ToldActivity>,
}

/// The outcome.
#[derive(Debug)]
pub enum Answer {
    /// A bundle, with the zone's keys.
    Bundle(ServedBundle),
    /// What follows, step by step.
    Watching(Box<Watching>),
    /// It is known.
    Acknowledged,
}

/// A bundle as it is handed out.
#[derive(Clone)]
pub struct ServedBundle {
    /// Its sequence.
    pub sequence: u64,
    /// The file.
    pub bytes: Bytes,
}

/// The bytes hold the zone's keys.
impl std::fmt::Debug for ServedBundle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServedBundle").field("sequence", &self.sequence).finish_non_exhaustive()
    }
}

impl Request {
    /// Without `brevet:`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::GetBundle(_) => "GetTrustBundle",
            Self::Watch(_) => "WatchTrust",
            Self::Acknowledge(_) => "AcknowledgeTrust",
        }
    }

    /// What the audit record keeps.
    pub fn audit_parameters(&self) -> Value {
        match self {
            Self::GetBundle(zone) => json!({ "zone": shown(zone) }),
            Self::Watch(input) => json!({
                "zone": shown(&input.zone),
                "validatorId": shown(&input.validator_id),
                "maxStaleness": input.max_staleness.map(|longest| longest.as_secs()),
                "failOpen": input.fail_open,
            }),
            Self::Acknowledge(AcknowledgeTrust { zone, validator_id, .. }) => {
                json!({ "zone": shown(zone), "validatorId": shown(validator_id) })
            }
        }
    }
}

impl Answer {
    /// What the audit record keeps.
    pub fn audit_elements(&self) -> Value {
        match self {
            Self::Bundle(bundle) => json!({ "sequence": bundle.sequence }),
            Self::Watching(_) | Self::Acknowledged => Value::Null,
        }
    }
}

impl WatchTrust {
    pub(super) fn bound(&self) -> Result<Bound, Error> {
        let max_staleness = self.max_staleness.ok_or_else(|| Error::validation("max_staleness must be given."))?;
        if max_staleness.is_zero() || max_staleness > LONGEST_STALENESS {
            return Err(Error::validation("max_staleness must be more than nothing and at most 30 days."));
        }
        Ok(Bound { max_staleness, fail_open: self.fail_open })
    }

    pub(super) fn progress(&self) -> Result<Option<Progress>, Error> {
        progress(&self.log, self.count)
    }
}

impl AcknowledgeTrust {
    pub(super) fn progress(&self) -> Result<Option<Progress>, Error> {
        progress(&self.log, self.count)
    }
}

pub(super) fn check_validator_id(id: &str) -> Result<(), Error> {
    VALIDATOR_ID.check(id, "validatorId").map(drop)
}

fn progress(log: &[u8], count: u64) -> Result<Option<Progress>, Error> {
    match (<[u8; 16]>::try_from(log), count) {
        (Ok(log), count) => Ok(Some(Progress { log, count })),
        (Err(_), 0) if log.is_empty() => Ok(None),
        (Err(_), _) if log.is_empty() => Err(Error::validation("There is a count, but no log.")),
        (Err(_), _) => Err(Error::validation("The id of a log has 16 bytes.")),
    }
}

fn is_validator_id(text: &str) -> bool {
    text.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b'-'))
}
