//! The place in the log that holds a revocation, for whoever waits until validators have come there.

use super::receipts::Progress;

/// A place in a log, or in one that was begun after it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    /// The log that held the revocation first, with it.
    pub(super) at: Progress,
    /// The log of now, with the entries that it began with. These include it.
    pub(super) anew: Progress,
}

impl Target {
    /// Whether a validator that has come so far refuses.
    pub(super) fn is_reached_by(&self, progress: Progress) -> bool {
        let reached = |place: Progress| progress.log == place.log && progress.count >= place.count;
        reached(self.at) || self.anew.log != self.at.log && reached(self.anew)
    }
}
