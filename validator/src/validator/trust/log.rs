//! The log of revocations as a validator keeps it: where it stands and what it says.

use std::collections::HashMap;
use std::sync::Arc;

use crate::credential::AccessKeyId;
use crate::timestamp::Timestamp;
use crate::token::{Entry, InvalidEntry, LogPosition, RevocationSet, WithdrawnKey};

/// Revocations and withdrawn keys. A copy shares all that neither changes.
#[derive(Clone, Debug)]
pub struct Log {
    position: LogPosition,
    revocations: RevocationSet,
    /// A handful: keys that were disabled or deleted since their keys could last be fetched.
    withdrawn: Arc<HashMap<AccessKeyId, Withdrawal>>,
    next_prune: Timestamp,
}

#[derive(Clone, Copy, Debug)]
struct Withdrawal {
    revision: u64,
    until: Timestamp,
}

impl Log {
    /// To look for what is over costs a walk through all entries.
    const PRUNE_SECONDS: i64 = 60;

    /// A log without entries.
    pub(in crate::validator) fn new(id: [u8; 16]) -> Self {
        Self::at(LogPosition::start(id))
    }

    /// A log whose entries up to here are given by [`Log::insert`].
    pub(in crate::validator) fn at(position: LogPosition) -> Self {
        Self {
            position,
            revocations: RevocationSet::default(),
            withdrawn: Arc::default(),
            next_prune: Timestamp::EPOCH,
        }
    }

    /// Where it stands.
    pub fn position(&self) -> LogPosition {
        self.position
    }

    /// Which sessions are refused.
    pub fn revocations(&self) -> &RevocationSet {
        &self.revocations
    }

    /// The revision at which a long-lived key was withdrawn. What was derived from it at an earlier one is no longer good.
    pub fn withdrawn(&self, id: AccessKeyId) -> Option<u64> {
        self.withdrawn.get(&id).map(|withdrawal| withdrawal.revision)
    }

    /// The entry that follows.
    pub(in crate::validator) fn append(&mut self, bytes: &[u8]) -> Result<(), InvalidEntry> {
        self.insert(Entry::decode(bytes)?);
        self.position = self.position.after(bytes);
        Ok(())
    }

    /// An entry that the position counts already.
    pub(in crate::validator) fn insert(&mut self, entry: Entry) {
        match entry {
            Entry::Revoked(revocation) => self.revocations.raise(revocation),
            Entry::Withdrawn(WithdrawnKey { access_key_id, revision, until }) => {
                let mark =
                    Arc::make_mut(&mut self.withdrawn).entry(access_key_id).or_insert(Withdrawal { revision, until });
                mark.revision = mark.revision.max(revision);
                mark.until = mark.until.max(until);
            }
        }
    }

    /// Takes in what another log said, which was in force before. Revocations are never taken back, so that a replica that does not
    /// know of one must not make this forget it.
    pub(in crate::validator) fn absorb(&mut self, before: &Self) {
        self.revocations.absorb(&before.revocations);
        if !before.withdrawn.is_empty() {
            let ours = Arc::make_mut(&mut self.withdrawn);
            for (id, theirs) in &*before.withdrawn {
                let mark = ours.entry(*id).or_insert(*theirs);
                mark.revision = mark.revision.max(theirs.revision);
                mark.until = mark.until.max(theirs.until);
            }
        }
    }

    /// Forgets now and then what concerns nothing any more. The position goes on counting it.
    pub(super) fn prune(&mut self, now: Timestamp) {
        if now < self.next_prune {
            return;
        }
        self.next_prune = now.saturating_add(Self::PRUNE_SECONDS);
        self.revocations.prune(now);
        if self.withdrawn.values().any(|withdrawal| withdrawal.until <= now) {
            Arc::make_mut(&mut self.withdrawn).retain(|_, withdrawal| withdrawal.until > now);
        }
    }
}
