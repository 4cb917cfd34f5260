//! Keys that are made once, and tokens that others believe: read back as a relying party reads them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use brevet_validator::identity::Arn;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;

use super::*;
use crate::service::deployment::{Deployment, Founding};
use crate::service::federation::{Expectation, IdentityToken, KeySet, Plaintext, UnverifiedToken};
use crate::service::federation::{MAX_TOKEN_LENGTH, discovery};
use crate::service::keys::EpochState;
use crate::service::test_world::{Counting, Still, now};
use crate::store::{
    Change, CommitError, MasterKey, MemoryStore, Record, Revision, Store, StoreError, Transaction, records,
};

const AUDIENCE: &str = "https://api.example.com";

/// A store that can be down.
#[derive(Debug)]
struct Flaky {
    store: MemoryStore,
    down: AtomicBool,
}

impl Store for Flaky {
    fn load(&self) -> BoxFuture<'_, Result<(Revision, Vec<Record>), StoreError>> {
        self.store.load()
    }
    fn latest(&self) -> BoxFuture<'_, Result<Revision, StoreError>> {
        self.store.latest()
    }
    fn commit(&self, tx: Transaction) -> BoxFuture<'_, Result<Revision, CommitError>> {
        if self.down.load(Ordering::Relaxed) {
            return Box::pin(async { Err(CommitError::NotDone("down".into())) });
        }
        self.store.commit(tx)
    }
    fn outcome(&self, id: [u8; 16]) -> BoxFuture<'_, Result<Option<Revision>, StoreError>> {
        self.store.outcome(id)
    }
    fn watch(&self, after: Revision) -> BoxFuture<'_, Result<BoxStream<'static, Change>, StoreError>> {
        self.store.watch(after)
    }
}

fn master() -> MasterKey {
    MasterKey::new([1; 32])
}

async fn founded() -> Arc<Flaky> {
    let founding = Founding { account: None, administrator: "admin", roles: &[], provider: None };
    let (first, _) = founding.first_transaction(&master(), &Counting::default(), &Still).unwrap();
    let store = Flaky { store: MemoryStore::new(now), down: AtomicBool::new(false) };
    store.commit(first).await.unwrap();
    Arc::new(store)
}

/// A replica on a store. Each draws other randomness, as each should.
async fn replica(store: &Arc<Flaky>, seed: u8) -> Deployment {
    let random = Counting::default();
    for _ in 0..seed {
        crate::service::random::Random::fill(&random, &mut [0; 4096]).unwrap();
    }
    Deployment::start(Arc::clone(store) as Arc<dyn Store>, &master(), Arc::new(random)).await.unwrap()
}

/// How many keys of identity tokens a store holds.
async fn stored(store: &Flaky) -> usize {
    let (_, records) = store.load().await.unwrap();
    records.iter().filter(|record| record.key.starts_with(IssuerKey::PREFIX)).count()
}

async fn key_set(deployment: &Deployment) -> String {
    deployment.issuer_keys.ring(now()).await.unwrap().key_set().to_owned()
}

fn outbound(name: &str, deployment: &Deployment) -> Outbound {
    let issuer = Issuer::parse(name, Plaintext::Refused).unwrap();
    Outbound::new(issuer, Arc::clone(&deployment.issuer_keys), Arc::new(Still))
}

fn claims(algorithm: SigningAlgorithm) -> Claims {
    let account = "111111111111".parse().unwrap();
    Claims {
        algorithm,
        subject: Arn::new("iam", "", Some(account), "role/teams/ops"),
        audience: vec![AUDIENCE.into()],
        issued_at: now(),
        expires_at: now() + 300,
        id: "0123".into(),
        account,
        region: "eu-central-1".into(),
        principal_tags: vec![("Team".into(), "blue".into())],
        request_tags: vec![("a/b".into(), "\u{1}\"é".into())],
        session_expires_at: Some(now() + 3_600),
        source_identity: Some("ada".into()),
        federated_provider: Some("arn:aws:iam::111111111111:oidc-provider/ci.example.com".into()),
    }
}

/// As a second deployment reads a token that trusts the first as an identity provider.
async fn read(outbound: &Outbound, token: &str, at: i64) -> IdentityToken {
    let issuer = &outbound.published.issuer;
    let document = outbound.content(Page::Document).await.unwrap();
    let url = discovery::key_set_url(document.as_bytes(), issuer).unwrap();
    assert!(url.ends_with(&outbound.published.key_set_path));
    let keys = KeySet::parse(outbound.content(Page::KeySet).await.unwrap().as_bytes()).unwrap();
    let client_ids = [AUDIENCE.to_owned()];
    UnverifiedToken::parse(token).unwrap().verify(&keys, &Expectation::new(issuer, &client_ids), now() + at).unwrap()
}

fn part(token: &str, n: usize) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(n).unwrap()).unwrap()).unwrap()
}

#[tokio::test]
async fn another_brevet_takes_our_tokens_under_both_algorithms() {
    let deployment = replica(&founded().await, 0).await;
    for name in ["https://sts.example.com", "https://sts.example.com/tokens/"] {
        let outbound = outbound(name, &deployment);
        for algorithm in SigningAlgorithm::ALL {
            let issued = outbound.issue(claims(algorithm)).await.unwrap();
            let token = issued.token.expose();
            let identity = read(&outbound, token, 0).await;
            assert_eq!(
                (identity.issuer().as_str(), identity.subject()),
                (name, "arn:aws:iam::111111111111:role/teams/ops")
            );
            assert_eq!((identity.audience(), identity.expires_at()), (AUDIENCE, now() + 300));
            assert_eq!(part(token, 0), json!({ "alg": algorithm.name(), "kid": issued.key_id, "typ": "JWT" }));
        }
    }
}

#[tokio::test]
async fn a_token_says_what_aws_s_say() {
    let deployment = replica(&founded().await, 0).await;
    let outbound = outbound("https://sts.example.com", &deployment);
    let issued = outbound.issue(claims(SigningAlgorithm::Es384)).await.unwrap();
    let told = json!({
        "iss": "https://sts.example.com",
        "sub": "arn:aws:iam::111111111111:role/teams/ops",
        "aud": AUDIENCE,
        "iat": now().unix(),
        "exp": now().unix() + 300,
        "jti": "0123",
        "https://sts.amazonaws.com/": {
            "aws_account": "111111111111",
            "source_region": "eu-central-1",
            "principal_id": "arn:aws:iam::111111111111:role/teams/ops",
            "principal_tags": { "Team": "blue" },
            "request_tags": { "a/b": "\u{1}\"é" },
            "original_session_exp": "2026-01-15T13:00:00Z",
            "source_identity": "ada",
            "federated_provider": "arn:aws:iam::111111111111:oidc-provider/ci.example.com",
        },
    });
    assert_eq!(part(issued.token.expose(), 1), told);

    let bare = Claims {
        audience: vec!["a".into(), "b".into()],
        principal_tags: Vec::new(),
        request_tags: Vec::new(),
        session_expires_at: None,
        source_identity: None,
        federated_provider: None,
        ..claims(SigningAlgorithm::Es384)
    };
    let issued = outbound.issue(bare).await.unwrap();
    let payload = part(issued.token.expose(), 1);
    assert_eq!(payload["aud"], json!(["a", "b"]));
    assert_eq!(payload["https://sts.amazonaws.com/"].as_object().unwrap().len(), 3);
}

#[tokio::test]
async fn the_record_of_a_token_names_it_and_its_key_and_does_not_hold_it() {
    let deployment = replica(&founded().await, 0).await;
    let issued = outbound("https://sts.example.com", &deployment).issue(claims(SigningAlgorithm::Rs256)).await.unwrap();
    let told = json!({
        "jwtId": "0123",
        "subject": "arn:aws:iam::111111111111:role/teams/ops",
        "audience": [AUDIENCE],
        "keyId": issued.key_id,
        "signingAlgorithm": "RS256",
        "expiration": "2026-01-15T12:05:00Z",
    });
    assert_eq!(issued.audit_elements(), told);
    let signature = issued.token.expose().rsplit('.').next().unwrap();
    assert!(!format!("{issued:?}").contains(signature));
    assert!(key_set(&deployment).await.contains(&issued.key_id));
}

#[tokio::test]
async fn the_longest_token_is_one_that_is_taken_and_a_longer_one_is_refused() {
    let deployment = replica(&founded().await, 0).await;
    let outbound = outbound("https://sts.example.com", &deployment);
    let with = |length: usize| Claims {
        request_tags: vec![("k".into(), "v".repeat(length))],
        ..claims(SigningAlgorithm::Rs256)
    };
    let empty = with(0).payload(&outbound.published.issuer).len();
    let longest = outbound.issue(with(MAX_PAYLOAD - empty)).await.unwrap();
    assert!((19_000..=MAX_TOKEN_LENGTH).contains(&longest.token.expose().len()), "{}", longest.token.expose().len());
    read(&outbound, longest.token.expose(), 0).await;
    let error = outbound.issue(with(MAX_PAYLOAD - empty + 1)).await.unwrap_err();
    assert_eq!(error.kind(), Kind::JwtPayloadSizeExceeded);
}

#[tokio::test]
async fn keys_are_made_on_first_need_and_last() {
    let store = founded().await;
    let first = replica(&store, 0).await;
    assert_eq!(stored(&store).await, 0, "a deployment that issues no tokens has no keys for them");
    let keys = key_set(&first).await;
    assert_eq!((stored(&store).await, &key_set(&first).await), (2, &keys));
    // After a restart, without being made again.
    let again = replica(&store, 1).await;
    assert_eq!((key_set(&again).await, again.issuer_keys.drafts.get().is_none()), (keys, true));
}

#[tokio::test]
async fn keys_that_nobody_waits_for_any_more_are_made_all_the_same() {
    let store = founded().await;
    let deployment = replica(&store, 0).await;
    for _ in 0..3 {
        // Polled once: the search is on its way, whoever asked is gone.
        assert!(deployment.issuer_keys.ring(now()).now_or_never().is_none());
    }
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    while stored(&store).await == 0 && tokio::time::Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(stored(&store).await, 2);
}

#[tokio::test]
async fn of_two_replicas_that_make_keys_at_once_one_wins_and_both_have_its_keys() {
    let store = founded().await;
    let (one, other) = (replica(&store, 0).await, replica(&store, 1).await);
    let (a, b, c) = tokio::join!(key_set(&one), key_set(&other), key_set(&one));
    assert!(a == b && b == c);
    assert_eq!(key_set(&replica(&store, 2).await).await, a);
}

#[tokio::test]
async fn keys_that_came_to_be_known_meanwhile_are_not_written_over() {
    let store = founded().await;
    let (one, other) = (replica(&store, 0).await, replica(&store, 1).await);
    let keys = key_set(&one).await;
    // Its directory learns of all records when a change of its own conflicts.
    one.bundle("default", now()).await.unwrap();
    assert!(other.bundle("default", now()).await.is_err());
    assert_eq!(key_set(&other).await, keys);
    assert_eq!(key_set(&replica(&store, 2).await).await, keys);
}

#[tokio::test]
async fn f4_without_the_store_there_are_no_tokens_and_no_second_search_for_primes() {
    let store = founded().await;
    let deployment = replica(&store, 0).await;
    let outbound = outbound("https://sts.example.com", &deployment);
    store.down.store(true, Ordering::Relaxed);
    assert_eq!(outbound.issue(claims(SigningAlgorithm::Es384)).await.unwrap_err().kind(), Kind::ServiceUnavailable);
    assert_eq!(outbound.content(Page::KeySet).await.unwrap_err().kind(), Kind::ServiceUnavailable);
    assert!(outbound.content(Page::Document).await.is_ok());
    let drafted = deployment.issuer_keys.drafts.get().unwrap()[0].pkcs8.clone();
    store.down.store(false, Ordering::Relaxed);
    outbound.issue(claims(SigningAlgorithm::Es384)).await.unwrap();
    assert!(deployment.issuer_keys.drafts.get().unwrap()[0].pkcs8.ct_eq(drafted.expose()));
}

#[tokio::test]
async fn every_key_is_published_and_the_latest_active_one_signs() {
    let random = Counting::default();
    let make = |number, state| IssuerKey {
        number,
        state,
        ..generate::generate(SigningAlgorithm::Es384, &random, now()).unwrap()
    };
    let rsa = generate::generate(SigningAlgorithm::Rs256, &random, now()).unwrap();
    let records = [
        make(3, EpochState::Active),
        make(1, EpochState::VerifyOnly),
        rsa.clone(),
        make(4, EpochState::Prepared),
        make(2, EpochState::Active),
    ];
    let ring = key_ring::KeyRing::new(&records).unwrap().unwrap();
    let published: Value = serde_json::from_str(ring.key_set()).unwrap();
    let kids: Vec<_> = published["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap()).collect();
    assert_eq!(kids.len(), 5);
    assert_eq!(ring.signer(SigningAlgorithm::Es384).kid, kids[2], "{kids:?}");
    assert_eq!(ring.signer(SigningAlgorithm::Rs256).kid, kids[4]);
    // All of them are keys that a strict relying party takes; none shows its private half.
    let set = KeySet::parse(ring.key_set().as_bytes()).unwrap();
    assert!(set.dropped().is_empty() && !ring.key_set().contains("\"d\""));
    assert!(key_ring::KeyRing::new(&records[..2]).unwrap().is_none(), "no key for RS256");
}

#[test]
fn keys_survive_their_records_and_what_is_no_key_is_refused() {
    let key = generate::generate(SigningAlgorithm::Es384, &Counting::default(), now()).unwrap();
    let read = IssuerKey::decode(&key.encode()).unwrap();
    assert_eq!((read.algorithm, read.number, read.state), (key.algorithm, 1, EpochState::Active));
    assert!(read.pkcs8.ct_eq(key.pkcs8.expose()) && read.created_at == now());
    assert_eq!(read.record_key(), "issuer-keys/ES384/1");
    assert!(format!("{read:?}").contains("REDACTED"));

    let good: records::IssuerKey = records::decode(&key.encode()).unwrap();
    assert!(!format!("{good:?}").contains("pkcs8"));
    for bad in [
        records::IssuerKey { algorithm: 0, ..good.clone() },
        records::IssuerKey { algorithm: 9, ..good.clone() },
        records::IssuerKey { state: 0, ..good.clone() },
        records::IssuerKey { created_at: i64::MIN, ..good.clone() },
    ] {
        assert!(IssuerKey::decode(&records::encode(&bad)).is_err());
    }
    // A key of another kind than its algorithm.
    let other = IssuerKey { algorithm: SigningAlgorithm::Rs256, ..key };
    assert!(key_ring::KeyRing::new(&[other]).is_err());
}
