//! What a change of a provider does to exchanges that are under way.

use std::sync::{Arc, Mutex};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde_json::json;
use tokio::sync::Semaphore;

use crate::service::caller::WebIdentity;
use crate::service::directory::Snapshot;
use crate::service::error::{Error, Kind};
use crate::service::federation::key_sets::{KeySetError, KeySetSource, KeySetStatus, KeySets};
use crate::service::federation::test_issuer::{CLIENT_ID, ISSUER, TestIssuer, now};
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
