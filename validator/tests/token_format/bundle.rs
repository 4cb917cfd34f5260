//! The trust bundle file.

use ring::signature::{Ed25519KeyPair, KeyPair as _};

use brevet_validator::secret::Secret;
use brevet_validator::token::{InvalidBundle, KeyState, TrustBundle, VerifyingKey, Zone};

use super::samples::*;

const ANCHOR_SEED: [u8; 32] = [0x44; 32];
/// Line, length, anchor, signature.
const PAYLOAD: usize = 22 + 4 + 32 + 64;

fn public(seed: [u8; 32]) -> [u8; 32] {
    Ed25519KeyPair::from_seed_unchecked(&seed).unwrap().public_key().as_ref().try_into().unwrap()
}

fn bundle() -> TrustBundle {
    let next = VerifyingKey { id: 2, not_before: at(NOW + 60), state: KeyState::Prepared, ..verifying_key() };
    TrustBundle {
        trust_domain: TRUST_DOMAIN,
        sequence: 17,
        issued_at: at(NOW),
        expires_at: at(NOW + 86_400),
        verifying_keys: vec![verifying_key(), next],
        zone: "default".into(),
        scope: None,
        zone_keys: vec![minter().zone_key(&Zone::Default)],
        online: false,
        revocation_head: Vec::new(),
        anchor: public(ANCHOR_SEED),
    }
}

fn encode(bundle: &TrustBundle) -> Vec<u8> {
    bundle.encode(&Secret::new(ANCHOR_SEED)).unwrap()
}

/// A file with a payload of our choice, signed by the real anchor.
fn signed(payload: &[u8]) -> Vec<u8> {
    let anchor = public(ANCHOR_SEED);
    let message = [b"BREVET-BUNDLE\0v1\0", &anchor[..], payload].concat();
    let signature = Ed25519KeyPair::from_seed_unchecked(&ANCHOR_SEED).unwrap().sign(&message);
    let length = (payload.len() as u32).to_be_bytes();
    [b"brevet trust bundle 1\n", &length[..], &anchor, signature.as_ref(), payload].concat()
}

fn refusal(bytes: &[u8]) -> InvalidBundle {
    TrustBundle::decode(bytes, Some(&public(ANCHOR_SEED))).unwrap_err()
}

#[test]
fn a_bundle_comes_back_as_it_went_in_and_its_ring_opens_tokens() {
    let bytes = encode(&bundle());
    for pinned in [None, Some(&public(ANCHOR_SEED))] {
        let decoded = TrustBundle::decode(&bytes, pinned).unwrap();
        assert_eq!(format!("{decoded:?}"), format!("{:?}", bundle()));
        assert_eq!(encode(&decoded), bytes);
        let minted = mint(&user_claims(), an_hour(), 1);
        let ring = decoded.key_ring().unwrap();
        assert!(ring.open(minted.security_token.expose(), minted.access_key_id.as_str(), at(NOW)).is_ok());
    }
}

fn scoped_bundle() -> TrustBundle {
    let Zone::Scoped(zone) = storage() else { unreachable!() };
    let zone_keys = vec![minter().zone_key(&storage())];
    TrustBundle { zone: "storage".into(), scope: Some(zone.scope().clone()), zone_keys, ..bundle() }
}

#[test]
fn the_bundle_of_a_scoped_zone_comes_back_and_opens_that_zones_boxes_alone() {
    let bytes = encode(&scoped_bundle());
    let decoded = TrustBundle::decode(&bytes, None).unwrap();
    assert_eq!(format!("{decoded:?}"), format!("{:?}", scoped_bundle()));
    assert_eq!(encode(&decoded), bytes);
    let ring = decoded.key_ring().unwrap();
    for (zone, opens) in [(storage(), true), (compute(), false), (Zone::Default, false)] {
        let minted = mint_for(&[zone], an_hour());
        let opened = ring.open(minted.security_token.expose(), minted.access_key_id.as_str(), at(NOW));
        assert_eq!(opened.is_ok(), opens);
    }
}

#[test]
fn d6_the_bundle_of_a_scoped_zone_holds_no_key_of_another_zone() {
    let bytes = encode(&scoped_bundle());
    let holds = |key: &[u8; 32]| bytes.windows(32).any(|window| window == key);
    assert!(holds(minter().zone_key(&storage()).zone.expose()));
    for zone in [Zone::Sts, Zone::Default, compute()] {
        assert!(!holds(minter().zone_key(&zone).zone.expose()), "{zone:?}");
    }
    assert!(!holds(&ROOT) && !holds(&SEED));
}

#[test]
fn a_bundle_with_a_region_or_services_that_are_no_scope_is_refused() {
    let bytes = encode(&bundle());
    let payload = &bytes[PAYLOAD..];
    // Fields 9 and 10: region and services.
    for scope in [&b"\x4a\x02eu"[..], b"\x52\x02s3", b"\x4a\x02eu\x52\x03sts", b"\x4a\x02eu\x52\x02s3\x52\x02s3"] {
        assert!(matches!(refusal(&signed(&[payload, scope].concat())), InvalidBundle::Content(_)), "{scope:?}");
    }
    let named_default = TrustBundle { zone: "default".into(), ..scoped_bundle() };
    assert!(matches!(named_default.encode(&Secret::new(ANCHOR_SEED)), Err(InvalidBundle::Content(_))));
}

#[test]
fn a_bundle_ends_at_its_last_second() {
    assert!(!bundle().is_expired(at(NOW + 86_399)));
    assert!(bundle().is_expired(at(NOW + 86_400)));
}

#[test]
fn files_of_another_kind_are_told_apart() {
    for bytes in [&b""[..], b"brevet", b"{}", b"-----BEGIN CERTIFICATE-----"] {
        assert_eq!(refusal(bytes), InvalidBundle::NotABundle);
    }
    assert_eq!(refusal(b"brevet trust bundle 2\n"), InvalidBundle::Version);
}

#[test]
fn d10_a_bundle_cut_at_any_length_or_lengthened_is_refused() {
    let bytes = encode(&bundle());
    for length in 22..bytes.len() {
        assert_eq!(refusal(&bytes[..length]), InvalidBundle::Truncated, "{length}");
    }
    assert!(matches!(refusal(&[bytes, vec![0]].concat()), InvalidBundle::Content(_)));
}

#[test]
fn d10_a_bundle_changed_in_any_byte_is_refused() {
    let bytes = encode(&bundle());
    for i in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[i] ^= 1;
        let refusal = refusal(&changed);
        if i >= PAYLOAD - 64 {
            assert_eq!(refusal, InvalidBundle::Signature, "byte {i}");
        }
    }
}

#[test]
fn d10_a_bundle_of_another_anchor_is_refused_once_one_is_pinned() {
    let foreign = TrustBundle { anchor: public([0x55; 32]), ..bundle() };
    let bytes = foreign.encode(&Secret::new([0x55; 32])).unwrap();
    assert!(TrustBundle::decode(&bytes, None).is_ok());
    assert_eq!(refusal(&bytes), InvalidBundle::Anchor);

    // The foreign payload under our anchor's name.
    let mut renamed = bytes;
    renamed[26..58].copy_from_slice(&public(ANCHOR_SEED));
    assert_eq!(refusal(&renamed), InvalidBundle::Signature);
}

#[test]
fn d18_an_anchor_of_small_order_is_refused() {
    let mut bytes = encode(&bundle());
    bytes[26..58].fill(0);
    assert_eq!(TrustBundle::decode(&bytes, None).unwrap_err(), InvalidBundle::Anchor);
}

#[test]
fn a_seed_that_is_not_the_anchors_signs_nothing() {
    assert_eq!(bundle().encode(&Secret::new([0x55; 32])), Err(InvalidBundle::Anchor));
}

#[test]
fn d21_a_signed_payload_that_is_not_strict_is_refused() {
    let bytes = encode(&bundle());
    let payload = &bytes[PAYLOAD..];
    assert!(TrustBundle::decode(&signed(payload), None).is_ok());
    assert!(TrustBundle::decode(&signed(&[payload, b"\xc0\x3e\x01"].concat()), None).is_ok());
    for more in [&b"\x10\x05"[..], b"\x62\x00", b"\x58\x01", b"\x12\x01a", b"\x3a\x02\x20\x01", b"\x2a\x00", b"\x10"] {
        let refusal = refusal(&signed(&[payload, more].concat()));
        assert!(matches!(refusal, InvalidBundle::Content(_)), "{more:?}");
    }
    assert!(matches!(refusal(&signed(b"")), InvalidBundle::Content(_)));
}

#[test]
fn unusable_content_is_neither_written_nor_read() {
    let key = |key| TrustBundle { verifying_keys: vec![key], ..bundle() };
    for bad in [
        TrustBundle { expires_at: at(NOW), ..bundle() },
        TrustBundle { zone: String::new(), ..bundle() },
        TrustBundle { zone_keys: vec![], ..bundle() },
        TrustBundle { zone_keys: vec![minter().zone_key(&Zone::Default); 2], ..bundle() },
        TrustBundle { verifying_keys: vec![verifying_key(); 2], ..bundle() },
        key(VerifyingKey { public: [0; 32], ..verifying_key() }),
        key(VerifyingKey { not_after: at(0), ..verifying_key() }),
        key(VerifyingKey { max_lifetime: 0, ..verifying_key() }),
        key(VerifyingKey { max_lifetime: -5, ..verifying_key() }),
    ] {
        assert!(matches!(bad.encode(&Secret::new(ANCHOR_SEED)), Err(InvalidBundle::Content(_))), "{bad:?}");
    }

    // Suite 2, an unknown state and a short key, as another writer might put them.
    let bytes = encode(&bundle());
    let payload = &bytes[PAYLOAD..];
    let suite = payload.windows(4).position(|w| w == [0x10, 1, 0x1a, 32]).unwrap() + 1;
    let state = payload.windows(2).position(|w| w == [0x38, 2]).unwrap() + 1;
    for (place, value) in [(suite, 2), (state, 0), (state, 9)] {
        let mut changed = payload.to_vec();
        changed[place] = value;
        assert!(matches!(refusal(&signed(&changed)), InvalidBundle::Content(_)));
    }
    assert!(matches!(refusal(&signed(b"\x0a\x0fshort trust dom")), InvalidBundle::Content(_)));
}

#[test]
fn keys_are_not_in_debug() {
    let shown = format!("{:?}", bundle());
    assert!(shown.contains("REDACTED"));
    let key = &bundle().zone_keys[0];
    for secret in [key.seal.expose(), key.zone.expose()] {
        assert!(!shown.contains(format!("{secret:?}").trim_matches(['[', ']'])));
    }
}
