//! The keys of the deployment: what mints tokens, what opens them at the STS, and the bundle that opens them elsewhere.

mod material;
mod message;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::sync::Arc;

use brevet_validator::credential::{Lifetime, SecretKey};
use brevet_validator::secret::Secret;
use brevet_validator::timestamp::Timestamp;
use brevet_validator::token::{
    Claims, InvalidBundle, InvalidKeyRing, KeyRing, KeyState, LogPosition, MintError, Minted, Minter, RevocationHead,
    TrustBundle, VerifyingKey, Zone, ZoneKey,
};
use ring::signature::Ed25519KeyPair;

pub use self::material::{Anchor, EpochKeys, EpochState, InvalidMaterial};
pub use self::message::{OVERHEAD as MESSAGE_OVERHEAD, SALT_LENGTH as MESSAGE_SALT};

use self::message::MessageKeys;

use super::random::{NoRandomness, Random};

/// Longest life of any token, in seconds: 36 hours, the most that GetSessionToken and GetFederationToken give.
const MAX_TOKEN_LIFETIME: i64 = 129_600;
/// Longest life of a trust bundle, in seconds.
const MAX_BUNDLE_LIFE: i64 = 30 * 86_400;

/// Every key that is not gone, ready for use.
#[derive(Debug)]
pub struct Keys {
    trust_domain: [u8; 16],
    /// Of the active epoch.
    minter: Arc<Minter>,
    /// Of all epochs.
    minters: Vec<Arc<Minter>>,
    messages: MessageKeys,
    verifying_keys: Vec<VerifyingKey>,
    sts_ring: KeyRing,
    /// When the last epoch that a bundle of today can hold stops signing.
    signing_ends: Option<Timestamp>,
    anchor_seed: Secret<[u8; 32]>,
    /// The same, ready to sign: heads are signed each second.
    anchor_pair: Ed25519KeyPair,
    anchor: [u8; 32],
}

/// Keys that must not be used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidKeys {
    /// None would mint, or it would not be clear which one.
    #[error("exactly one epoch must be active, not {0}")]
    Active(usize),
    /// The keys themselves.
    #[error(transparent)]
    Ring(#[from] InvalidKeyRing),
    /// What keeps session ids apart could not be drawn.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
}

impl Keys {
    /// From all epochs that are not gone. `random` draws what keeps session ids of this process apart from others'.
    pub fn new(
        trust_domain: [u8; 16],
        epochs: &[EpochKeys],
        anchor: &Anchor,
        random: &dyn Random,
    ) -> Result<Self, InvalidKeys> {
        let mut keyed = Vec::with_capacity(epochs.len());
        for epoch in epochs {
            let minter = Minter::new(
                trust_domain,
                epoch.number,
                &epoch.root,
                epoch.sign_key_id,
                &epoch.sign_seed,
                material::draw(random)?,
            )?;
            keyed.push((epoch, Arc::new(minter)));
        }
        let verifying_keys: Vec<_> = keyed.iter().map(|(epoch, minter)| verifying_key(epoch, minter)).collect();
        let minters: Vec<_> = keyed.iter().map(|(_, minter)| Arc::clone(minter)).collect();
        let sts_ring = KeyRing::new(trust_domain, verifying_keys.clone(), zone_keys(&minters, &Zone::Sts))?;

        let mut active: Vec<_> = keyed.into_iter().filter(|(epoch, _)| epoch.state == EpochState::Active).collect();
        let count = active.len();
        let (1, Some((epoch, minter))) = (count, active.pop()) else { return Err(InvalidKeys::Active(count)) };
        Ok(Self {
            trust_domain,
            messages: MessageKeys::new(trust_domain, epoch.number, epochs),
            minter,
            minters,
            verifying_keys,
            sts_ring,
            signing_ends: signing_ends(epochs),
            anchor: anchor.public_key()?,
            anchor_pair: anchor.key_pair()?,
            anchor_seed: anchor.seed.clone(),
        })
    }

    /// The keys of a new deployment: its first epoch and its anchor.
    pub fn generate(random: &dyn Random, now: Timestamp) -> Result<(EpochKeys, Anchor), NoRandomness> {
        Ok((EpochKeys::generate(random, now)?, Anchor::generate(random, now)?))
    }

    /// Seals and signs a token for the STS and these zones.
    pub fn mint(
        &self,
        claims: &Claims,
        lifetime: Lifetime,
        zones: &[Zone],
        secret: SecretKey,
        random: [u8; 32],
        issued_at_nanos: u128,
    ) -> Result<Minted, MintError> {
        self.minter.mint(claims, lifetime, zones, secret, random, issued_at_nanos)
    }

    /// Whether tokens of every epoch can tell these zones from one another and from those that are always there.
    pub fn tell_apart(&self, zones: &[Zone]) -> bool {
        let all: HashSet<&Zone> = zones.iter().chain(&[Zone::Sts, Zone::Default]).collect();
        let ids = |minter: &Minter| all.iter().map(|zone| minter.zone_id(zone)).collect::<HashSet<_>>();
        self.minters.iter().all(|minter| ids(minter).len() == all.len())
    }

    /// Seals a message that only this service reads, though others carry it. `salt` is fresh randomness.
    pub fn seal_message(&self, content: Vec<u8>, salt: [u8; MESSAGE_SALT]) -> Option<Vec<u8>> {
        self.messages.seal(content, salt)
    }

    /// Opens a sealed message. `None` if this deployment did not make it, or its epoch is gone.
    pub fn open_message(&self, message: &[u8]) -> Option<Vec<u8>> {
        self.messages.open(message)
    }

    /// What opens tokens at the STS itself.
    pub fn ring(&self) -> &KeyRing {
        &self.sts_ring
    }

    /// The trust bundle of a zone. `sequence` must be above that of every bundle before it.
    ///
    /// It expires before an epoch that it lacks can become active, or its holder would refuse good tokens: when the
    /// last epoch that it holds stops signing, and after 30 days in any case.
    fn trust_bundle(&self, zone: &Zone, sequence: u64, now: Timestamp, revocation_head: Vec<u8>) -> TrustBundle {
        let latest = now + MAX_BUNDLE_LIFE;
        TrustBundle {
            trust_domain: self.trust_domain,
            sequence,
            issued_at: now,
            expires_at: self.signing_ends.map_or(latest, |end| end.min(latest)),
            verifying_keys: self.verifying_keys.clone(),
            zone: zone.name().to_owned(),
            scope: match zone {
                Zone::Sts | Zone::Default => None,
                Zone::Scoped(scoped) => Some(scoped.scope().clone()),
            },
            zone_keys: zone_keys(&self.minters, zone),
            online: matches!(zone, Zone::Scoped(scoped) if scoped.is_online()),
            revocation_head,
            anchor: self.anchor,
        }
    }

    /// The trust bundle of a zone as a signed file. Its bytes hold the zone's keys: keep them as a secret is kept. There is
    /// none of the zone of the STS. `head` is the signed head of the log of revocations, if there is a log.
    pub fn export_bundle(
        &self,
        zone: &Zone,
        sequence: u64,
        now: Timestamp,
        head: Vec<u8>,
    ) -> Result<Vec<u8>, InvalidBundle> {
        if *zone == Zone::Sts {
            return Err(InvalidBundle::Content("the keys of the STS leave it in no bundle"));
        }
        self.trust_bundle(zone, sequence, now, head).encode(&self.anchor_seed)
    }

    /// Signs that the log of revocations ends here, and that there was nothing newer in the store at a time.
    pub fn sign_head(&self, position: LogPosition, confirmed_at: Timestamp) -> Vec<u8> {
        RevocationHead { trust_domain: self.trust_domain, position, confirmed_at }.sign(&self.anchor_pair)
    }
}

fn zone_keys(minters: &[Arc<Minter>], zone: &Zone) -> Vec<ZoneKey> {
    minters.iter().map(|minter| minter.zone_key(zone)).collect()
}

fn verifying_key(epoch: &EpochKeys, minter: &Minter) -> VerifyingKey {
    VerifyingKey {
        id: epoch.sign_key_id,
        public: minter.public_key(),
        not_before: epoch.not_before,
        not_after: epoch.not_after.unwrap_or(Timestamp::MAX),
        max_lifetime: MAX_TOKEN_LIFETIME,
        state: match epoch.state {
            EpochState::Prepared => KeyState::Prepared,
            EpochState::Active => KeyState::Active,
            EpochState::VerifyOnly => KeyState::VerifyOnly,
        },
    }
}

/// The end of the last epoch that signs or will sign; `None` if one of them has none.
fn signing_ends(epochs: &[EpochKeys]) -> Option<Timestamp> {
    let signing = epochs.iter().filter(|epoch| epoch.state != EpochState::VerifyOnly);
    signing.map(|epoch| epoch.not_after.unwrap_or(Timestamp::MAX)).max().filter(|end| *end < Timestamp::MAX)
}
