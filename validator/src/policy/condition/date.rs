//! Points in time as policies write them: the [W3C's profile of ISO 8601][1], or seconds since 1970.
//!
//! [1]: https://www.w3.org/TR/NOTE-datetime

use time::{Date, Month, Time};

use super::super::decimal::Decimal;

/// Seconds since 1970.
///
/// Reads `YYYY-MM`, `YYYY-MM-DD`, `YYYY-MM-DDThh:mm[:ss[.s…]]` with `Z`, `±hh:mm` or nothing, which is UTC. What is all
/// number is seconds, so a year alone cannot be written.
pub(super) fn parse(text: &str) -> Option<Decimal> {
    if text.strip_prefix('-').unwrap_or(text).bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return Decimal::parse(text);
    }
    let (date, clock) = match text.split_once('T') {
        Some((date, clock)) => (date, Some(clock)),
        None => (text, None),
    };
    let (seconds, fraction) = clock.map_or(Some((0, "")), parse_clock)?;
    let midnight = parse_date(date)?.midnight().assume_utc().unix_timestamp();
    Decimal::from_seconds(midnight + seconds, fraction)
}

fn parse_date(text: &str) -> Option<Date> {
    let (year, rest) = text.split_once('-')?;
    let (month, day) = rest.split_once('-').unwrap_or((rest, "01"));
    let month = Month::try_from(u8::try_from(digits(month, 2)?).ok()?).ok()?;
    Date::from_calendar_date(digits(year, 4)?, month, u8::try_from(digits(day, 2)?).ok()?).ok()
}

/// Seconds since midnight UTC, and the decimals of the second.
fn parse_clock(text: &str) -> Option<(i64, &str)> {
    let (clock, offset) = match text.find(['Z', '+', '-']) {
        Some(end) => (text.get(..end)?, parse_offset(text.get(end..)?)?),
        None => (text, 0),
    };
    let (clock, fraction) = match clock.split_once('.') {
        Some((_, "")) => return None,
        Some((clock, fraction)) => (clock, fraction),
        None => (clock, ""),
    };
    let mut fields = clock.split(':');
    let hour = digits(fields.next()?, 2)?;
    let minute = digits(fields.next()?, 2)?;
    let second = match fields.next() {
        Some(second) => digits(second, 2)?,
        None if fraction.is_empty() => 0,
        None => return None,
    };
    if fields.next().is_some() {
        return None;
    }
    let small = |n: i32| u8::try_from(n).ok();
    let time = Time::from_hms(small(hour)?, small(minute)?, small(second)?).ok()?;
    let since_midnight = i64::from(time.hour()) * 3600 + i64::from(time.minute()) * 60 + i64::from(time.second());
    Some((since_midnight - offset, fraction))
}

/// `Z` or `±hh:mm`, in seconds east of Greenwich.
fn parse_offset(text: &str) -> Option<i64> {
    if text == "Z" {
        return Some(0);
    }
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+')?),
    };
    let (hours, minutes) = rest.split_once(':')?;
    let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
    (hours < 24 && minutes < 60).then_some(sign * i64::from(hours * 3600 + minutes * 60))
}

/// A number of exactly so many digits.
fn digits(text: &str, count: usize) -> Option<i32> {
    let valid = text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
    valid.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_moment_has_many_forms() {
        for text in [
            "2020-01-01T00:00:01Z",
            "2020-01-01T00:00:01",
            "2020-01-01T00:00:01.000Z",
            "2020-01-01T01:00:01+01:00",
            "2019-12-31T19:00:01-05:00",
            "1577836801",
            "1577836801.0",
        ] {
            assert_eq!(parse(text), Decimal::parse("1577836801"), "{text}");
        }
        assert_eq!(parse("2020-01"), parse("2020-01-01T00:00Z"));
        assert_eq!(parse("2020-01-01"), parse("2020-01-01T00:00:00Z"));
        assert!(parse("2020-01-01T00:00:00.000000001Z") > parse("2020-01-01T00:00:00Z"));
        assert!(parse("1969-12-31T23:59:59.5Z") < parse("0") && parse("1969-12-31T23:59:59.5Z") > parse("-1"));
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "-",
            "now",
            "2020-1-1",
            "2020-13-01",
            "2020-02-30",
            "20-01-01",
            "2020-01-01 00:00:00Z",
            "2020-01-01T24:00:00Z",
            "2020-01-01T00:00:60Z",
            "2020-01-01T00Z",
            "2020-01-01T00:00.5Z",
            "2020-01-01T00:00:00.Z",
            "2020-01-01T00:00:00z",
            "2020-01-01T00:00:00+1:00",
            "2020-01-01T00:00:00+24:00",
            "2020-01-01T00:00:00Z ",
            "2020-01-01T",
            "+02020-01-01",
            "2020-01-01T00:00:00+0100",
            "２０20-01-01",
            "2020*",
            "2020-01-01T00:00:00Z+01:00",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
