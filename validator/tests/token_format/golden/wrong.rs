//! Tokens that are refused, at least one at every step.

use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};

use super::Vector;
use crate::forge::{BoxPart, Parts, root_body};
use crate::samples::*;

pub(super) fn vectors() -> Vec<Vector> {
    let good = Parts::default;
    let genuine = good().token();
    let now = NOW as u64;
    let with_body = |more: &[u8]| Parts { body: [&root_body(), more].concat(), ..good() };
    let with_box = |spoil: fn(&mut BoxPart)| {
        let mut spoilt = BoxPart::of("sts");
        spoil(&mut spoilt);
        Parts { boxes: vec![spoilt], ..good() }
    };
    let storage_box = |services: &[&str], dates: &[&str]| BoxPart::scoped("storage", 0x51, services, dates);
    let whole = storage_box(&["store", "queue"], &["20261122", "20261123"]);
    let default = BoxPart::of("default");
    let of_default = BoxPart { zone_id: default.zone_id, key: default.key, ..whole.clone() };
    let with_secret_key = BoxPart { zone_id: whole.zone_id, key: whole.key, ..BoxPart::of("sts") };
    let earlier = BoxPart {
        zone_id: whole.zone_id,
        ..BoxPart::scoped("storage", 0x50, &["store", "queue"], &["20261122", "20261123"])
    };
    let reversed = good().boxes.into_iter().rev().collect();
    vec![
        text("Length", "empty", ""),
        text("Length", "one character too short to be a token", &"A".repeat(171)),
        text("Length", "one character too long", &"A".repeat(4097)),
        text("Alphabet", "padded", &URL_SAFE.encode(with_body(b"\x9a\x01\x01e").bytes())),
        text("Alphabet", "stray bits at the end", &stray_bits(&with_body(b"\x9a\x01\x01e"))),
        text("Alphabet", "a newline at the end", &format!("{genuine}\n")),
        text("Alphabet", "standard alphabet", &format!("{}+", &genuine[..genuine.len() - 1])),
        forged("Version", "version 0", Parts { version: 0, ..good() }),
        forged("Version", "version 2", Parts { version: 2, ..good() }),
        forged("Version", "suite 2 under a key of suite 1", Parts { suite: 2, ..good() }),
        forged("Version", "flag bit 2", Parts { flags: 1 << 2, ..good() }),
        forged("Version", "flag bit 15", Parts { flags: 1 << 15, ..good() }),
        forged("TrustDomain", "other trust domain, same keys", Parts { trust_domain: *b"b deployment 16B", ..good() }),
        asked("AccessKey", "access key of another session", "sts", NOW, "ASIAAAAAAAAAAAAAAAAA"),
        asked("AccessKey", "access key in lower case", "sts", NOW, &good().access_key_id().to_string().to_lowercase()),
        forged("SigningKey", "unknown signing key", Parts { sign_key_id: 1, ..good() }),
        asked("SigningKey", "signing key not valid yet", "later", NOW, ""),
        asked("SigningKey", "signing key no longer valid", "earlier", NOW, ""),
        asked("SigningKey", "signing key distrusted", "distrusted", NOW, ""),
        forged("Signature", "signed by another key", Parts { seed: [5; 32], ..good() }),
        text("Signature", "last byte of the signature flipped", &flipped(|length| length - 1)),
        text("Signature", "a byte of the body flipped", &flipped(|_| 50)),
        text("Signature", "expiry in the header flipped", &flipped(|_| 35)),
        forged("Lifetime", "expires when it is issued", Parts { expires_at: now, ..good() }),
        forged("Lifetime", "expires before it is issued", Parts { expires_at: now - 1, ..good() }),
        forged("Lifetime", "lives longer than its key allows", Parts { expires_at: now + 129_601, ..good() }),
        forged("Lifetime", "issued 301 s ahead", Parts { issued_at: now + 301, ..good() }),
        forged("Lifetime", "expires beyond the year 9999", Parts { expires_at: (1 << 40) - 1, ..good() }),
        asked("Expired", "expired in this second", "sts", NOW + 3600, ""),
        asked("Expired", "expired long ago", "sts", NOW + 1_000_000, ""),
        forged("Body", "unknown epoch", Parts { epoch: EPOCH + 1, ..good() }),
        forged("Body", "body length beyond the token", Parts { body_length: Some(60_000), ..good() }),
        forged("Body", "body one byte short", Parts { body_length: Some(root_body().len() as u16 + 15), ..good() }),
        forged("Body", "sealed under another header", Parts { sealed_flags: Some(0), ..good() }),
        forged("Body", "empty claims", Parts { body: vec![], ..good() }),
        forged("Body", "unknown field 21", with_body(b"\xaa\x01\x00")),
        forged("Body", "second origin", with_body(b"\x28\x02")),
        forged("Body", "two principals", with_body(b"\x22\x15\x0a\x0c123456789012\x12\x05guest")),
        forged("Body", "generation of the wrong wire type", with_body(b"\x32\x01\x05")),
        forged(
            "Body",
            "account of eleven digits",
            Parts { body: b"\x0a\x0d\x0a\x0b12345678901\x28\x02".to_vec(), ..good() },
        ),
        forged("Body", "origin 9", Parts { body: b"\x0a\x0e\x0a\x0c123456789012\x28\x09".to_vec(), ..good() }),
        forged("Body", "nine ancestors", with_body(&b"\x6a\x101234567890123456".repeat(9))),
        forged("Box", "no boxes", Parts { boxes: vec![], ..good() }),
        forged("Box", "no box for the zone", Parts { boxes: vec![BoxPart::of("default")], ..good() }),
        forged("Box", "boxes not sorted", Parts { boxes: reversed, ..good() }),
        forged("Box", "two boxes for the zone", Parts { boxes: vec![BoxPart::of("sts"); 2], ..good() }),
        forged("Box", "box sealed under another key", with_box(|b| b.key[0] ^= 1)),
        forged("Box", "box of unknown kind", with_box(|b| b.kind = 3)),
        forged("Box", "box of the secret key with a count", with_box(|b| b.count = 1)),
        forged("Box", "more boxes said than there are", Parts { box_count: Some(3), ..good() }),
        forged("Box", "a byte after the boxes", Parts { extra: vec![0], ..good() }),
        scoped("no box for the scoped zone", Parts::default().boxes),
        scoped("the secret key in the box of a scoped zone", vec![with_secret_key]),
        scoped("signing keys of one date too few", vec![storage_box(&["store", "queue"], &["20261123"])]),
        scoped("signing keys of one service too few", vec![storage_box(&["store"], &["20261122", "20261123"])]),
        scoped("box of a scoped zone of the same name before it", vec![earlier]),
        Vector { ring: "default", ..scoped("signing keys in the box of the default zone", vec![of_default]) },
    ]
}

/// Refused for what it is, asked with its own access key at a good time.
fn forged(step: &'static str, name: &'static str, parts: Parts) -> Vector {
    let access_key_id = parts.access_key_id().to_string();
    Vector { outcome: step, name, ring: "sts", now: NOW, access_key_id, token: parts.token() }
}

/// Refused by the zone `storage` for its boxes.
fn scoped(name: &'static str, boxes: Vec<BoxPart>) -> Vector {
    Vector { ring: "storage", ..forged("Box", name, Parts { boxes, ..Parts::default() }) }
}

fn text(step: &'static str, name: &'static str, token: &str) -> Vector {
    Vector { token: token.to_owned(), ..forged(step, name, Parts::default()) }
}

/// A genuine token, refused for how it is asked. An empty access key id stands for its own.
fn asked(step: &'static str, name: &'static str, ring: &'static str, now: i64, access_key_id: &str) -> Vector {
    let good = forged(step, name, Parts::default());
    let access_key_id = if access_key_id.is_empty() { good.access_key_id.clone() } else { access_key_id.to_owned() };
    Vector { ring, now, access_key_id, ..good }
}

fn flipped(place: fn(usize) -> usize) -> String {
    let mut bytes = Parts::default().bytes();
    let place = place(bytes.len());
    bytes[place] ^= 1;
    URL_SAFE_NO_PAD.encode(bytes)
}

fn stray_bits(parts: &Parts) -> String {
    let mut token = parts.token().into_bytes();
    *token.last_mut().unwrap() += 1;
    String::from_utf8(token).unwrap()
}
