//! The key boxes of a token: the session's secret, sealed once for each zone that may check its signatures.
//!
//! A list is one byte of count and the boxes, sorted by zone id. A box is zone id (4), kind (1), count (1),
//! ciphertext, tag (16).

use ring::aead::Aad;
use ring::error::Unspecified;
use zeroize::Zeroizing;

use crate::credential::SecretKey;

use super::header;
use super::keys::{self, BoxKeys, TAG_LENGTH};

const MAX_BOXES: u8 = 16;
const HEAD_LENGTH: usize = 6;
/// Holds `count` signing keys of 32 bytes each.
const KIND_SIGNING_KEYS: u8 = 1;
/// Holds the secret key; `count` is 0.
const KIND_SECRET_KEY: u8 = 2;

/// The secret key in the box for the zone of `keys`.
///
/// `None` if the list is not well formed to its last byte, has no such box, or the box does not open.
pub(super) fn open(list: &[u8], header: &[u8; header::LENGTH], keys: &BoxKeys) -> Option<SecretKey> {
    let own = find(list, keys.zone_id).filter(|own| own.head[4] == KIND_SECRET_KEY)?;
    let mut buffer = Zeroizing::new(<[u8; SecretKey::LENGTH + TAG_LENGTH]>::try_from(own.sealed).ok()?);
    let aad = Aad::from(aad(header, own.head));
    let opened = keys.of(header).open_in_place(keys::nonce(), aad, buffer.as_mut_slice()).ok()?;
    let secret = std::str::from_utf8(opened).ok()?;
    is_secret(secret).then(|| SecretKey::new(secret.to_owned()))
}

/// Writes the list with one box for each of `zones`, which are distinct.
pub(super) fn seal(
    zones: &mut [&BoxKeys],
    header: &[u8; header::LENGTH],
    secret: &SecretKey,
) -> Result<Vec<u8>, Unspecified> {
    zones.sort_by_key(|keys| keys.zone_id);
    let mut list = vec![u8::try_from(zones.len()).map_err(|_| Unspecified)?];
    for keys in zones {
        let [a, b, c, d] = keys.zone_id;
        let head = [a, b, c, d, KIND_SECRET_KEY, 0];
        let mut buffer = Zeroizing::new(secret.expose().as_bytes().to_vec());
        let aad = Aad::from(aad(header, &head));
        let tag = keys.of(header).seal_in_place_separate_tag(keys::nonce(), aad, &mut buffer)?;
        list.extend_from_slice(&head);
        list.extend_from_slice(&buffer);
        list.extend_from_slice(tag.as_ref());
    }
    Ok(list)
}

/// Whether a box of kind 2 can hold the text: forty characters of `[A-Za-z0-9]`.
pub(super) fn is_secret(text: &str) -> bool {
    text.len() == SecretKey::LENGTH && text.bytes().all(|c| c.is_ascii_alphanumeric())
}

struct SealedBox<'a> {
    head: &'a [u8; HEAD_LENGTH],
    sealed: &'a [u8],
}

impl<'a> SealedBox<'a> {
    fn read(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (head, rest) = bytes.split_first_chunk::<HEAD_LENGTH>()?;
        let plain_length = match (head[4], head[5]) {
            (KIND_SIGNING_KEYS, count) if count > 0 => usize::from(count) * 32,
            (KIND_SECRET_KEY, 0) => SecretKey::LENGTH,
            _ => return None,
        };
        let (sealed, rest) = rest.split_at_checked(plain_length + TAG_LENGTH)?;
        Some((Self { head, sealed }, rest))
    }
}

/// Reads the whole list, also past the box that is looked for.
fn find(list: &[u8], zone_id: [u8; 4]) -> Option<SealedBox<'_>> {
    let (&count, mut rest) = list.split_first()?;
    if count > MAX_BOXES {
        return None;
    }
    let mut found = None;
    let mut previous = None;
    for _ in 0..count {
        let (sealed_box, after) = SealedBox::read(rest)?;
        let id = &sealed_box.head[..4];
        if previous.is_some_and(|previous| previous >= id) {
            return None;
        }
        if *id == zone_id {
            found = Some(sealed_box);
        }
        previous = Some(id);
        rest = after;
    }
    if rest.is_empty() { found } else { None }
}

fn aad(header: &[u8; header::LENGTH], head: &[u8; HEAD_LENGTH]) -> [u8; header::LENGTH + HEAD_LENGTH] {
    let mut aad = [0; header::LENGTH + HEAD_LENGTH];
    aad[..header::LENGTH].copy_from_slice(header);
    aad[header::LENGTH..].copy_from_slice(head);
    aad
}
