//! A directory that changes, with an administrator, and short words for what tests ask of it.

use std::sync::Arc;

use brevet_validator::credential::{AccessKeyId, Credentials, KeyKind};

use crate::service::caller::Caller;
use crate::service::directory::{AccessKey, Account, Directory, Edit, KeyOwner, Snapshot, User};
use crate::service::error::{Error, Kind};
use crate::service::iam::*;
use crate::service::test_world::{ACCOUNT, ALLOW_ALL, Counting, OTHER_ACCOUNT, World, now};
use crate::store::{MasterKey, MemoryStore, RecordCipher};

pub(super) const NO_ONE: &str =
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole"}}"#;

/// Two accounts; in the first an administrator, `admin`, and whoever else is asked for at the start.
pub(super) struct Stage {
    pub(super) iam: Iam,
    pub(super) directory: Arc<Directory>,
    pub(super) admin: Credentials,
    world: World,
}

impl Stage {
    pub(super) async fn new() -> Self {
        let (stage, ()) = Self::with(|_| ()).await;
        stage
    }

    /// `more` puts in what the test needs besides.
    pub(super) async fn with<T>(more: impl FnOnce(&mut World) -> T) -> (Self, T) {
        let mut world = World::new();
        let admin = world.user("admin", ALLOW_ALL);
        let more = more(&mut world);
        let store = Arc::new(MemoryStore::new(now));
        let cipher = RecordCipher::new(&MasterKey::new([7; 32]), *b"a trust domain..");
        let random = Arc::new(Counting::default());
        let directory = Arc::new(Directory::new(store, cipher, random.clone(), Snapshot::default()));
        let fill = |edit: &mut Edit| {
            store_all(edit, &world);
            Ok(())
        };
        directory.change(fill).await.unwrap();
        let iam = Iam::new(Arc::clone(&directory), random);
        (Self { iam, directory, admin, world }, more)
    }

    /// Signs, is verified, and looked up in the directory as it is now.
    pub(super) fn caller(&mut self, credentials: &Credentials) -> Caller {
        self.world.snapshot = Snapshot::clone(&self.directory.snapshot());
        self.world.caller(credentials).unwrap()
    }

    pub(super) async fn call_as(&mut self, credentials: &Credentials, request: Request) -> Result<Answer, Error> {
        let caller = self.caller(credentials);
        self.iam.call(&caller, request).await
    }

    /// The administrator asks.
    pub(super) async fn call(&mut self, request: Request) -> Result<Answer, Error> {
        let admin = self.admin.clone();
        self.call_as(&admin, request).await
    }

    /// The administrator asks, and it is done.
    pub(super) async fn done(&mut self, request: Request) -> Answer {
        let name = request.name();
        self.call(request).await.unwrap_or_else(|error| panic!("{name}: {:?} {error}", error.kind()))
    }

    /// The administrator asks, and is refused.
    pub(super) async fn refused(&mut self, request: Request) -> (Kind, String) {
        let name = request.name();
        match self.call(request).await {
            Err(error) => (error.kind(), error.message().to_owned()),
            Ok(answer) => panic!("{name} answered {answer:?}"),
        }
    }

    pub(super) fn world(&self) -> &World {
        &self.world
    }
}

/// Everything of a world into a directory. The keys that it made are listed with their holders.
fn store_all(edit: &mut Edit, world: &World) {
    let snapshot = &world.snapshot;
    let ids = (0..=255).map(|n| AccessKeyId::from_bytes(KeyKind::LongLived, [n; 10]));
    let keys: Vec<&AccessKey> = ids.filter_map(|id| snapshot.access_key(id)).collect();
    let of = |account, owner: KeyOwner| {
        keys.iter().filter(|key| key.account == account && key.owner == owner).map(|key| key.id).collect()
    };
    for id in [ACCOUNT, OTHER_ACCOUNT].map(|id| id.parse().unwrap()) {
        edit.put(Account { access_keys: of(id, KeyOwner::Root), ..snapshot.account(id).unwrap().clone() });
        for user in snapshot.users(id) {
            let owner = KeyOwner::User { name: user.name.clone(), id: user.id };
            edit.put(User { access_keys: of(id, owner), ..user.clone() });
        }
        snapshot.roles(id).for_each(|role| edit.put(role.clone()));
        snapshot.policies(id).for_each(|policy| edit.put(policy.clone()));
    }
    keys.iter().for_each(|key| edit.put((*key).clone()));
}

/// The same as `Some(text.to_owned())`.
pub(super) fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

pub(super) fn policy_text(text: &str) -> Option<PolicyText> {
    Some(PolicyText(text.to_owned()))
}

pub(super) fn allow(action: &str, resource: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"{action}","Resource":"{resource}"}}}}"#
    )
}

pub(super) fn user_arn(path_and_name: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:user/{path_and_name}")
}

pub(super) fn policy_arn(path_and_name: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:policy/{path_and_name}")
}

pub(super) fn create_user(name: &str) -> Request {
    Request::CreateUser(CreateUser { user_name: some(name), ..Default::default() })
}

pub(super) fn create_access_key(user: &str) -> Request {
    Request::CreateAccessKey(CreateAccessKey { user_name: some(user), ..Default::default() })
}

pub(super) fn create_role(name: &str, trust: &str) -> Request {
    let assume_role_policy_document = policy_text(trust);
    Request::CreateRole(CreateRole { role_name: some(name), assume_role_policy_document, ..Default::default() })
}

pub(super) fn create_policy(name: &str, document: &str) -> Request {
    let policy_document = policy_text(document);
    Request::CreatePolicy(CreatePolicy { policy_name: some(name), policy_document, ..Default::default() })
}

pub(super) fn user_name(name: &str) -> UserName {
    UserName { user_name: some(name) }
}

pub(super) fn role_name(name: &str) -> RoleName {
    RoleName { role_name: some(name) }
}

pub(super) fn of_user(name: &str, action: OwnedAction) -> Request {
    Request::Owned(OwnedRequest { kind: OwnerKind::User, owner: some(name), action })
}

pub(super) fn of_role(name: &str, action: OwnedAction) -> Request {
    Request::Owned(OwnedRequest { kind: OwnerKind::Role, owner: some(name), action })
}

pub(super) fn put_policy(name: &str, document: &str) -> OwnedAction {
    OwnedAction::PutPolicy { policy_name: some(name), policy_document: policy_text(document) }
}

pub(super) fn attach(name: &str) -> OwnedAction {
    OwnedAction::AttachPolicy { policy_arn: Some(policy_arn(name)) }
}

pub(super) fn put_boundary(name: &str) -> OwnedAction {
    OwnedAction::PutPermissionsBoundary { permissions_boundary: Some(policy_arn(name)) }
}

pub(super) fn tag(key: &str, value: &str) -> TagInput {
    TagInput { key: some(key), value: some(value) }
}

pub(super) fn page(max_items: &str, marker: Option<String>) -> PageInput {
    PageInput { max_items: some(max_items), marker }
}
