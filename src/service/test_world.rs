//! A small deployment in memory, for tests of what the service decides. Its callers sign and are verified for real.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use brevet_validator::credential::{AccessKeyId, Credentials, KeyKind, Lifetime, SecretKey};
use brevet_validator::identity::{AccountId, UniqueId, UniqueIdKind};
use brevet_validator::signature::{self, PathStyle, Request, Rules};
use brevet_validator::timestamp::Timestamp;
use brevet_validator::token::Claims;
use brevet_validator::validator::{KeySource, LongLivedKey, Rejection, Validator, Verified};
use http::HeaderMap;
use sha2::{Digest as _, Sha256};

use super::caller::{Caller, Envelope, long_lived_key};
use super::clock::Clock;
use super::directory::Snapshot;
use super::error::Error;
use super::issue::{AssumeRole, Issued, Issuer};
use super::keys::Keys;
use super::random::{NoRandomness, Random};
use crate::store::{Revision, records};

pub(super) const ACCOUNT: &str = "111111111111";
pub(super) const OTHER_ACCOUNT: &str = "222222222222";
pub(super) const TRUST_DOMAIN: [u8; 16] = *b"a trust domain..";
pub(super) const ALLOW_ALL: &str =
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;

/// 2026-01-15T12:00:00Z
pub(super) fn now() -> Timestamp {
    Timestamp::from_unix(1_768_478_400).unwrap()
}

/// Two accounts, and whatever else a test puts in.
pub(super) struct World {
    pub(super) snapshot: Snapshot,
    pub(super) keys: Arc<Keys>,
    pub(super) issuer: Issuer,
    made: u8,
}

impl World {
    pub(super) fn new() -> Self {
        let random: Arc<dyn Random> = Arc::new(Counting::default());
        let (epoch, anchor) = Keys::generate(&*random, now()).unwrap();
        let keys = Arc::new(Keys::new(TRUST_DOMAIN, &[epoch], &anchor, &*random).unwrap());
        let issuer = Issuer::new(Arc::clone(&keys), random, Arc::new(Still));
        let mut world = Self { snapshot: Snapshot::default(), keys, issuer, made: 0 };
        world.snapshot.revision = Revision(7);
        for id in [ACCOUNT, OTHER_ACCOUNT] {
            let record = records::Account { id: id.into(), ..Default::default() };
            world.put(&format!("accounts/{id}"), records::encode(&record));
        }
        world
    }

    /// Puts a record over whatever is there.
    pub(super) fn put(&mut self, key: &str, content: Vec<u8>) {
        assert!(self.snapshot.insert_record(key, 1, self.snapshot.revision, &content).unwrap(), "{key}");
    }

    /// A user with one key and, if given, one policy.
    pub(super) fn user(&mut self, name: &str, policy: &str) -> Credentials {
        let record = records::User { inline_policies: inline(policy), ..self.user_record(name) };
        self.put_user(record)
    }

    /// A new user to be completed, without policies.
    pub(super) fn user_record(&mut self, name: &str) -> records::User {
        records::User {
            account: ACCOUNT.into(),
            path: "/".into(),
            name: name.into(),
            unique_id: self.unique_id(UniqueIdKind::User),
            ..Default::default()
        }
    }

    /// Puts a user, with a new key.
    pub(super) fn put_user(&mut self, user: records::User) -> Credentials {
        let credentials = self.key(&user.account, &user.name, &user.unique_id);
        self.put(&format!("users/{}/{}", user.account, user.name), records::encode(&user));
        credentials
    }

    /// A key of the account itself.
    pub(super) fn root(&mut self) -> Credentials {
        self.key(ACCOUNT, "", "")
    }

    /// A role in [`ACCOUNT`] at path `/`, with one policy if given. Returns its ARN.
    pub(super) fn role(&mut self, name: &str, trust: &str, policy: &str) -> String {
        let record = records::Role { inline_policies: inline(policy), ..self.role_record(name, trust) };
        self.put_role(record)
    }

    /// A new role to be completed, without policies.
    pub(super) fn role_record(&mut self, name: &str, trust: &str) -> records::Role {
        records::Role {
            account: ACCOUNT.into(),
            path: "/".into(),
            name: name.into(),
            unique_id: self.unique_id(UniqueIdKind::Role),
            max_session_duration: 43_200,
            trust_policy: trust.into(),
            ..Default::default()
        }
    }

    /// Puts a role. Returns its ARN.
    pub(super) fn put_role(&mut self, role: records::Role) -> String {
        self.put(&format!("roles/{}/{}", role.account, role.name), records::encode(&role));
        format!("arn:aws:iam::{}:role{}{}", role.account, role.path, role.name)
    }

    /// A managed policy. Returns its ARN.
    pub(super) fn policy(&mut self, account: &str, name: &str, document: &str) -> String {
        let version = records::PolicyVersion { id: "v1".into(), document: document.into(), created_at: 0 };
        let record = records::ManagedPolicy {
            account: account.into(),
            path: "/".into(),
            name: name.into(),
            unique_id: self.unique_id(UniqueIdKind::ManagedPolicy),
            versions: vec![version],
            default_version_id: "v1".into(),
            ..Default::default()
        };
        self.put(&format!("policies/{account}/{name}"), records::encode(&record));
        format!("arn:aws:iam::{account}:policy/{name}")
    }

    /// A session with claims that no operation would make.
    pub(super) fn session(&self, claims: &Claims) -> Credentials {
        let lifetime = Lifetime { issued_at: now(), expires_at: now() + 3600 };
        let minted = self
            .keys
            .mint(claims, lifetime, &self.snapshot.session_zones(), SecretKey::new("s".repeat(40)), [9; 32], 0)
            .unwrap();
        Credentials {
            access_key_id: minted.access_key_id,
            secret_access_key: minted.secret_access_key,
            security_token: Some(minted.security_token),
            expiration: Some(lifetime.expires_at),
        }
    }

    /// Signs a request, verifies it, and looks the caller up.
    pub(super) fn caller(&self, credentials: &Credentials) -> Result<Caller, Error> {
        self.caller_of(self.verified(credentials, now())?, now())
    }

    /// What the directory makes of a check that was passed before.
    pub(super) fn caller_of(&self, verified: Verified, now: Timestamp) -> Result<Caller, Error> {
        Caller::new(verified, Arc::new(self.snapshot.clone()), &envelope(), "eu-central-1", now)
    }

    pub(super) fn verified(&self, credentials: &Credentials, now: Timestamp) -> Result<Verified, Rejection> {
        let mut headers = HeaderMap::new();
        headers.insert("host", "sts.test".parse().unwrap());
        let sign = |headers: &HeaderMap| {
            let request = Request { method: "POST", path: "/", query: "", authority: None, scheme: "http", headers };
            let hash = Sha256::digest(b"").into();
            signature::sign(request, hash, credentials, "eu-central-1", "sts", PathStyle::General, now).unwrap()
        };
        headers.extend(sign(&headers));
        let request =
            Request { method: "POST", path: "/", query: "", authority: None, scheme: "http", headers: &headers };
        Validator::new(Rules::of_service("sts"), self.keys.ring().clone(), 1)
            .with_key_source(Arc::new(Source(self.snapshot.clone())))
            .verify(request, b"", now)
    }

    /// Takes a role on, or not.
    pub(super) fn assume(&self, credentials: &Credentials, input: &AssumeRole) -> Result<Issued, Error> {
        self.issuer.assume_role(&self.caller(credentials)?, input)
    }

    pub(super) fn unique_id(&mut self, kind: UniqueIdKind) -> String {
        self.made += 1;
        UniqueId::from_random(kind, [self.made; 17]).to_string()
    }

    fn key(&mut self, account: &str, user: &str, unique_id: &str) -> Credentials {
        self.made += 1;
        let id = AccessKeyId::from_bytes(KeyKind::LongLived, [self.made; 10]);
        let secret = format!("{:0>40}", self.made);
        let record = records::AccessKey {
            id: id.to_string(),
            secret: secret.clone(),
            account: account.into(),
            user_name: user.into(),
            user_unique_id: unique_id.into(),
            active: true,
            ..Default::default()
        };
        self.put(&format!("access-keys/{id}"), records::encode(&record));
        Credentials {
            access_key_id: id,
            secret_access_key: SecretKey::new(secret),
            security_token: None,
            expiration: None,
        }
    }
}

/// A trust policy for one AWS principal and the actions that AssumeRole can need.
pub(super) fn trust(principal: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},
        "Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"]}}}}"#
    )
}

/// AssumeRole with what is required.
pub(super) fn assume_role(role_arn: &str) -> AssumeRole {
    AssumeRole {
        role_arn: Some(role_arn.to_owned()),
        role_session_name: Some("a-session".to_owned()),
        ..Default::default()
    }
}

pub(super) fn account() -> AccountId {
    ACCOUNT.parse().unwrap()
}

pub(super) fn envelope() -> Envelope {
    Envelope {
        request_id: "r".to_owned(),
        source_ip: IpAddr::V6(Ipv4Addr::new(203, 0, 113, 9).to_ipv6_mapped()),
        user_agent: Some("aws:userid=root".to_owned()),
        tls: false,
        wire: "query",
    }
}

pub(super) fn inline(document: &str) -> Vec<records::InlinePolicy> {
    let policy = records::InlinePolicy { name: "p".into(), document: document.into() };
    if document.is_empty() { Vec::new() } else { vec![policy] }
}

struct Source(Snapshot);

impl KeySource for Source {
    fn find(&self, id: AccessKeyId, now: Timestamp) -> Option<LongLivedKey> {
        long_lived_key(&self.0, id, now)
    }
}

#[derive(Debug)]
pub(super) struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        now()
    }
    fn now_nanos(&self) -> u128 {
        0
    }
}

/// Never the same bytes twice.
#[derive(Debug, Default)]
pub(super) struct Counting(AtomicU64);

impl Random for Counting {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), NoRandomness> {
        for chunk in buffer.chunks_mut(32) {
            let block = Sha256::digest(self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes());
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
        Ok(())
    }
}
