//! What is handed out: access key ids, secret keys and how long they live.

use std::fmt;
use std::str::FromStr;

use crate::secret::Secret;
use crate::timestamp::Timestamp;

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const ALPHANUMERIC: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Which of the two kinds of access key an id names.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum KeyKind {
    /// `AKIA…`: belongs to a user and lives until it is deleted.
    LongLived,
    /// `ASIA…`: belongs to a session and comes with a security token.
    Temporary,
}

impl KeyKind {
    const fn prefix(self) -> &'static [u8; 4] {
        match self {
            Self::LongLived => b"AKIA",
            Self::Temporary => b"ASIA",
        }
    }
}

/// `AKIA` or `ASIA` and sixteen characters of `[A-Z2-7]`.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct AccessKeyId([u8; 20]);

impl AccessKeyId {
    /// The id whose last sixteen characters are the base32 of `bytes`.
    ///
    /// A session's id is made of the first ten bytes of its session id.
    pub fn from_bytes(kind: KeyKind, bytes: [u8; 10]) -> Self {
        let mut id = [0; 20];
        id[..4].copy_from_slice(kind.prefix());
        for (five, chars) in bytes.chunks_exact(5).zip(id[4..].chunks_exact_mut(8)) {
            let bits = five.iter().fold(0u64, |acc, byte| acc << 8 | u64::from(*byte));
            for (i, c) in chars.iter_mut().enumerate() {
                *c = BASE32[(bits >> (35 - 5 * i)) as usize & 31];
            }
        }
        Self(id)
    }

    /// The ten bytes that the last sixteen characters stand for.
    pub fn to_bytes(self) -> [u8; 10] {
        let mut bytes = [0; 10];
        for (chars, five) in self.0[4..].chunks_exact(8).zip(bytes.chunks_exact_mut(5)) {
            let bits = chars.iter().fold(0u64, |acc, c| acc << 5 | u64::from(base32_value(*c)));
            five.copy_from_slice(&bits.to_be_bytes()[3..]);
        }
        bytes
    }

    /// Long-lived or temporary.
    pub fn kind(self) -> KeyKind {
        if self.0[1] == b'K' { KeyKind::LongLived } else { KeyKind::Temporary }
    }

    /// The twenty characters.
    pub fn as_str(&self) -> &str {
        // Only ASCII is ever put in.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

fn is_base32(c: &u8) -> bool {
    matches!(c, b'A'..=b'Z' | b'2'..=b'7')
}

fn base32_value(c: u8) -> u8 {
    if c.is_ascii_uppercase() { c - b'A' } else { c - b'2' + 26 }
}

/// The text is not an access key id.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not an access key id")]
pub struct InvalidAccessKeyId;

impl FromStr for AccessKeyId {
    type Err = InvalidAccessKeyId;

    fn from_str(text: &str) -> Result<Self, InvalidAccessKeyId> {
        let id: [u8; 20] = text.as_bytes().try_into().map_err(|_| InvalidAccessKeyId)?;
        let prefix_known = [KeyKind::LongLived, KeyKind::Temporary].iter().any(|kind| id.starts_with(kind.prefix()));
        if prefix_known && id[4..].iter().all(is_base32) { Ok(Self(id)) } else { Err(InvalidAccessKeyId) }
    }
}

impl fmt::Display for AccessKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for AccessKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A secret access key: forty characters of `[A-Za-z0-9]` when Brevet made it.
#[derive(Clone, Debug)]
pub struct SecretKey(Secret<String>);

impl SecretKey {
    /// Characters in a secret key that Brevet makes (238 bits).
    pub const LENGTH: usize = 40;

    /// Wraps a secret key that came from elsewhere.
    pub fn new(text: String) -> Self {
        Self(Secret::new(text))
    }

    /// Makes a key of uniform bytes. Those that would bias the choice are skipped; `None` if too few remain.
    pub fn from_random(bytes: &[u8]) -> Option<Self> {
        // 248 = 4 × 62: every character is equally likely below it.
        let characters = bytes.iter().filter(|byte| **byte < 248).map(|byte| ALPHANUMERIC[usize::from(byte % 62)]);
        let mut text = String::with_capacity(Self::LENGTH);
        text.extend(characters.take(Self::LENGTH).map(char::from));
        (text.len() == Self::LENGTH).then(|| Self::new(text))
    }

    /// The characters. See [`Secret::expose`].
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

/// When something was issued and when it ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Lifetime {
    /// First second of the life.
    pub issued_at: Timestamp,
    /// First second after it: at `expires_at` the credentials are dead.
    pub expires_at: Timestamp,
}

impl Lifetime {
    /// Whether the life is over at `now`. There is no grace.
    pub fn is_over(&self, now: Timestamp) -> bool {
        now >= self.expires_at
    }

    /// Seconds from start to end.
    pub fn seconds(&self) -> i64 {
        self.expires_at - self.issued_at
    }
}

/// An access key with what is needed to sign with it.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// Names the key.
    pub access_key_id: AccessKeyId,
    /// Signs with it.
    pub secret_access_key: SecretKey,
    /// Sent along with every request when the key is temporary.
    pub security_token: Option<Secret<String>>,
    /// When temporary credentials die.
    pub expiration: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_round_trip_through_their_bytes() {
        for kind in [KeyKind::LongLived, KeyKind::Temporary] {
            for bytes in [[0; 10], [255; 10], *b"0123456789"] {
                let id = AccessKeyId::from_bytes(kind, bytes);
                assert_eq!(id.to_bytes(), bytes);
                assert_eq!(id.kind(), kind);
                assert_eq!(id.as_str().parse(), Ok(id));
            }
        }
    }

    #[test]
    fn a11_ids_of_another_shape_do_not_parse() {
        for bad in [
            "",
            "AKIA",
            "AKIAIOSFODNN7EXAMPL",
            "AKIAIOSFODNN7EXAMPLEE",
            "AKIAIOSFODNN7EXAMPL1",
            "AKIAIOSFODNN7EXAMPLe",
            "AROAIOSFODNN7EXAMPLE",
            "AKIA/OSFODNN7EXAMPLE",
            "AKIAIOSFODNN7EXAMP\u{e9}",
        ] {
            assert_eq!(bad.parse::<AccessKeyId>(), Err(InvalidAccessKeyId), "{bad}");
        }
    }

    #[test]
    fn secrets_are_forty_alphanumeric_characters_and_never_shown() {
        let bytes: Vec<u8> = (0..64).map(|n: u8| n.wrapping_mul(91)).collect();
        let key = SecretKey::from_random(&bytes).unwrap();
        assert_eq!(key.expose().len(), SecretKey::LENGTH);
        assert!(key.expose().bytes().all(|c| c.is_ascii_alphanumeric()));
        assert!(!format!("{key:?}").contains(key.expose()));
        assert!(SecretKey::from_random(&[255; 64]).is_none());
    }

    #[test]
    fn a_lifetime_is_over_at_its_last_second_and_not_before() {
        let at = |s| Timestamp::from_unix(s).unwrap();
        let life = Lifetime { issued_at: at(100), expires_at: at(200) };
        assert!(!life.is_over(at(199)));
        assert!(life.is_over(at(200)));
        assert_eq!(life.seconds(), 100);
    }
}
