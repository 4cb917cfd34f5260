//! The keys of a deployment, made when they are first needed: `init` and `dev` start without waiting for an RSA key, and
//! who issues no tokens never has one.

use std::sync::Arc;

use brevet_validator::timestamp::Timestamp;
use tokio::sync::OnceCell;

use super::algorithm::SigningAlgorithm;
use super::generate::generate;
use super::key_ring::KeyRing;
use super::record::IssuerKey;
use crate::service::directory::Directory;
use crate::service::error::{Error, Kind};
use crate::service::keys::InvalidMaterial;
use crate::service::random::Random;

/// The keys that are in the store, or will be. Whoever comes first makes them; everyone else waits for that.
#[derive(Debug)]
pub struct IssuerKeys {
    directory: Arc<Directory>,
    random: Arc<dyn Random>,
    /// Made, and not written yet: a store that is down does not let strangers make us look for primes again and again.
    pub(super) drafts: OnceCell<Vec<IssuerKey>>,
    ring: OnceCell<KeyRing>,
}

impl IssuerKeys {
    /// With what the store held at the start.
    pub fn new(
        directory: Arc<Directory>,
        random: Arc<dyn Random>,
        stored: Vec<IssuerKey>,
    ) -> Result<Self, InvalidMaterial> {
        let ring = KeyRing::new(&stored)?;
        Ok(Self { directory, random, drafts: OnceCell::new(), ring: OnceCell::new_with(ring) })
    }

    /// The keys, which are durable by now. `now` is when they are made, if they are.
    pub(super) async fn ring(self: &Arc<Self>, now: Timestamp) -> Result<&KeyRing, Error> {
        if !self.ring.initialized() {
            let keys = Arc::clone(self);
            // What was begun is finished: who hangs up must not make the next one begin anew.
            let making = tokio::spawn(async move { keys.ring.get_or_try_init(|| keys.make(now)).await.map(drop) });
            making.await.map_err(Error::internal)??;
        }
        self.ring.get().ok_or_else(|| Error::internal("keys that were made are not there"))
    }

    async fn make(&self, now: Timestamp) -> Result<KeyRing, Error> {
        let drafts = self.drafts.get_or_try_init(|| self.draft(now)).await?;
        let put = self.directory.change(|edit| {
            // A commit that was thought lost, or another replica's. What there is is never written over.
            let before = edit.before();
            if drafts.iter().any(|key| before.has_other(&key.record_key())) {
                return Ok(false);
            }
            for key in drafts {
                edit.put_other(&key.record_key(), key.encode());
            }
            Ok(true)
        });
        let ring = match put.await {
            Ok(true) => KeyRing::new(drafts),
            Ok(false) => KeyRing::new(&self.stored().await?),
            // Another replica was first: its keys are the deployment's.
            Err(error) if error.kind() == Kind::ConcurrentModification => KeyRing::new(&self.stored().await?),
            Err(error) => return Err(error),
        };
        let ring = ring.map_err(Error::internal)?;
        ring.ok_or_else(|| Error::internal("an algorithm of identity tokens has no active key"))
    }

    /// New keys, all of them at once: a key set that is published has them all, and caches may keep it.
    async fn draft(&self, now: Timestamp) -> Result<Vec<IssuerKey>, Error> {
        let random = Arc::clone(&self.random);
        let draft = move || SigningAlgorithm::ALL.iter().map(|algorithm| generate(*algorithm, &*random, now)).collect();
        let drafted: Result<_, InvalidMaterial> = tokio::task::spawn_blocking(draft).await.map_err(Error::internal)?;
        drafted.map_err(Error::unavailable)
    }

    async fn stored(&self) -> Result<Vec<IssuerKey>, Error> {
        let others = self.directory.others().await?;
        let ours = others.iter().filter(|record| record.key.starts_with(IssuerKey::PREFIX));
        ours.map(|record| IssuerKey::decode(&record.content).map_err(Error::internal)).collect()
    }
}
