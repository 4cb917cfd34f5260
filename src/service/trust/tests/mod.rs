//! What a validator that follows is told, and when it is told no more. Time is the test's.

mod bundles;
mod receipts;
mod stream;

use std::sync::atomic::AtomicBool;

use brevet_validator::credential::Credentials;
use brevet_validator::identity::{UniqueId, UniqueIdKind};
use brevet_validator::token::{Entry, LogPosition, RevocationHead, Subject, TrustBundle};
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;

use super::*;
use crate::service::directory::{AccessKey, Edit, Grants, Snapshot, User, ZoneEntry};
use crate::service::error::Kind;
use crate::service::test_world::{
    ACCOUNT, ALLOW_ALL, Counting, OTHER_ACCOUNT, TRUST_DOMAIN, World, account, assume_role, envelope, inline, now,
    trust,
};
use crate::store::{
    Change, CommitError, MasterKey, MemoryStore, Record, RecordCipher, Revision, Store, StoreError, Transaction,
    records,
};

/// A clock that goes with tokio's, so that a paused one goes by itself.
#[derive(Debug)]
struct TokioClock(Instant);

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        now() + i64::try_from(self.0.elapsed().as_secs()).unwrap()
    }
    fn now_nanos(&self) -> u128 {
        0
    }
}

/// A store that can be down.
#[derive(Debug)]
struct Flaky {
    store: MemoryStore,
    down: AtomicBool,
}

impl Flaky {
    fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::Relaxed);
    }

    fn is_down(&self) -> bool {
        self.down.load(Ordering::Relaxed)
    }
}

impl Store for Flaky {
    fn load(&self) -> BoxFuture<'_, Result<(Revision, Vec<Record>), StoreError>> {
        self.store.load()
    }
    fn latest(&self) -> BoxFuture<'_, Result<Revision, StoreError>> {
        match self.is_down() {
            true => Box::pin(async { Err(StoreError("down".into())) }),
            false => self.store.latest(),
        }
    }
    fn commit(&self, tx: Transaction) -> BoxFuture<'_, Result<Revision, CommitError>> {
        match self.is_down() {
            true => Box::pin(async { Err(CommitError::NotDone("down".into())) }),
            false => self.store.commit(tx),
        }
    }
    fn outcome(&self, id: [u8; 16]) -> BoxFuture<'_, Result<Option<Revision>, StoreError>> {
        self.store.outcome(id)
    }
    fn watch(&self, after: Revision) -> BoxFuture<'_, Result<BoxStream<'static, Change>, StoreError>> {
        self.store.watch(after)
    }
}

/// A deployment whose operator account has an administrator.
struct Stage {
    world: World,
    store: Arc<Flaky>,
    directory: Arc<Directory>,
    trust: Arc<Trust>,
    clock: Arc<dyn Clock>,
    admin: Credentials,
    others: Vec<Credentials>,
}

impl Stage {
    async fn new() -> Self {
        Self::with(|_| Vec::new()).await
    }

    /// With users more, whose credentials come back in `others`.
    async fn with(more: impl FnOnce(&mut World) -> Vec<Credentials>) -> Self {
        let mut world = World::new();
        let operator = records::Account { id: ACCOUNT.into(), operator: true, ..Default::default() };
        world.put(&format!("accounts/{ACCOUNT}"), records::encode(&operator));
        let admin = world.user("admin", ALLOW_ALL);
        world.role("validator", &trust(ACCOUNT), ALLOW_ALL);
        let others = more(&mut world);

        let store = Arc::new(Flaky { store: MemoryStore::new(now), down: AtomicBool::new(false) });
        let random: Arc<dyn Random> = Arc::new(Counting::default());
        let cipher = RecordCipher::new(&MasterKey::new([7; 32]), TRUST_DOMAIN);
        let directory = Directory::new(store.clone(), cipher, Arc::clone(&random), Snapshot::default());
        let (_, anchor) = Keys::generate(&*random, now()).unwrap();
        let record = anchor.encode();
        let keys: Vec<_> = others.iter().chain([&admin]).map(|key| key.access_key_id).collect();
        let fill = |edit: &mut Edit| {
            edit.put_other(Anchor::RECORD_KEY, record);
            for account in world.snapshot.accounts() {
                edit.put(account.clone());
                world.snapshot.users(account.id).for_each(|user| edit.put(user.clone()));
                world.snapshot.roles(account.id).for_each(|role| edit.put(role.clone()));
            }
            keys.iter().for_each(|id| edit.put(world.snapshot.access_key(*id).unwrap().clone()));
            Ok(())
        };
        directory.change(fill).await.unwrap();
        let directory = Arc::new(directory);
        let trust = Trust::new(Arc::clone(&directory), Arc::clone(&world.keys), random, anchor).unwrap();
        let clock = Arc::new(TokioClock(Instant::now()));
        Self { world, store, directory, trust: Arc::new(trust), clock, admin, others }
    }

    /// Lets time pass for the log.
    fn run(&self) {
        tokio::spawn(Arc::clone(&self.trust).keep(Arc::clone(&self.clock)));
    }

    /// In the directory as it is now.
    fn caller(&mut self, credentials: &Credentials) -> Caller {
        self.world.snapshot = (*self.directory.snapshot()).clone();
        self.world.caller(credentials).unwrap()
    }

    fn watch_as(&mut self, who: &Credentials, input: &WatchTrust) -> Result<Watching, Error> {
        let caller = self.caller(who);
        self.trust.watch(&caller, &envelope(), &self.clock, input)
    }

    fn watch(&mut self, input: &WatchTrust) -> Result<Watching, Error> {
        let admin = self.admin.clone();
        self.watch_as(&admin, input)
    }

    fn acknowledge(&mut self, validator_id: &str, at: LogPosition) {
        let admin = self.admin.clone();
        let caller = self.caller(&admin);
        let input = AcknowledgeTrust {
            zone: "default".into(),
            validator_id: validator_id.into(),
            log: at.log.to_vec(),
            count: at.count,
            ..Default::default()
        };
        assert_eq!(self.trust.acknowledge(&caller, input).unwrap(), []);
    }

    async fn change(&self, decide: impl FnOnce(&mut Edit)) {
        let decide = |edit: &mut Edit| {
            decide(edit);
            Ok(())
        };
        self.directory.change(decide).await.unwrap();
    }

    async fn revoke(&self, subject: Subject) {
        let revoke = |edit: &mut Edit| {
            edit.revoke(subject, now());
        };
        self.change(revoke).await;
    }

    /// Keys of a session that may do everything for an hour.
    fn session(&mut self) -> Credentials {
        let admin = self.admin.clone();
        self.caller(&admin);
        let role = assume_role(&format!("arn:aws:iam::{ACCOUNT}:role/validator"));
        self.world.assume(&admin, &role).unwrap().credentials
    }

    fn end(&self) -> LogPosition {
        self.trust.published.borrow().log.position()
    }
}

fn asked() -> WatchTrust {
    WatchTrust {
        zone: "default".into(),
        validator_id: "validator-1".into(),
        max_staleness: Some(Duration::from_secs(30)),
        ..Default::default()
    }
}

fn user(n: u8) -> Subject {
    Subject::User(UniqueId::from_random(UniqueIdKind::User, [n; 17]))
}

/// A validator's side of a stream.
#[derive(Default)]
struct Follower {
    bundle: Option<TrustBundle>,
    position: Option<LogPosition>,
    entries: Vec<Entry>,
    head: Option<RevocationHead>,
}

impl Follower {
    /// Applies a step as a validator does, which checks everything.
    fn apply(&mut self, step: &Step) {
        if !step.bundle.is_empty() {
            let pinned = self.bundle.as_ref().map(|bundle| bundle.anchor);
            let bundle = TrustBundle::decode(&step.bundle, pinned.as_ref()).unwrap();
            assert!(self.bundle.as_ref().is_none_or(|old| old.sequence < bundle.sequence));
            self.bundle = Some(bundle);
        }
        if let Some(log) = step.log {
            (self.position, self.entries) = (Some(LogPosition::start(log)), Vec::new());
        }
        for entry in &step.entries {
            self.position = self.position.map(|position| position.after(entry));
            self.entries.push(Entry::decode(entry).unwrap());
        }
        if !step.head.is_empty() {
            let anchor = self.bundle.as_ref().unwrap().anchor;
            let head = RevocationHead::verify(&step.head, &anchor, &TRUST_DOMAIN).unwrap();
            assert_eq!(Some(head.position), self.position);
            self.head = Some(head);
        }
    }
}
