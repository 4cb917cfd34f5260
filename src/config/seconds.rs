//! Lengths of time, as people write them.

/// `24h`: a whole number of seconds, minutes, hours or days.
pub fn seconds(text: &str) -> Result<i64, String> {
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
}
