//! Bounds what identity tokens that come to nothing may cost: a source that brought many is not listened to for a while.
//!
//! Anyone may send a token, and verifying one takes up to 0.7 ms (ES384). So each source has a debt of tokens that were
//! verified in vain; it is paid off with time. Good tokens cost nothing, so that many jobs can share an address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

use brevet_validator::timestamp::Timestamp;

/// The debt with which a source is refused: some 35 ms of the dearest verifications.
const MOST_DEBT: i64 = 50;
/// What is forgiven in a second: a source can take up 0.7 % of one core.
const PER_SECOND: i64 = 10;
/// Sources with debts. Those beyond are listened to: nobody is refused for what others did.
const MAX_SOURCES: usize = 65_536;

/// Who brought tokens in vain, and how many.
#[derive(Debug, Default)]
pub(super) struct RefusedSources {
    debts: HashMap<Source, Debt>,
    /// When debts that are paid off were last looked for.
    swept_at: Option<Timestamp>,
}

/// An IPv4 address, or the 64 bits of an IPv6 address that are a network's: the others are its user's to choose.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
struct Source(IpAddr);

#[derive(Clone, Copy, Debug)]
struct Debt {
    tokens: i64,
    at: Timestamp,
}

impl RefusedSources {
    /// Whether a source is refused now.
    pub(super) fn has(&self, source: IpAddr, now: Timestamp) -> bool {
        self.debts.get(&Source::of(source)).is_some_and(|debt| debt.left(now) >= MOST_DEBT)
    }

    /// A token of this source was verified in vain.
    pub(super) fn add(&mut self, source: IpAddr, now: Timestamp) {
        let source = Source::of(source);
        if self.debts.len() >= MAX_SOURCES && !self.debts.contains_key(&source) {
            self.sweep(now);
            if self.debts.len() >= MAX_SOURCES {
                return;
            }
        }
        let debt = self.debts.entry(source).or_insert(Debt { tokens: 0, at: now });
        *debt = Debt { tokens: (debt.left(now) + 1).min(MOST_DEBT), at: now };
    }

    /// Forgets debts that are paid off. Once a second, for it looks at all.
    fn sweep(&mut self, now: Timestamp) {
        if self.swept_at != Some(now) {
            self.swept_at = Some(now);
            self.debts.retain(|_, debt| debt.left(now) > 0);
        }
    }
}

impl Source {
    fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(address) => address.into(),
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        })
    }
}

impl Debt {
    /// What is not paid off yet. With a clock that was set back all of it is.
    fn left(self, now: Timestamp) -> i64 {
        let seconds = now - self.at;
        if seconds < 0 { 0 } else { self.tokens.saturating_sub(seconds.saturating_mul(PER_SECOND)).max(0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_unix(1_768_478_400 + second).unwrap()
    }

    fn add(sources: &mut RefusedSources, source: &str, times: i64, second: i64) {
        (0..times).for_each(|_| sources.add(source.parse().unwrap(), at(second)));
    }

    fn has(sources: &RefusedSources, source: &str, second: i64) -> bool {
        sources.has(source.parse().unwrap(), at(second))
    }

    #[test]
    fn a_source_is_refused_once_it_brought_many_bad_tokens_and_forgiven_with_time() {
        let mut sources = RefusedSources::default();
        add(&mut sources, "203.0.113.9", 49, 0);
        assert!(!has(&sources, "203.0.113.9", 0));
        add(&mut sources, "203.0.113.9", 1, 0);
        assert!(has(&sources, "203.0.113.9", 0));
        assert!(!has(&sources, "203.0.113.10", 0));
        // Ten more a second, for ever; a debt does not grow beyond what is forgiven in five.
        for second in 1..100 {
            assert!(!has(&sources, "203.0.113.9", second));
            add(&mut sources, "203.0.113.9", 10, second);
            assert!(has(&sources, "203.0.113.9", second));
        }
        add(&mut sources, "203.0.113.9", 10_000, 100);
        add(&mut sources, "203.0.113.9", 49, 105);
        assert!(!has(&sources, "203.0.113.9", 105));
    }

    #[test]
    fn a_network_of_ipv6_is_one_source_and_so_are_both_spellings_of_ipv4() {
        let mut sources = RefusedSources::default();
        for n in 0..50 {
            add(&mut sources, &format!("2001:db8:1:2::{n:x}"), 1, 0);
            add(&mut sources, if n % 2 == 0 { "203.0.113.9" } else { "::ffff:203.0.113.9" }, 1, 0);
        }
        assert!(has(&sources, "2001:db8:1:2:ffff::1", 0) && has(&sources, "203.0.113.9", 0));
        assert!(!has(&sources, "2001:db8:1:3::1", 0));
    }

    #[test]
    fn a_clock_that_is_set_back_refuses_nobody() {
        let mut sources = RefusedSources::default();
        add(&mut sources, "203.0.113.9", 50, 0);
        assert!(!has(&sources, "203.0.113.9", -1));
        add(&mut sources, "203.0.113.9", 50, -1_000);
        assert!(has(&sources, "203.0.113.9", -1_000) && !has(&sources, "203.0.113.9", -999));
    }

    #[test]
    fn memory_is_bounded_and_nobody_is_refused_for_what_others_did() {
        let mut sources = RefusedSources::default();
        for n in 0..200_000u32 {
            sources.add(IpAddr::from(n.to_be_bytes()), at(0));
        }
        assert_eq!(sources.debts.len(), MAX_SOURCES);
        add(&mut sources, "203.0.113.9", 100, 0);
        assert!(!has(&sources, "203.0.113.9", 0));
        // Debts that are paid off make room.
        add(&mut sources, "203.0.113.9", 50, 1);
        assert!(has(&sources, "203.0.113.9", 1));
        assert_eq!(sources.debts.len(), 1);
    }
}
