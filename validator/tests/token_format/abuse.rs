//! Tokens that must not open, and the step at which each is refused.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};

use brevet_validator::timestamp::Timestamp;
use brevet_validator::token::{KeyRing, KeyState, MAX_LENGTH, Step, TokenError, VerifyingKey, Zone};

use super::forge::{BoxPart, Parts, root_body, sign};
use super::samples::*;

/// Opens at the STS.
fn open(parts: &Parts) -> Result<(), TokenError> {
    open_text(&parts.token(), &parts.access_key_id().to_string(), NOW)
}

fn open_text(token: &str, access_key_id: &str, now: i64) -> Result<(), TokenError> {
    ring(&Zone::Sts).open(token, access_key_id, at(now)).map(drop)
}

fn refused(step: Step) -> Result<(), TokenError> {
    Err(step.into())
}

fn good() -> Parts {
    Parts::default()
}

#[test]
fn the_forge_makes_good_tokens_when_nothing_is_spoilt() {
    let parts = good();
    for zone in [Zone::Sts, Zone::Default] {
        let session = ring(&zone).open(&parts.token(), parts.access_key_id().as_str(), at(NOW)).unwrap();
        assert_eq!(session.claims.account().as_str(), "123456789012");
    }
}

#[test]
fn d1_a_flipped_byte_is_refused_before_anything_sealed_is_opened() {
    let minted = mint(&role_claims(), an_hour(), 1);
    let bytes = URL_SAFE_NO_PAD.decode(minted.security_token.expose()).unwrap();
    for i in 0..bytes.len() {
        for mask in [0x01, 0x80, 0xff] {
            let mut flipped = bytes.clone();
            flipped[i] ^= mask;
            let error = open_text(&URL_SAFE_NO_PAD.encode(flipped), minted.access_key_id.as_str(), NOW).unwrap_err();
            assert!(matches!(error, TokenError::Invalid(step) if step <= Step::Signature), "byte {i}: {error}");
        }
    }
}

#[test]
fn d1_a_token_cut_at_any_length_or_lengthened_is_refused() {
    let minted = mint(&role_claims(), an_hour(), 1);
    let (token, id) = (minted.security_token.expose(), minted.access_key_id);
    for length in 0..token.len() {
        assert!(matches!(open_text(&token[..length], id.as_str(), NOW), Err(TokenError::Invalid(_))), "{length}");
    }
    for end in ["A", "AA", "AAAA", "AAAAAAAA"] {
        let error = open_text(&format!("{token}{end}"), id.as_str(), NOW).unwrap_err();
        assert!(matches!(error, TokenError::Invalid(Step::Alphabet | Step::Signature)), "{end}: {error}");
    }
}

#[test]
fn d1_halves_of_two_tokens_do_not_make_one() {
    let [one, two] = [1, 2].map(|nonce| mint(&user_claims(), an_hour(), nonce));
    let (a, b) = (one.security_token.expose(), two.security_token.expose());
    assert_eq!(a.len(), b.len());
    let swapped = format!("{}{}", &a[..a.len() / 2], &b[b.len() / 2..]);
    assert_eq!(open_text(&swapped, one.access_key_id.as_str(), NOW), refused(Step::Signature));
    assert_eq!(open_text(&swapped, two.access_key_id.as_str(), NOW), refused(Step::AccessKey));
}

#[test]
fn d2_only_one_spelling_of_a_token_opens() {
    // Of such a length that the last character carries four bits of data and two that must be zero.
    let parts = Parts { body: [root_body(), b"\x9a\x01\x04abcd".to_vec()].concat(), ..good() };
    let (bytes, id) = (parts.bytes(), parts.access_key_id().to_string());
    assert_eq!(bytes.len() % 3, 2);
    let token = parts.token();
    assert_eq!(open_text(&token, &id, NOW), Ok(()));

    let mut stray_bits = token.clone().into_bytes();
    *stray_bits.last_mut().unwrap() += 1;
    let mut standard = STANDARD.encode(&bytes);
    assert!(standard.contains(['+', '/']));
    standard.truncate(token.len());
    for other in [
        URL_SAFE.encode(&bytes),
        standard,
        String::from_utf8(stray_bits).unwrap(),
        format!(" {token}"),
        format!("{token}\n"),
        format!("{}\r\n{}", &token[..64], &token[64..]),
        token.replacen('A', "%41", 1),
        token.replacen('A', "\u{410}", 1),
        format!("{}\0", &token[..token.len() - 1]),
    ] {
        assert_eq!(open_text(&other, &id, NOW), refused(Step::Alphabet), "{other:?}");
    }
}

#[test]
fn d3_another_version_suite_or_unknown_flag_is_refused_though_signed() {
    for version in [0, 2, 255] {
        assert_eq!(open(&Parts { version, ..good() }), refused(Step::Version));
    }
    for suite in [0, 2, 255] {
        assert_eq!(open(&Parts { suite, ..good() }), refused(Step::Version));
    }
    for bit in 2..16 {
        assert_eq!(open(&Parts { flags: 1 << bit, ..good() }), refused(Step::Version));
    }
}

#[test]
fn d3_another_signing_key_or_epoch_is_refused() {
    assert_eq!(open(&Parts { sign_key_id: SIGN_KEY_ID ^ 1, ..good() }), refused(Step::SigningKey));
    assert_eq!(open(&Parts { seed: [5; 32], ..good() }), refused(Step::Signature));
    assert_eq!(open(&Parts { epoch: EPOCH + 1, ..good() }), refused(Step::Body));
}

#[test]
fn d3_a_box_under_another_zones_id_does_not_open() {
    let [mut sts, mut default] = ["sts", "default"].map(BoxPart::of);
    std::mem::swap(&mut sts.zone_id, &mut default.zone_id);
    let mut boxes = vec![sts, default];
    boxes.sort_by_key(|b| b.zone_id);
    assert_eq!(open(&Parts { boxes, ..good() }), refused(Step::Box));
}

#[test]
fn d4_a_token_of_another_deployment_is_refused_even_under_the_same_keys() {
    assert_eq!(open(&Parts { trust_domain: *b"b deployment 16B", ..good() }), refused(Step::TrustDomain));

    let foreign = minter_of(TRUST_DOMAIN, [0x77; 32], [0x88; 32]);
    let secret = brevet_validator::credential::SecretKey::new(SECRET.into());
    let minted = foreign.mint(&user_claims(), an_hour(), &[], secret, [1; 32], 1).unwrap();
    let id = minted.access_key_id;
    assert_eq!(open_text(minted.security_token.expose(), id.as_str(), NOW), refused(Step::Signature));
}

#[test]
fn d5_all_that_a_validator_holds_does_not_make_a_token() {
    // It knows K_seal, its K_zone and every public value; it lacks the signing key, so it signs with what it has.
    let validator = minter().zone_key(&Zone::Default);
    for seed in [*validator.seal.expose(), *validator.zone.expose(), minter().public_key()] {
        let forged = Parts { seed, boxes: vec![BoxPart::of("default")], ..good() };
        let opened = ring(&Zone::Default).open(&forged.token(), forged.access_key_id().as_str(), at(NOW));
        assert_eq!(opened.map(drop), refused(Step::Signature));
    }
    // A genuine signature under another body, another header or no body at all is no better.
    let genuine = good().bytes();
    let signature = &genuine[genuine.len() - 64..];
    let other = Parts { flags: 0, ..good() }.bytes();
    let moved = [&other[..other.len() - 64], signature].concat();
    let id = good().access_key_id();
    assert_eq!(open_text(&URL_SAFE_NO_PAD.encode(moved), id.as_str(), NOW), refused(Step::Signature));
}

#[test]
fn d6_the_default_zones_key_does_not_open_the_box_of_the_sts() {
    let only_sts = Parts { boxes: vec![BoxPart::of("sts")], ..good() };
    let id = only_sts.access_key_id();
    let default = ring(&Zone::Default);
    assert_eq!(default.open(&only_sts.token(), id.as_str(), at(NOW)).map(drop), refused(Step::Box));

    // Nor if it claims the box of the STS for itself.
    let mut stolen = BoxPart::of("sts");
    stolen.zone_id = BoxPart::of("default").zone_id;
    let relabelled = Parts { boxes: vec![stolen], ..good() };
    assert_eq!(default.open(&relabelled.token(), id.as_str(), at(NOW)).map(drop), refused(Step::Box));
}

#[test]
fn d7_a_token_serves_its_own_access_key_alone() {
    let [one, two] = [1, 2].map(|nonce| mint(&user_claims(), an_hour(), nonce));
    let token = one.security_token.expose();
    let own = one.access_key_id.to_string();
    for other in [two.access_key_id.as_str(), "", &own[..19], &own.to_lowercase(), &own.replace("ASIA", "AKIA")] {
        assert_eq!(open_text(token, other, NOW), refused(Step::AccessKey), "{other}");
    }
    assert_eq!(open_text(token, &own, NOW), Ok(()));
}

#[test]
fn d9_a_key_signs_only_in_its_window_and_never_when_distrusted() {
    let open_with = |key: VerifyingKey| {
        let parts = good();
        ring_with(key, &Zone::Sts).open(&parts.token(), parts.access_key_id().as_str(), at(NOW)).map(drop)
    };
    assert_eq!(open_with(VerifyingKey { not_before: at(NOW), ..verifying_key() }), Ok(()));
    assert_eq!(open_with(VerifyingKey { not_before: at(NOW + 1), ..verifying_key() }), refused(Step::SigningKey));
    assert_eq!(open_with(VerifyingKey { not_after: at(NOW + 1), ..verifying_key() }), Ok(()));
    assert_eq!(open_with(VerifyingKey { not_after: at(NOW), ..verifying_key() }), refused(Step::SigningKey));
    assert_eq!(open_with(VerifyingKey { state: KeyState::Distrusted, ..verifying_key() }), refused(Step::SigningKey));
    // A ring one bundle behind still knows the key as prepared.
    for state in [KeyState::Prepared, KeyState::VerifyOnly] {
        assert_eq!(open_with(VerifyingKey { state, ..verifying_key() }), Ok(()));
    }
}

#[test]
fn d18_weak_public_keys_and_duplicates_do_not_make_a_ring() {
    let ring = |keys: Vec<VerifyingKey>, epochs: &[u32]| {
        let zone_key = |epoch| brevet_validator::token::ZoneKey { epoch, ..minter().zone_key(&Zone::Sts) };
        KeyRing::new(TRUST_DOMAIN, keys, epochs.iter().map(|e| zone_key(*e)).collect()).map(drop)
    };
    let mut identity = [0; 32];
    identity[0] = 1;
    for public in [[0; 32], identity, [0xff; 32]] {
        assert!(ring(vec![VerifyingKey { public, ..verifying_key() }], &[EPOCH]).is_err());
    }
    assert!(ring(vec![verifying_key(), verifying_key()], &[EPOCH]).is_err());
    assert!(ring(vec![verifying_key()], &[EPOCH, EPOCH]).is_err());
    assert!(ring(vec![verifying_key(), VerifyingKey { id: 1, ..verifying_key() }], &[EPOCH, 0]).is_ok());
}

#[test]
fn d18_a_second_form_of_a_signature_is_refused() {
    /// The order of the group, little-endian.
    const L: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let parts = good();
    let bytes = parts.bytes();
    let s = bytes.len() - 32;

    let mut malleable = bytes.clone();
    let mut carry = 0;
    for (byte, l) in malleable[s..].iter_mut().zip(L) {
        let sum = u16::from(*byte) + u16::from(l) + carry;
        (*byte, carry) = (sum as u8, sum >> 8);
    }
    assert_eq!(carry, 0, "S + L fits into 32 bytes");

    let mut non_canonical_r = bytes.clone();
    non_canonical_r[s - 32..s].fill(0xff);
    let mut zero = bytes.clone();
    zero[s - 32..].fill(0);
    for forged in [malleable, non_canonical_r, zero] {
        let token = URL_SAFE_NO_PAD.encode(forged);
        assert_eq!(open_text(&token, parts.access_key_id().as_str(), NOW), refused(Step::Signature));
    }
}

#[test]
fn d19_a_body_cut_short_emptied_or_sealed_under_another_header_is_refused_though_signed() {
    let sealed_length = root_body().len() as u16 + 16;
    for body_length in [0, 1, 15, 16, sealed_length - 1, sealed_length + 1, u16::MAX] {
        let parts = Parts { body_length: Some(body_length), ..good() };
        assert_eq!(open(&parts), refused(Step::Body), "{body_length}");
    }
    assert_eq!(open(&Parts { body: vec![], ..good() }), refused(Step::Body));
    assert_eq!(open(&Parts { sealed_flags: Some(0), ..good() }), refused(Step::Body));
}

#[test]
fn d19_a_list_of_boxes_has_one_form() {
    let [sts, default] = ["sts", "default"].map(BoxPart::of);
    let sorted = good().boxes;
    let reversed = sorted.iter().rev().cloned().collect();
    let spoilt = |spoil: fn(&mut BoxPart)| {
        let mut spoilt = sts.clone();
        spoil(&mut spoilt);
        vec![spoilt]
    };
    for boxes in [
        vec![],
        vec![default],
        vec![sts.clone(), sts.clone()],
        reversed,
        spoilt(|b| b.plain.truncate(39)),
        spoilt(|b| b.plain.push(b'A')),
        spoilt(|b| b.plain[0] = b'/'),
        spoilt(|b| b.key[0] ^= 1),
        spoilt(|b| b.count = 1),
        spoilt(|b| b.kind = 0),
        spoilt(|b| b.kind = 3),
        // Signing keys: well formed, but this ring knows no services to use them for.
        spoilt(|b| (b.kind, b.count, b.plain) = (1, 2, vec![0; 64])),
        spoilt(|b| (b.kind, b.count, b.plain) = (1, 0, vec![])),
    ] {
        assert_eq!(open(&Parts { boxes, ..good() }), refused(Step::Box));
    }
    for box_count in [0, 1, 3, 16, 17, 255] {
        assert_eq!(open(&Parts { box_count: Some(box_count), ..good() }), refused(Step::Box), "{box_count}");
    }
    assert_eq!(open(&Parts { extra: vec![0], ..good() }), refused(Step::Box));
}

#[test]
fn boxes_of_other_zones_and_kinds_are_passed_over() {
    let mut boxes = vec![BoxPart::of("sts")];
    for (i, count) in (0u8..15).zip(1u8..) {
        let key = [i; 32];
        boxes.push(BoxPart { zone_id: [i, 0, 0, 0], kind: 1, count, plain: vec![0; 32 * usize::from(count)], key });
    }
    boxes.truncate(9);
    boxes.sort_by_key(|b| b.zone_id);
    assert_eq!(open(&Parts { boxes, ..good() }), Ok(()));
}

#[test]
fn d20_length_is_judged_before_anything_else() {
    let id = good().access_key_id().to_string();
    for length in [0, 1, 171, MAX_LENGTH + 1, 1 << 20] {
        for character in ["A", "="] {
            assert_eq!(open_text(&character.repeat(length), &id, NOW), refused(Step::Length), "{length}");
        }
    }
    for length in [172, MAX_LENGTH] {
        assert_eq!(open_text(&"=".repeat(length), &id, NOW), refused(Step::Alphabet), "{length}");
        assert_eq!(open_text(&"A".repeat(length), &id, NOW), refused(Step::Version), "{length}");
    }
    // A good token of the greatest length: field 1000 is ignored padding.
    let fixed = good().bytes().len();
    let padding = MAX_LENGTH / 4 * 3 - fixed - 4;
    let field = [b"\xc2\x3e".to_vec(), vec![padding as u8 | 0x80, (padding >> 7) as u8], vec![0; padding]].concat();
    let longest = Parts { body: [root_body(), field].concat(), ..good() };
    assert_eq!(longest.token().len(), MAX_LENGTH);
    assert_eq!(open(&longest), Ok(()));
}

#[test]
fn d21_claims_that_are_not_strict_protobuf_are_refused_though_signed() {
    let with = |more: &[u8]| open(&Parts { body: [&root_body(), more].concat(), ..good() });
    assert_eq!(with(b"\x30\x05\x9a\x01\x02eu"), Ok(()));
    assert_eq!(with(b"\xc2\x3e\x03new"), Ok(()), "field 1000 is ignored");
    let nested = b"\x42".repeat(10_000);
    for (name, more) in [
        ("unknown field 21", &b"\xaa\x01\x00"[..]),
        ("reserved field 20", b"\xa2\x01\x00"),
        ("unknown field 999", b"\xb8\x3e\x01"),
        ("second origin", b"\x28\x01"),
        ("second principal", b"\x0a\x0e\x0a\x0c123456789012"),
        ("second principal of another kind", b"\x22\x15\x0a\x0c123456789012\x12\x05guest"),
        ("generation as bytes", b"\x32\x01\x05"),
        ("region as varint", b"\x98\x01\x05"),
        ("unknown field in a tag", b"\x42\x02\x20\x01"),
        ("second key in a tag", b"\x42\x06\x0a\x01a\x0a\x01b"),
        ("group", b"\xc3\x3e\xc4\x3e"),
        ("length beyond the body", b"\x3a\x7f"),
        ("length of 2^64-1", b"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
        ("varint of eleven bytes", b"\x30\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"),
        ("varint cut short", b"\x30\x80"),
        ("text that is not UTF-8", b"\x9a\x01\x02\xff\xfe"),
        ("deep nesting", &nested[..2000]),
    ] {
        assert_eq!(with(more), refused(Step::Body), "{name}");
    }
}

#[test]
fn d21_claims_with_invalid_names_are_refused_though_signed() {
    let user = |path: &str, id: &str| {
        let inner = [b"\x0a\x0c123456789012\x12".to_vec(), text(path), b"\x1a\x03ada\x22".to_vec(), text(id)].concat();
        [vec![0x12, inner.len() as u8], inner, b"\x28\x02".to_vec()].concat()
    };
    fn text(text: &str) -> Vec<u8> {
        [&[text.len() as u8], text.as_bytes()].concat()
    }
    assert_eq!(open(&Parts { body: user("/", "AIDAABCDEFGHIJKLMNOPQ"), ..good() }), Ok(()));
    for body in [
        user("", "AIDAABCDEFGHIJKLMNOPQ"),
        user("/a", "AIDAABCDEFGHIJKLMNOPQ"),
        user("/", "AROAABCDEFGHIJKLMNOPQ"),
        user("/", "AIDAABCDEFGHIJKLMNOP1"),
        b"\x28\x02".to_vec(),
        b"\x0a\x0d\x0a\x0b12345678901\x28\x02".to_vec(),
        b"\x0a\x0e\x0a\x0c12345678901a\x28\x02".to_vec(),
        b"\x0a\x0e\x0a\x0c123456789012".to_vec(),
        b"\x0a\x0e\x0a\x0c123456789012\x28\x00".to_vec(),
        b"\x0a\x0e\x0a\x0c123456789012\x28\x63".to_vec(),
        [root_body(), b"\x6a\x0f123456789012345".to_vec()].concat(),
        [root_body(), b"\x6a\x101234567890123456".repeat(9)].concat(),
        [root_body(), b"\x60\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01".to_vec()].concat(),
        [root_body(), b"\x7a\x04AKIA".to_vec()].concat(),
        [root_body(), b"\x82\x01\x15AROAABCDEFGHIJKLMNOPQ".to_vec()].concat(),
    ] {
        assert_eq!(open(&Parts { body: body.clone(), ..good() }), refused(Step::Body), "{body:?}");
    }
}

#[test]
fn d22_a_later_expiry_in_the_clear_header_breaks_the_signature() {
    let parts = good();
    let mut bytes = parts.bytes();
    bytes[35] ^= 0x40;
    assert_eq!(
        open_text(&URL_SAFE_NO_PAD.encode(bytes), parts.access_key_id().as_str(), NOW),
        refused(Step::Signature)
    );
}

#[test]
fn d22_a_session_ends_at_its_last_second_without_grace() {
    let (token, id) = (good().token(), good().access_key_id().to_string());
    assert_eq!(open_text(&token, &id, NOW + 3599), Ok(()));
    for now in [NOW + 3600, NOW + 3601, Timestamp::MAX.unix()] {
        assert_eq!(open_text(&token, &id, now), Err(TokenError::Expired), "{now}");
    }
}

#[test]
fn d22_only_genuine_tokens_are_said_to_have_expired() {
    let parts = Parts { seed: [5; 32], ..good() };
    assert_eq!(open_text(&parts.token(), parts.access_key_id().as_str(), NOW + 9999), refused(Step::Signature));
}

#[test]
fn d22_absurd_lifetimes_are_refused_though_signed() {
    let now = NOW as u64;
    let with = |issued_at, expires_at| open(&Parts { issued_at, expires_at, ..good() });
    let cap = MAX_LIFETIME as u64;
    assert_eq!(with(now, now + cap), Ok(()));
    assert_eq!(with(now, now + cap + 1), refused(Step::Lifetime));
    assert_eq!(with(now - 2 * cap, now + 1), refused(Step::Lifetime));
    for expires_at in [0, now - 1, now] {
        assert_eq!(with(now, expires_at), refused(Step::Lifetime), "{expires_at}");
    }
    assert_eq!(with(now, (1 << 40) - 1), refused(Step::Lifetime));
    assert_eq!(with((1 << 40) - 1, (1 << 40) - 1), refused(Step::SigningKey));
    assert_eq!(with(now + 300, now + 3600), Ok(()));
    assert_eq!(with(now + 301, now + 3600), refused(Step::Lifetime));
}

#[test]
fn d23_a_clock_far_behind_refuses_and_one_past_2038_or_2106_works() {
    let (token, id) = (good().token(), good().access_key_id().to_string());
    assert_eq!(open_text(&token, &id, 0), refused(Step::Lifetime));
    for now in [2_147_483_647, 4_294_967_295, Timestamp::MAX.unix() - 7200] {
        let parts = Parts { issued_at: now as u64, expires_at: now as u64 + 3600, ..good() };
        assert_eq!(open_text(&parts.token(), parts.access_key_id().as_str(), now + 1), Ok(()));
    }
}

#[test]
fn a_signature_over_bytes_too_short_for_a_token_does_not_open() {
    for length in 0..65 {
        let token = URL_SAFE_NO_PAD.encode(sign(&SEED, good().bytes()[..length].to_vec()));
        assert!(open_text(&token, good().access_key_id().as_str(), NOW).is_err(), "{length}");
    }
}
