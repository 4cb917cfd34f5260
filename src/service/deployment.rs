//! A deployment: how one is founded, and its start from what the store holds.

mod founding;

use std::sync::Arc;

use brevet_validator::timestamp::Timestamp;

pub use self::founding::{FirstProvider, FirstRole, FirstTrust, Founded, Founding};

use super::directory::{Directory, OtherRecord, Snapshot};
use super::error::Error;
use super::keys::{Anchor, EpochKeys, Keys};
use super::outbound::{IssuerKey, IssuerKeys};
use super::random::Random;
use super::trust::Trust;
use crate::store::{MasterKey, Store, format};

/// A deployment that cannot be founded or started.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct DeploymentError(String);

fn fault(error: impl std::fmt::Display) -> DeploymentError {
    DeploymentError(error.to_string())
}

/// A deployment that was started: its directory, its keys, and what its validators are told.
#[derive(Debug)]
pub struct Deployment {
    /// Who exists and what they may do.
    pub directory: Arc<Directory>,
    /// What mints and opens tokens.
    pub keys: Arc<Keys>,
    /// What signs identity tokens.
    pub issuer_keys: Arc<IssuerKeys>,
    /// What validators are told.
    pub trust: Arc<Trust>,
}

impl Deployment {
    /// Loads and checks everything. One record that cannot be read stops the start.
    pub async fn start(
        store: Arc<dyn Store>,
        master: &MasterKey,
        random: Arc<dyn Random>,
    ) -> Result<Self, DeploymentError> {
        let (revision, stored) = store.load().await.map_err(fault)?;
        let cipher = format::unlock(&stored, master).map_err(fault)?;
        let (snapshot, others) = Snapshot::read(revision, &stored, &cipher).map_err(fault)?;
        let mut epochs = Vec::new();
        let mut issuer_keys = Vec::new();
        let mut anchor = None;
        for OtherRecord { key, content } in others {
            if key == Anchor::RECORD_KEY {
                anchor = Some(Anchor::decode(&content).map_err(fault)?);
            } else if key.starts_with(EpochKeys::PREFIX) {
                epochs.push(EpochKeys::decode(&content).map_err(fault)?);
            } else if key.starts_with(IssuerKey::PREFIX) {
                issuer_keys.push(IssuerKey::decode(&content).map_err(fault)?);
            } else {
                return Err(DeploymentError(format!("the record {key} is of no known kind")));
            }
        }
        let anchor = anchor.ok_or_else(|| DeploymentError(format!("the record {} is missing", Anchor::RECORD_KEY)))?;
        let keys = Arc::new(Keys::new(cipher.trust_domain(), &epochs, &anchor, &*random).map_err(fault)?);
        let directory = Arc::new(Directory::new(store, cipher, Arc::clone(&random), snapshot));
        let trust =
            Trust::new(Arc::clone(&directory), Arc::clone(&keys), Arc::clone(&random), anchor).map_err(fault)?;
        Ok(Self {
            issuer_keys: Arc::new(IssuerKeys::new(Arc::clone(&directory), random, issuer_keys).map_err(fault)?),
            directory,
            keys,
            trust: Arc::new(trust),
        })
    }

    /// The trust bundle of a zone, as a file. Its sequence is written down before it is handed out.
    pub async fn bundle(&self, zone: &str, now: Timestamp) -> Result<Vec<u8>, Error> {
        self.trust.new_bundle(zone, now).await
    }
}

#[cfg(test)]
mod tests {
    use brevet_validator::token::TrustBundle;
    use futures_util::FutureExt as _;

    use super::*;
    use crate::service::test_world::{Counting, Still, now};
    use crate::store::MemoryStore;

    #[tokio::test]
    async fn a_bundle_that_nobody_waited_for_does_not_stand_in_the_way_of_the_next() {
        let (master, random) = (MasterKey::new([1; 32]), Arc::new(Counting::default()));
        let founding = Founding { account: None, administrator: "admin", roles: &[], provider: None };
        let (first, _) = founding.first_transaction(&master, &*random, &Still).unwrap();
        let store = Arc::new(MemoryStore::new(now));
        store.commit(first).await.unwrap();
        let deployment = Deployment::start(store, &master, random).await.unwrap();

        // Polled once: the commit is on its way, its caller is gone.
        assert!(deployment.bundle("default", now()).now_or_never().is_none());
        let sequences =
            [deployment.bundle("default", now()).await.unwrap(), deployment.bundle("default", now()).await.unwrap()]
                .map(|bundle| TrustBundle::decode(&bundle, None).unwrap().sequence);
        assert!(sequences[0] < sequences[1], "{sequences:?}");
    }
}
