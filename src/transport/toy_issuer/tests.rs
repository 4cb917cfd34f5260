//! The port: who may ask what, and what the pages say.

use brevet_validator::timestamp::Timestamp;
use bytes::Bytes;
use http::HeaderMap;
use http_body_util::{BodyExt as _, Full};
use serde_json::Value;

use super::*;

#[derive(Debug)]
struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix(1_768_478_400).unwrap()
    }
    fn now_nanos(&self) -> u128 {
        0
    }
}

impl Random for Still {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), NoRandomness> {
        buffer.fill(7);
        Ok(())
    }
}

async fn start(only_local_hosts: bool) -> ToyIssuer {
    let address = "127.0.0.1:0".parse().unwrap();
    let settings = Settings { address, clients: vec!["brevet".to_owned()], only_local_hosts };
    ToyIssuer::bind(settings, Arc::new(Still), Arc::new(Still)).await.unwrap()
}

struct Got {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Got {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }
}

async fn ask(issuer: &ToyIssuer, request: http::request::Builder, body: impl Into<Bytes>) -> Got {
    let parts = request.body(()).unwrap().into_parts().0;
    let response = issuer.counter.answer(&parts, Full::new(body.into())).await.render();
    let (parts, body) = response.into_parts();
    let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    Got { status: parts.status.as_u16(), headers: parts.headers, text }
}

fn to(issuer: &ToyIssuer, method: &str, path: &str) -> http::request::Builder {
    let host = issuer.issuer().provider_name();
    Request::builder().method(method).uri(path).header("host", host)
}

fn form(issuer: &ToyIssuer, path: &str) -> http::request::Builder {
    to(issuer, "POST", path).header("content-type", "application/x-www-form-urlencoded")
}

/// An authorization request, and what follows it.
fn authorize(more: &str) -> String {
    format!(
        "/authorize?client_id=brevet&response_type=code&scope=openid&redirect_uri=http://127.0.0.1:1/cb\
         &code_challenge_method=S256&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM{more}"
    )
}

fn ticket(page: &Got) -> &str {
    page.text.split("name=\"ticket\" value=\"").nth(1).unwrap().split('"').next().unwrap()
}

#[tokio::test]
async fn documents_are_got_and_tokens_are_posted_for() {
    let issuer = start(true).await;
    let got = ask(&issuer, to(&issuer, "GET", endpoints::DOCUMENT), "").await;
    let document: Value = serde_json::from_str(&got.text).unwrap();
    let issuer_url = issuer.issuer().as_str();
    assert_eq!((got.status, &document["jwks_uri"]), (200, &json!(format!("{issuer_url}/jwks.json"))));
    assert_eq!(document["token_endpoint"], json!(format!("{issuer_url}/oauth/token")));
    assert_eq!(ask(&issuer, to(&issuer, "GET", endpoints::KEYS), "").await.status, 200);
    let token = ask(&issuer, to(&issuer, "POST", endpoints::TOKEN), "{}").await;
    assert!(token.status == 200 && token.text.starts_with(r#"{"token":"ey"#), "{}", token.text);
    for (method, path, status, allowed) in [
        ("POST", endpoints::KEYS, 405, "GET"),
        ("HEAD", endpoints::DOCUMENT, 405, "GET"),
        ("GET", endpoints::TOKEN, 405, "POST"),
        ("OPTIONS", endpoints::OAUTH_TOKEN, 405, "POST"),
        ("GET", endpoints::SIGN_IN, 405, "POST"),
        ("GET", "/", 404, ""),
        ("POST", "/token/", 404, ""),
    ] {
        let got = ask(&issuer, to(&issuer, method, path), "{}").await;
        assert_eq!((got.status, got.header("allow")), (status, allowed), "{method} {path}");
    }
}

#[tokio::test]
async fn bodies_that_are_too_long_or_no_object_are_refused_in_words() {
    let issuer = start(true).await;
    let post = || to(&issuer, "POST", endpoints::TOKEN);
    for body in ["", "[]", "{", r#"{"a":1,"a":1}"#] {
        let got = ask(&issuer, post(), body).await;
        assert!(got.status == 400 && got.text.ends_with(".\n"), "{body}: {}", got.text);
    }
    let claims = |length: usize| format!(r#"{{"a":"{}"}}"#, "a".repeat(length - 8));
    assert_eq!(ask(&issuer, post(), claims(BODY_LIMIT)).await.status, 200);
    assert_eq!(ask(&issuer, post(), claims(BODY_LIMIT + 1)).await.status, 413);
    assert_eq!(ask(&issuer, form(&issuer, endpoints::SIGN_IN), claims(BODY_LIMIT + 1)).await.status, 413);
}

#[tokio::test]
async fn other_hosts_and_web_pages_are_refused_unless_it_is_exposed() {
    for (only_local_hosts, expected) in [(true, 403), (false, 200)] {
        let issuer = start(only_local_hosts).await;
        let foreign = Request::post(endpoints::TOKEN).header("host", "evil.example");
        assert_eq!(ask(&issuer, foreign, "{}").await.status, expected);
        let page = to(&issuer, "POST", endpoints::TOKEN).header("origin", issuer.issuer().as_str());
        assert_eq!(ask(&issuer, page, "{}").await.status, expected);
    }
}

#[tokio::test]
async fn its_own_form_is_the_one_thing_that_a_web_page_can_send() {
    let issuer = start(true).await;
    let own = issuer.issuer().as_str();
    for (path, origin, status) in [
        (endpoints::SIGN_IN, own, 303),
        (endpoints::SIGN_IN, "null", 403),
        (endpoints::SIGN_IN, "https://evil.example", 403),
        (endpoints::SIGN_IN, "http://127.0.0.1", 403),
        (endpoints::OAUTH_TOKEN, own, 403),
        (endpoints::OAUTH_DEVICE, own, 403),
        (endpoints::TOKEN, own, 403),
    ] {
        let page = ask(&issuer, to(&issuer, "GET", &authorize("")), "").await;
        let body = format!("person=alice&ticket={}", ticket(&page));
        let got = ask(&issuer, form(&issuer, path).header("origin", origin), body).await;
        assert_eq!(got.status, status, "{path} {origin}");
    }
    let two = form(&issuer, endpoints::SIGN_IN).header("origin", own).header("origin", "https://evil.example");
    assert_eq!(ask(&issuer, two, "").await.status, 403);
}

#[tokio::test]
async fn a_page_says_where_it_leads_and_lets_nobody_frame_it() {
    let issuer = start(true).await;
    for (redirect, leads_to) in [
        ("http://127.0.0.1:4711/cb", "http://127.0.0.1:4711"),
        ("http://localhost/cb", "http://localhost"),
        ("http://[::1]:4711/cb", "http:"),
    ] {
        let page = authorize("").replace("http://127.0.0.1:1/cb", redirect);
        let got = ask(&issuer, to(&issuer, "GET", &page), "").await;
        let policy =
            format!("default-src 'none'; form-action 'self' {leads_to}; base-uri 'none'; frame-ancestors 'none'");
        assert_eq!((got.status, got.header("content-security-policy")), (200, policy.as_str()));
        assert_eq!((got.header("x-frame-options"), got.header("referrer-policy")), ("DENY", "same-origin"));
        assert_eq!((got.header("cache-control"), got.header("content-type")), ("no-store", "text/html; charset=utf-8"));
        assert!(["alice", "bob", "carol"].iter().all(|name| got.text.contains(&format!("value=\"{name}\""))));
    }
    let got = ask(&issuer, to(&issuer, "GET", "/device?user_code=%22%3E%3Cscript%3E"), "").await;
    assert!(got.status == 400 && got.text.contains("<b>&quot;&gt;&lt;script&gt;</b>"), "{}", got.text);
    assert!(got.header("content-security-policy").starts_with("default-src 'none'; form-action 'self'; "));
    let long = authorize(&format!("&state={}", "s".repeat(9 << 10)));
    assert_eq!(ask(&issuer, to(&issuer, "GET", &long), "").await.status, 400);
}

#[tokio::test]
async fn clients_are_refused_in_oauth_s_words() {
    let issuer = start(true).await;
    let error = |got: &Got| serde_json::from_str::<Value>(&got.text).unwrap()["error"].as_str().unwrap().to_owned();
    let got =
        ask(&issuer, to(&issuer, "POST", endpoints::OAUTH_TOKEN).header("content-type", "application/json"), "{}");
    let got = got.await;
    assert_eq!((got.status, error(&got).as_str(), got.header("cache-control")), (400, "invalid_request", "no-store"));
    for (body, status, code, challenge) in [
        ("client_id=brevet&grant_type=password", 400, "unsupported_grant_type", ""),
        ("client_id=nobody&grant_type=refresh_token", 401, "invalid_client", "Basic realm=\"nobody has a secret\""),
    ] {
        let got = ask(&issuer, form(&issuer, endpoints::OAUTH_TOKEN), body).await;
        assert_eq!((got.status, error(&got).as_str(), got.header("www-authenticate")), (status, code, challenge));
    }
    let secret = form(&issuer, endpoints::OAUTH_DEVICE).header("authorization", "Basic YnJldmV0OnM=");
    assert_eq!(ask(&issuer, secret, "client_id=brevet&scope=openid").await.status, 401);
    for (authorization, challenge) in [("Bearer x", "Bearer error=\"invalid_token\""), ("x", "Bearer")] {
        let request = to(&issuer, "GET", endpoints::USER_INFO).header("authorization", authorization);
        let got = ask(&issuer, request, "").await;
        assert_eq!((got.status, got.header("www-authenticate")), (401, challenge));
    }
}
