//! Follows the service: a validator whose keys and revocations are kept up to date by a task, with a copy on disk.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use brevet_client::{Endpoint, credentials, follow::Follower};
//! use brevet_validator::{layer::ValidatorLayer, signature::Rules};
//!
//! let endpoint = Endpoint::new("https://sts.example.com")?;
//! let source = || async { credentials::from_environment() };
//! let followed = Follower::new(endpoint, source, "/var/lib/myservice/trust.bundle").start(Rules::of_service("s3")).await?;
//! let layer = ValidatorLayer::http(followed.validator());
//! # let _ = layer;
//! // It is followed for as long as `followed` lives.
//! # Ok(())
//! # }
//! ```

mod acknowledge;
mod alarm;
mod backoff;
mod connection;
mod handle;
mod run;
mod source;
mod start;
mod status;
mod withdrawn;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use brevet_validator::validator::{CopyError, Staleness, Validator};

use crate::Endpoint;

pub use self::handle::FollowedValidator;
pub use self::source::CredentialSource;
pub use self::status::Status;

/// Sessions remembered, unless said otherwise.
const MAX_CACHED: u64 = 100_000;

/// What is followed, and how.
pub struct Follower {
    endpoint: Endpoint,
    source: Arc<dyn CredentialSource>,
    copy: PathBuf,
    zone: String,
    staleness: Staleness,
    validator_id: Option<String>,
    first_contact: Duration,
    allow_plaintext: bool,
    online_keys: bool,
    max_cached: u64,
    prepare: Box<dyn FnOnce(Validator) -> Validator + Send>,
}

/// Why nothing is followed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FollowError {
    /// Bundles carry keys, and whoever sits in between would read them.
    #[error("{0} is not encrypted, and what comes from there are keys: use https, or allow plaintext")]
    Plaintext(String),
    /// Not a name.
    #[error("{0:?} is not the name of a validator: 1 to 64 characters of A-Z, a-z, 0-9, dot, dash and underscore")]
    ValidatorId(String),
    /// No validator goes on for no time, or for longer than any bundle.
    #[error("a validator may go on without news for 1 second to 30 days")]
    Staleness,
    /// The copy on disk cannot be used.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// There is no copy to begin with, and the service did not answer.
    #[error("there is no trust bundle at {}, and none came within {} s: {reason}", copy.display(), waited.as_secs())]
    NoContact {
        /// Where the copy would be.
        copy: PathBuf,
        /// For how long was tried.
        waited: Duration,
        /// The last that went wrong.
        reason: String,
    },
    /// The system's clock stands before 1970 or after 9999, or it has no randomness.
    #[error("the system's clock or its source of randomness cannot be used")]
    System,
    /// The keys of the bundle must not be used.
    #[error(transparent)]
    Keys(#[from] brevet_validator::token::InvalidKeyRing),
}

impl Follower {
    /// Follows the default zone from this endpoint, with the credentials that `source` gives at each connection. The copy is kept
    /// at `copy`, as `brevet bundle` would write it there, and beside it in `copy.revocations`.
    pub fn new(endpoint: Endpoint, source: impl CredentialSource, copy: impl Into<PathBuf>) -> Self {
        Self {
            endpoint,
            source: Arc::new(source),
            copy: copy.into(),
            zone: "default".to_owned(),
            staleness: Staleness::default(),
            validator_id: None,
            first_contact: Duration::from_secs(30),
            allow_plaintext: false,
            online_keys: false,
            max_cached: MAX_CACHED,
            prepare: Box::new(|validator| validator),
        }
    }

    /// Follows another zone.
    #[must_use]
    pub fn zone(mut self, zone: impl Into<String>) -> Self {
        self.zone = zone.into();
        self
    }

    /// How long to go on without news, and what to do then.
    #[must_use]
    pub fn staleness(mut self, staleness: Staleness) -> Self {
        self.staleness = staleness;
        self
    }

    /// What the validator calls itself at the service: a name that lasts and that no other has. Otherwise one is drawn.
    #[must_use]
    pub fn validator_id(mut self, id: impl Into<String>) -> Self {
        self.validator_id = Some(id.into());
        self
    }

    /// How long [`Follower::start`] waits if there is no copy yet: 30 seconds, unless this says otherwise.
    #[must_use]
    pub fn first_contact_timeout(mut self, timeout: Duration) -> Self {
        self.first_contact = timeout;
        self
    }

    /// Takes keys over `http://` from other hosts than this one, because something else protects the way.
    #[must_use]
    pub fn allow_plaintext(mut self, allow: bool) -> Self {
        self.allow_plaintext = allow;
        self
    }

    /// Asks the service for signing keys that the validator cannot derive: those of long-lived keys, and of sessions in an online
    /// zone. The credentials need `brevet:GetSigningKey` on the zone. A long-lived key that is disabled is refused as soon as a
    /// revoked session would be.
    #[must_use]
    pub fn online_keys(mut self, ask: bool) -> Self {
        self.online_keys = ask;
        self
    }

    /// How many sessions are remembered: 100,000, unless this says otherwise.
    #[must_use]
    pub fn max_cached(mut self, sessions: u64) -> Self {
        self.max_cached = sessions;
        self
    }

    /// Changes the validator before it is used, such as with [`Validator::with_key_source`].
    #[must_use]
    pub fn prepare(mut self, prepare: impl FnOnce(Validator) -> Validator + Send + 'static) -> Self {
        self.prepare = Box::new(prepare);
        self
    }
}

impl std::fmt::Debug for Follower {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Follower").field("endpoint", &self.endpoint).field("zone", &self.zone).finish_non_exhaustive()
    }
}
