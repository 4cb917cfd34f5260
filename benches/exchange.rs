//! AssumeRole through the whole service without a network: authenticate, decide, mint, record.
//!
//! `cargo bench --bench exchange`

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use brevet::adapters::audit_log::AuditLog;
use brevet::adapters::clock::SystemClock;
use brevet::adapters::key_sets::FetchedKeySets;
use brevet::adapters::random::SystemRandomness;
use brevet::service::caller::Envelope;
use brevet::service::clock::Clock as _;
use brevet::service::deployment::{Deployment, FirstRole, Founding};
use brevet::service::directory::{Document, Edit, Grants, Role};
use brevet::service::error::Error;
use brevet::service::federation::Plaintext;
use brevet::service::issue::AssumeRole;
use brevet::service::operation::{Answer, Operation};
use brevet::service::pipeline::Service;
use brevet::store::{MasterKey, MemoryStore, Store as _};
use brevet_validator::credential::Credentials;
use brevet_validator::identity::{AccountId, UniqueId, UniqueIdKind};
use brevet_validator::policy::{Kind as PolicyKind, Policy};
use brevet_validator::signature::{PathStyle, Request, sign};
use divan::{Bencher, black_box};
use http::{HeaderMap, HeaderValue};
use ring::signature::Ed25519KeyPair;
use sha2::{Digest, Sha256};

const ROLES: &[FirstRole] = &[FirstRole {
    name: "reader",
    policy: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}]}"#,
}];

fn main() {
    divan::main();
}

struct Stage {
    runtime: tokio::runtime::Runtime,
    service: Service,
    body: String,
    role_arn: String,
    headers: HeaderMap,
}

/// A trust policy that lets no one in who does not know the external id.
const REFUSING: &str = r#"{"Version":"2012-10-17","Statement":[{"Sid":"Partner","Effect":"Allow",
    "Principal":{"AWS":"111111111111"},"Action":["sts:AssumeRole","sts:TagSession"],
    "Condition":{"StringEquals":{"sts:ExternalId":"tenant-1"}}}]}"#;

impl Stage {
    fn new(role: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let (service, role_arn, credentials) = runtime.block_on(async {
            let random = Arc::new(SystemRandomness::default());
            let master = MasterKey::new([1; 32]);
            let founding = Founding { account: None, administrator: "admin", roles: ROLES, provider: None };
            let (first, founded) = founding.first_transaction(&master, &*random, &SystemClock).expect("a deployment");
            let store = Arc::new(MemoryStore::new(|| SystemClock.now()));
            store.commit(first).await.expect("a commit");
            let deployment = Deployment::start(store, &master, random.clone()).await.expect("a start");
            put_refusing(&deployment, founded.account).await;
            let role = format!("arn:aws:iam::{}:role/{role}", founded.account);
            let service = Service::start(
                &deployment,
                Arc::new(AuditLog),
                Arc::new(SystemClock),
                random,
                Arc::new(FetchedKeySets::new(Arc::new(SystemClock))),
                Plaintext::Refused,
            );
            (service, role, founded.credentials)
        });
        let body = format!("Action=AssumeRole&Version=2011-06-15&RoleArn={role_arn}&RoleSessionName=bench");
        let headers = signed(&credentials, &body);
        Self { runtime, service, body, role_arn, headers }
    }

    fn assume_role(&self) -> Result<Answer, Error> {
        let envelope = Envelope {
            request_id: "bench".into(),
            source_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            user_agent: None,
            tls: false,
            wire: "query",
        };
        let request =
            Request { method: "POST", path: "/", query: "", authority: None, scheme: "http", headers: &self.headers };
        let operation = Operation::AssumeRole(AssumeRole {
            role_arn: Some(self.role_arn.clone()),
            role_session_name: Some("bench".into()),
            ..AssumeRole::default()
        });
        let call = self.service.call(&envelope, request, self.body.as_bytes(), operation);
        black_box(self.runtime.block_on(call))
    }
}

async fn put_refusing(deployment: &Deployment, account: AccountId) {
    let trust = REFUSING.replace("111111111111", account.as_str());
    let policy = Policy::parse(&trust, PolicyKind::Trust).expect("a policy");
    let role = Role {
        account,
        path: "/".into(),
        name: "refusing".into(),
        id: UniqueId::from_random(UniqueIdKind::Role, [7; 17]),
        created_at: SystemClock.now(),
        description: String::new(),
        max_session_duration: 3600,
        trust: Document { text: trust.into(), policy: Arc::new(policy) },
        explain_to_caller: false,
        max_uses: None,
        grants: Grants::default(),
        generation: 0,
    };
    let put = |edit: &mut Edit| {
        edit.put(role);
        Ok(())
    };
    deployment.directory.change(put).await.expect("a change");
}

fn signed(credentials: &Credentials, body: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("host", HeaderValue::from_static("sts.example.com"));
    headers.insert("content-type", HeaderValue::from_static("application/x-www-form-urlencoded"));
    let request = Request { method: "POST", path: "/", query: "", authority: None, scheme: "http", headers: &headers };
    let hash = Sha256::digest(body).into();
    let added = sign(request, hash, credentials, "us-east-1", "sts", PathStyle::General, SystemClock.now());
    headers.extend(added.expect("a signature").into_iter().map(|(name, value)| (Some(name), value)));
    headers
}

/// The exchange.
#[divan::bench]
fn assume_role(bencher: Bencher<'_, '_>) {
    let stage = Stage::new("reader");
    bencher.bench_local(|| stage.assume_role().expect("an exchange"));
}

/// A refusal with its sealed trace: a role that is there and refuses.
#[divan::bench]
fn assume_role_refused(bencher: Bencher<'_, '_>) {
    let stage = Stage::new("refusing");
    bencher.bench_local(|| stage.assume_role().expect_err("a refusal"));
}

/// The same for a role that is not there: who measures the two should learn little.
#[divan::bench]
fn assume_role_absent(bencher: Bencher<'_, '_>) {
    let stage = Stage::new("no-such-role");
    bencher.bench_local(|| stage.assume_role().expect_err("a refusal"));
}

/// Its floor: one Ed25519 signature, and the randomness of a secret and a session id.
#[divan::bench]
fn assume_role_floor_one_ed25519_signature(bencher: Bencher<'_, '_>) {
    use brevet::service::random::Random as _;
    let pair = Ed25519KeyPair::from_seed_unchecked(&[2; 32]).expect("a seed");
    let random = SystemRandomness::default();
    let message = [7; 300];
    bencher.bench_local(|| {
        let mut bytes = [0; 96];
        random.fill(&mut bytes).expect("randomness");
        (pair.sign(black_box(&message)), bytes)
    });
}
