//! The types of condition values, for whoever checks values before any policy compares them.

use base64::Engine as _;

use super::operator::Ordered;
use super::{BASE64, network, parse_bool};

/// What a value of a condition key is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ValueType {
    /// Any text.
    String,
    /// A decimal number.
    Numeric,
    /// `true` or `false`, in any case.
    Boolean,
    /// An IPv4 or IPv6 address.
    Ip,
    /// Standard base64.
    Binary,
    /// A date of ISO 8601, or seconds since 1970.
    Date,
}

impl ValueType {
    /// Whether the operators of this type could compare the value. To them, one that is not of their type matches nothing.
    pub fn accepts(self, value: &str) -> bool {
        match self {
            Self::String => true,
            Self::Numeric => Ordered::Number.parse(value).is_some(),
            Self::Boolean => parse_bool(value).is_some(),
            Self::Ip => network::parse_address(value).is_some(),
            Self::Binary => BASE64.decode(value).is_ok(),
            Self::Date => Ordered::Date.parse(value).is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_of_the_type_whose_operators_can_compare_it() {
        for (value_type, good, bad) in [
            (ValueType::String, ["", "é"].as_slice(), [].as_slice()),
            (ValueType::Numeric, &["0", "-1.5"], &["", "1e", "ten", "0x10"]),
            (ValueType::Boolean, &["true", "False"], &["", "yes", "1"]),
            (ValueType::Ip, &["10.0.0.1", "2001:db8::1"], &["", "10.0.0.0/8", "10.0.0.256"]),
            (ValueType::Binary, &["", "YQ=="], &["YQ", "_w==", "a b"]),
            (ValueType::Date, &["2026-01-15T12:00:00Z", "2026-01-15", "1768478400"], &["", "15/01/2026", "noon"]),
        ] {
            good.iter().for_each(|value| assert!(value_type.accepts(value), "{value_type:?} {value:?}"));
            bad.iter().for_each(|value| assert!(!value_type.accepts(value), "{value_type:?} {value:?}"));
        }
    }
}
