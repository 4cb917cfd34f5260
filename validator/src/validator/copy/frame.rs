//! Records of a file that is appended to: kind, length (4 bytes), content, and the first 8 bytes of SHA-256 over these, so that a
//! record which a crash cut short is told from a whole one.

use sha2::{Digest, Sha256};

const PREFIX: usize = 5;
const CHECK: usize = 8;

/// What a record is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub(super) enum Kind {
    /// The first: whose log it is and where it stands.
    Start = 1,
    /// An entry that the start counts already.
    Kept = 2,
    /// An entry that follows.
    Entry = 3,
    /// A signed head after the entries so far.
    Head = 4,
    /// A higher sequence of a bundle.
    Sequence = 5,
}

/// A whole record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'a> {
    pub(super) kind: Kind,
    pub(super) content: &'a [u8],
    /// Where the next one begins.
    pub(super) end: usize,
}

pub(super) fn write(to: &mut Vec<u8>, kind: Kind, content: &[u8]) {
    let start = to.len();
    to.push(kind as u8);
    // Contents are entries, heads and smaller: far below 4 GiB, and read back as torn if not.
    to.extend(u32::try_from(content.len()).unwrap_or(u32::MAX).to_be_bytes());
    to.extend(content);
    let check = Sha256::digest(&to[start..]);
    to.extend(&check[..CHECK]);
}

/// The records from here on, up to the first that is not whole.
pub(super) fn read(bytes: &[u8], mut at: usize) -> impl Iterator<Item = Frame<'_>> {
    std::iter::from_fn(move || {
        let (kind, content, length) = next(bytes.get(at..)?)?;
        at += length;
        Some(Frame { kind, content, end: at })
    })
}

fn next(bytes: &[u8]) -> Option<(Kind, &[u8], usize)> {
    let (prefix, rest) = bytes.split_at_checked(PREFIX)?;
    let length = usize::try_from(u32::from_be_bytes(prefix[1..].try_into().ok()?)).ok()?;
    let (content, rest) = rest.split_at_checked(length)?;
    let check = rest.get(..CHECK)?;
    let kind = [Kind::Start, Kind::Kept, Kind::Entry, Kind::Head, Kind::Sequence]
        .into_iter()
        .find(|kind| *kind as u8 == prefix[0])?;
    let whole = Sha256::digest(&bytes[..PREFIX + length])[..CHECK] == *check;
    whole.then_some((kind, content, PREFIX + length + CHECK))
}
