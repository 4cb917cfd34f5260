//! Which Ed25519 public keys may be loaded at all.
//!
//! `ring` verifies strictly (S < L, canonical R) but takes any point as a key. A key of small order makes one
//! signature good for many messages, and a key with two spellings breaks comparison by bytes.

/// p = 2^255 − 19, little-endian.
const P: [u8; 32] = {
    let mut p = [0xff; 32];
    p[0] = 0xed;
    p[31] = 0x7f;
    p
};

/// The y coordinates of the eight points whose order divides eight, little-endian.
const SMALL_ORDER_Y: [[u8; 32]; 5] = [
    // 0: order 4
    [0; 32],
    // 1: the neutral element
    {
        let mut y = [0; 32];
        y[0] = 1;
        y
    },
    // p − 1: order 2
    {
        let mut y = P;
        y[0] = 0xec;
        y
    },
    // order 8
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf,
        0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20,
        0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ],
];

/// Whether the key is canonical and not of small order.
pub(super) fn is_acceptable(public: &[u8; 32]) -> bool {
    let mut y = *public;
    // The top bit is the sign of x.
    y[31] &= 0x7f;
    let canonical = y.iter().rev().lt(P.iter().rev());
    canonical && !SMALL_ORDER_Y.contains(&y)
}

#[cfg(test)]
mod tests {
    use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

    use super::*;

    /// R = the neutral element, S = 0: good for every message whose hash is a multiple of the order of the key.
    const FORGERY: [u8; 64] = {
        let mut signature = [0; 64];
        signature[0] = 1;
        signature
    };

    fn forgeable(public: [u8; 32]) -> bool {
        (0..=255u8).any(|message| UnparsedPublicKey::new(&ED25519, public).verify(&[message], &FORGERY).is_ok())
    }

    #[test]
    fn d18_small_order_keys_are_refused_and_would_have_been_forgeable() {
        for y in SMALL_ORDER_Y {
            assert!(forgeable(y), "{y:02x?}");
            for sign in [0, 0x80] {
                let mut key = y;
                key[31] |= sign;
                assert!(!is_acceptable(&key), "{key:02x?}");
            }
        }
    }

    #[test]
    fn d18_non_canonical_keys_are_refused() {
        for low in 0xed..=0xff {
            for high in [0x7f, 0xff] {
                let mut key = P;
                (key[0], key[31]) = (low, high);
                assert!(!is_acceptable(&key), "{key:02x?}");
            }
        }
    }

    #[test]
    fn honest_keys_are_accepted() {
        for seed in 0..32 {
            let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
            assert!(is_acceptable(pair.public_key().as_ref().try_into().unwrap()));
        }
    }
}
