//! The forty-eight bytes that begin a token, in clear. All integers are big-endian.

use crate::timestamp::Timestamp;

use super::claims::SessionId;

/// Bytes of a header.
pub(super) const LENGTH: usize = 48;

/// The principal is an account's root.
pub(super) const FLAG_ROOT: u16 = 1 << 0;
/// The session was made from another session.
pub(super) const FLAG_CHAINED: u16 = 1 << 1;

const KNOWN_FLAGS: u16 = FLAG_ROOT | FLAG_CHAINED;
const VERSION: u8 = 1;
/// Ed25519, AES-256-GCM, HKDF-SHA-256. Not negotiated.
pub(super) const SUITE: u8 = 1;

/// The header's fields; version and suite can have only one value.
#[derive(Clone, Copy)]
pub(super) struct Header {
    pub(super) sign_key_id: u32,
    pub(super) epoch: u32,
    pub(super) session_id: SessionId,
    /// `None` for seconds that no [`Timestamp`] can hold.
    pub(super) issued_at: Option<Timestamp>,
    pub(super) expires_at: Option<Timestamp>,
    pub(super) flags: u16,
    pub(super) trust_domain: [u8; 8],
    pub(super) body_length: u16,
}

impl Header {
    /// `None` if version, suite or flags are not known here.
    pub(super) fn parse(bytes: &[u8; LENGTH]) -> Option<Self> {
        let mut rest = bytes.as_slice();
        if take(&mut rest)? != [VERSION, SUITE] {
            return None;
        }
        let header = Self {
            sign_key_id: u32::from_be_bytes(take(&mut rest)?),
            epoch: u32::from_be_bytes(take(&mut rest)?),
            session_id: SessionId(take(&mut rest)?),
            issued_at: read_time(take(&mut rest)?),
            expires_at: read_time(take(&mut rest)?),
            flags: u16::from_be_bytes(take(&mut rest)?),
            trust_domain: take(&mut rest)?,
            body_length: u16::from_be_bytes(take(&mut rest)?),
        };
        (header.flags & !KNOWN_FLAGS == 0).then_some(header)
    }

    /// The bytes that [`Header::parse`] reads.
    pub(super) fn write(&self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        bytes[0] = VERSION;
        bytes[1] = SUITE;
        bytes[2..6].copy_from_slice(&self.sign_key_id.to_be_bytes());
        bytes[6..10].copy_from_slice(&self.epoch.to_be_bytes());
        bytes[10..26].copy_from_slice(&self.session_id.0);
        bytes[26..31].copy_from_slice(&write_time(self.issued_at));
        bytes[31..36].copy_from_slice(&write_time(self.expires_at));
        bytes[36..38].copy_from_slice(&self.flags.to_be_bytes());
        bytes[38..46].copy_from_slice(&self.trust_domain);
        bytes[46..48].copy_from_slice(&self.body_length.to_be_bytes());
        bytes
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*first)
}

fn read_time([a, b, c, d, e]: [u8; 5]) -> Option<Timestamp> {
    Timestamp::from_unix(i64::from_be_bytes([0, 0, 0, a, b, c, d, e]))
}

/// Forty bits hold every [`Timestamp`].
fn write_time(time: Option<Timestamp>) -> [u8; 5] {
    let [.., a, b, c, d, e] = time.unwrap_or(Timestamp::EPOCH).unix().to_be_bytes();
    [a, b, c, d, e]
}
