//! Names of sessions.

use std::fmt;
use std::str::FromStr;

use super::InvalidName;

/// A session's name: 2 to 64 characters of `[A-Za-z0-9_+=,.@-]`.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SessionName(String);

impl SessionName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether `text` has only characters that AWS allows in names: `[A-Za-z0-9_+=,.@-]`.
pub fn is_name(text: &str) -> bool {
    text.bytes().all(|c| c.is_ascii_alphanumeric() || b"_+=,.@-".contains(&c))
}

impl FromStr for SessionName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        if (2..=64).contains(&text.len()) && is_name(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidName { what: "session name" })
        }
    }
}

impl fmt::Display for SessionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a21_names_have_two_to_sixty_four_plain_characters() {
        for good in ["ab", "ada@example.com", "a_b+c=d,e.f-g", &"x".repeat(64)] {
            assert_eq!(good.parse::<SessionName>().unwrap().as_str(), good);
        }
        for bad in ["", "a", "a b", "a/b", "a\nb", "a\0b", "a%0d", "\u{e9}a", "a\u{2028}b", &"x".repeat(65)] {
            assert!(bad.parse::<SessionName>().is_err(), "{bad:?}");
        }
    }
}
