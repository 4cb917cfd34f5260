//! Lengths of time and times, as people write them.

use brevet_validator::timestamp::Timestamp;

/// When a key is over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Expires {
    At(Timestamp),
    /// In so many seconds, which the service counts.
    In(i64),
}

/// `90d`, or `2027-01-31T12:00:00Z`.
pub(super) fn expires(text: &str) -> Result<Expires, String> {
    let at = Timestamp::parse_iso(text).map(Expires::At);
    let known = at.or_else(|| seconds(text).ok().map(Expires::In));
    known.ok_or_else(|| "write it as 90d, 12h, 30m, 60s or 2027-01-31T12:00:00Z".to_owned())
}

/// `24h`: a whole number of seconds, minutes, hours or days.
pub(super) fn seconds(text: &str) -> Result<i64, String> {
    let unit = |unit| match unit {
        's' => Some(1),
        'm' => Some(60),
        'h' => Some(3600),
        'd' => Some(24 * 3600),
        _ => None,
    };
    let (last, digits) =
        text.chars().next_back().map_or((' ', ""), |last| (last, &text[..text.len() - last.len_utf8()]));
    let number = Some(digits).filter(|digits| !digits.is_empty() && digits.bytes().all(|c| c.is_ascii_digit()));
    let number = number.and_then(|digits| digits.parse::<i64>().ok());
    // 0 needs no unit.
    let seconds = if text == "0" { Some(0) } else { number.zip(unit(last)).and_then(|(n, unit)| n.checked_mul(unit)) };
    seconds.ok_or_else(|| "write it as 30d, 24h, 30m, 60s or 0".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_have_a_unit() {
        for (text, wanted) in [("90d", 7_776_000), ("24h", 86_400), ("5m", 300), ("1s", 1), ("0s", 0), ("0", 0)] {
            assert_eq!(seconds(text), Ok(wanted), "{text}");
        }
        for bad in
            ["", "d", "90", "-1d", "+1d", "1.5h", "1w", "1 d", "١d", "9223372036854775807d", "99999999999999999999s"]
        {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_key_ends_at_a_time_or_after_one() {
        assert_eq!(expires("90d"), Ok(Expires::In(7_776_000)));
        let at = Timestamp::from_unix(1_768_478_400).unwrap();
        assert_eq!(expires("2026-01-15T12:00:00Z"), Ok(Expires::At(at)));
        assert!(expires("tomorrow").is_err() && expires("2026-01-15").is_err());
    }
}
