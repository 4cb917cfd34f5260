//! The encoded authorization message: a denial that its caller carries and only this service reads.
//!
//! All have one length, whatever is in them: the content is compressed, shortened until it fits, and padded.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use brevet_validator::policy::Trace;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::{Denial, Owned};
use crate::service::keys::{Keys, MESSAGE_OVERHEAD, MESSAGE_SALT};

/// Characters of every encoded message.
pub const ENCODED_LENGTH: usize = 2112;
/// Bytes that are sealed: a length of two bytes, the compressed content, zeros.
const CONTENT_LENGTH: usize = ENCODED_LENGTH / 4 * 3 - MESSAGE_OVERHEAD;
const ROOM: usize = CONTENT_LENGTH - 2;
/// Longer texts are shortened without trying to compress them.
const MOST_TEXT: usize = 24 * 1024;
/// What a content can inflate to at most; only our own contents are ever inflated.
const MOST_INFLATED: usize = MOST_TEXT;

/// Seals a denial. `salt` is fresh randomness. `None` is never the caller's fault, and leaves the message out.
pub fn encode(denial: &Denial, keys: &Keys, salt: [u8; MESSAGE_SALT]) -> Option<String> {
    let whole = std::iter::once_with(|| pack(denial));
    let shorter = (0..Trace::ABRIDGEMENTS).map(|level| pack(&denial.abridged(level)));
    let packed = whole.chain(shorter).flatten().next()?;
    let sealed = keys.seal_message(packed, salt)?;
    Some(URL_SAFE_NO_PAD.encode(sealed))
}

/// Opens an encoded message.
pub(super) fn decode(text: &str, keys: &Keys) -> Option<Denial> {
    if text.len() != ENCODED_LENGTH {
        return None;
    }
    let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
    unpack(&keys.open_message(&sealed)?)
}

impl Denial {
    fn abridged(&self, level: usize) -> Self {
        let owned = self.owned.as_ref().map(|owned| Owned { trace: owned.trace.abridged(level), ..owned.clone() });
        Self { told: self.told.abridged(level), owned, ..self.clone() }
    }
}

/// `None` if it does not fit.
fn pack(denial: &Denial) -> Option<Vec<u8>> {
    let text = serde_json::to_vec(denial).ok().filter(|text| text.len() <= MOST_TEXT)?;
    let mut packed = vec![0; CONTENT_LENGTH];
    let (length, room) = packed.split_at_mut(2);
    let mut deflate = Compress::new(Compression::fast(), false);
    let end = deflate.compress(&text, room, FlushCompress::Finish).ok()?;
    if end != Status::StreamEnd {
        return None;
    }
    length.copy_from_slice(&u16::try_from(deflate.total_out()).ok()?.to_be_bytes());
    Some(packed)
}

fn unpack(packed: &[u8]) -> Option<Denial> {
    let (length, content) = packed.split_first_chunk::<2>()?;
    let content = content.get(..usize::from(u16::from_be_bytes(*length)))?;
    let mut text = Vec::with_capacity(MOST_INFLATED);
    let end = Decompress::new(false).decompress_vec(content, &mut text, FlushDecompress::Finish).ok()?;
    if end != Status::StreamEnd {
        return None;
    }
    serde_json::from_slice(&text).ok()
}

const _: () = assert!(ENCODED_LENGTH.is_multiple_of(4) && ROOM <= u16::MAX as usize);
