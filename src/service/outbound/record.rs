//! A signing key as it is kept: sealed under the master key, as epochs are.

use brevet_validator::secret::Secret;
use brevet_validator::timestamp::Timestamp;
use zeroize::{Zeroize as _, Zeroizing};

use super::algorithm::SigningAlgorithm;
use crate::service::keys::{EpochState, InvalidMaterial};
use crate::store::records;

/// A key that signs identity tokens, for one algorithm.
#[derive(Clone, Debug)]
pub struct IssuerKey {
    /// The one algorithm that it is used with.
    pub algorithm: SigningAlgorithm,
    /// Counts up from one with each key of the algorithm.
    pub number: u32,
    /// Where it is in its life.
    pub state: EpochState,
    /// `PrivateKeyInfo` (RFC 5208) in DER.
    pub pkcs8: Secret<Vec<u8>>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl IssuerKey {
    /// First part of the keys of all these records.
    pub const PREFIX: &str = "issuer-keys/";

    /// Where the record lies. The first keys of all replicas lie at one place, so that one of them wins.
    pub fn record_key(&self) -> String {
        format!("{}{}/{}", Self::PREFIX, self.algorithm.name(), self.number)
    }

    /// The record's content, to be sealed.
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        let algorithm = match self.algorithm {
            SigningAlgorithm::Rs256 => records::IssuerKeyAlgorithm::Rs256,
            SigningAlgorithm::Es384 => records::IssuerKeyAlgorithm::Es384,
        };
        let mut record = records::IssuerKey {
            algorithm: algorithm.into(),
            number: self.number,
            state: self.state.to_record().into(),
            pkcs8: self.pkcs8.expose().clone(),
            created_at: self.created_at.unix(),
        };
        let content = Zeroizing::new(records::encode(&record));
        record.pkcs8.zeroize();
        content
    }

    /// From the record's content.
    pub fn decode(content: &[u8]) -> Result<Self, InvalidMaterial> {
        let bad = |what: &str| InvalidMaterial(format!("{what} of an issuer key"));
        let record: records::IssuerKey = records::decode(content).map_err(InvalidMaterial)?;
        let algorithm = match record.algorithm() {
            records::IssuerKeyAlgorithm::Unspecified => return Err(bad("algorithm")),
            records::IssuerKeyAlgorithm::Rs256 => SigningAlgorithm::Rs256,
            records::IssuerKeyAlgorithm::Es384 => SigningAlgorithm::Es384,
        };
        Ok(Self {
            algorithm,
            number: record.number,
            state: EpochState::from_record(record.state()).ok_or_else(|| bad("state"))?,
            created_at: Timestamp::from_unix(record.created_at).ok_or_else(|| bad("time"))?,
            pkcs8: Secret::new(record.pkcs8),
        })
    }
}
