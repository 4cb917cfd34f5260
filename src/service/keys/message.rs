//! Messages that the service writes to itself and others carry: sealed under a key of the epoch, opaque to everyone else.
//!
//! `version (1) | epoch (4, big-endian) | salt (16) | AES-256-GCM of the content`, where the key is
//! HKDF-SHA-256(epoch root; "sts/v1/message", epoch, salt), the nonce is zero and the associated data is the head and
//! the trust domain. Each message has a key of its own, so no nonce is used twice.

use brevet_validator::secret::Secret;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Prk, Salt};

use super::material::EpochKeys;

const VERSION: u8 = 1;
/// Fresh random bytes that each message needs.
pub const SALT_LENGTH: usize = 16;
const HEAD_LENGTH: usize = 1 + 4 + SALT_LENGTH;

/// How much longer a sealed message is than its content.
pub const OVERHEAD: usize = HEAD_LENGTH + 16;

/// The keys of all epochs that are not gone. `ring` does not wipe them when they go.
#[derive(Debug)]
pub(super) struct MessageKeys {
    trust_domain: [u8; 16],
    active: u32,
    epochs: Vec<(u32, Prk)>,
}

impl MessageKeys {
    pub(super) fn new(trust_domain: [u8; 16], active: u32, epochs: &[EpochKeys]) -> Self {
        let prk = |root: &Secret<[u8; 32]>| Salt::new(HKDF_SHA256, &[]).extract(root.expose());
        let epochs = epochs.iter().map(|epoch| (epoch.number, prk(&epoch.root))).collect();
        Self { trust_domain, active, epochs }
    }

    /// `salt` is fresh randomness. `None` if the content is longer than AES-GCM can seal, 64 GiB.
    pub(super) fn seal(&self, mut content: Vec<u8>, salt: [u8; SALT_LENGTH]) -> Option<Vec<u8>> {
        let mut message = [&[VERSION], &self.active.to_be_bytes()[..], &salt].concat();
        let key = self.key(self.active, &message)?;
        key.seal_in_place_append_tag(nonce(), Aad::from(self.associated(&message)), &mut content).ok()?;
        message.append(&mut content);
        Some(message)
    }

    /// `None` if it is not one of this deployment's, or was sealed under an epoch that is gone.
    pub(super) fn open(&self, message: &[u8]) -> Option<Vec<u8>> {
        let (head, body) = message.split_at_checked(HEAD_LENGTH)?;
        let (version, rest) = head.split_first()?;
        let epoch = u32::from_be_bytes(rest.first_chunk().copied()?);
        if *version != VERSION {
            return None;
        }
        let key = self.key(epoch, head)?;
        let mut body = body.to_vec();
        let opened = key.open_in_place(nonce(), Aad::from(self.associated(head)), &mut body).ok()?;
        Some(opened.to_vec())
    }

    fn key(&self, epoch: u32, head: &[u8]) -> Option<LessSafeKey> {
        let (_, prk) = self.epochs.iter().find(|(number, _)| *number == epoch)?;
        let info = [b"sts/v1/message".as_slice(), head];
        Some(LessSafeKey::new(UnboundKey::from(prk.expand(&info, &AES_256_GCM).ok()?)))
    }

    fn associated(&self, head: &[u8]) -> Vec<u8> {
        [head, &self.trust_domain].concat()
    }
}

/// Keys depend on fresh salts, so each seals one message.
fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; 12])
}
