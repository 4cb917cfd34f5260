//! Takes over what other replicas commit, record by record. What cannot be taken over so is read again as a whole.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;

use super::{Directory, Inner};
use crate::service::directory::Snapshot;
use crate::service::error::Error;
use crate::store::{Change, Record, Revision};

/// For commits that are known to have been made.
const PATIENCE: Duration = Duration::from_secs(2);
/// Before the store is watched again after it could not be.
const PAUSE: Duration = Duration::from_secs(1);

impl Directory {
    /// Follows the store for as long as it is there. [`Directory::compare`] finds what this misses.
    pub async fn follow(&self) {
        loop {
            if let Err(error) = self.inner.follow().await {
                let cause = error.cause().map(ToString::to_string).unwrap_or_default();
                tracing::warn!(cause, "what other replicas change is not followed; it is tried again");
            }
            // Also after a stream that ended, so that none that always ends is opened without a pause.
            tokio::time::sleep(PAUSE).await;
        }
    }
}

impl Inner {
    /// Follows one stream to its end.
    async fn follow(&self) -> Result<(), Error> {
        loop {
            let after = self.snapshot.load().revision;
            let mut changes = self.store.watch(after).await.map_err(Error::unavailable)?;
            loop {
                match changes.next().await {
                    Some(Change::Committed { revision, puts, deletes }) => {
                        self.take_over(revision, &puts, &deletes).await?;
                    }
                    Some(Change::Lagged) => break,
                    None => return Ok(()),
                }
            }
            let _one_at_a_time = self.writer.lock().await;
            self.read_again().await?;
        }
    }

    /// Takes one commit over, unless it is in the snapshot already, as each of our own is.
    async fn take_over(&self, revision: Revision, puts: &[Record], deletes: &[String]) -> Result<(), Error> {
        if self.snapshot.load().revision >= revision {
            return Ok(());
        }
        let _one_at_a_time = self.writer.lock().await;
        let current = self.snapshot.load_full();
        if current.revision >= revision {
            return Ok(());
        }
        match self.applied(&current, revision, puts, deletes) {
            Some(next) => {
                self.install(next);
                Ok(())
            }
            None => self.read_again().await,
        }
    }

    /// Takes over all commits up to the latest; `false` if they are not remembered, cannot be read, or do not come in time.
    /// Only to be called by whoever holds `writer`.
    pub(super) async fn catch_up(&self) -> bool {
        let mut next = self.snapshot.load_full();
        let commits = async {
            let latest = self.store.latest().await.ok()?;
            let mut changes = self.store.watch(next.revision).await.ok()?;
            while next.revision < latest {
                let Some(Change::Committed { revision, puts, deletes }) = changes.next().await else { return None };
                next = Arc::new(self.applied(&next, revision, &puts, &deletes)?);
            }
            Some(next)
        };
        match tokio::time::timeout(PATIENCE, commits).await {
            Ok(Some(next)) => {
                self.install(Snapshot::clone(&next));
                true
            }
            _ => false,
        }
    }

    /// A snapshot with the records of the commit that follows it; `None` if it does not, or if a record cannot be read.
    fn applied(&self, current: &Snapshot, revision: Revision, puts: &[Record], deletes: &[String]) -> Option<Snapshot> {
        if current.revision.0 + 1 != revision.0 {
            return None;
        }
        let mut next = Snapshot { revision, ..current.clone() };
        for key in deletes {
            next.remove_record(key).ok()?;
        }
        for record in puts {
            next.read_record(record, &self.cipher).ok()?;
        }
        Some(next)
    }
}

#[cfg(test)]
mod tests;
