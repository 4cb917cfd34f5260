//! Account numbers.

use std::fmt;
use std::str::FromStr;

use super::InvalidName;

/// The twelve digits of an account.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct AccountId([u8; 12]);

impl AccountId {
    /// The account with this number; `None` above twelve digits.
    pub fn from_number(mut number: u64) -> Option<Self> {
        let mut digits = [b'0'; 12];
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + (number % 10) as u8;
            number /= 10;
        }
        (number == 0).then_some(Self(digits))
    }

    /// The twelve digits.
    pub fn as_str(&self) -> &str {
        // Only digits are ever put in.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for AccountId {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let digits: [u8; 12] = text.as_bytes().try_into().map_err(|_| InvalidName { what: "account id" })?;
        if digits.iter().all(u8::is_ascii_digit) { Ok(Self(digits)) } else { Err(InvalidName { what: "account id" }) }
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_numbers_are_twelve_digits() {
        assert_eq!(AccountId::from_number(1).unwrap().as_str(), "000000000001");
        assert_eq!(AccountId::from_number(1_000_000_000_000), None);
        assert!("12345678901a".parse::<AccountId>().is_err());
    }
}
