//! Bytes that must not be shown, compared carelessly or left behind in memory.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

/// A value that is wiped when dropped and cannot be printed.
///
/// There is no `PartialEq`, `Display`, `Serialize` or `Copy`. The only way to
/// the value is [`Secret::expose`], so every use can be found by its name.
#[derive(Clone)]
pub struct Secret<T: Zeroize>(Zeroizing<T>);

impl<T: Zeroize> Secret<T> {
    /// Takes ownership of a secret value.
    pub fn new(value: T) -> Self {
        Self(Zeroizing::new(value))
    }

    /// Gives access to the value. Callers must not copy it into anything that
    /// outlives its use.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize + AsRef<[u8]>> Secret<T> {
    /// Compares in time that depends on the lengths alone.
    pub fn ct_eq(&self, other: &[u8]) -> bool {
        self.0.as_ref().ct_eq(other).into()
    }
}

impl<T: Zeroize> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("REDACTED")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_prints_redacted_and_nothing_else() {
        let secret = Secret::new(String::from("canary"));
        assert_eq!(format!("{secret:?} {secret:#?}"), "REDACTED REDACTED");
    }

    #[test]
    fn comparison_looks_at_every_byte_and_the_length() {
        let secret = Secret::new(*b"0123456789");
        assert!(secret.ct_eq(b"0123456789"));
        assert!(!secret.ct_eq(b"0123456780"));
        assert!(!secret.ct_eq(b"012345678"));
    }
}
