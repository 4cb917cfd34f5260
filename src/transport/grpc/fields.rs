//! From fields of messages to parameters of operations, where the two say things differently.

use prost_types::Duration;

use crate::service::error::Error;

/// proto3 does not tell an empty string from an absent one; AWS's parameters are at least one character long.
pub(super) fn given(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

/// A duration as AWS's parameters have it.
pub(super) fn seconds(duration: Duration) -> Result<String, Error> {
    match duration {
        Duration { seconds: seconds @ 0.., nanos: 0 } => Ok(seconds.to_string()),
        _ => Err(Error::validation("The duration must be a whole number of seconds, and not negative.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_whole_seconds() {
        assert_eq!(seconds(Duration { seconds: 3600, nanos: 0 }).unwrap(), "3600");
        assert_eq!(seconds(Duration { seconds: i64::MAX, nanos: 0 }).unwrap(), i64::MAX.to_string());
        for (secs, nanos) in [(-1, 0), (900, 1), (900, -1), (0, i32::MIN)] {
            assert!(seconds(Duration { seconds: secs, nanos }).is_err());
        }
    }
}
