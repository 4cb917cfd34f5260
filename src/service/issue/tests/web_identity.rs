//! Roles for the holders of identity tokens, which are verified for real.

use std::sync::{Arc, LazyLock};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde_json::json;

use super::*;
use crate::service::caller::WebIdentity;
use crate::service::directory::{Directory, Snapshot};
use crate::service::federation::key_sets::{KeySetError, KeySetSource, KeySetStatus, KeySets};
use crate::service::federation::test_issuer::{CLIENT_ID, ISSUER, SUBJECT, TestIssuer, now as token_time};
use crate::service::federation::{Identification, KeySet};
use crate::service::issue::{AssumeRoleWithWebIdentity, Granted, Holder};
use crate::service::test_world::{ACCOUNT, Counting, OTHER_ACCOUNT, TRUST_DOMAIN, envelope};
use crate::store::{MasterKey, MemoryStore, RecordCipher, Revision, Store, records};

const PROVIDER: &str = "arn:aws:iam::111111111111:oidc-provider/idp.example.com/realm";

/// Keys that are there, or not; counts who asks.
#[derive(Debug)]
struct Fixed(Result<Arc<KeySet>, KeySetError>, std::sync::atomic::AtomicUsize);

impl KeySets for Fixed {
    fn key_set<'a>(
        &'a self,
        _: &'a KeySetSource,
        _: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Arc<KeySet>, KeySetError>> {
        self.1.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        std::future::ready(self.0.clone()).boxed()
    }

    fn status(&self, _: &KeySetSource) -> KeySetStatus {
        KeySetStatus::default()
    }
}

pub(super) struct Stage {
    pub(super) world: World,
    pub(super) issuer: TestIssuer,
    keys: Arc<Fixed>,
}

impl Stage {
    pub(super) fn new() -> Self {
        let issuer = TestIssuer::new();
        let keys = Arc::new(Fixed(Ok(Arc::new(issuer.keys())), Default::default()));
        let mut world = World::new();
        put_provider(&mut world, ACCOUNT, ISSUER, "p");
        Self { world, issuer, keys }
    }

    /// A role that trusts the provider on this condition.
    pub(super) fn role(&mut self, name: &str, condition: serde_json::Value) -> String {
        self.world.role(name, &trust_provider(condition), "")
    }

    pub(super) fn identify(&self, ask: &AssumeRoleWithWebIdentity) -> Result<WebIdentity, Error> {
        let (request, token) = ask.read()?;
        let identification = Identification::new(self.keys.clone());
        let directory = || Arc::new(self.world.snapshot.clone());
        let envelope = envelope();
        let found = identification.identify(token, request.account(), directory, &envelope, "us-east-1", token_time());
        found.now_or_never().unwrap()
    }

    /// The session, before any use is spent.
    pub(super) fn grant(&self, ask: &AssumeRoleWithWebIdentity) -> Result<Granted, Error> {
        let visitor = self.identify(ask)?;
        self.world.issuer.assume_role_with_web_identity(&visitor, ask.read()?.0)
    }

    /// The session of a role that counts no uses, and so writes none.
    fn assume(&self, ask: &AssumeRoleWithWebIdentity) -> Result<Issued, Error> {
        let nowhere = directory(Arc::new(MemoryStore::new(token_time)));
        let issued = self.grant(ask)?.redeem(&nowhere, token_time()).now_or_never().unwrap();
        assert_eq!(nowhere.snapshot().revision, Revision::default());
        issued
    }
}

/// One for all replicas: transactions must not have the same id.
static RANDOM: LazyLock<Arc<Counting>> = LazyLock::new(Arc::default);

/// A replica's directory, over what a store holds.
pub(super) fn directory(store: Arc<dyn Store>) -> Directory {
    let cipher = RecordCipher::new(&MasterKey::new([7; 32]), TRUST_DOMAIN);
    let (revision, records) = store.load().now_or_never().unwrap().unwrap();
    let (snapshot, _) = Snapshot::read(revision, &records, &cipher).unwrap();
    Directory::new(store, cipher, RANDOM.clone(), snapshot)
}

pub(super) fn put_provider(world: &mut World, account: &str, issuer: &str, id: &str) {
    let record = records::OidcProvider {
        account: account.into(),
        issuer: issuer.into(),
        unique_id: id.repeat(32),
        client_ids: vec![CLIENT_ID.into()],
        ..Default::default()
    };
    let name = issuer.split_once("://").unwrap().1;
    world.put(&format!("providers/{account}/{name}"), records::encode(&record));
}

pub(super) fn trust_provider(condition: serde_json::Value) -> String {
    json!({"Version": "2012-10-17", "Statement": [{
        "Sid": "Main", "Effect": "Allow", "Principal": {"Federated": PROVIDER},
        "Action": ["sts:AssumeRoleWithWebIdentity", "sts:TagSession", "sts:SetSourceIdentity"], "Condition": condition,
    }]})
    .to_string()
}

pub(super) fn only(subject: &str) -> serde_json::Value {
    json!({"StringEquals": {"idp.example.com/realm:sub": subject, "idp.example.com/realm:aud": CLIENT_ID}})
}

pub(super) fn ask(role: &str, token: &str) -> AssumeRoleWithWebIdentity {
    AssumeRoleWithWebIdentity {
        role_arn: text(role),
        role_session_name: text("ci"),
        web_identity_token: text(token),
        ..Default::default()
    }
}

#[track_caller]
pub(super) fn refused<T: std::fmt::Debug>(result: Result<T, Error>, kind: Kind, part: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.message().contains(part), "{error}");
}

#[test]
fn a_trusted_subject_gets_a_session_that_tells_where_it_comes_from() {
    let mut stage = Stage::new();
    let role = stage.role("deploy", only(SUBJECT));
    let token = stage.issuer.token_with(json!({}));
    let issued = stage.assume(&ask(&role, &format!("  {token}\r\n"))).unwrap();
    let Holder::WebIdentity { arn, subject, provider, audience, .. } = &issued.holder else { panic!("{issued:?}") };
    assert_eq!(arn.as_str(), "arn:aws:sts::111111111111:assumed-role/deploy/ci");
    assert_eq!([subject, provider, audience], [SUBJECT, ISSUER, CLIENT_ID]);
    let elements = issued.audit_elements().to_string();
    assert!(elements.contains("assumed-role/deploy/ci") && !elements.contains(&token), "{elements}");
    assert_eq!(issued.lifetime.expires_at - issued.lifetime.issued_at, 3600);
    let claims = stage.world.verified(&issued.credentials, issued.lifetime.issued_at).unwrap();
    let claims = claims.session().unwrap().claims.clone();
    let federation = claims.federation.unwrap();
    assert_eq!((federation.issuer.as_str(), federation.subject.as_str()), (ISSUER, SUBJECT));
    assert!(claims.source_access_key.is_none() && claims.ancestors.is_empty());
}

#[test]
fn b18_the_trust_policy_decides_on_the_claims_and_a_refusal_tells_the_caller_s_own() {
    let mut stage = Stage::new();
    let role = stage.role("deploy", only("repo:octo-org/octo-repo:ref:refs/heads/release"));
    let token = stage.issuer.token_with(json!({}));
    let error = stage.assume(&ask(&role, &token)).unwrap_err();
    assert_eq!(error.kind(), Kind::AccessDenied(Reason::TrustNotSatisfied));
    assert_eq!(
        error.message(),
        format!(
            "Not authorized to perform sts:AssumeRoleWithWebIdentity (TRUST_NOT_SATISFIED): the role's trust policy does not \
             allow it, or there is no such role; the token's sub is {SUBJECT:?} (GitHub's form without ids), its aud \
             {CLIENT_ID:?}."
        )
    );
    let trace = error.denial().unwrap().trace();
    assert_eq!(trace.detail.unwrap().as_str(), "TRUST_CLAIM_MISMATCH");
    assert_eq!(trace.nearest_failure().unwrap().given, [SUBJECT]);
    let absent = stage.assume(&ask("arn:aws:iam::111111111111:role/absent", &token)).unwrap_err();
    assert_eq!((absent.kind(), absent.message()), (error.kind(), error.message()));
}

#[test]
fn every_claim_is_a_condition_key_nested_ones_and_lists_too() {
    let mut stage = Stage::new();
    let token = stage.issuer.token_with(json!({
        "kubernetes.io": {"namespace": "prod", "pod": {"name": "web-0"}}, "groups": ["dev", "ops"], "run": 7, "pull": false,
    }));
    let key = |name: &str| format!("idp.example.com/realm:{name}");
    for (n, (operator, name, value, allowed)) in [
        ("StringEquals", "kubernetes.io/namespace", "prod", true),
        ("StringEquals", "kubernetes.io/pod/name", "web-0", true),
        ("StringEquals", "kubernetes.io/pod/name", "web-1", false),
        ("ForAnyValue:StringEquals", "groups", "ops", true),
        ("ForAnyValue:StringEquals", "groups", "admin", false),
        ("NumericEquals", "run", "7", true),
        ("Bool", "pull", "false", true),
        ("StringEquals", "nothing", "x", false),
    ]
    .into_iter()
    .enumerate()
    {
        let role = stage.role(&format!("r{n}"), json!({operator: {key(name): value}}));
        assert_eq!(stage.assume(&ask(&role, &token)).is_ok(), allowed, "{operator} {name} {value}");
    }
    let role =
        stage.role("neutral", json!({"StringEquals": {"oidc:kubernetes.io/namespace": "prod", "oidc:aud": CLIENT_ID}}));
    assert!(stage.assume(&ask(&role, &token)).is_ok());
    let role = stage.role("provider", json!({"StringEquals": {"aws:FederatedProvider": PROVIDER}}));
    assert!(stage.assume(&ask(&role, &token)).is_ok());
}

#[test]
fn b9_b24_an_issuer_that_the_role_s_account_does_not_have_is_asked_nothing() {
    let mut stage = Stage::new();
    let token = stage.issuer.token_with(json!({}));
    let foreign = format!("arn:aws:iam::{OTHER_ACCOUNT}:role/deploy");
    refused(stage.assume(&ask(&foreign, &token)), Kind::InvalidIdentityToken, "No OpenIDConnect provider found");
    for issuer in ["https://idp.example.com/realm/", "http://idp.example.com/realm", "https://169.254.169.254/latest"] {
        let token = stage.issuer.token_with(json!({"iss": issuer}));
        let role = stage.role("deploy", only(SUBJECT));
        refused(stage.assume(&ask(&role, &token)), Kind::InvalidIdentityToken, issuer);
    }
    assert_eq!(stage.keys.1.load(std::sync::atomic::Ordering::Relaxed), 0);
}

#[test]
fn faults_of_the_token_have_the_classes_of_aws() {
    let mut stage = Stage::new();
    let role = stage.role("deploy", only(SUBJECT));
    let past = token_time().unix() - 3600;
    for (claims, kind) in [
        (json!({"aud": "someone-else"}), Kind::InvalidIdentityToken),
        (json!({"iat": past - 60, "exp": past}), Kind::ExpiredIdentityToken),
        (json!({"sub": null}), Kind::InvalidIdentityToken),
        (json!({"https://aws.amazon.com/tags": "x"}), Kind::IdpRejectedClaim),
    ] {
        refused(stage.assume(&ask(&role, &stage.issuer.token_with(claims))), kind, "");
    }
    let good = stage.issuer.token_with(json!({}));
    let forged = format!("{}A", &good[..good.len() - 1]);
    refused(stage.assume(&ask(&role, &forged)), Kind::InvalidIdentityToken, "");
    refused(stage.assume(&ask(&role, "not a token")), Kind::InvalidIdentityToken, "not a valid JWT");
    refused(stage.assume(&ask(&role, &"x".repeat(20_001))), Kind::ValidationError, "webIdentityToken");
    let error = stage.assume(&ask(&role, &"secret".repeat(4000))).unwrap_err();
    assert!(!error.message().contains("secret"), "{error}");
    let oauth = AssumeRoleWithWebIdentity { provider_id: text("www.amazon.com"), ..ask(&role, &good) };
    refused(stage.assume(&oauth), Kind::ValidationError, "ProviderId");
    stage.keys = Arc::new(Fixed(Err(KeySetError::Timeout), Default::default()));
    refused(stage.assume(&ask(&role, &good)), Kind::IdpCommunicationError, "cannot be fetched");
}

#[test]
fn tags_and_source_identity_come_from_the_token_and_need_their_permissions() {
    let mut stage = Stage::new();
    let token = stage.issuer.token_with(json!({
        "https://aws.amazon.com/tags": {"principal_tags": {"Team": ["red"], "Cost": ["7"]}, "transitive_tag_keys": ["Team"]},
        "https://aws.amazon.com/source_identity": "octocat",
    }));
    let all = only(SUBJECT);
    let role = stage.role("tagged", all.clone());
    let issued = stage.assume(&ask(&role, &token)).unwrap();
    assert_eq!(issued.source_identity(), Some("octocat"));
    let session = stage.world.verified(&issued.credentials, issued.lifetime.issued_at).unwrap();
    let tags = session.session().unwrap().claims.tags.clone();
    let mut told: Vec<_> = tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str(), tag.transitive)).collect();
    told.sort_unstable();
    assert_eq!(told, [("Cost", "7", false), ("Team", "red", true)]);

    let by_tag = json!({"StringEquals": {"aws:RequestTag/Team": "blue"}});
    let role = stage.role("blue", by_tag);
    refused(stage.assume(&ask(&role, &token)), Kind::AccessDenied(Reason::TrustNotSatisfied), "");
    for (left_out, action) in [("sts:TagSession", "TagSession"), ("sts:SetSourceIdentity", "SetSourceIdentity")] {
        let policy = trust_provider(all.clone()).replace(left_out, "sts:AssumeRole");
        let role = stage.world.role(action, &policy, "");
        let part = format!("perform sts:{action} (TRUST_NOT_SATISFIED)");
        refused(stage.assume(&ask(&role, &token)), Kind::AccessDenied(Reason::TrustNotSatisfied), &part);
    }
}

#[test]
fn b31_c9_no_claim_fills_a_key_of_the_server_or_names_a_policy() {
    let mut stage = Stage::new();
    let claims =
        json!({"aws:userid": "root", "policy": "admin", "sts:RoleSessionName": "x", "aws:SourceIp": "10.0.0.1"});
    let token = stage.issuer.token_with(claims);
    for (name, value) in [("aws:userid", "root"), ("aws:SourceIp", "10.0.0.1"), ("sts:RoleSessionName", "x")] {
        let role = stage.role("r", json!({"StringEquals": {name: value}}));
        assert!(stage.assume(&ask(&role, &token)).is_err(), "{name}");
    }
    let role = stage.role("ip", json!({"IpAddress": {"aws:SourceIp": "203.0.113.9"}}));
    let issued = stage.assume(&ask(&role, &token)).unwrap();
    let session = stage.world.verified(&issued.credentials, issued.lifetime.issued_at).unwrap();
    let claims = session.session().unwrap().claims.clone();
    assert!(claims.session_policy.is_none() && claims.session_policy_arns.is_empty() && claims.tags.is_empty());
}

#[test]
fn c11_a_session_of_a_web_identity_chains_like_any_other() {
    let mut stage = Stage::new();
    let first = stage.role("first", only(SUBJECT));
    let policy = crate::service::test_world::ALLOW_ALL;
    let second = stage.world.role("second", &crate::service::test_world::trust(ACCOUNT), policy);
    let role = records::Role {
        inline_policies: crate::service::test_world::inline(policy),
        ..stage.world.role_record("first", &trust_provider(only(SUBJECT)))
    };
    stage.world.put_role(role);
    let issued = stage.assume(&ask(&first, &stage.issuer.token_with(json!({})))).unwrap();
    let at = issued.lifetime.issued_at;
    let caller = stage.world.caller_of(stage.world.verified(&issued.credentials, at).unwrap(), at).unwrap();
    let chained = stage.world.issuer.assume_role(&caller, &crate::service::test_world::assume_role(&second)).unwrap();
    let session = stage.world.verified(&chained.credentials, at).unwrap();
    assert_eq!(session.session().unwrap().claims.federation.as_ref().unwrap().subject, SUBJECT);
}
