//! The signed head of the log: that it ends here, and until when that was known to be all.

use prost::Message as _;
use ring::signature::{ED25519, Ed25519KeyPair, UnparsedPublicKey};

use crate::timestamp::Timestamp;
use crate::token::wire::generated as proto;
use crate::token::wire::{read_time, write_time};
use crate::token::{SIGNATURE_LENGTH, scan};

use super::log::LogPosition;

const SIGNED_PREFIX: &[u8] = b"BREVET-HEAD\0v1\0";

/// How long the log is, and since when that is known to be all.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RevocationHead {
    /// Of the trust bundle.
    pub trust_domain: [u8; 16],
    /// Where the log ends.
    pub position: LogPosition,
    /// When the service last compared itself with its store. Staleness counts from here.
    pub confirmed_at: Timestamp,
}

/// A head that must not be believed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidHead {
    /// Not a head.
    #[error("not a head of a log of revocations")]
    Malformed,
    /// Not signed by this anchor.
    #[error("the signature of the head is wrong")]
    Signature,
    /// Of another deployment.
    #[error("the head is of another trust domain")]
    TrustDomain,
}

impl RevocationHead {
    /// A signature and a `brevet.token.v1.RevocationHead`. `anchor` is the key pair that signs the bundles.
    pub fn sign(&self, anchor: &Ed25519KeyPair) -> Vec<u8> {
        use ring::signature::KeyPair as _;
        let LogPosition { log, count, hash } = self.position;
        let payload = proto::RevocationHead {
            trust_domain: self.trust_domain.to_vec(),
            log: log.to_vec(),
            count,
            hash: hash.to_vec(),
            confirmed_at: write_time(self.confirmed_at),
        }
        .encode_to_vec();
        let signature = anchor.sign(&signed(anchor.public_key().as_ref(), &payload));
        [signature.as_ref(), &payload].concat()
    }

    /// Checks the signature of the anchor that was pinned, and the trust domain.
    pub fn verify(bytes: &[u8], anchor: &[u8; 32], trust_domain: &[u8; 16]) -> Result<Self, InvalidHead> {
        let (signature, payload) = bytes.split_at_checked(SIGNATURE_LENGTH).ok_or(InvalidHead::Malformed)?;
        UnparsedPublicKey::new(&ED25519, anchor)
            .verify(&signed(anchor, payload), signature)
            .map_err(|_| InvalidHead::Signature)?;
        scan::check(payload, &proto::schema::REVOCATION_HEAD).map_err(|_| InvalidHead::Malformed)?;
        let head = proto::RevocationHead::decode(payload).map_err(|_| InvalidHead::Malformed)?;
        let head = read(head).ok_or(InvalidHead::Malformed)?;
        if head.trust_domain == *trust_domain { Ok(head) } else { Err(InvalidHead::TrustDomain) }
    }
}

fn read(head: proto::RevocationHead) -> Option<RevocationHead> {
    Some(RevocationHead {
        trust_domain: head.trust_domain.try_into().ok()?,
        position: LogPosition { log: head.log.try_into().ok()?, count: head.count, hash: head.hash.try_into().ok()? },
        confirmed_at: read_time(head.confirmed_at)?,
    })
}

fn signed(anchor: &[u8], payload: &[u8]) -> Vec<u8> {
    [SIGNED_PREFIX, anchor, payload].concat()
}

#[cfg(test)]
mod tests {
    use ring::signature::KeyPair as _;

    use super::*;

    const DOMAIN: [u8; 16] = [9; 16];

    fn anchor(seed: u8) -> (Ed25519KeyPair, [u8; 32]) {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
        let public = pair.public_key().as_ref().try_into().unwrap();
        (pair, public)
    }

    fn head() -> RevocationHead {
        let confirmed_at = Timestamp::from_unix(1_800_000_000).unwrap();
        RevocationHead { trust_domain: DOMAIN, position: LogPosition::start([1; 16]).after(b"entry"), confirmed_at }
    }

    #[test]
    fn a_head_comes_back_as_it_was_signed() {
        let (pair, public) = anchor(1);
        assert_eq!(RevocationHead::verify(&head().sign(&pair), &public, &DOMAIN), Ok(head()));
    }

    #[test]
    fn d10_a_head_of_another_anchor_or_domain_or_changed_in_any_bit_is_refused() {
        let (pair, public) = anchor(1);
        let good = head().sign(&pair);
        let (_, other) = anchor(2);
        assert_eq!(RevocationHead::verify(&good, &other, &DOMAIN), Err(InvalidHead::Signature));
        assert_eq!(RevocationHead::verify(&good, &public, &[8; 16]), Err(InvalidHead::TrustDomain));
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(RevocationHead::verify(&bad, &public, &DOMAIN), Err(InvalidHead::Signature), "bit {bit}");
        }
        for length in 0..good.len() {
            assert!(RevocationHead::verify(&good[..length], &public, &DOMAIN).is_err(), "{length} bytes");
        }
    }
}
