//! From one change to the next, through as many connections as it takes.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use brevet_validator::secret::Secret;
use brevet_validator::validator::{Changes, Step, Trust, TrustCopy, TrustFollower};

use super::backoff::Backoff;
use super::connection::{Connection, Fault, Watch};
use super::source::CredentialSource;
use super::status::Shared;
use crate::{Endpoint, ValidationClient};

/// Between attempts with credentials that were refused.
pub(super) const DENIED: Duration = Duration::from_secs(30);

/// The one who follows.
pub(super) struct Run {
    pub(super) endpoint: Endpoint,
    pub(super) source: Arc<dyn CredentialSource>,
    pub(super) watch: Watch,
    pub(super) follower: TrustFollower,
    pub(super) copy: Arc<Mutex<TrustCopy>>,
    pub(super) status: Arc<Shared>,
    pub(super) connection: Option<Connection>,
    pub(super) backoff: Backoff,
    /// What came did not fit what is known: the next stream begins with the whole log.
    pub(super) from_nothing: bool,
}

impl Run {
    /// Waits until something took effect, however often the service is lost meanwhile.
    pub(super) async fn next(&mut self) -> Changes {
        loop {
            match self.advance().await {
                Ok(Some(changes)) => return changes,
                Ok(None) => {}
                Err(fault) => self.recover(fault).await,
            }
        }
    }

    /// What is in force, and the client that it came by.
    pub(super) fn in_force(&self) -> Option<(&Trust, &ValidationClient)> {
        Some((self.follower.in_force()?, &self.connection.as_ref()?.client))
    }

    /// One message.
    async fn advance(&mut self) -> Result<Option<Changes>, Fault> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            None => {
                self.follower.restart();
                let Self { endpoint, source, watch, follower, from_nothing, .. } = self;
                let opened = Connection::open(endpoint, &**source, watch, follower, *from_nothing).await?;
                self.connection.insert(opened)
            }
        };
        let mut message = connection.message().await?;
        let bundle = Secret::new(std::mem::take(&mut message.bundle));
        let step = Step { bundle: bundle.expose(), log: &message.log, entries: &message.entries, head: &message.head };
        let now = crate::signed::now().map_err(|_| Fault::Clock)?;
        let changes = self.follower.apply(step, now)?;
        if changes.is_some() && connection.note_effect() {
            self.from_nothing = false;
            self.status.connected();
            tracing::info!(zone = self.watch.zone, "following the token service");
        }
        Ok(changes)
    }

    /// Waits as long as becomes the fault.
    async fn recover(&mut self, fault: Fault) {
        let lost = self.connection.take();
        let was_good = lost.as_ref().is_some_and(Connection::was_good);
        drop(lost);
        self.from_nothing |= matches!(fault, Fault::Trust(_) | Fault::NoEffect);
        if was_good {
            self.backoff.reset();
            self.flush().await;
        }
        let wait = match &fault {
            Fault::Ended if was_good => Duration::ZERO,
            fault if fault.is_denial() && !was_good => DENIED,
            _ => self.backoff.next(),
        };
        let news = self.status.failed(fault.to_string());
        let zone = &self.watch.zone;
        match &fault {
            Fault::Ended if was_good => tracing::debug!(zone, "{fault}: reconnecting"),
            fault if fault.is_denial() => tracing::error!(zone, "the token service refuses this validator: {fault}"),
            Fault::Trust(_) => tracing::error!(zone, "what the token service sent is not to be believed: {fault}"),
            fault if news => tracing::warn!(zone, "not following the token service: {fault}"),
            fault => tracing::debug!(zone, "not following the token service: {fault}"),
        }
        tokio::time::sleep(wait).await;
    }

    /// Writes down what took effect. Validation goes on if that fails; it is tried again with the next change.
    pub(super) async fn save(&self, changes: Changes) {
        let Some(trust) = self.follower.in_force().cloned() else { return };
        self.with_copy(move |copy| copy.save(changes, &trust)).await;
    }

    async fn flush(&self) {
        self.with_copy(TrustCopy::flush).await;
    }

    /// On a thread that may wait for the disk.
    async fn with_copy(&self, write: impl FnOnce(&mut TrustCopy) -> std::io::Result<()> + Send + 'static) {
        let copy = Arc::clone(&self.copy);
        let written =
            tokio::task::spawn_blocking(move || write(&mut copy.lock().unwrap_or_else(PoisonError::into_inner)));
        let fault = match written.await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(error) => Some(error.to_string()),
        };
        if let Some(fault) = &fault {
            tracing::error!("the copy of the trust bundle and the revocations cannot be written: {fault}");
        }
        self.status.saved(fault);
    }
}
