//! Who may revoke what, what is refused from then on, and what is left alone.

mod effect;
mod list;
mod permission;

use std::sync::Arc;

use brevet_validator::credential::{AccessKeyId, Credentials, KeyKind};
use brevet_validator::identity::{Principal, SessionName};
use brevet_validator::timestamp::Timestamp;
use brevet_validator::token::{Claims, Federation, Origin, Subject};

use super::*;
use crate::service::directory::{Directory, Edit, Snapshot};
use crate::service::error::{Error, Kind};
use crate::service::hex::hex;
use crate::service::issue::GetSessionToken;
use crate::service::test_world::*;
use crate::store::{MasterKey, MemoryStore, RecordCipher, Revision, Store, records};

const SESSION: &str = "arn:aws:brevet:eu-central-1:111111111111:session/";

/// Two accounts in a directory that revocations are made in.
struct Stage {
    world: World,
    store: Arc<MemoryStore>,
    random: Arc<Counting>,
    directory: Directory,
    admin: Credentials,
}

fn cipher() -> RecordCipher {
    RecordCipher::new(&MasterKey::new([7; 32]), TRUST_DOMAIN)
}

impl Stage {
    fn new() -> Self {
        Self::with(|_| ()).0
    }

    fn with<T>(more: impl FnOnce(&mut World) -> T) -> (Self, T) {
        let mut world = World::new();
        world.snapshot.revision = Revision(0);
        let admin = world.user("admin", ALLOW_ALL);
        world.role("deploy", &trust(ACCOUNT), "");
        world.role("other", &trust(ACCOUNT), ALLOW_ALL);
        let more = more(&mut world);
        let store = Arc::new(MemoryStore::new(now));
        let random = Arc::default();
        let directory = replica(&store, &world, &random);
        (Self { world, store, random, directory, admin }, more)
    }

    fn try_revoke<'a>(
        &'a mut self,
        by: &Credentials,
        which: Which,
    ) -> impl Future<Output = Result<Revoked, Error>> + use<'a> {
        let caller = self.caller(by).unwrap();
        let input = RevokeSession { which: Some(which), wait: None };
        async move { revoke(&self.directory, &caller, &input).await }
    }

    /// By the administrator.
    async fn revoke(&mut self, which: Which) -> Timestamp {
        let admin = self.admin.clone();
        self.try_revoke(&admin, which).await.unwrap().until
    }

    /// In the directory as it is now.
    fn caller(&mut self, credentials: &Credentials) -> Result<crate::service::caller::Caller, Error> {
        self.world.snapshot = Snapshot::clone(&self.directory.snapshot());
        self.world.caller(credentials)
    }

    fn is_refused(&mut self, credentials: &Credentials) -> bool {
        match self.caller(credentials) {
            Ok(_) => false,
            Err(error) => {
                assert_eq!(error.kind(), Kind::InvalidClientTokenId);
                assert_eq!(error.message(), "The security token included in the request is invalid.");
                true
            }
        }
    }

    fn assume(&mut self, by: &Credentials, role: &str) -> Credentials {
        self.world.snapshot = Snapshot::clone(&self.directory.snapshot());
        self.world.assume(by, &assume_role(&role_arn(role))).unwrap().credentials
    }

    fn session_token(&mut self, by: &Credentials) -> Credentials {
        let caller = self.caller(by).unwrap();
        self.world.issuer.session_token(&caller, &GetSessionToken::default()).unwrap().credentials
    }

    /// What a replica that starts now knows.
    async fn restarted(&self) -> Snapshot {
        let (revision, records) = self.store.load().await.unwrap();
        Snapshot::read(revision, &records, &cipher()).unwrap().0
    }
}

fn replica(store: &Arc<MemoryStore>, world: &World, random: &Arc<Counting>) -> Directory {
    Directory::new(store.clone(), cipher(), random.clone(), world.snapshot.clone())
}

fn role_arn(name: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:role/{name}")
}

fn user_arn(name: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:user/{name}")
}

fn one(credentials: &Credentials) -> Which {
    Which::AccessKeyId(credentials.access_key_id.to_string())
}

fn allow(action: &str, resource: &str) -> String {
    format!(r#"{{"Statement":{{"Effect":"Allow","Action":"{action}","Resource":"{resource}"}}}}"#)
}

/// Of an identity provider whose id is made of one byte.
fn provider(account: &str, n: u8) -> Vec<u8> {
    records::encode(&records::OidcProvider {
        account: account.into(),
        issuer: "https://id.test".into(),
        unique_id: hex(&[n; 16]),
        client_ids: vec!["c".into()],
        ..Default::default()
    })
}

/// A session of the role `deploy` by an identity token of the provider.
fn web_claims(snapshot: &Snapshot) -> Claims {
    let role = snapshot.role(account(), "deploy").unwrap();
    Claims {
        principal: Principal::RoleSession {
            account: account(),
            role_path: role.path.clone(),
            role_name: role.name.clone(),
            role_id: role.id,
            session_name: "web".parse::<SessionName>().unwrap(),
        },
        generation: 0,
        source_identity: None,
        tags: Vec::new(),
        session_policy: None,
        session_policy_arns: Vec::new(),
        federation: Some(Federation {
            issuer: "https://id.test".into(),
            subject: "s".into(),
            provider_id: hex(&[7; 16]),
        }),
        mfa_at: None,
        ancestors: Vec::new(),
        root_expires_at: None,
        ends_with_root: false,
        source_access_key: None,
        source_user: None,
        directory_revision: snapshot.revision.0,
        audience: Vec::new(),
        region: "eu-central-1".into(),
        origin: Origin::AssumeRole,
    }
}
