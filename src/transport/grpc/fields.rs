//! From fields of messages to parameters of operations, where the two say things differently.

use brevet_validator::timestamp::Timestamp;
use prost_types::Duration;

use crate::service::error::Error;

/// proto3 does not tell an empty string from an absent one; AWS's parameters are at least one character long.
pub(super) fn given(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

/// A duration as AWS's parameters have it.
pub(super) fn seconds(duration: Duration) -> Result<String, Error> {
    whole_seconds(duration).map(|seconds| seconds.to_string())
}

/// A duration in seconds.
pub(super) fn whole_seconds(duration: Duration) -> Result<i64, Error> {
    match duration {
        Duration { seconds: seconds @ 0.., nanos: 0 } => Ok(seconds),
        _ => Err(Error::validation("The duration must be a whole number of seconds, and not negative.")),
    }
}

/// A duration to the nanosecond.
pub(super) fn duration(duration: Duration) -> Result<std::time::Duration, Error> {
    let seconds = u64::try_from(duration.seconds).ok();
    let nanos = u32::try_from(duration.nanos).ok().filter(|nanos| *nanos < 1_000_000_000);
    match (seconds, nanos) {
        (Some(seconds), Some(nanos)) => Ok(std::time::Duration::new(seconds, nanos)),
        _ => Err(Error::validation("A duration must not be negative.")),
    }
}

/// The same as a message.
pub(super) fn to_proto(duration: std::time::Duration) -> Duration {
    let nanos = i32::try_from(duration.subsec_nanos()).unwrap_or(i32::MAX);
    Duration { seconds: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX), nanos }
}

/// When something ends. Of a fraction of a second nothing is left, so that it does not end too late.
pub(super) fn end(time: prost_types::Timestamp) -> Result<Timestamp, Error> {
    match (Timestamp::from_unix(time.seconds), time.nanos) {
        (Some(end), 0..1_000_000_000) => Ok(end),
        _ => Err(Error::validation("expireTime is no time between the years 1970 and 9999.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_not_put_off() {
        let time = |seconds, nanos| prost_types::Timestamp { seconds, nanos };
        assert_eq!(end(time(7, 999_999_999)).unwrap().unix(), 7);
        for (seconds, nanos) in [(-1, 0), (i64::MAX, 0), (7, -1), (7, 1_000_000_000)] {
            assert!(end(time(seconds, nanos)).is_err());
        }
    }

    #[test]
    fn durations_are_whole_seconds() {
        assert_eq!(seconds(Duration { seconds: 3600, nanos: 0 }).unwrap(), "3600");
        assert_eq!(seconds(Duration { seconds: i64::MAX, nanos: 0 }).unwrap(), i64::MAX.to_string());
        for (secs, nanos) in [(-1, 0), (900, 1), (900, -1), (0, i32::MIN)] {
            assert!(seconds(Duration { seconds: secs, nanos }).is_err());
        }
    }

    #[test]
    fn durations_to_the_nanosecond_come_back_as_they_were() {
        let written = Duration { seconds: 7, nanos: 999_999_999 };
        assert_eq!(to_proto(duration(written).unwrap()), written);
        for (seconds, nanos) in [(-1, 0), (0, -1), (0, 1_000_000_000), (i64::MIN, i32::MIN)] {
            assert!(duration(Duration { seconds, nanos }).is_err());
        }
    }
}
