//! What a change of a provider does to exchanges that are under way.

use std::sync::{Arc, Mutex};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde_json::json;
use tokio::sync::Semaphore;

use crate::service::caller::{Envelope, WebIdentity};
use crate::service::directory::Snapshot;
use crate::service::error::{Error, Kind};
use crate::service::federation::key_sets::{KeySetError, KeySetSource, KeySetStatus, KeySets};
use crate::service::federation::test_issuer::{CLIENT_ID, ISSUER, TestIssuer, claims, now};
use crate::service::federation::{Identification, KeySet};
use crate::service::test_world::{ACCOUNT, World, account, envelope};
use crate::store::records;

/// Keys that come once they are let; counts who asked.
#[derive(Debug)]
struct Gated {
    keys: Arc<KeySet>,
    gate: Semaphore,
    asked: Mutex<usize>,
}

impl KeySets for Gated {
    fn key_set<'a>(
        &'a self,
        _: &'a KeySetSource,
        _: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Arc<KeySet>, KeySetError>> {
        *self.asked.lock().unwrap() += 1;
        async {
            self.gate.acquire().await.unwrap().forget();
            Ok(Arc::clone(&self.keys))
        }
        .boxed()
    }

    fn status(&self, _: &KeySetSource) -> KeySetStatus {
        KeySetStatus::default()
    }
}

struct Stage {
    issuer: TestIssuer,
    world: Mutex<World>,
    keys: Arc<Gated>,
    identification: Identification,
}

impl Stage {
    fn new(permits: usize) -> Self {
        let issuer = TestIssuer::new();
        let keys =
            Arc::new(Gated { keys: Arc::new(issuer.keys()), gate: Semaphore::new(permits), asked: Mutex::default() });
        let identification = Identification::new(keys.clone());
        let stage = Self { issuer, world: Mutex::new(World::new()), keys, identification };
        stage.put(|_| ());
        stage
    }

    /// Registers the provider, or replaces its record.
    fn put(&self, change: impl FnOnce(&mut records::OidcProvider)) {
        let mut record = records::OidcProvider {
            account: ACCOUNT.into(),
            issuer: ISSUER.into(),
            client_ids: vec![CLIENT_ID.into()],
            ..Default::default()
        };
        change(&mut record);
        let key = format!("providers/{ACCOUNT}/{}", ISSUER.split_once("://").unwrap().1);
        self.world.lock().unwrap().put(&key, records::encode(&record));
    }

    fn directory(&self) -> Arc<Snapshot> {
        Arc::new(self.world.lock().unwrap().snapshot.clone())
    }

    async fn identify(&self) -> Result<WebIdentity, Error> {
        let (token, envelope) = (self.issuer.token_with(json!({})), envelope());
        self.identification.identify(&token, account(), || self.directory(), &envelope, "us-east-1", now()).await
    }

    fn refused(&self, error: &Error, cause: Option<&str>) {
        let message = format!("No OpenIDConnect provider found in your account for {ISSUER}");
        assert_eq!((error.kind(), error.message()), (Kind::InvalidIdentityToken, message.as_str()));
        assert_eq!(error.cause().map(ToString::to_string).as_deref(), cause);
    }
}

#[tokio::test]
async fn b25_a_disabled_provider_answers_like_an_unregistered_one_and_is_not_asked_for_keys() {
    let stage = Stage::new(10);
    assert!(stage.identify().await.is_ok());
    stage.put(|record| record.disabled = true);
    stage.refused(&stage.identify().await.unwrap_err(), Some("the identity provider is disabled"));
    assert_eq!(*stage.keys.asked.lock().unwrap(), 1);
    stage.put(|record| record.disabled = false);
    assert!(stage.identify().await.is_ok());

    let absent = Stage { world: Mutex::new(World::new()), ..Stage::new(10) };
    absent.refused(&absent.identify().await.unwrap_err(), None);
}

#[tokio::test]
async fn b25_an_exchange_that_waits_for_keys_is_refused_once_its_provider_is_disabled() {
    let stage = Stage::new(0);
    let mut waiting = Box::pin(stage.identify());
    assert!((&mut waiting).now_or_never().is_none());
    stage.put(|record| record.disabled = true);
    stage.keys.gate.add_permits(1);
    stage.refused(&waiting.await.unwrap_err(), Some("the identity provider is disabled"));
}

#[tokio::test]
async fn keys_that_were_fetched_for_another_record_verify_nothing() {
    let stage = Stage::new(0);
    let mut waiting = Box::pin(stage.identify());
    assert!((&mut waiting).now_or_never().is_none());
    stage.put(|record| record.discovery_url = "https://elsewhere.example.com/d".into());
    stage.keys.gate.add_permits(1);
    let error = waiting.await.unwrap_err();
    assert_eq!(error.kind(), Kind::IdpCommunicationError);
    assert_eq!(error.cause().unwrap().to_string(), KeySetError::Changed.to_string());
}

#[tokio::test]
async fn what_a_provider_accepts_is_decided_once_its_keys_are_there() {
    let stage = Stage::new(0);
    let mut waiting = Box::pin(stage.identify());
    assert!((&mut waiting).now_or_never().is_none());
    stage.put(|record| record.client_ids = vec!["another".into()]);
    stage.keys.gate.add_permits(1);
    assert_eq!(waiting.await.unwrap_err().message(), "Incorrect token audience");
}

#[tokio::test]
async fn bad_tokens_that_waited_for_keys_together_are_not_all_verified() {
    let stage = Stage::new(0);
    let token = format!("{}.{}", stage.issuer.token_with(json!({})).rsplit_once('.').unwrap().0, "A".repeat(86));
    let (envelope, directory) = (envelope(), || stage.directory());
    let waiting = (0..80).map(|_| stage.identification.identify(&token, account(), directory, &envelope, "r", now()));
    let waiting = futures_util::future::join_all(waiting);
    stage.keys.gate.add_permits(80);
    let throttled =
        |answer: &Result<WebIdentity, Error>| answer.as_ref().is_err_and(|error| error.kind() == Kind::Throttling);
    assert_eq!(waiting.await.iter().filter(|answer| throttled(answer)).count(), 30);
}

#[tokio::test]
async fn a_source_of_many_bad_tokens_is_refused_unseen_and_others_are_not() {
    let stage = Stage::new(1_000);
    let ask = async |source: &str, token: &str, seconds: i64| {
        let envelope = Envelope { source_ip: source.parse().unwrap(), ..envelope() };
        let directory = || stage.directory();
        stage.identification.identify(token, account(), directory, &envelope, "r", now() + seconds).await
    };
    let kind = async |source: &str, token: &str| ask(source, token, 0).await.map_err(|error| error.kind()).err();
    let (noisy, quiet) = ("203.0.113.9", "203.0.113.10");
    let good = stage.issuer.token_with(json!({}));
    let forged = format!("{}.{}", good.rsplit_once('.').unwrap().0, "A".repeat(86));

    // What costs no verification is not counted, however much of it there is.
    let foreign = stage.issuer.token_with(json!({"iss": "https://other.example"}));
    let unknown = stage.issuer.sign_text(r#"{"alg":"EdDSA","kid":"none"}"#, &claims().to_string());
    for token in ["a.b.c", &foreign, &unknown] {
        for _ in 0..100 {
            assert_eq!(kind(noisy, token).await, Some(Kind::InvalidIdentityToken));
        }
    }
    for _ in 0..25 {
        assert_eq!(kind(noisy, &forged).await, Some(Kind::InvalidIdentityToken));
        assert_eq!(kind(noisy, &good).await, None);
        // Genuine and too old: its signature was verified, too.
        let old = stage.issuer.token_with(json!({"exp": now().unix() - 61}));
        assert_eq!(kind(noisy, &old).await, Some(Kind::ExpiredIdentityToken));
    }
    let asked = *stage.keys.asked.lock().unwrap();
    for token in [&forged, &good, &foreign, "a.b.c"] {
        assert_eq!(kind(noisy, token).await, Some(Kind::Throttling));
    }
    assert_eq!(*stage.keys.asked.lock().unwrap(), asked);
    assert_eq!(kind(quiet, &good).await, None);
    assert!(ask(noisy, &good, 1).await.is_ok());
}
