//! When a key is over, as people write it.

use brevet_validator::timestamp::Timestamp;

use crate::config::seconds;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_ends_at_a_time_or_after_one() {
        assert_eq!(expires("90d"), Ok(Expires::In(7_776_000)));
        let at = Timestamp::from_unix(1_768_478_400).unwrap();
        assert_eq!(expires("2026-01-15T12:00:00Z"), Ok(Expires::At(at)));
        assert!(expires("tomorrow").is_err() && expires("2026-01-15").is_err());
    }
}
