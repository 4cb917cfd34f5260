//! The trust bundle: what a validator has on disk, signed by the anchor of its deployment.
//!
//! A file is a line that names the format, the length of the payload (4 bytes), the anchor's public key (32), its
//! signature (64) over prefix, anchor and payload, and the payload, a protobuf message.

use prost::Message as _;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use zeroize::{Zeroize as _, Zeroizing};

use crate::secret::Secret;
use crate::timestamp::Timestamp;

use super::ring::{InvalidKeyRing, KeyRing, KeyState, VerifyingKey, ZoneKey};
use super::wire::generated as proto;
use super::wire::{read_time, write_time};
use super::zone::{self, ZoneScope};
use super::{SIGNATURE_LENGTH, header, public_key, scan};

const MAGIC: &[u8] = b"brevet trust bundle ";
const VERSION: &[u8] = b"1\n";
const SIGNED_PREFIX: &[u8] = b"BREVET-BUNDLE\0v1\0";

/// The trust bundle: what a validator has on disk.
#[derive(Clone, Debug)]
pub struct TrustBundle {
    /// Sixteen bytes made by `init`.
    pub trust_domain: [u8; 16],
    /// Strictly increasing.
    pub sequence: u64,
    /// When it was made.
    pub issued_at: Timestamp,
    /// After this a validator refuses everything.
    pub expires_at: Timestamp,
    /// Public keys.
    pub verifying_keys: Vec<VerifyingKey>,
    /// Name of the zone whose keys it carries.
    pub zone: String,
    /// What a scoped zone checks; `None` in that of the default zone.
    pub scope: Option<ZoneScope>,
    /// Secret: the zone's keys.
    pub zone_keys: Vec<ZoneKey>,
    /// Whether a scoped zone's keys of each session are asked for, because tokens have no box for it.
    pub online: bool,
    /// The signed head of the log of revocations when it was made; empty if there was none.
    pub revocation_head: Vec<u8>,
    /// Ed25519 public key of the anchor that signs bundles.
    pub anchor: [u8; 32],
}

/// A bundle that must not be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidBundle {
    /// Something else altogether.
    #[error("not a trust bundle")]
    NotABundle,
    /// A later version of the format.
    #[error("a trust bundle of a version that is not known here")]
    Version,
    /// Shorter than it says.
    #[error("the trust bundle is cut short")]
    Truncated,
    /// Signed by another deployment, or by a key that cannot be an anchor.
    #[error("the trust bundle is of another anchor")]
    Anchor,
    /// Changed after it was signed, or never signed.
    #[error("the signature of the trust bundle is wrong")]
    Signature,
    /// Signed, and wrong all the same.
    #[error("unusable trust bundle: {0}")]
    Content(&'static str),
}

impl TrustBundle {
    /// Signs with the anchor and writes the file's bytes. They hold the zone's keys: keep them as a secret is kept.
    ///
    /// Refuses a seed that is not the anchor's, and what [`TrustBundle::decode`] would refuse.
    pub fn encode(&self, anchor_seed: &Secret<[u8; 32]>) -> Result<Vec<u8>, InvalidBundle> {
        let anchor = Ed25519KeyPair::from_seed_unchecked(anchor_seed.expose()).map_err(|_| InvalidBundle::Anchor)?;
        if anchor.public_key().as_ref() != self.anchor {
            return Err(InvalidBundle::Anchor);
        }
        self.check()?;
        let payload = Zeroizing::new(write(self).encode_to_vec());
        let length = u32::try_from(payload.len()).map_err(|_| InvalidBundle::Content("it is too large"))?;
        let signature = anchor.sign(&signed(&self.anchor, &payload));
        Ok([MAGIC, VERSION, &length.to_be_bytes(), &self.anchor, signature.as_ref(), &*payload].concat())
    }

    /// Checks the anchor's signature and decodes. The first bundle pins its anchor; pass it as `pinned` afterwards.
    ///
    /// Whoever uses the bundle must also heed [`TrustBundle::is_expired`] and refuse a sequence below one it has seen.
    pub fn decode(bytes: &[u8], pinned: Option<&[u8; 32]>) -> Result<Self, InvalidBundle> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(InvalidBundle::NotABundle)?;
        let mut rest = rest.strip_prefix(VERSION).ok_or(InvalidBundle::Version)?;
        let length = u32::from_be_bytes(take(&mut rest)?);
        let anchor = take(&mut rest)?;
        let signature: [u8; SIGNATURE_LENGTH] = take(&mut rest)?;
        let (payload, []) = rest.split_at_checked(length as usize).ok_or(InvalidBundle::Truncated)? else {
            return Err(InvalidBundle::Content("something follows it"));
        };

        if pinned.is_some_and(|pinned| *pinned != anchor) || !public_key::is_acceptable(&anchor) {
            return Err(InvalidBundle::Anchor);
        }
        UnparsedPublicKey::new(&ED25519, &anchor)
            .verify(&signed(&anchor, payload), &signature)
            .map_err(|_| InvalidBundle::Signature)?;

        const MALFORMED: InvalidBundle = InvalidBundle::Content("its payload is malformed");
        scan::check(payload, &proto::schema::TRUST_BUNDLE).map_err(|_| MALFORMED)?;
        let payload = proto::TrustBundle::decode(payload).map_err(|_| MALFORMED)?;
        let bundle = read(payload, anchor).ok_or(MALFORMED)?;
        bundle.check()?;
        Ok(bundle)
    }

    /// Whether the bundle is over. Then a validator refuses everything.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now >= self.expires_at
    }

    /// The ring that opens this zone's tokens.
    pub fn key_ring(&self) -> Result<KeyRing, InvalidKeyRing> {
        let ring = KeyRing::new(self.trust_domain, self.verifying_keys.clone(), self.zone_keys.clone())?;
        Ok(match &self.scope {
            Some(scope) if self.online => ring.online(scope.clone()),
            Some(scope) => ring.scoped(scope.clone()),
            None => ring,
        })
    }

    fn check(&self) -> Result<(), InvalidBundle> {
        if self.expires_at <= self.issued_at {
            return Err(InvalidBundle::Content("it expires before it is issued"));
        }
        if self.zone.is_empty() || self.zone_keys.is_empty() {
            return Err(InvalidBundle::Content("it has no zone keys"));
        }
        if self.scope.is_some() && zone::check_name(&self.zone).is_err() {
            return Err(InvalidBundle::Content("a zone of this name has no services"));
        }
        if self.online && self.scope.is_none() {
            return Err(InvalidBundle::Content("the default zone's sessions have their box"));
        }
        if self.verifying_keys.iter().any(|key| key.not_after <= key.not_before || key.max_lifetime < 1) {
            return Err(InvalidBundle::Content("a verifying key has an empty window"));
        }
        self.key_ring().map(drop).map_err(|InvalidKeyRing(reason)| InvalidBundle::Content(reason))
    }
}

fn signed(anchor: &[u8; 32], payload: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new([SIGNED_PREFIX, anchor, payload].concat())
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], InvalidBundle> {
    let (first, rest) = bytes.split_first_chunk().ok_or(InvalidBundle::Truncated)?;
    *bytes = rest;
    Ok(*first)
}

fn write(bundle: &TrustBundle) -> proto::TrustBundle {
    proto::TrustBundle {
        trust_domain: bundle.trust_domain.to_vec(),
        sequence: bundle.sequence,
        issued_at: write_time(bundle.issued_at),
        expires_at: write_time(bundle.expires_at),
        verifying_keys: bundle.verifying_keys.iter().map(write_verifying_key).collect(),
        zone: bundle.zone.clone(),
        region: bundle.scope.as_ref().map(|scope| scope.region().to_owned()).unwrap_or_default(),
        services: bundle.scope.as_ref().map(|scope| scope.services().to_vec()).unwrap_or_default(),
        zone_keys: bundle.zone_keys.iter().map(write_zone_key).collect(),
        online: bundle.online,
        revocation_head: bundle.revocation_head.clone(),
    }
}

fn read(bundle: proto::TrustBundle, anchor: [u8; 32]) -> Option<TrustBundle> {
    Some(TrustBundle {
        trust_domain: bundle.trust_domain.try_into().ok()?,
        sequence: bundle.sequence,
        issued_at: read_time(bundle.issued_at)?,
        expires_at: read_time(bundle.expires_at)?,
        verifying_keys: bundle.verifying_keys.into_iter().map(read_verifying_key).collect::<Option<_>>()?,
        zone: bundle.zone,
        scope: read_scope(bundle.region, bundle.services)?,
        zone_keys: bundle.zone_keys.into_iter().map(read_zone_key).collect::<Option<_>>()?,
        online: bundle.online,
        revocation_head: bundle.revocation_head,
        anchor,
    })
}

/// `Some(None)` if there is neither region nor service.
fn read_scope(region: String, services: Vec<String>) -> Option<Option<ZoneScope>> {
    if region.is_empty() && services.is_empty() {
        return Some(None);
    }
    ZoneScope::new(region, services).map(Some).ok()
}

fn write_verifying_key(key: &VerifyingKey) -> proto::VerifyingKey {
    proto::VerifyingKey {
        id: key.id,
        suite: header::SUITE.into(),
        public: key.public.to_vec(),
        not_before: write_time(key.not_before),
        not_after: write_time(key.not_after),
        max_lifetime: key.max_lifetime.unsigned_abs(),
        state: match key.state {
            KeyState::Prepared => proto::KeyState::Prepared,
            KeyState::Active => proto::KeyState::Active,
            KeyState::VerifyOnly => proto::KeyState::VerifyOnly,
            KeyState::Distrusted => proto::KeyState::Distrusted,
        }
        .into(),
    }
}

fn read_verifying_key(key: proto::VerifyingKey) -> Option<VerifyingKey> {
    if key.suite != u32::from(header::SUITE) {
        return None;
    }
    Some(VerifyingKey {
        id: key.id,
        not_before: read_time(key.not_before)?,
        not_after: read_time(key.not_after)?,
        max_lifetime: key.max_lifetime.try_into().ok()?,
        state: match key.state() {
            proto::KeyState::Unspecified => return None,
            proto::KeyState::Prepared => KeyState::Prepared,
            proto::KeyState::Active => KeyState::Active,
            proto::KeyState::VerifyOnly => KeyState::VerifyOnly,
            proto::KeyState::Distrusted => KeyState::Distrusted,
        },
        public: key.public.try_into().ok()?,
    })
}

fn write_zone_key(key: &ZoneKey) -> proto::ZoneKey {
    proto::ZoneKey { epoch: key.epoch, seal: key.seal.expose().to_vec(), zone: key.zone.expose().to_vec() }
}

fn read_zone_key(key: proto::ZoneKey) -> Option<ZoneKey> {
    Some(ZoneKey { epoch: key.epoch, seal: read_secret(&key.seal)?, zone: read_secret(&key.zone)? })
}

fn read_secret(bytes: &[u8]) -> Option<Secret<[u8; 32]>> {
    bytes.try_into().ok().map(Secret::new)
}

/// The message on the way to the bytes, or back, leaves nothing behind.
impl Drop for proto::ZoneKey {
    fn drop(&mut self) {
        self.seal.zeroize();
        self.zone.zeroize();
    }
}
