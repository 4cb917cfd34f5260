//! The documents of an issuer of identity tokens, as bytes.

use std::sync::Arc;

use serde_json::Value;

use super::server::Server;
use crate::adapters::clock::SystemClock;
use crate::adapters::random::SystemRandomness;
use crate::service::clock::Clock as _;
use crate::service::deployment::{Deployment, Founding};
use crate::service::error::Kind;
use crate::service::federation::{Issuer, Plaintext};
use crate::service::outbound::Outbound;
use crate::store::{MasterKey, MemoryStore, Store as _};
use crate::transport::front::Settings;
use crate::transport::peer::Authorities;

const DOCUMENT: &str = "/.well-known/openid-configuration";
const KEYS: &str = "/jwks.json";

/// A front that publishes the documents of an issuer of this name.
async fn start(name: &str) -> Server {
    let settings = Settings { outbound: Some(outbound(name).await), ..Settings::default() };
    Server::with(settings, None).await
}

async fn outbound(name: &str) -> Arc<Outbound> {
    let (master, random) = (MasterKey::new([1; 32]), Arc::new(SystemRandomness::default()));
    let founding = Founding { account: None, administrator: "admin", roles: &[], provider: None };
    let (first, _) = founding.first_transaction(&master, &*random, &SystemClock).unwrap();
    let store = Arc::new(MemoryStore::new(|| SystemClock.now()));
    store.commit(first).await.unwrap();
    let deployment = Deployment::start(store, &master, random).await.unwrap();
    let issuer = Issuer::parse(name, Plaintext::Refused).unwrap();
    Arc::new(Outbound::new(issuer, deployment.issuer_keys, Arc::new(SystemClock)))
}

async fn ask(server: &Server, method: &str, path: &str, headers: &str) -> String {
    let request = format!("{method} {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n{headers}\r\n");
    server.raw(&request).await
}

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").unwrap().1
}

#[track_caller]
fn assert_refused(answer: &str, status: u16, code: &str) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    for part in [&format!("<Code>{code}</Code>"), "content-type: text/xml", "cache-control: no-store"] {
        assert!(answer.contains(part), "{part}\n{answer}");
    }
}

#[tokio::test]
async fn documents_are_public_and_may_be_cached() {
    let server = start("https://sts.example.com").await;
    for path in [DOCUMENT, KEYS, "/jwks.json?anything"] {
        let answer = ask(&server, "GET", path, "").await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        for header in [
            "content-type: application/json",
            "cache-control: public, max-age=300",
            "x-content-type-options: nosniff",
            "x-amzn-requestid: ",
        ] {
            assert!(answer.contains(header), "{header}\n{answer}");
        }
        assert!(!answer.contains("no-store"), "{answer}");
        // HEAD: the same without its body.
        let head = ask(&server, "HEAD", path, "").await;
        let length = format!("content-length: {}\r\n", body(&answer).len());
        assert!(head.starts_with("HTTP/1.1 200 ") && head.contains(&length) && answer.contains(&length), "{head}");
        assert_eq!(body(&head), "");
    }
    let document: Value = serde_json::from_str(body(&ask(&server, "GET", DOCUMENT, "").await)).unwrap();
    assert_eq!(document["issuer"], "https://sts.example.com");
    assert_eq!(document["jwks_uri"], "https://sts.example.com/jwks.json");
    assert_eq!(document["id_token_signing_alg_values_supported"], serde_json::json!(["RS256", "ES384"]));
    assert_eq!(document["subject_types_supported"], serde_json::json!(["public"]));
    assert_eq!(document["response_types_supported"], serde_json::json!(["id_token"]));
    let keys: Value = serde_json::from_str(body(&ask(&server, "GET", KEYS, "").await)).unwrap();
    let kinds: Vec<_> = keys["keys"].as_array().unwrap().iter().map(|key| (&key["kty"], &key["alg"])).collect();
    assert_eq!(serde_json::json!(kinds), serde_json::json!([["EC", "ES384"], ["RSA", "RS256"]]));
    let counted = r#"brevet_requests_total{api="http",operation="GetKeySet",outcome="success",reason=""} 5"#;
    assert!(server.metrics.text().contains(counted), "{}", server.metrics.text());
    assert!(server.clerk.refused().is_empty());
}

#[tokio::test]
async fn b32_no_header_of_a_request_has_a_part_in_the_issuer_s_name() {
    let server = start("https://sts.example.com").await;
    let honest = ask(&server, "GET", DOCUMENT, "").await;
    for headers in [
        "X-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Port: 1\r\n",
        "Forwarded: host=evil.example;proto=http\r\n",
        "X-Original-Url: /evil\r\nX-Forwarded-Prefix: /evil\r\n",
    ] {
        assert_eq!(body(&ask(&server, "GET", DOCUMENT, headers).await), body(&honest), "{headers}");
    }
    let foreign = format!("GET {DOCUMENT} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n");
    assert_eq!(body(&server.raw(&foreign).await), body(&honest));
    let absolute = format!("GET http://evil.example{DOCUMENT} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    assert_eq!(body(&server.raw(&absolute).await), body(&honest));
}

#[tokio::test]
async fn documents_are_read_and_nothing_else() {
    let server = start("https://sts.example.com").await;
    for (method, headers) in [("POST", "Content-Length: 0\r\n"), ("DELETE", ""), ("OPTIONS", ""), ("PUT", "")] {
        let answer = ask(&server, method, KEYS, headers).await;
        assert_refused(&answer, 405, "MethodNotAllowed");
        assert!(answer.contains("allow: GET, HEAD\r\n"), "{answer}");
    }
    assert_eq!(server.clerk.refused(), [("GetKeySet", Kind::MethodNotAllowed); 4]);
    assert_refused(
        &ask(&server, "GET", KEYS, "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n").await,
        400,
        "ValidationError",
    );
}

#[tokio::test]
async fn an_issuer_with_a_path_has_its_documents_below_it_and_nowhere_else() {
    let server = start("https://example.com/sts/a").await;
    for path in ["/sts/a/.well-known/openid-configuration", "/sts/a/jwks.json"] {
        assert!(ask(&server, "GET", path, "").await.starts_with("HTTP/1.1 200 "), "{path}");
    }
    for path in [DOCUMENT, KEYS, "/sts/a/jwks.json/", "/sts/A/jwks.json", "/sts/a//jwks.json", "/sts/%61/jwks.json"] {
        assert_refused(&ask(&server, "GET", path, "").await, 404, "NotFound");
    }
}

#[tokio::test]
async fn who_issues_no_tokens_has_no_documents() {
    let server = Server::start().await;
    for path in [DOCUMENT, KEYS] {
        assert_refused(&ask(&server, "GET", path, "").await, 404, "NotFound");
    }
    assert_eq!(server.clerk.refused(), [("unknown", Kind::NotFound); 2]);
}

#[tokio::test]
async fn a8_a_foreign_host_gets_no_documents_where_hosts_are_named() {
    let authorities = Some(Authorities::new(["sts.example.com"]));
    let outbound = Some(outbound("https://sts.example.com").await);
    let server = Server::with(Settings { authorities, outbound, ..Settings::default() }, None).await;
    assert_refused(&ask(&server, "GET", DOCUMENT, "").await, 403, "SignatureDoesNotMatch");
    let named = format!("GET {DOCUMENT} HTTP/1.1\r\nHost: sts.example.com\r\nConnection: close\r\n\r\n");
    assert!(server.raw(&named).await.starts_with("HTTP/1.1 200 "));
}
