//! B15 and B17: keys that come and go at an issuer, over HTTPS.

use super::issuer::{Answer, DISCOVERY, KEYS, TestIssuer};
use super::*;
use crate::service::federation::key_sets::{KeySetError, KeySets as _};

#[tokio::test]
async fn b17_a_new_key_is_served_after_one_fetch() {
    let issuer = TestIssuer::https("127.0.0.1", "localhost").await;
    let (key_sets, clock) = key_sets(patient());
    let source = source(issuer.trusted());
    assert!(key_sets.key_set(&source, Some("a")).await.unwrap().has("a"));
    issuer.publish(&["a", "b"]);
    clock.pass(10);
    let callers = (0..100).map(|_| key_sets.key_set(&source, Some("b")));
    for keys in futures_util::future::join_all(callers).await {
        assert!(keys.unwrap().has("b"));
    }
    assert!(key_sets.key_set(&source, Some("a")).await.unwrap().has("a"));
    assert_eq!(issuer.fetches(), 2);
}

#[tokio::test]
async fn b17_a_withdrawn_key_is_gone_within_the_hour() {
    let issuer = TestIssuer::https("127.0.0.1", "localhost").await;
    issuer.answer(KEYS, Answer::Head("Cache-Control: public, max-age=86400\r\n", jwks(&["a", "b"])));
    let (key_sets, clock) = key_sets(patient());
    let source = source(issuer.trusted());
    key_sets.key_set(&source, Some("a")).await.unwrap();
    issuer.publish(&["b"]);
    clock.pass(54 * 60);
    assert!(key_sets.key_set(&source, Some("a")).await.unwrap().has("a"), "fresh");
    clock.pass(6 * 60);
    let keys = key_sets.key_set(&source, Some("a")).await.unwrap();
    assert!(!keys.has("a") && keys.has("b"));
    assert_eq!(issuer.fetches(), 2);
}

#[tokio::test]
async fn b17_an_issuer_that_is_down_during_the_rollover_is_asked_again() {
    let issuer = TestIssuer::https("127.0.0.1", "localhost").await;
    let (key_sets, clock) = key_sets(patient());
    let source = source(issuer.trusted());
    key_sets.key_set(&source, Some("a")).await.unwrap();
    issuer.publish(&["b"]);
    issuer.answer(DISCOVERY, Answer::Reset);
    clock.pass(60);
    // Of the new key nothing is known, which is not to say that there is none.
    assert_eq!(key_sets.key_set(&source, Some("b")).await.unwrap_err(), KeySetError::Unreachable);
    assert_eq!(key_sets.key_set(&source, Some("b")).await.unwrap_err(), KeySetError::Unreachable);
    assert!(key_sets.key_set(&source, Some("a")).await.unwrap().has("a"));
    assert_eq!(issuer.connections(), 3, "two for the first fetch, one for the second");
    issuer.publish(&["b"]);
    clock.pass(60);
    let keys = key_sets.key_set(&source, Some("b")).await.unwrap();
    assert!(keys.has("b") && !keys.has("a"));
    assert_eq!(key_sets.status(&source).last_good_fetch, Some(clock.now()));
}

#[tokio::test]
async fn b17_keys_die_a_day_after_the_issuer_was_last_heard_of() {
    let issuer = TestIssuer::https("127.0.0.1", "localhost").await;
    let (key_sets, clock) = key_sets(patient());
    let source = source(issuer.trusted());
    key_sets.key_set(&source, Some("a")).await.unwrap();
    issuer.answer(DISCOVERY, Answer::Reset);
    clock.pass(24 * 60 * 60 - 1);
    assert!(key_sets.key_set(&source, Some("a")).await.unwrap().has("a"));
    clock.pass(1);
    assert_eq!(key_sets.key_set(&source, Some("a")).await.unwrap_err(), KeySetError::Unreachable);
    issuer.publish(&["a"]);
    clock.pass(60);
    assert!(key_sets.key_set(&source, Some("a")).await.unwrap().has("a"));
}

#[tokio::test]
async fn b15_ten_thousand_unknown_keys_cost_the_issuer_two_fetches() {
    let issuer = TestIssuer::https("127.0.0.1", "localhost").await;
    let (key_sets, _) = key_sets(patient());
    let source = source(issuer.trusted());
    for n in 0..100 {
        let kids: Vec<_> = (0..100).map(|m| format!("../../{n}/{m}")).collect();
        for keys in futures_util::future::join_all(kids.iter().map(|kid| key_sets.key_set(&source, Some(kid)))).await {
            assert!(keys.map_or_else(|error| error == KeySetError::Resting, |keys| keys.has("a")));
        }
        assert!(key_sets.key_set(&source, Some("a")).await.unwrap().has("a"));
    }
    assert!(issuer.fetches() <= 2, "{}", issuer.fetches());
}
