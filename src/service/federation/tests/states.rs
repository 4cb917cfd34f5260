//! What operators see of providers.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde_json::json;

use crate::service::federation::key_sets::{KeySetError, KeySetSource, KeySetStatus, KeySets};
use crate::service::federation::test_issuer::{CLIENT_ID, TestIssuer};
use crate::service::federation::{ExchangeCount, Identification, KeySet, KeysState, ProviderState};
use crate::service::test_world::{ACCOUNT, OTHER_ACCOUNT, World, account, envelope, now};
use crate::store::records;

/// What is known of each issuer's keys, by its URL.
#[derive(Debug)]
struct Known(BTreeMap<&'static str, KeySetStatus>);

impl KeySets for Known {
    fn key_set<'a>(
        &'a self,
        _: &'a KeySetSource,
        _: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Arc<KeySet>, KeySetError>> {
        std::future::ready(Ok(Arc::new(TestIssuer::new().keys()))).boxed()
    }

    fn status(&self, source: &KeySetSource) -> KeySetStatus {
        match source {
            KeySetSource::Pinned(keys) => KeySetStatus { keys: keys.len(), ..KeySetStatus::default() },
            KeySetSource::Published(source) => self.0.get(source.issuer.as_str()).cloned().unwrap_or_default(),
        }
    }
}

fn put(world: &mut World, account: &str, name: &str, change: impl FnOnce(&mut records::OidcProvider)) {
    let mut record = records::OidcProvider {
        account: account.into(),
        issuer: format!("https://{name}"),
        unique_id: format!("{account}{name}"),
        client_ids: vec![CLIENT_ID.into()],
        ..Default::default()
    };
    change(&mut record);
    world.put(&format!("providers/{account}/{name}"), records::encode(&record));
}

#[test]
fn each_provider_has_the_state_of_its_keys() {
    let at = now() + -100;
    let good = KeySetStatus { last_good_fetch: Some(at), stale_at: Some(now() + 1), keys: 3, ..Default::default() };
    let stale = KeySetStatus { stale_at: Some(now()), ..good.clone() };
    let failing = KeySetStatus { last_error: Some(KeySetError::Tls), ..stale.clone() };
    let known = [
        ("https://a.example", good),
        ("https://b.example", stale),
        ("https://c.example", failing.clone()),
        ("https://d.example", failing),
    ];
    let mut world = World::new();
    for name in ["a.example", "b.example", "c.example", "e.example"] {
        put(&mut world, ACCOUNT, name, |_| ());
    }
    put(&mut world, ACCOUNT, "d.example", |record| record.disabled = true);
    put(&mut world, OTHER_ACCOUNT, "a.example", |record| record.jwks = TestIssuer::new().jwks().to_string());
    let identification = Identification::new(Arc::new(Known(known.into())));
    let states = identification.provider_states(&world.snapshot, now());
    let told = |provider: &ProviderState| (provider.account.to_string(), provider.state, provider.keys, provider.age);
    let told: Vec<_> = states.shown.iter().map(told).collect();
    let row = |account: &str, state, keys, age| (account.to_owned(), state, keys, age);
    let failing = KeysState::Failing { error: KeySetError::Tls, last_good: Some(at) };
    let expected = [
        row(ACCOUNT, KeysState::Fresh { at }, 3, Some(100)),
        row(ACCOUNT, KeysState::Stale { since: now() }, 3, Some(100)),
        row(ACCOUNT, failing, 3, Some(100)),
        row(ACCOUNT, KeysState::Disabled, 3, None),
        row(ACCOUNT, KeysState::NotFetched, 0, None),
        row(OTHER_ACCOUNT, KeysState::Pinned, 4, None),
    ];
    assert_eq!((told, states.left_out), (expected.to_vec(), 0));
}

#[test]
fn there_are_never_more_than_a_thousand() {
    let mut world = World::new();
    for n in 0..1_003 {
        put(&mut world, ACCOUNT, &format!("idp-{n}.example"), |_| ());
    }
    let identification = Identification::new(Arc::new(Known(BTreeMap::new())));
    let states = identification.provider_states(&world.snapshot, now());
    assert_eq!((states.shown.len(), states.left_out), (1_000, 3));
}

#[test]
fn exchanges_are_counted_for_a_provider_until_it_is_gone() {
    let mut world = World::new();
    put(&mut world, ACCOUNT, "idp.example.com/realm", |_| ());
    let identification = Identification::new(Arc::new(Known(BTreeMap::new())));
    let snapshot = Arc::new(world.snapshot.clone());
    let ask = |changes| {
        let token = TestIssuer::new().token_with(changes);
        let (directory, envelope) = (|| Arc::clone(&snapshot), envelope());
        let at = crate::service::federation::test_issuer::now();
        identification.identify(&token, account(), directory, &envelope, "r", at).now_or_never().unwrap().is_ok()
    };
    assert!(ask(json!({})));
    identification.count(&format!("{ACCOUNT}idp.example.com/realm"), true);
    // An expired token is one of the provider's, a foreign one is nobody's.
    assert!(!ask(json!({"exp": 0})));
    assert!(!ask(json!({"iss": "https://other.example"})));
    let count = |world: &World| identification.provider_states(&world.snapshot, now()).shown[0].exchanges;
    assert_eq!(count(&world), ExchangeCount { success: 1, denied: 1 });
    assert!(identification.provider_states(&World::new().snapshot, now()).shown.is_empty());
    assert_eq!(count(&world), ExchangeCount::default());
}
