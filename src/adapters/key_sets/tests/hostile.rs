//! B11 and B12: whatever an issuer answers, the last good keys stay, time and memory are bounded, and others do not notice.

use std::io::Write as _;
use std::time::Instant;

use super::issuer::{Answer, DISCOVERY, KEYS, TestIssuer};
use super::*;
use crate::service::federation::key_sets::{KeySetError, KeySets as _};

/// A second, so that tests of what takes too long do not.
fn hasty() -> HttpFetch {
    let patience = Patience { connect: Duration::from_secs(1), whole: Duration::from_secs(1) };
    HttpFetch { patience, ..HttpFetch::default() }
}

fn gzip_bomb() -> Vec<u8> {
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    bomb.write_all(&vec![b' '; 64 << 20]).unwrap();
    let bomb = bomb.finish().unwrap();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", bomb.len());
    [head.into_bytes(), bomb].concat()
}

fn large(bytes: usize, length: &str) -> Answer {
    Answer::Raw([format!("HTTP/1.1 200 OK\r\n{length}\r\n").into_bytes(), vec![b' '; bytes]].concat())
}

/// Answers of the key set, and what becomes of them.
fn bad_key_sets() -> Vec<(&'static str, Answer, KeySetError)> {
    let keys = |count| format!(r#"{{"keys":[{}]}}"#, vec!["{}"; count].join(","));
    let well_formed = format!(r#"{{"keys":[]{}}}"#, " ".repeat(256 * 1024));
    vec![
        ("100 MB", large(100 << 20, ""), KeySetError::TooLarge),
        ("100 MB, announced", large(0, "Content-Length: 104857600\r\n"), KeySetError::Unreachable),
        ("a byte too many", Answer::Body(well_formed), KeySetError::TooLarge),
        ("endless chunks", Answer::Endless, KeySetError::TooLarge),
        ("a gzip bomb", Answer::Raw(gzip_bomb()), KeySetError::KeySet),
        ("51 keys", Answer::Body(keys(51)), KeySetError::TooLarge),
        ("as many keys as fit", Answer::Body(keys(80_000)), KeySetError::KeySet),
        ("deep JSON", Answer::Body("[".repeat(200_000)), KeySetError::KeySet),
        ("deep JSON in an object", Answer::Body(r#"{"a":"#.repeat(40_000)), KeySetError::KeySet),
        ("HTML", Answer::Head("Content-Type: application/json\r\n", "<html>".into()), KeySetError::KeySet),
        ("nothing", Answer::Body(String::new()), KeySetError::KeySet),
        ("no keys", Answer::Body("{}".into()), KeySetError::KeySet),
        ("500", Answer::Raw(b"HTTP/1.1 500 Oops\r\nContent-Length: 2\r\n\r\n{}".to_vec()), KeySetError::Status),
        ("204", Answer::Raw(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()), KeySetError::Status),
        ("304", Answer::Raw(b"HTTP/1.1 304 Not Modified\r\n\r\n".to_vec()), KeySetError::Status),
        ("not HTTP", Answer::Raw(b"SSH-2.0-OpenSSH\r\n".to_vec()), KeySetError::Unreachable),
        ("a head without end", Answer::Raw(b"HTTP/1.1 200 OK\r\na: b\r\n".repeat(100_000)), KeySetError::Unreachable),
        ("half a body", large(10, "Content-Length: 20\r\n"), KeySetError::Unreachable),
        ("a reset", Answer::Reset, KeySetError::Unreachable),
    ]
}

#[tokio::test]
async fn b12_whatever_comes_instead_of_keys_the_last_good_set_is_kept() {
    let issuer = TestIssuer::http("127.0.0.1").await;
    let (key_sets, clock) = key_sets(patient());
    let source = source(issuer.trusted());
    key_sets.key_set(&source, Some("a")).await.unwrap();
    let good = key_sets.status(&source);
    for (what, answer, why) in bad_key_sets() {
        issuer.answer(KEYS, answer);
        clock.pass(5 * 60);
        assert_eq!(key_sets.key_set(&source, Some("new")).await.unwrap_err(), why, "{what}");
        assert!(key_sets.key_set(&source, Some("a")).await.unwrap().has("a"), "{what}");
        let status = key_sets.status(&source);
        assert_eq!((status.last_good_fetch, status.last_error, status.keys), (good.last_good_fetch, Some(why), 1));
    }
    issuer.publish(&["new"]);
    clock.pass(5 * 60);
    assert!(key_sets.key_set(&source, Some("new")).await.unwrap().has("new"));
    assert_eq!(key_sets.status(&source).last_error, None);
}

#[tokio::test]
async fn b12_an_issuer_that_takes_its_time_is_given_up() {
    for path in [DISCOVERY, KEYS] {
        for answer in [Answer::Drip(Duration::from_millis(50)), Answer::Silence] {
            let issuer = TestIssuer::http("127.0.0.1").await;
            issuer.answer(path, answer);
            let (key_sets, _) = key_sets(hasty());
            let begun = Instant::now();
            let error = key_sets.key_set(&source(issuer.trusted()), Some("a")).await.unwrap_err();
            assert_eq!(error, KeySetError::Timeout, "{path}");
            assert!(begun.elapsed() >= Duration::from_secs(1) && begun.elapsed() < Duration::from_secs(5), "{path}");
        }
    }
}

#[tokio::test]
async fn b12_a_hostile_issuer_does_not_slow_others() {
    let (silent, endless, good) =
        tokio::join!(TestIssuer::http("127.0.0.1"), TestIssuer::http("127.0.0.1"), TestIssuer::http("127.0.0.1"));
    silent.answer(DISCOVERY, Answer::Silence);
    endless.answer(KEYS, Answer::Endless);
    let (key_sets, _) = key_sets(patient());
    let (silent, endless, good) = (source(silent.trusted()), source(endless.trusted()), source(good.trusted()));
    let stuck = async {
        futures_util::future::join_all((0..100).map(|_| key_sets.key_set(&silent, Some("a")))).await;
    };
    let served = async {
        let _ = key_sets.key_set(&endless, Some("a")).await;
        key_sets.key_set(&good, Some("a")).await.unwrap()
    };
    tokio::select! {
        () = stuck => panic!("the silent issuer was answered first"),
        keys = served => assert!(keys.has("a")),
    }
}

#[tokio::test]
async fn b11_the_document_of_another_issuer_gives_no_keys() {
    let issuer = TestIssuer::http("127.0.0.1").await;
    for named in [String::new(), format!("{}/", issuer.url), "https://idp.example".into()] {
        let document = serde_json::json!({"issuer": named, "jwks_uri": format!("{}{KEYS}", issuer.url)});
        issuer.answer(DISCOVERY, Answer::Body(document.to_string()));
        let (key_sets, _) = key_sets(patient());
        let source = source(issuer.trusted());
        assert_eq!(key_sets.key_set(&source, Some("a")).await.unwrap_err(), KeySetError::Issuer, "{named}");
        assert_eq!(key_sets.status(&source).last_error, Some(KeySetError::Issuer));
    }
    assert_eq!(issuer.fetches(), 0);
}

#[tokio::test]
async fn b12_a_discovery_document_is_read_with_the_same_care() {
    let issuer = TestIssuer::http("127.0.0.1").await;
    for (answer, why) in [
        (large(100 << 20, ""), KeySetError::TooLarge),
        (Answer::Body("[".repeat(200_000)), KeySetError::Discovery),
        (Answer::Body("<html>".into()), KeySetError::Discovery),
        (Answer::Raw(b"HTTP/1.1 404 Not Found\r\n\r\n".to_vec()), KeySetError::Status),
        (Answer::Reset, KeySetError::Unreachable),
    ] {
        issuer.answer(DISCOVERY, answer);
        let (key_sets, _) = key_sets(patient());
        assert_eq!(key_sets.key_set(&source(issuer.trusted()), Some("a")).await.unwrap_err(), why);
    }
}

#[tokio::test]
async fn a_certificate_counts_if_the_system_or_the_record_trusts_it() {
    let (issuer, other) =
        (TestIssuer::https("127.0.0.1", "localhost").await, TestIssuer::https("127.0.0.1", "localhost").await);
    let trusting = |ca_certificates: Option<&str>| Published {
        ca_certificates: ca_certificates.map(str::to_owned),
        ..issuer.trusted()
    };
    for (record, why) in [
        (trusting(other.ca.as_deref()), KeySetError::Tls),
        (trusting(Some("no certificate")), KeySetError::Certificates),
        (trusting(Some("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")), KeySetError::Certificates),
    ] {
        let (key_sets, _) = key_sets(patient());
        assert_eq!(key_sets.key_set(&source(record), Some("a")).await.unwrap_err(), why);
    }
    // The name counts too.
    let discovery_url = Some(format!("https://127.0.0.1:{}{DISCOVERY}", issuer.address.port()));
    let (key_sets, _) = key_sets(patient());
    let record = Published { discovery_url, ..issuer.trusted() };
    assert_eq!(key_sets.key_set(&source(record), Some("a")).await.unwrap_err(), KeySetError::Tls);
    assert_eq!(issuer.fetches(), 0);
    assert!(key_sets.key_set(&source(issuer.trusted()), Some("a")).await.unwrap().has("a"));
}
