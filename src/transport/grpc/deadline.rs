//! `grpc-timeout`: how long a caller is willing to wait
//! (<https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>).

use std::time::Duration;

use http::HeaderMap;

use crate::service::error::Error;

/// The caller's patience; `None` if it says nothing.
pub(super) fn read(headers: &HeaderMap) -> Result<Option<Duration>, Error> {
    let mut values = headers.get_all("grpc-timeout").iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => match value.to_str().ok().and_then(parse) {
            Some(patience) => Ok(Some(patience)),
            None => Err(malformed()),
        },
        (Some(_), Some(_)) => Err(malformed()),
    }
}

/// One to eight digits and a unit.
fn parse(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if !(1..=8).contains(&digits.len()) || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let amount = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(amount * 3600)),
        "M" => Some(Duration::from_secs(amount * 60)),
        "S" => Some(Duration::from_secs(amount)),
        "m" => Some(Duration::from_millis(amount)),
        "u" => Some(Duration::from_micros(amount)),
        "n" => Some(Duration::from_nanos(amount)),
        _ => None,
    }
}

fn malformed() -> Error {
    Error::validation("The metadata grpc-timeout must be one to eight digits and a unit.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_digits_and_a_unit() {
        for (text, patience) in [
            ("0n", Duration::ZERO),
            ("100m", Duration::from_millis(100)),
            ("99999999H", Duration::from_secs(99_999_999 * 3600)),
        ] {
            assert_eq!(parse(text), Some(patience));
        }
    }

    #[test]
    fn e13_timeouts_of_another_form_are_refused() {
        for text in ["", "S", "1", "-1S", "+1S", "123456789S", "1.5S", "1s", "1 S", "1\u{e9}"] {
            assert_eq!(parse(text), None, "{text}");
        }
        let mut headers = HeaderMap::new();
        headers.append("grpc-timeout", "1S".parse().unwrap());
        assert_eq!(read(&headers).unwrap(), Some(Duration::from_secs(1)));
        headers.append("grpc-timeout", "2S".parse().unwrap());
        assert!(read(&headers).is_err());
    }
}
