//! Exact decimal numbers, of which numbers and points in time are made.

/// A decimal number below 10²⁰ in size with at most eighteen decimals, compared without rounding.
///
/// Covers all 64-bit integers. A number beyond it is no number: it matches nothing, and a policy that holds it is
/// refused.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Decimal(i128);

impl Decimal {
    const DECIMALS: i32 = 18;
    const UNIT: i128 = 10i128.pow(18);
    const LIMIT: i128 = 100 * Self::UNIT * Self::UNIT;

    /// Reads `-12`, `3.50`, `1e3`. Spaces, `+1`, `.5` and `5.` are no numbers.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
        if whole.is_empty() || fraction.is_empty() {
            return None;
        }
        // The value is `digits` × 10^`power` units.
        let mut digits: i128 = 0;
        let mut power = Self::DECIMALS + exponent - i32::try_from(fraction.len()).ok()?;
        for digit in whole.bytes().chain(fraction.bytes()) {
            let digit = digit.is_ascii_digit().then(|| i128::from(digit - b'0'))?;
            digits = digits.checked_mul(10)?.checked_add(digit)?;
        }
        while power < 0 && digits % 10 == 0 && digits != 0 {
            digits /= 10;
            power += 1;
        }
        let size = match u32::try_from(power) {
            _ if digits == 0 => 0,
            Ok(power) => digits.checked_mul(10i128.checked_pow(power)?)?,
            Err(_) => return None,
        };
        (size < Self::LIMIT).then_some(Self(if negative { -size } else { size }))
    }

    /// `seconds` and a fraction of a second, written in decimals without the point.
    pub(super) fn from_seconds(seconds: i64, decimals: &str) -> Option<Self> {
        let mut fraction = 0;
        let mut unit = Self::UNIT;
        for digit in decimals.bytes() {
            unit /= 10;
            // Beyond the eighteenth decimal only zeros leave the value what it is.
            if !digit.is_ascii_digit() || (unit == 0 && digit != b'0') {
                return None;
            }
            fraction += unit * i128::from(digit - b'0');
        }
        Some(Self(i128::from(seconds) * Self::UNIT + fraction))
    }
}

fn parse_exponent(text: &str) -> Option<i32> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let valid = (1..=3).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    valid.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_of_64_bits_do_not_round() {
        let parse = |text: &str| Decimal::parse(text).unwrap();
        assert!(parse("9223372036854775807") > parse("9223372036854775806"));
        assert!(parse("-9223372036854775808") < parse("-9223372036854775807"));
        assert!(parse("18446744073709551615") > parse("18446744073709551614"));
        assert!(parse("0.000000000000000001") > parse("0"));
    }

    #[test]
    fn equal_numbers_are_equal_however_written() {
        for (a, b) in [("10", "10.0"), ("1e3", "1000"), ("0.5", "5E-1"), ("-0", "0"), ("007", "7"), ("1.50", "1.5")] {
            assert_eq!(Decimal::parse(a).unwrap(), Decimal::parse(b).unwrap(), "{a} {b}");
        }
        assert_eq!(Decimal::from_seconds(1, "5"), Decimal::parse("1.5"));
        assert_eq!(Decimal::from_seconds(-1, "5"), Decimal::parse("-0.5"));
        assert_eq!(Decimal::from_seconds(0, &"0".repeat(30)), Decimal::parse("0"));
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in
            ["", "-", "+1", ".5", "5.", "1e", "1e+", "1e9999", "1e21", "0.0000000000000000001", "1 ", "１", "1_0"]
        {
            assert_eq!(Decimal::parse(text), None, "{text:?}");
        }
        assert_eq!(Decimal::parse(&"9".repeat(100_000)), None);
    }
}
