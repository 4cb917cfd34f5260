//! Epochs and the anchor: the random bytes behind all keys, and their records.

use brevet_validator::secret::Secret;
use brevet_validator::timestamp::Timestamp;
use brevet_validator::token::InvalidKeyRing;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use zeroize::{Zeroize as _, Zeroizing};

use crate::service::random::{NoRandomness, Random};
use crate::store::records;

/// How far behind ours another server's clock may be, in seconds: a key is good from that long before it was made.
const CLOCK_SKEW: i64 = 300;

/// An epoch: one signing key, and the root from which sealing and zone keys are derived.
#[derive(Clone, Debug)]
pub struct EpochKeys {
    /// Counts up from one.
    pub number: u32,
    /// Where it is in its life.
    pub state: EpochState,
    /// `B_n`.
    pub root: Secret<[u8; 32]>,
    /// Names the signing key in tokens; unique in the deployment.
    pub sign_key_id: u32,
    /// Ed25519 seed.
    pub sign_seed: Secret<[u8; 32]>,
    /// Tokens issued before are refused.
    pub not_before: Timestamp,
    /// Tokens issued at or after are refused; `None` while no end is set.
    pub not_after: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Where an epoch is in its life.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum EpochState {
    /// Published ahead of its first use.
    Prepared,
    /// Mints. Exactly one does.
    Active,
    /// Mints no more; its tokens live on.
    VerifyOnly,
}

impl EpochState {
    pub(in crate::service) fn to_record(self) -> records::EpochState {
        match self {
            Self::Prepared => records::EpochState::Prepared,
            Self::Active => records::EpochState::Active,
            Self::VerifyOnly => records::EpochState::VerifyOnly,
        }
    }

    pub(in crate::service) fn from_record(state: records::EpochState) -> Option<Self> {
        match state {
            records::EpochState::Unspecified => None,
            records::EpochState::Prepared => Some(Self::Prepared),
            records::EpochState::Active => Some(Self::Active),
            records::EpochState::VerifyOnly => Some(Self::VerifyOnly),
        }
    }
}

/// The key that signs trust bundles.
#[derive(Clone, Debug)]
pub struct Anchor {
    /// Ed25519 seed.
    pub seed: Secret<[u8; 32]>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Sequence of the last bundle that was handed out. Raised, and durable, before the next one is.
    pub bundle_sequence: u64,
}

const UNUSABLE_SEED: InvalidKeyRing = InvalidKeyRing("the seed of the anchor is not one");

/// A record that does not hold what it must.
#[derive(Debug, thiserror::Error)]
#[error("bad {0}")]
pub struct InvalidMaterial(pub String);

impl EpochKeys {
    /// First part of the keys of all epochs' records.
    pub const PREFIX: &str = "epochs/";

    /// The first epoch of a deployment: active, without an end.
    pub(super) fn generate(random: &dyn Random, now: Timestamp) -> Result<Self, NoRandomness> {
        let mut sign_key_id = [0; 4];
        random.fill(&mut sign_key_id)?;
        Ok(Self {
            number: 1,
            state: EpochState::Active,
            root: draw(random)?,
            sign_key_id: u32::from_be_bytes(sign_key_id),
            sign_seed: draw(random)?,
            not_before: now.saturating_add(-CLOCK_SKEW),
            not_after: None,
            created_at: now,
        })
    }

    /// Where the record lies.
    pub fn record_key(&self) -> String {
        format!("{}{}", Self::PREFIX, self.number)
    }

    /// The record's content, to be sealed.
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut record = records::Epoch {
            number: self.number,
            state: self.state.to_record().into(),
            root: self.root.expose().to_vec(),
            sign_key_id: self.sign_key_id,
            sign_seed: self.sign_seed.expose().to_vec(),
            not_before: self.not_before.unix(),
            not_after: self.not_after.map_or(0, Timestamp::unix),
            created_at: self.created_at.unix(),
        };
        let content = Zeroizing::new(records::encode(&record));
        record.root.zeroize();
        record.sign_seed.zeroize();
        content
    }

    /// From the record's content.
    pub fn decode(content: &[u8]) -> Result<Self, InvalidMaterial> {
        let record: records::Epoch = records::decode(content).map_err(InvalidMaterial)?;
        let state = EpochState::from_record(record.state()).ok_or_else(|| bad("state"))?;
        let not_after = (record.not_after != 0).then(|| time(record.not_after)).transpose()?;
        Ok(Self {
            number: record.number,
            state,
            root: secret(record.root)?,
            sign_key_id: record.sign_key_id,
            sign_seed: secret(record.sign_seed)?,
            not_before: time(record.not_before)?,
            not_after,
            created_at: time(record.created_at)?,
        })
    }
}

impl Anchor {
    /// Where the record lies.
    pub const RECORD_KEY: &str = "meta/anchor";

    pub(super) fn generate(random: &dyn Random, now: Timestamp) -> Result<Self, NoRandomness> {
        Ok(Self { seed: draw(random)?, created_at: now, bundle_sequence: 0 })
    }

    /// The record's content, to be sealed.
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut record = records::Anchor {
            seed: self.seed.expose().to_vec(),
            created_at: self.created_at.unix(),
            bundle_sequence: self.bundle_sequence,
        };
        let content = Zeroizing::new(records::encode(&record));
        record.seed.zeroize();
        content
    }

    /// From the record's content.
    pub fn decode(content: &[u8]) -> Result<Self, InvalidMaterial> {
        let record: records::Anchor = records::decode(content).map_err(InvalidMaterial)?;
        Ok(Self {
            seed: secret(record.seed)?,
            created_at: time(record.created_at)?,
            bundle_sequence: record.bundle_sequence,
        })
    }

    /// What validators pin.
    pub fn public_key(&self) -> Result<[u8; 32], InvalidKeyRing> {
        self.key_pair()?.public_key().as_ref().try_into().map_err(|_| UNUSABLE_SEED)
    }

    /// What signs.
    pub(super) fn key_pair(&self) -> Result<Ed25519KeyPair, InvalidKeyRing> {
        Ed25519KeyPair::from_seed_unchecked(self.seed.expose()).map_err(|_| UNUSABLE_SEED)
    }
}

/// Thirty-two fresh bytes.
pub(super) fn draw(random: &dyn Random) -> Result<Secret<[u8; 32]>, NoRandomness> {
    let mut bytes = Zeroizing::new([0; 32]);
    random.fill(&mut *bytes)?;
    Ok(Secret::new(*bytes))
}

fn secret(bytes: Vec<u8>) -> Result<Secret<[u8; 32]>, InvalidMaterial> {
    let bytes = Zeroizing::new(bytes);
    <[u8; 32]>::try_from(bytes.as_slice()).map(Secret::new).map_err(|_| bad("length of a secret"))
}

fn time(seconds: i64) -> Result<Timestamp, InvalidMaterial> {
    Timestamp::from_unix(seconds).ok_or_else(|| bad("time"))
}

fn bad(what: &str) -> InvalidMaterial {
    InvalidMaterial(what.to_owned())
}
