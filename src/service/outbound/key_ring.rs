//! All keys of this deployment's identity tokens: one signs for each algorithm, every one is published.

use std::sync::Arc;

use serde_json::json;

use super::algorithm::SigningAlgorithm;
use super::record::IssuerKey;
use super::signing_key::SigningKey;
use crate::service::keys::{EpochState, InvalidMaterial};

/// The keys that are not gone.
#[derive(Debug)]
pub(super) struct KeyRing {
    rs256: Arc<SigningKey>,
    es384: Arc<SigningKey>,
    /// The JSON Web Key Set, byte for byte as it is published.
    key_set: String,
}

impl KeyRing {
    /// From all records. `None`: an algorithm has no active key.
    pub(super) fn new(records: &[IssuerKey]) -> Result<Option<Self>, InvalidMaterial> {
        let mut keys = Vec::with_capacity(records.len());
        for record in records {
            keys.push((record, Arc::new(SigningKey::new(record)?)));
        }
        // An order that does not depend on the store's.
        keys.sort_by_key(|(record, _)| (record.algorithm.name(), record.number));
        // The latest, while two are active.
        let active = |algorithm: SigningAlgorithm| {
            let fits = |record: &IssuerKey| record.algorithm == algorithm && record.state == EpochState::Active;
            keys.iter().rev().find(|(record, _)| fits(record)).map(|(_, key)| Arc::clone(key))
        };
        let (Some(rs256), Some(es384)) = (active(SigningAlgorithm::Rs256), active(SigningAlgorithm::Es384)) else {
            return Ok(None);
        };
        let published: Vec<_> = keys.iter().map(|(_, key)| &key.jwk).collect();
        let key_set = json!({ "keys": published }).to_string();
        Ok(Some(Self { rs256, es384, key_set }))
    }

    /// The key that signs.
    pub(super) fn signer(&self, algorithm: SigningAlgorithm) -> Arc<SigningKey> {
        match algorithm {
            SigningAlgorithm::Rs256 => Arc::clone(&self.rs256),
            SigningAlgorithm::Es384 => Arc::clone(&self.es384),
        }
    }

    pub(super) fn key_set(&self) -> &str {
        &self.key_set
    }
}
