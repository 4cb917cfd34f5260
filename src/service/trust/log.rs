//! The log of revocations of this process: appended from the differences of snapshots, begun anew when it is mostly of the past.

use std::sync::Arc;

use brevet_validator::timestamp::Timestamp;
use brevet_validator::token::{Entry, LogPosition, WithdrawnKey};
use bytes::Bytes;

use crate::service::directory::Snapshot;

/// For how many seconds an entry of a withdrawn key is of use: what is derived from a key is good for one date.
const WITHDRAWN_KEPT: i64 = 2 * 86_400;
/// Entries that a log may have beyond twice those that are in force, before it is begun anew.
const SLACK: u64 = 4096;

/// A log as of one snapshot. A copy shares what it has in common with the next.
#[derive(Clone, Debug)]
pub(super) struct Log {
    snapshot: Arc<Snapshot>,
    entries: imbl::Vector<Bytes>,
    position: LogPosition,
    /// Entries that it began with.
    first: u64,
}

impl Log {
    /// A log that begins with what a snapshot holds.
    pub(super) fn begin(id: [u8; 16], snapshot: Arc<Snapshot>, now: Timestamp) -> Self {
        let position = LogPosition::start(id);
        let mut log = Self { snapshot: Arc::clone(&snapshot), entries: imbl::Vector::new(), position, first: 0 };
        for revocation in snapshot.all_revocations().filter(|revocation| revocation.until > now) {
            log.append(&Entry::Revoked(revocation));
        }
        log.first = log.position.count;
        log
    }

    /// Appends what came with a later snapshot.
    pub(super) fn advance(&mut self, snapshot: Arc<Snapshot>, now: Timestamp) {
        let earlier = std::mem::replace(&mut self.snapshot, Arc::clone(&snapshot));
        for revocation in snapshot.revoked_since(&earlier) {
            self.append(&Entry::Revoked(revocation));
        }
        for access_key_id in snapshot.keys_withdrawn_since(&earlier) {
            // That of the change or a later one, so that nothing older is kept.
            let revision = snapshot.reflects();
            self.append(&Entry::Withdrawn(WithdrawnKey { access_key_id, revision, until: now + WITHDRAWN_KEPT }));
        }
    }

    /// Whether most of it concerns nothing any more.
    pub(super) fn is_worn(&self) -> bool {
        let in_force = u64::try_from(self.snapshot.revocations().len()).unwrap_or(u64::MAX);
        self.position.count > in_force.saturating_mul(2).saturating_add(SLACK)
    }

    /// What it was last advanced to.
    pub(super) fn snapshot(&self) -> &Arc<Snapshot> {
        &self.snapshot
    }

    /// Where it ends.
    pub(super) fn position(&self) -> LogPosition {
        self.position
    }

    /// Entries that it began with: whoever has these refuses what any log before it refused.
    pub(super) fn first(&self) -> u64 {
        self.first
    }

    /// At most `most` entries that follow the first `count`.
    pub(super) fn after(&self, count: u64, most: usize) -> Vec<Bytes> {
        let begin = usize::try_from(count).unwrap_or(usize::MAX);
        let end = begin.saturating_add(most).min(self.entries.len());
        (begin..end).filter_map(|index| self.entries.get(index).cloned()).collect()
    }

    fn append(&mut self, entry: &Entry) {
        let bytes = entry.encode();
        self.position = self.position.after(&bytes);
        self.entries.push_back(bytes.into());
    }
}

#[cfg(test)]
mod tests {
    use brevet_validator::token::Subject;

    use super::*;
    use crate::service::test_world::{World, account, now};
    use crate::store::{Revision, records};

    fn revoke(world: &mut World, revision: u64, id: &str, until: Timestamp) {
        world.snapshot.revision = Revision(revision);
        let subject = records::revocation::Subject::UserId(id.into());
        let record = records::Revocation { subject: Some(subject), until: until.unix() };
        world.put(&format!("revocations/user/{id}"), records::encode(&record));
    }

    fn user(n: u8) -> String {
        use brevet_validator::identity::{UniqueId, UniqueIdKind};
        UniqueId::from_random(UniqueIdKind::User, [n; 17]).to_string()
    }

    fn snapshot(world: &World) -> Arc<Snapshot> {
        Arc::new(world.snapshot.clone())
    }

    fn entries(log: &Log, after: u64) -> Vec<Entry> {
        log.after(after, 100).iter().map(|entry| Entry::decode(entry).unwrap()).collect()
    }

    #[test]
    fn it_begins_with_what_is_in_force_and_goes_on_with_what_is_new() {
        let mut world = World::new();
        revoke(&mut world, 8, &user(1), now() + 100);
        revoke(&mut world, 9, &user(2), now());
        let mut log = Log::begin([1; 16], snapshot(&world), now());
        let [Entry::Revoked(first)] = &entries(&log, 0)[..] else { panic!() };
        assert_eq!((first.subject.clone(), first.revision), (Subject::User(user(1).parse().unwrap()), 8));
        assert_eq!(log.first(), 1);

        revoke(&mut world, 10, &user(3), now() + 100);
        // Once more, later: it concerns sessions that the first left alone.
        revoke(&mut world, 11, &user(1), now() + 200);
        log.advance(snapshot(&world), now());
        let mut new: Vec<_> = entries(&log, 1)
            .into_iter()
            .map(|entry| match entry {
                Entry::Revoked(revocation) => (revocation.revision, revocation.until),
                Entry::Withdrawn(_) => panic!(),
            })
            .collect();
        new.sort();
        assert_eq!(new, [(10, now() + 100), (11, now() + 200)]);
        let chain = log.after(0, 100).iter().fold(LogPosition::start([1; 16]), |at, entry| at.after(entry));
        assert_eq!(log.position(), chain);
    }

    #[test]
    fn nothing_new_is_no_entry_also_when_everything_was_read_again() {
        let mut world = World::new();
        let key = world.user("ada", "").access_key_id;
        revoke(&mut world, 8, &user(1), now() + 100);
        let mut log = Log::begin([1; 16], snapshot(&world), now());
        let before = log.position();
        log.advance(snapshot(&world), now());
        let owner = world.snapshot.access_key(key).unwrap().clone();
        let record = |active| {
            records::encode(&records::AccessKey {
                id: key.to_string(),
                secret: owner.secret.expose().to_string(),
                account: account().to_string(),
                active,
                ..Default::default()
            })
        };
        world.put(&format!("access-keys/{key}"), record(true));
        log.advance(snapshot(&world), now());
        assert_eq!(log.position(), before);

        world.snapshot.revision = Revision(12);
        world.put(&format!("access-keys/{key}"), record(false));
        log.advance(snapshot(&world), now());
        let withdrawn = WithdrawnKey { access_key_id: key, revision: 12, until: now() + WITHDRAWN_KEPT };
        assert_eq!(entries(&log, before.count), [Entry::Withdrawn(withdrawn)]);
    }

    #[test]
    fn a_key_that_is_to_end_sooner_is_withdrawn_and_one_that_ends_later_is_not() {
        let mut world = World::new();
        let key = world.user("ada", "").access_key_id;
        let owner = world.snapshot.access_key(key).unwrap().clone();
        let mut put = |end: i64, revision| {
            world.snapshot.revision = Revision(revision);
            let record = records::AccessKey {
                id: key.to_string(),
                secret: owner.secret.expose().to_string(),
                account: account().to_string(),
                active: true,
                expires_at: end,
                ..Default::default()
            };
            world.put(&format!("access-keys/{key}"), records::encode(&record));
            snapshot(&world)
        };
        let mut log = Log::begin([1; 16], put(0, 7), now());
        let mut withdrawn = Vec::new();
        for (end, revision) in [(now().unix() + 100, 8), (now().unix() + 200, 9), (now().unix() + 150, 10)] {
            let before = log.position().count;
            log.advance(put(end, revision), now());
            withdrawn.push(log.position().count - before);
        }
        assert_eq!(withdrawn, [1, 0, 1]);
    }

    #[test]
    fn a_key_that_is_gone_is_withdrawn_unless_it_was_disabled_before() {
        let mut world = World::new();
        world.user("ada", "");
        let with_key = snapshot(&world);
        let without_key = Arc::new(World::new().snapshot);
        let mut log = Log::begin([1; 16], with_key, now());
        log.advance(Arc::clone(&without_key), now());
        assert!(matches!(&entries(&log, 0)[..], [Entry::Withdrawn(_)]));
        log.advance(without_key, now());
        assert_eq!(log.position().count, 1);
    }

    #[test]
    fn a_log_is_worn_when_it_is_mostly_of_the_past() {
        let world = World::new();
        let mut log = Log::begin([1; 16], snapshot(&world), now());
        let entry = Entry::Withdrawn(WithdrawnKey {
            access_key_id: "AKIAAAAAAAAAAAAAAAAA".parse().unwrap(),
            revision: 1,
            until: now(),
        });
        for _ in 0..SLACK {
            log.append(&entry);
        }
        assert!(!log.is_worn());
        log.append(&entry);
        assert!(log.is_worn());
    }
}
