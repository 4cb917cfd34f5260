//! The log of revocations as both ends count it: its id, its length and the chain over its entries.

use sha2::{Digest, Sha256};

const PREFIX: &[u8] = b"BREVET-LOG\0v1\0";

/// Where a log stands. Two that stand at the same place have had the same entries in the same order.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LogPosition {
    /// Random; another process of the service has another.
    pub log: [u8; 16],
    /// How many entries.
    pub count: u64,
    /// The chain after them.
    pub hash: [u8; 32],
}

impl LogPosition {
    /// Of a log without entries.
    pub fn start(log: [u8; 16]) -> Self {
        Self { log, count: 0, hash: Sha256::new().chain_update(PREFIX).chain_update(log).finalize().into() }
    }

    /// After one entry more.
    #[must_use]
    pub fn after(self, entry: &[u8]) -> Self {
        let length = u32::try_from(entry.len()).unwrap_or(u32::MAX);
        let hash = Sha256::new()
            .chain_update(self.hash)
            .chain_update(length.to_be_bytes())
            .chain_update(entry)
            .finalize()
            .into();
        Self { log: self.log, count: self.count + 1, hash }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chain_tells_logs_orders_and_boundaries_apart() {
        let of = |log: u8, entries: &[&[u8]]| {
            entries.iter().fold(LogPosition::start([log; 16]), |position, entry| position.after(entry))
        };
        assert_eq!(of(1, &[b"a", b"b"]), of(1, &[b"a", b"b"]));
        assert_eq!(of(1, &[b"a", b"b"]).count, 2);
        for other in [of(2, &[b"a", b"b"]), of(1, &[b"b", b"a"]), of(1, &[b"ab", b""]), of(1, &[b"ab"])] {
            assert_ne!(other.hash, of(1, &[b"a", b"b"]).hash);
        }
    }
}
