//! Bounds what unauthenticated callers can write into the audit log: singly up to a number per source and second,
//! then as one record with a count.

use std::collections::HashMap;
use std::net::IpAddr;

use brevet_validator::timestamp::Timestamp;

use super::record::Record;

/// Records that one source may cause in one second.
const PER_SECOND: u64 = 20;
/// Sources told apart at a time. Those beyond share one count.
const MAX_SOURCES: usize = 4096;

/// Counts the denials of each source within the current second.
#[derive(Debug, Default)]
pub struct DenialBudget {
    second: Option<Timestamp>,
    sources: HashMap<Option<IpAddr>, Count>,
}

#[derive(Debug, Default)]
struct Count {
    seen: u64,
    /// The last record that was held back; it will stand for all of them.
    held: Option<Record>,
}

impl DenialBudget {
    /// Takes one denial. Answers with the records to write now: this one if the budget allows, and the summaries of
    /// an earlier second.
    pub fn take(&mut self, source: IpAddr, now: Timestamp, record: Record) -> Vec<Record> {
        let mut due = self.flush(now);
        let source =
            Some(source).filter(|source| self.sources.len() < MAX_SOURCES || self.sources.contains_key(&Some(*source)));
        let count = self.sources.entry(source).or_default();
        count.seen += 1;
        if count.seen <= PER_SECOND {
            due.push(record);
        } else {
            count.held = Some(record);
        }
        due
    }

    /// The summaries of a second that is over.
    pub fn flush(&mut self, now: Timestamp) -> Vec<Record> {
        if self.second == Some(now) {
            return Vec::new();
        }
        self.second = Some(now);
        self.drain()
    }

    /// The summaries of what was held back so far.
    pub fn drain(&mut self) -> Vec<Record> {
        let summaries = self.sources.drain().filter_map(|(_, count)| {
            let mut record = count.held?;
            record.attempts(count.seen - PER_SECOND);
            Some(record)
        });
        summaries.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::caller::Envelope;

    fn record(source: IpAddr) -> Record {
        let envelope =
            Envelope { request_id: String::new(), source_ip: source, user_agent: None, tls: false, wire: "query" };
        Record::new(&envelope, "sts", "AssumeRole", 0, [0; 16])
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_unix(second).unwrap()
    }

    #[test]
    fn beyond_the_budget_one_record_stands_for_the_rest() {
        let mut budget = DenialBudget::default();
        let source = "203.0.113.9".parse().unwrap();
        let written: usize = (0..1000).map(|_| budget.take(source, at(1), record(source)).len()).sum();
        assert_eq!(written, 20);
        let summaries = budget.flush(at(2));
        assert_eq!(summaries.len(), 1);
        assert!(summaries[0].to_line().contains(r#""attempts":980"#));
        assert!(budget.flush(at(3)).is_empty());
    }

    #[test]
    fn a_noisy_source_does_not_use_up_the_budget_of_another() {
        let mut budget = DenialBudget::default();
        let (noisy, quiet) = ("203.0.113.9".parse().unwrap(), "203.0.113.10".parse().unwrap());
        for _ in 0..1000 {
            budget.take(noisy, at(1), record(noisy));
        }
        assert_eq!(budget.take(quiet, at(1), record(quiet)).len(), 1);
    }

    #[test]
    fn memory_is_bounded_under_many_sources() {
        let mut budget = DenialBudget::default();
        for n in 0..100_000u32 {
            let source = IpAddr::from(n.to_be_bytes());
            budget.take(source, at(1), record(source));
        }
        assert!(budget.sources.len() <= MAX_SOURCES + 1);
    }
}
