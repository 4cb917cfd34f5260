//! Unique ids, which outlive names.

use std::fmt;
use std::str::FromStr;

use super::InvalidName;

/// The kind of thing that a unique id names.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum UniqueIdKind {
    /// `AIDA…`
    User,
    /// `AROA…`
    Role,
    /// `AGPA…`
    Group,
    /// `ANPA…`
    ManagedPolicy,
}

impl UniqueIdKind {
    const ALL: [Self; 4] = [Self::User, Self::Role, Self::Group, Self::ManagedPolicy];

    const fn prefix(self) -> &'static str {
        match self {
            Self::User => "AIDA",
            Self::Role => "AROA",
            Self::Group => "AGPA",
            Self::ManagedPolicy => "ANPA",
        }
    }
}

/// A four-letter prefix and seventeen characters of `[A-Z2-7]`. Never given twice, even to a name made again.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct UniqueId([u8; 21]);

impl UniqueId {
    /// Makes an id from seventeen uniform bytes, of which five bits each are used.
    pub fn from_random(kind: UniqueIdKind, random: [u8; 17]) -> Self {
        let mut id = [0; 21];
        id[..4].copy_from_slice(kind.prefix().as_bytes());
        for (c, byte) in id[4..].iter_mut().zip(random) {
            *c = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[usize::from(byte & 31)];
        }
        Self(id)
    }

    /// What the id names.
    pub fn kind(&self) -> UniqueIdKind {
        // Parsing and making both put one of the four prefixes in.
        UniqueIdKind::ALL
            .into_iter()
            .find(|kind| self.0.starts_with(kind.prefix().as_bytes()))
            .unwrap_or(UniqueIdKind::User)
    }

    /// The twenty-one characters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for UniqueId {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let invalid = InvalidName { what: "unique id" };
        let id: [u8; 21] = text.as_bytes().try_into().map_err(|_| invalid)?;
        let known = UniqueIdKind::ALL.iter().any(|kind| text.starts_with(kind.prefix()));
        if known && id[4..].iter().all(|c| c.is_ascii_uppercase() || (b'2'..=b'7').contains(c)) {
            Ok(Self(id))
        } else {
            Err(invalid)
        }
    }
}

impl fmt::Display for UniqueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for UniqueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unique_ids_round_trip_and_keep_their_kind() {
        for kind in UniqueIdKind::ALL {
            let id = UniqueId::from_random(kind, *b"0123456789abcdefg");
            assert_eq!(id.as_str().parse(), Ok(id));
            assert_eq!(id.kind(), kind);
        }
    }
}
