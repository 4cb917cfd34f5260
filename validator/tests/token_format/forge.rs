//! A second implementation of the format, written from `docs/token-format.md`, that will also write what is wrong.
//!
//! It holds the deployment's real keys: a fault it makes is not covered by a wrong signature unless asked for.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::signature::Ed25519KeyPair;
use sha2::{Digest as _, Sha256};

use brevet_validator::credential::{AccessKeyId, KeyKind};

use super::samples::{EPOCH, NOW, REGION, ROOT, SECRET, SEED, SIGN_KEY_ID, TRUST_DOMAIN};

/// A token in parts, good until one is changed.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) version: u8,
    pub(crate) suite: u8,
    pub(crate) sign_key_id: u32,
    pub(crate) epoch: u32,
    pub(crate) session_id: [u8; 16],
    pub(crate) issued_at: u64,
    pub(crate) expires_at: u64,
    pub(crate) flags: u16,
    pub(crate) trust_domain: [u8; 16],
    /// The claims before they are sealed.
    pub(crate) body: Vec<u8>,
    /// Instead of the sealed body's length.
    pub(crate) body_length: Option<u16>,
    /// Flags under which body and boxes are sealed, if others than the header's.
    pub(crate) sealed_flags: Option<u16>,
    pub(crate) boxes: Vec<BoxPart>,
    /// Instead of the number of boxes.
    pub(crate) box_count: Option<u8>,
    /// Between the boxes and the signature.
    pub(crate) extra: Vec<u8>,
    pub(crate) seed: [u8; 32],
}

#[derive(Clone)]
pub(crate) struct BoxPart {
    pub(crate) zone_id: [u8; 4],
    pub(crate) kind: u8,
    pub(crate) count: u8,
    pub(crate) plain: Vec<u8>,
    pub(crate) key: [u8; 32],
}

impl Default for Parts {
    fn default() -> Self {
        let mut boxes = vec![BoxPart::of("sts"), BoxPart::of("default")];
        boxes.sort_by_key(|b| b.zone_id);
        Self {
            version: 1,
            suite: 1,
            sign_key_id: SIGN_KEY_ID,
            epoch: EPOCH,
            session_id: [9; 16],
            issued_at: NOW as u64,
            expires_at: NOW as u64 + 3600,
            flags: 1,
            trust_domain: TRUST_DOMAIN,
            body: root_body(),
            body_length: None,
            sealed_flags: None,
            boxes,
            box_count: None,
            extra: vec![],
            seed: SEED,
        }
    }
}

impl BoxPart {
    /// The box of a zone, with the secret key.
    pub(crate) fn of(zone: &str) -> Self {
        let mut info = b"sts/v1/zone\0".to_vec();
        info.push(zone.len() as u8);
        info.extend_from_slice(zone.as_bytes());
        let key = hkdf(&ROOT, &info);
        let zone_id = hkdf(&key, b"sts/v1/zid")[..4].try_into().unwrap();
        Self { zone_id, kind: 2, count: 0, plain: SECRET.into(), key }
    }
}

impl BoxPart {
    /// The box of a scoped zone with the signing keys of its services and of these dates.
    pub(crate) fn scoped(name: &str, id: u8, services: &[&str], dates: &[&str]) -> Self {
        let mut info = b"sts/v1/zone".to_vec();
        for text in [REGION, name] {
            info.push(text.len() as u8);
            info.extend_from_slice(text.as_bytes());
        }
        info.extend_from_slice(&[id; 16]);
        let key = hkdf(&ROOT, &info);
        let zone_id = hkdf(&key, b"sts/v1/zid")[..4].try_into().unwrap();
        let keys = services.iter().flat_map(|service| dates.iter().map(move |date| signing_key(date, service)));
        let plain: Vec<u8> = keys.flatten().collect();
        Self { zone_id, kind: 1, count: (plain.len() / 32) as u8, plain, key }
    }
}

/// AWS's ladder, for the secret and the region of the samples.
pub(crate) fn signing_key(date: &str, service: &str) -> [u8; 32] {
    let top = hmac(format!("AWS4{SECRET}").as_bytes(), date.as_bytes());
    [REGION, service, "aws4_request"].iter().fold(top, |key, rung| hmac(&key, rung.as_bytes()))
}

impl Parts {
    /// The token as text.
    pub(crate) fn token(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.bytes())
    }

    /// The token before base64.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let header = self.header(self.flags);
        let sealed_header = self.header(self.sealed_flags.unwrap_or(self.flags));
        let mut token = header;
        token.extend(seal(&body_key(&sealed_header), &sealed_header, &self.body));
        token.push(self.box_count.unwrap_or(self.boxes.len() as u8));
        for part in &self.boxes {
            let head = [&part.zone_id[..], &[part.kind, part.count]].concat();
            token.extend_from_slice(&head);
            let key = expand(&part.key, &[b"sts/v1/box", &sealed_header[..]].concat());
            token.extend(seal(&key, &[sealed_header.clone(), head].concat(), &part.plain));
        }
        token.extend_from_slice(&self.extra);
        sign(&self.seed, token)
    }

    pub(crate) fn access_key_id(&self) -> AccessKeyId {
        AccessKeyId::from_bytes(KeyKind::Temporary, self.session_id[..10].try_into().unwrap())
    }

    fn header(&self, flags: u16) -> Vec<u8> {
        let body_length = self.body_length.unwrap_or(self.body.len() as u16 + 16);
        [
            &[self.version, self.suite][..],
            &self.sign_key_id.to_be_bytes(),
            &self.epoch.to_be_bytes(),
            &self.session_id,
            &self.issued_at.to_be_bytes()[3..],
            &self.expires_at.to_be_bytes()[3..],
            &flags.to_be_bytes(),
            &Sha256::digest(self.trust_domain)[..8],
            &body_length.to_be_bytes(),
        ]
        .concat()
    }
}

/// Signs the bytes of a token and appends the signature.
pub(crate) fn sign(seed: &[u8; 32], mut token: Vec<u8>) -> Vec<u8> {
    let message = [b"STS-TOKEN\0v1\0", token.as_slice()].concat();
    token.extend_from_slice(Ed25519KeyPair::from_seed_unchecked(seed).unwrap().sign(&message).as_ref());
    token
}

/// The smallest good claims: the root of an account, from GetSessionToken.
pub(crate) fn root_body() -> Vec<u8> {
    [&b"\x0a\x0e\x0a\x0c123456789012"[..], b"\x28\x02"].concat()
}

fn body_key(header: &[u8]) -> [u8; 32] {
    expand(&hkdf(&ROOT, b"sts/v1/seal"), &[b"sts/v1/body", header].concat())
}

fn seal(key: &[u8; 32], aad: &[u8], plain: &[u8]) -> Vec<u8> {
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).unwrap());
    let mut sealed = plain.to_vec();
    let nonce = Nonce::assume_unique_for_key([0; 12]);
    key.seal_in_place_append_tag(nonce, Aad::from(aad), &mut sealed).unwrap();
    sealed
}

/// RFC 5869 without salt, for outputs of 32 bytes.
fn hkdf(key: &[u8], info: &[u8]) -> [u8; 32] {
    expand(&hmac(&[0; 32], key), info)
}

fn expand(prk: &[u8; 32], info: &[u8]) -> [u8; 32] {
    hmac(prk, &[info, &[1]].concat())
}

fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(message);
    mac.finalize().into_bytes().into()
}
