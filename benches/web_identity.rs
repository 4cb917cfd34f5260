//! Verifying an identity token, beside the one signature verification that it cannot avoid; and issuing one of ours.
//!
//! `cargo bench --bench web_identity`

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use brevet::adapters::clock::SystemClock;
use brevet::adapters::random::SystemRandomness;
use brevet::service::clock::Clock as _;
use brevet::service::deployment::{Deployment, Founding};
use brevet::service::federation::{Expectation, Issuer, KeySet, Plaintext, UnverifiedToken};
use brevet::service::outbound::{Claims, Outbound, SigningAlgorithm};
use brevet::store::{MasterKey, MemoryStore, Store as _};
use brevet_validator::identity::Arn;
use brevet_validator::timestamp::Timestamp;
use divan::{Bencher, black_box};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
    UnparsedPublicKey, VerificationAlgorithm,
};
use serde_json::Value;

const ALGORITHMS: [&str; 4] = ["RS256", "ES256", "ES384", "EdDSA"];

fn main() {
    divan::main();
}

/// Whether a message has this signature.
type Verifies = dyn Fn(&[u8], &[u8]) -> bool + Sync;

/// Tokens that another implementation made, and what is expected of them.
struct Stage {
    vectors: Value,
    keys: KeySet,
    issuer: Issuer,
    client_ids: [String; 1],
    now: Timestamp,
}

impl Stage {
    fn new() -> Self {
        let vectors: Value =
            serde_json::from_str(include_str!("../tests/vectors/federation/pyjwt.json")).expect("vectors");
        let text = |name: &str| vectors[name].as_str().expect("a text").to_owned();
        Self {
            keys: KeySet::parse(vectors["jwks"].to_string().as_bytes()).expect("a key set"),
            issuer: Issuer::parse(&text("issuer"), Plaintext::Refused).expect("an issuer"),
            client_ids: [text("client_id")],
            now: vectors["now"].as_i64().and_then(Timestamp::from_unix).expect("a time"),
            vectors,
        }
    }

    fn token(&self, algorithm: &str) -> &str {
        let mut tokens = self.vectors["tokens"].as_array().expect("tokens").iter();
        let token = tokens.find(|token| token["name"] == algorithm).expect("a token of each algorithm");
        token["token"].as_str().expect("a token")
    }

    /// A member of a published key, decoded.
    fn member(&self, kid: &str, name: &str) -> Vec<u8> {
        let mut keys = self.vectors["jwks"]["keys"].as_array().expect("keys").iter();
        let key = keys.find(|key| key["kid"] == kid).expect("a key");
        URL_SAFE_NO_PAD.decode(key[name].as_str().expect("a text")).expect("base64url")
    }

    /// `ring` alone, on bytes that are there already.
    fn bare(&self, algorithm: &str) -> Box<Verifies> {
        let curve = |algorithm: &'static dyn VerificationAlgorithm, point: Vec<u8>| {
            let key = UnparsedPublicKey::new(algorithm, point);
            Box::new(move |message: &[u8], signature: &[u8]| key.verify(message, signature).is_ok())
        };
        let point = |kid| [vec![4], self.member(kid, "x"), self.member(kid, "y")].concat();
        match algorithm {
            "ES256" => curve(&ECDSA_P256_SHA256_FIXED, point("p-256")),
            "ES384" => curve(&ECDSA_P384_SHA384_FIXED, point("p-384")),
            "EdDSA" => curve(&ED25519, self.member("ed25519", "x")),
            _ => {
                let key = RsaPublicKeyComponents { n: self.member("rsa", "n"), e: self.member("rsa", "e") };
                Box::new(move |message, signature| key.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature).is_ok())
            }
        }
    }
}

/// From the text of a token to its claims.
#[divan::bench(args = ALGORITHMS)]
fn verify(bencher: Bencher<'_, '_>, algorithm: &str) {
    let stage = Stage::new();
    let token = stage.token(algorithm);
    let expected = Expectation::new(&stage.issuer, &stage.client_ids);
    bencher.bench(|| {
        let token = UnverifiedToken::parse(black_box(token)).expect("a token");
        token.verify(&stage.keys, &expected, stage.now).expect("a good token")
    });
}

/// Its floor: one verification of the signature.
#[divan::bench(args = ALGORITHMS)]
fn verify_floor(bencher: Bencher<'_, '_>, algorithm: &str) {
    let stage = Stage::new();
    let (message, signature) = stage.token(algorithm).rsplit_once('.').expect("three parts");
    let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    let verifies = stage.bare(algorithm);
    assert!(verifies(message.as_bytes(), &signature), "a good signature");
    bencher.bench(|| verifies(black_box(message.as_bytes()), black_box(&signature)));
}

/// What a token costs that is refused before its signature is looked at.
#[divan::bench]
fn parse(bencher: Bencher<'_, '_>) {
    let stage = Stage::new();
    let token = stage.token("EdDSA");
    bencher.bench(|| UnverifiedToken::parse(black_box(token)).map(|token| token.issuer().len()));
}

/// GetWebIdentityToken without its request: claims, signature, text.
#[divan::bench(args = ["RS256", "ES384"])]
fn issue(bencher: Bencher<'_, '_>, algorithm: &str) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().expect("a runtime");
    let (outbound, claims) = (runtime.block_on(outbound()), claims(algorithm));
    // The keys are made before the clock runs.
    runtime.block_on(outbound.issue(claims.clone())).expect("a token");
    bencher.bench(|| runtime.block_on(outbound.issue(black_box(claims.clone()))).expect("a token"));
}

async fn outbound() -> Outbound {
    let (master, random, clock) = (MasterKey::new([1; 32]), Arc::new(SystemRandomness::default()), SystemClock);
    let founding = Founding { account: None, administrator: "admin", roles: &[], provider: None };
    let (first, _) = founding.first_transaction(&master, &*random, &clock).expect("a first transaction");
    let store = Arc::new(MemoryStore::new(|| SystemClock.now()));
    store.commit(first).await.expect("a commit");
    let deployment = Deployment::start(store, &master, random).await.expect("a start");
    let issuer = Issuer::parse("https://sts.example.com", Plaintext::Refused).expect("an issuer");
    Outbound::new(issuer, deployment.issuer_keys, Arc::new(clock))
}

fn claims(algorithm: &str) -> Claims {
    let (account, now) = ("111111111111".parse().expect("an account"), SystemClock.now());
    Claims {
        algorithm: SigningAlgorithm::from_name(algorithm).expect("an algorithm"),
        subject: Arn::new("iam", "", Some(account), "role/deploy"),
        audience: vec!["https://api.example.com".into()],
        issued_at: now,
        expires_at: now + 300,
        id: "0123456789abcdef0123456789abcdef".into(),
        account,
        region: "us-east-1".into(),
        principal_tags: vec![("team".into(), "blue".into())],
        request_tags: Vec::new(),
        session_expires_at: Some(now + 3600),
        source_identity: None,
        federated_provider: None,
    }
}
