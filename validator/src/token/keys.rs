//! Every symmetric key of a token and where it comes from. HKDF-SHA-256 (RFC 5869), AES-256-GCM.

use ring::aead::{AES_256_GCM, LessSafeKey, Nonce, UnboundKey};
use ring::digest::{SHA256, digest};
use ring::hkdf::{HKDF_SHA256, Prk, Salt};

use crate::secret::Secret;

use super::header;
use super::zone::Zone;

/// Bytes of an AES-GCM tag.
pub(super) const TAG_LENGTH: usize = 16;

/// What a header carries of the trust domain: the first eight bytes of its SHA-256.
pub(super) fn trust_domain_tag(trust_domain: &[u8; 16]) -> [u8; 8] {
    let mut tag = [0; 8];
    tag.copy_from_slice(&digest(&SHA256, trust_domain).as_ref()[..8]);
    tag
}

/// `B_n`, ready to derive from. `ring` does not wipe it when it goes.
#[derive(Clone, Debug)]
pub(super) struct EpochRoot(Prk);

impl EpochRoot {
    pub(super) fn new(root: &Secret<[u8; 32]>) -> Self {
        Self(extract(root))
    }

    /// `K_seal`
    pub(super) fn seal_key(&self) -> Secret<[u8; 32]> {
        Secret::new(derive(&self.0, &[b"sts/v1/seal"]))
    }

    /// `K_zone`. Region and name are shorter than 256 bytes; only a scoped zone has a region, and it has an id too.
    pub(super) fn zone_key(&self, zone: &Zone) -> Secret<[u8; 32]> {
        let (region, id) = match zone {
            Zone::Sts | Zone::Default => ("", &[][..]),
            Zone::Scoped(scoped) => (scoped.scope().region(), &scoped.id()[..]),
        };
        let (region, name) = (region.as_bytes(), zone.name().as_bytes());
        let info = [b"sts/v1/zone", &[region.len() as u8][..], region, &[name.len() as u8], name, id];
        Secret::new(derive(&self.0, &info))
    }
}

/// `K_seal`, ready to make the key of each token's body. `ring` does not wipe it when it goes.
#[derive(Clone, Debug)]
pub(super) struct BodyKeys(Prk);

impl BodyKeys {
    pub(super) fn new(seal: &Secret<[u8; 32]>) -> Self {
        Self(Prk::new_less_safe(HKDF_SHA256, seal.expose()))
    }

    pub(super) fn of(&self, header: &[u8; header::LENGTH]) -> LessSafeKey {
        aead(&self.0, &[b"sts/v1/body", header])
    }
}

/// `K_zone`, ready to make the key of each token's box. `ring` does not wipe it when it goes.
#[derive(Clone, Debug)]
pub(super) struct BoxKeys {
    /// Lets a validator find its box in a token that names no zones.
    pub(super) zone_id: [u8; 4],
    prk: Prk,
}

impl BoxKeys {
    pub(super) fn new(zone: &Secret<[u8; 32]>) -> Self {
        let [a, b, c, d, ..] = derive(&extract(zone), &[b"sts/v1/zid"]);
        Self { zone_id: [a, b, c, d], prk: Prk::new_less_safe(HKDF_SHA256, zone.expose()) }
    }

    pub(super) fn of(&self, header: &[u8; header::LENGTH]) -> LessSafeKey {
        aead(&self.prk, &[b"sts/v1/box", header])
    }
}

/// Each key seals one message: keys are derived from headers, and no two tokens share a header, as its session id
/// depends on fresh randomness, the time and the claims.
pub(super) fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; 12])
}

fn extract(key: &Secret<[u8; 32]>) -> Prk {
    Salt::new(HKDF_SHA256, &[]).extract(key.expose())
}

fn derive(prk: &Prk, info: &[&[u8]]) -> [u8; 32] {
    let mut key = [0; 32];
    prk.expand(info, HKDF_SHA256).and_then(|okm| okm.fill(&mut key)).expect("HKDF gives up to 8160 bytes");
    key
}

fn aead(prk: &Prk, info: &[&[u8]]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::from(prk.expand(info, &AES_256_GCM).expect("HKDF gives up to 8160 bytes")))
}
