//! What of two snapshots concerns validators: revocations that are new in the later one, and long-lived keys that are no longer good.

use brevet_validator::credential::AccessKeyId;
use brevet_validator::timestamp::Timestamp;
use brevet_validator::token::{Revocation, Subject};
use imbl::ordmap::DiffItem;

use super::entity::AccessKey;
use super::revocation::Kept;
use super::snapshot::Snapshot;

impl Snapshot {
    /// The revocations, by subject.
    pub fn all_revocations(&self) -> impl Iterator<Item = Revocation> {
        self.revocations.iter().map(|(subject, kept)| revocation(subject, kept))
    }

    /// Revocations that an earlier snapshot lacks. What both share is not looked at.
    pub fn revoked_since(&self, earlier: &Self) -> impl Iterator<Item = Revocation> {
        earlier.revocations.diff(&self.revocations).filter_map(|difference| match difference {
            DiffItem::Add(subject, kept) | DiffItem::Update { new: (subject, kept), .. } => {
                Some(revocation(subject, kept))
            }
            DiffItem::Remove(..) => None,
        })
    }

    /// The latest revision at which anything that is in here was committed.
    pub fn reflects(&self) -> u64 {
        self.revision.max(self.latest_commit).0
    }

    /// Long-lived keys that were enabled in an earlier snapshot, and are disabled or gone, or are to end sooner.
    pub fn keys_withdrawn_since(&self, earlier: &Self) -> impl Iterator<Item = AccessKeyId> {
        let enabled = |key: &AccessKey| key.active;
        let end = |key: &AccessKey| key.expires_at.unwrap_or(Timestamp::MAX);
        earlier.access_keys.diff(&self.access_keys).filter_map(move |difference| match difference {
            DiffItem::Remove(id, old) => enabled(&old.entity).then_some(*id),
            DiffItem::Update { old: (id, old), new: (_, new) } => {
                let goes = !enabled(&new.entity) || end(&new.entity) < end(&old.entity);
                (enabled(&old.entity) && goes).then_some(*id)
            }
            DiffItem::Add(..) => None,
        })
    }
}

fn revocation(subject: &Subject, kept: &Kept) -> Revocation {
    Revocation { subject: subject.clone(), revision: kept.revision, until: kept.until }
}
