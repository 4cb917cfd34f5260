//! The key boxes of a token: the session's secret, or what a zone needs of it, sealed once for each zone that may check
//! its signatures.
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
pub(super) fn open_secret_key(list: &[u8], header: &[u8; header::LENGTH], keys: &BoxKeys) -> Option<SecretKey> {
    let opened = open(list, header, keys, KIND_SECRET_KEY)?;
    let secret = std::str::from_utf8(&opened).ok()?;
    is_secret(secret).then(|| SecretKey::new(secret.to_owned()))
}

/// The signing keys in the box for the zone of `keys`, one after the other. `None` as with [`open_secret_key`].
pub(super) fn open_signing_keys(
    list: &[u8],
    header: &[u8; header::LENGTH],
    keys: &BoxKeys,
) -> Option<Zeroizing<Vec<u8>>> {
    open(list, header, keys, KIND_SIGNING_KEYS)
}

/// What goes into a box.
pub(super) enum Content<'a> {
    /// For zones that name no services.
    SecretKey(&'a SecretKey),
    /// 32 bytes each.
    SigningKeys(Zeroizing<Vec<u8>>),
}

impl Content<'_> {
    /// Kind, count and what is sealed. `None`: more keys than can be counted.
    fn plain(self) -> Option<(u8, u8, Zeroizing<Vec<u8>>)> {
        match self {
            Self::SecretKey(secret) => Some((KIND_SECRET_KEY, 0, Zeroizing::new(secret.expose().as_bytes().to_vec()))),
            Self::SigningKeys(keys) => Some((KIND_SIGNING_KEYS, u8::try_from(keys.len() / 32).ok()?, keys)),
        }
    }
}

/// Writes the list of boxes. Fails if there are more than a token can have, or two for one zone id.
pub(super) fn seal(
    mut boxes: Vec<(BoxKeys, Content<'_>)>,
    header: &[u8; header::LENGTH],
) -> Result<Vec<u8>, Unspecified> {
    boxes.sort_by_key(|(keys, _)| keys.zone_id);
    if boxes.len() > MAX_BOXES.into() || boxes.windows(2).any(|pair| pair[0].0.zone_id == pair[1].0.zone_id) {
        return Err(Unspecified);
    }
    let mut list = vec![u8::try_from(boxes.len()).map_err(|_| Unspecified)?];
    for (keys, content) in boxes {
        let [a, b, c, d] = keys.zone_id;
        let (kind, count, mut buffer) = content.plain().ok_or(Unspecified)?;
        let head = [a, b, c, d, kind, count];
        let aad = Aad::from(aad(header, &head));
        let tag = keys.of(header).seal_in_place_separate_tag(keys::nonce(), aad, &mut buffer)?;
        list.extend_from_slice(&head);
        list.extend_from_slice(&buffer);
        list.extend_from_slice(tag.as_ref());
    }
    Ok(list)
}

fn open(list: &[u8], header: &[u8; header::LENGTH], keys: &BoxKeys, kind: u8) -> Option<Zeroizing<Vec<u8>>> {
    let own = find(list, keys.zone_id).filter(|own| own.head[4] == kind)?;
    let mut buffer = Zeroizing::new(own.sealed.to_vec());
    let aad = Aad::from(aad(header, own.head));
    let length = keys.of(header).open_in_place(keys::nonce(), aad, &mut buffer).ok()?.len();
    buffer.truncate(length);
    Some(buffer)
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
