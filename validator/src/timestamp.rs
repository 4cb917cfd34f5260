//! Points in time as the wires write them. Nothing here reads a clock.

use std::fmt;
use std::ops::{Add, Sub};

use time::OffsetDateTime;

/// Seconds since 1970-01-01T00:00:00Z, between the years 1970 and 9999.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Timestamp(i64);

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);
    /// 9999-12-31T23:59:59Z, the last second that four-digit years can write.
    pub const MAX: Self = Self(253_402_300_799);

    /// `None` outside the years 1970 to 9999.
    pub const fn from_unix(seconds: i64) -> Option<Self> {
        if seconds < Self::EPOCH.0 || seconds > Self::MAX.0 { None } else { Some(Self(seconds)) }
    }

    /// Seconds since 1970.
    pub const fn unix(self) -> i64 {
        self.0
    }

    /// Parses SigV4's `YYYYMMDD'T'HHMMSS'Z'`. Strict: sixteen ASCII characters, a real date, no leap second.
    pub fn parse_basic(text: &str) -> Option<Self> {
        let bytes: &[u8; 16] = text.as_bytes().try_into().ok()?;
        if bytes[8] != b'T' || bytes[15] != b'Z' {
            return None;
        }
        Self::from_fields([&bytes[0..4], &bytes[4..6], &bytes[6..8], &bytes[9..11], &bytes[11..13], &bytes[13..15]])
    }

    /// Parses `YYYY-MM-DD'T'HH:MM:SS'Z'`, the form of expiry times and of IAM dates.
    pub fn parse_iso(text: &str) -> Option<Self> {
        let bytes: &[u8; 20] = text.as_bytes().try_into().ok()?;
        if [bytes[4], bytes[7], bytes[10], bytes[13], bytes[16], bytes[19]] != *b"--T::Z" {
            return None;
        }
        Self::from_fields([&bytes[0..4], &bytes[5..7], &bytes[8..10], &bytes[11..13], &bytes[14..16], &bytes[17..19]])
    }

    /// Writes SigV4's `YYYYMMDD'T'HHMMSS'Z'`.
    pub fn to_basic(self) -> String {
        let t = self.date_time();
        format!(
            "{:04}{:02}{:02}T{:02}{:02}{:02}Z",
            t.year(),
            u8::from(t.month()),
            t.day(),
            t.hour(),
            t.minute(),
            t.second()
        )
    }

    /// Writes `YYYYMMDD`, the date of a credential scope.
    pub fn to_scope_date(self) -> String {
        let t = self.date_time();
        format!("{:04}{:02}{:02}", t.year(), u8::from(t.month()), t.day())
    }

    /// This time moved by `seconds`, held within the range of the type.
    pub const fn saturating_add(self, seconds: i64) -> Self {
        let moved = self.0.saturating_add(seconds);
        if moved < Self::EPOCH.0 {
            Self::EPOCH
        } else if moved > Self::MAX.0 {
            Self::MAX
        } else {
            Self(moved)
        }
    }

    fn date_time(self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(self.0).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }

    fn from_fields(fields: [&[u8]; 6]) -> Option<Self> {
        let mut numbers = [0u16; 6];
        for (number, field) in numbers.iter_mut().zip(fields) {
            for digit in field {
                if !digit.is_ascii_digit() {
                    return None;
                }
                *number = *number * 10 + u16::from(digit - b'0');
            }
        }
        let [year, month, day, hour, minute, second] = numbers;
        let small = |n: u16| u8::try_from(n).ok();
        let date =
            time::Date::from_calendar_date(i32::from(year), time::Month::try_from(small(month)?).ok()?, small(day)?)
                .ok()?;
        let time = time::Time::from_hms(small(hour)?, small(minute)?, small(second)?).ok()?;
        Self::from_unix(date.with_time(time).assume_utc().unix_timestamp())
    }
}

/// ISO 8601 in UTC with whole seconds: `2021-08-05T19:58:02Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let t = self.date_time();
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
            t.year(),
            u8::from(t.month()),
            t.day(),
            t.hour(),
            t.minute(),
            t.second()
        )
    }
}

/// Moves by seconds; saturates at the ends of the range.
impl Add<i64> for Timestamp {
    type Output = Self;

    fn add(self, seconds: i64) -> Self {
        self.saturating_add(seconds)
    }
}

/// The distance in seconds.
impl Sub for Timestamp {
    type Output = i64;

    fn sub(self, earlier: Self) -> i64 {
        self.0 - earlier.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_round_trip_past_2038_and_2106() {
        for seconds in [0, 1_440_938_160, 2_147_483_648, 4_294_967_296, Timestamp::MAX.unix()] {
            let t = Timestamp::from_unix(seconds).unwrap();
            assert_eq!(Timestamp::parse_basic(&t.to_basic()), Some(t));
            assert_eq!(Timestamp::parse_iso(&t.to_string()), Some(t));
        }
    }

    #[test]
    fn a13_malformed_dates_are_refused() {
        for bad in [
            "20260230T000000Z",
            "20260101T235960Z",
            "20260101T240000Z",
            "20260101T000000",
            "20260101T000000z",
            "20260101T000000+0800",
            "00000101T000000Z",
            "-0260101T000000Z",
            "20260101 000000Z",
            "２０２６0101T000000Z",
            "",
        ] {
            assert_eq!(Timestamp::parse_basic(bad), None, "{bad}");
        }
    }
}
