//! A stream from the service, and what can go wrong with it.

use std::time::Duration;

use brevet_validator::token::InvalidKeyRing;
use brevet_validator::validator::{Staleness, TrustError, TrustFollower, WhenStale};
use tokio::time::{Instant, timeout};
use tonic::{Code, Streaming};

use super::source::{BoxError, CredentialSource};
use crate::proto::validation::{WatchTrustRequest, WatchTrustResponse};
use crate::{ConnectError, Endpoint, ValidationClient};

/// The service sends something each second.
const SILENCE: Duration = Duration::from_secs(5);

/// What comes takes effect after some messages, even at a replica that has to catch up.
const NO_EFFECT: Duration = Duration::from_secs(60);

/// For credentials, for the connection and for the head of the answer, each.
const PATIENCE: Duration = Duration::from_secs(10);

/// Entries come in messages of any number.
const MAX_MESSAGE: usize = 16 << 20;

/// An open stream.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) client: ValidationClient,
    stream: Streaming<WatchTrustResponse>,
    opened: Instant,
    /// When something last took effect that came by it.
    effect: Option<Instant>,
}

/// Why a stream is no more, or came to nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("no credentials: {0}")]
    Credentials(BoxError),
    #[error("{}", chain(.0))]
    Connect(#[from] ConnectError),
    #[error("the service does not answer")]
    NoAnswer,
    #[error("{:?}: {}", .0.code(), .0.message())]
    Status(Box<tonic::Status>),
    #[error("nothing was heard for {} s", SILENCE.as_secs())]
    Silence,
    #[error("what comes does not take effect")]
    NoEffect,
    #[error("the service ended the stream")]
    Ended,
    #[error(transparent)]
    Trust(#[from] TrustError),
    #[error(transparent)]
    Keys(#[from] InvalidKeyRing),
    #[error("the system's clock is not set")]
    Clock,
}

impl Fault {
    /// Whether these credentials will not do, so that there is no hurry to try them again.
    pub(super) fn is_denial(&self) -> bool {
        match self {
            Self::Status(status) => matches!(status.code(), Code::PermissionDenied | Code::Unauthenticated),
            _ => false,
        }
    }
}

/// tonic's errors say little without their causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// What every request to watch says.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    pub(super) zone: String,
    pub(super) validator_id: String,
    pub(super) staleness: Staleness,
}

impl Watch {
    /// What to send from what is known; `from_nothing`: the whole log, whatever is known of it.
    fn request(&self, follower: &TrustFollower, from_nothing: bool) -> WatchTrustRequest {
        let position = follower.position().filter(|_| !from_nothing);
        WatchTrustRequest {
            zone: self.zone.clone(),
            validator_id: self.validator_id.clone(),
            bundle_sequence: follower.bundle_sequence(),
            log: position.map(|position| position.log.to_vec()).unwrap_or_default(),
            count: position.map_or(0, |position| position.count),
            max_staleness: self.staleness.max.try_into().ok(),
            fail_open: self.staleness.when_stale == WhenStale::FailOpen,
        }
    }
}

impl Connection {
    pub(super) async fn open(
        endpoint: &Endpoint,
        source: &dyn CredentialSource,
        watch: &Watch,
        follower: &TrustFollower,
        from_nothing: bool,
    ) -> Result<Self, Fault> {
        let credentials = timeout(PATIENCE, source.credentials()).await;
        let credentials = credentials.unwrap_or_else(|_| Err("its source does not answer".into()));
        let credentials = credentials.map_err(Fault::Credentials)?;
        let channel =
            timeout(PATIENCE, endpoint.streaming_channel(credentials)).await.map_err(|_| Fault::NoAnswer)??;
        let mut client = ValidationClient::new(channel).max_decoding_message_size(MAX_MESSAGE);
        let answer = timeout(PATIENCE, client.watch_trust(watch.request(follower, from_nothing))).await;
        let stream = answer.map_err(|_| Fault::NoAnswer)?.map_err(|status| Fault::Status(status.into()))?.into_inner();
        Ok(Self { client, stream, opened: Instant::now(), effect: None })
    }

    pub(super) async fn message(&mut self) -> Result<WatchTrustResponse, Fault> {
        match timeout(SILENCE, self.stream.message()).await {
            Err(_) => Err(Fault::Silence),
            Ok(Err(status)) => Err(Fault::Status(status.into())),
            Ok(Ok(None)) => Err(Fault::Ended),
            Ok(Ok(Some(_))) if self.effect.unwrap_or(self.opened).elapsed() > NO_EFFECT => Err(Fault::NoEffect),
            Ok(Ok(Some(message))) => Ok(message),
        }
    }

    /// Something took effect. Whether it is the first.
    pub(super) fn note_effect(&mut self) -> bool {
        self.effect.replace(Instant::now()).is_none()
    }

    /// Whether it was of use for long enough that the next one may be tried as if nothing had failed.
    pub(super) fn was_good(&self) -> bool {
        self.effect.is_some() && self.opened.elapsed() >= Duration::from_secs(1)
    }
}
