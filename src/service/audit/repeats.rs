//! The same denial again: a CI job that tries a dozen times with one token is one record with a count, not a dozen.

use std::collections::HashMap;

use brevet_validator::timestamp::Timestamp;

use super::record::Record;

/// How long repeats of a denial are counted, in seconds from the first: the stock GitHub action tries for some minutes.
const WINDOW: i64 = 600;
/// Denials that are told apart at a time. Those beyond are recorded singly.
const MAX_DENIALS: usize = 4096;

/// What makes two denials the same: who was denied what, and why.
pub type DenialKey = [u8; 32];

/// Counts denials that were recorded before.
#[derive(Debug, Default)]
pub struct RepeatedDenials(HashMap<DenialKey, Repeats>);

#[derive(Debug)]
struct Repeats {
    first: Timestamp,
    count: u64,
    /// The last one; it will stand for all of them.
    held: Option<Record>,
}

impl RepeatedDenials {
    /// Takes one denial. Gives it back if it is to be recorded now: the first of its kind, or one too many to count.
    pub fn take(&mut self, key: DenialKey, now: Timestamp, record: Record) -> Option<Record> {
        match self.0.get_mut(&key) {
            Some(repeats) if now - repeats.first < WINDOW => {
                repeats.count += 1;
                repeats.held = Some(record);
                None
            }
            // Its window is over, and whoever settles comes within a second.
            Some(_) => Some(record),
            None => {
                if self.0.len() < MAX_DENIALS {
                    self.0.insert(key, Repeats { first: now, count: 0, held: None });
                }
                Some(record)
            }
        }
    }

    /// The summaries of windows that are over.
    pub fn flush(&mut self, now: Timestamp) -> Vec<Record> {
        let over = |repeats: &Repeats| now - repeats.first >= WINDOW;
        self.0.extract_if(|_, repeats| over(repeats)).filter_map(|(_, repeats)| repeats.summary()).collect()
    }

    /// The summaries of all that was counted so far.
    pub fn drain(&mut self) -> Vec<Record> {
        self.0.drain().filter_map(|(_, repeats)| repeats.summary()).collect()
    }
}

impl Repeats {
    fn summary(self) -> Option<Record> {
        let mut record = self.held?;
        record.attempts(self.count);
        Some(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::caller::Envelope;

    fn record() -> Record {
        let source_ip = "203.0.113.9".parse().unwrap();
        let envelope = Envelope { request_id: String::new(), source_ip, user_agent: None, tls: false, wire: "query" };
        Record::new(&envelope, "sts", "AssumeRoleWithWebIdentity", 0, [0; 16])
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_unix(second).unwrap()
    }

    #[test]
    fn the_first_denial_is_recorded_and_one_record_stands_for_its_repeats() {
        let mut repeats = RepeatedDenials::default();
        assert!(repeats.take([1; 32], at(0), record()).is_some());
        for second in 1..12 {
            assert!(repeats.take([1; 32], at(second * 17), record()).is_none());
        }
        assert!(repeats.take([2; 32], at(200), record()).is_some());
        assert!(repeats.flush(at(599)).is_empty());
        let summaries = repeats.flush(at(600));
        assert_eq!(summaries.len(), 1);
        assert!(summaries[0].to_line().contains(r#""attempts":11"#));
        // A new window begins with a record of its own; what was never repeated has no summary.
        assert!(repeats.take([1; 32], at(601), record()).is_some());
        assert!(repeats.drain().is_empty());
    }

    #[test]
    fn memory_is_bounded_and_what_is_beyond_is_recorded_singly() {
        let mut repeats = RepeatedDenials::default();
        let key = |n: u32| {
            let mut key = [0; 32];
            key[..4].copy_from_slice(&n.to_be_bytes());
            key
        };
        for n in 0..10_000 {
            assert!(repeats.take(key(n), at(0), record()).is_some());
        }
        assert!(repeats.0.len() <= MAX_DENIALS);
        assert!(repeats.take(key(9_999), at(1), record()).is_some());
        assert!(repeats.take(key(1), at(1), record()).is_none());
    }
}
