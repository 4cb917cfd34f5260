//! The layer in front of a real axum server, over a real connection.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use axum::{Extension, Router};
use brevet_validator::credential::Credentials;
use brevet_validator::layer::{BodyMismatch, ValidatorLayer};
use brevet_validator::signature::Rules;
use brevet_validator::validator::{Validator, Verified};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use layer_support::{HOUR, Sts, TestClock, get, header, noon, presign, put, sign, sign_hash};

mod layer_support;

const LIMIT: usize = 1024;

/// What the protected service saw.
#[derive(Clone, Default)]
struct Seen {
    calls: Arc<AtomicUsize>,
    bytes: Arc<AtomicUsize>,
}

/// A protected service, its clock and a caller.
struct Stage {
    address: SocketAddr,
    clock: TestClock,
    seen: Seen,
    sts: Sts,
    alice: Credentials,
}

impl Stage {
    async fn new(service: &str) -> Self {
        Self::with(Rules::of_service(service), |layer| layer).await
    }

    async fn with(rules: Rules, change: impl FnOnce(ValidatorLayer) -> ValidatorLayer) -> Self {
        let sts = Sts::new(1);
        let clock = TestClock::at(noon());
        let seen = Seen::default();
        let now = clock.clone();
        let layer =
            ValidatorLayer::http(Validator::new(rules, sts.ring(), 100)).body_limit(LIMIT).clock(move || now.now());
        let app = Router::new().fallback(answer).layer(Extension(seen.clone())).layer(change(layer));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        let alice = sts.session("alice", noon(), HOUR);
        Self { address, clock, seen, sts, alice }
    }

    fn signed(&self, request: Request<Vec<u8>>) -> Request<Vec<u8>> {
        let body = request.body().clone();
        sign(request, &body, &self.alice, "s3", self.clock.now())
    }

    async fn send(&self, request: Request<Vec<u8>>) -> Answer {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let response = sender.send_request(request.map(|body| Full::new(bytes::Bytes::from(body)))).await.unwrap();
        let (parts, body) = response.into_parts();
        let text = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            json: serde_json::from_slice(&text).unwrap_or_else(|_| panic!("not JSON: {text:?}")),
        }
    }

    /// Sends the head of a request and then these bytes, as they are.
    async fn send_raw(&self, head: &Request<Vec<u8>>, extra: &str, rest: &[u8]) -> String {
        let mut text = format!("{} {} HTTP/1.1\r\nconnection: close\r\n{extra}", head.method(), head.uri());
        for (name, value) in head.headers() {
            text += &format!("{name}: {}\r\n", value.to_str().unwrap());
        }
        text += "\r\n";
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(&[text.as_bytes(), rest].concat()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8(answer).unwrap()
    }

    /// Refused with this code, and the service did not hear of it.
    async fn refused(&self, request: Request<Vec<u8>>, code: &str, what: &str) {
        let calls = self.seen.calls.load(Ordering::SeqCst);
        let answer = self.send(request).await;
        assert_eq!(answer.error(), code, "{what}: {:?}", answer.json);
        assert_eq!(self.seen.calls.load(Ordering::SeqCst), calls, "{what}: the service was called");
    }
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    json: Value,
}

impl Answer {
    fn error(&self) -> &str {
        self.json["error"].as_str().unwrap_or("none")
    }
}

async fn answer(
    Extension(seen): Extension<Seen>,
    Extension(verified): Extension<Verified>,
    mut body: Body,
) -> (StatusCode, String) {
    seen.calls.fetch_add(1, Ordering::SeqCst);
    while let Some(part) = body.frame().await {
        match part {
            Ok(frame) => {
                let length = frame.data_ref().map_or(0, bytes::Bytes::len);
                seen.bytes.fetch_add(length, Ordering::SeqCst);
            }
            Err(error) => {
                let mismatch = std::error::Error::source(&error).is_some_and(|cause| cause.is::<BodyMismatch>());
                return (StatusCode::FORBIDDEN, format!(r#"{{"error":"cut","mismatch":{mismatch}}}"#));
            }
        }
    }
    (StatusCode::OK, format!(r#"{{"arn":"{}"}}"#, verified.principal().arn()))
}

#[tokio::test]
async fn good_requests_reach_the_service_with_their_principal() {
    let stage = Stage::new("s3").await;
    for request in [
        stage.signed(get("/")),
        stage.signed(get("/a%20b/c?list-type=2&prefix=x%2Fy")),
        stage.signed(put("/bucket/key", b"some bytes")),
        presign(get("/bucket/key"), &stage.alice, "s3", 300, noon()),
    ] {
        let answer = stage.send(request).await;
        assert_eq!(answer.status, 200, "{:?}", answer.json);
        assert_eq!(answer.json["arn"], "arn:aws:sts::123456789012:assumed-role/deploy/alice");
    }
    assert_eq!(stage.seen.calls.load(Ordering::SeqCst), 4);
    assert_eq!(stage.seen.bytes.load(Ordering::SeqCst), 10);
}

#[tokio::test]
async fn a_refusal_is_json_with_its_status_and_a_request_id() {
    let stage = Stage::new("s3").await;
    let answer = stage.send(get("/")).await;
    assert_eq!((answer.status.as_u16(), answer.error()), (403, "MissingAuthenticationToken"));
    assert_eq!(answer.json["message"], "Missing Authentication Token");
    assert_eq!(answer.json["request_id"].as_str().map(str::len), Some(36));
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(answer.headers["cache-control"], "no-store");
}

#[tokio::test]
async fn d22_a_session_is_refused_from_its_expiry_on() {
    let stage = Stage::new("s3").await;
    stage.clock.set(noon() + (HOUR - 1));
    assert_eq!(stage.send(stage.signed(get("/"))).await.status, 200);
    stage.clock.set(noon() + HOUR);
    let answer = stage.send(stage.signed(get("/"))).await;
    assert_eq!((answer.status.as_u16(), answer.error()), (400, "ExpiredToken"));
}

#[tokio::test]
async fn a26_another_sessions_token_is_refused() {
    let stage = Stage::new("s3").await;
    let bob = stage.sts.session("bob", noon(), HOUR);
    let mixed = Credentials { security_token: bob.security_token, ..stage.alice.clone() };
    stage.refused(sign(get("/"), b"", &mixed, "s3", noon()), "InvalidClientTokenId", "bob's token").await;
    let bare = Credentials { security_token: None, ..stage.alice.clone() };
    stage.refused(sign(get("/"), b"", &bare, "s3", noon()), "InvalidClientTokenId", "no token").await;
}

#[tokio::test]
async fn one_byte_changed_anywhere_is_refused() {
    let stage = Stage::new("s3").await;
    let mut plain = put("/bucket/key?x=1", b"some bytes");
    plain.headers_mut().insert("x-amz-meta-owner", header("ada"));
    let signed = stage.signed(plain);
    assert_eq!(stage.send(signed.clone()).await.status, 200);

    let mut body = signed.clone();
    body.body_mut()[9] ^= 1;
    let mut path = signed.clone();
    *path.uri_mut() = "/bucket/kex?x=1".parse().unwrap();
    let mut query = signed.clone();
    *query.uri_mut() = "/bucket/key?x=2".parse().unwrap();
    let mut field = signed.clone();
    field.headers_mut().insert("x-amz-meta-owner", header("adb"));
    let mut method = signed.clone();
    *method.method_mut() = http::Method::POST;
    let mut date = signed.clone();
    date.headers_mut().insert("x-amz-date", header(&(noon() + 1).to_basic()));
    for (request, what) in
        [(body, "body"), (path, "path"), (query, "query"), (field, "header"), (method, "method"), (date, "date")]
    {
        stage.refused(request, "SignatureDoesNotMatch", what).await;
    }

    let mut presigned = presign(get("/bucket/key"), &stage.alice, "s3", 300, noon());
    *presigned.uri_mut() = presigned.uri().to_string().replace("Expires=300", "Expires=301").parse().unwrap();
    stage.refused(presigned, "SignatureDoesNotMatch", "presigned").await;
}

#[tokio::test]
async fn a2_two_forms_of_credentials_are_refused() {
    let stage = Stage::new("s3").await;
    let mut both = presign(get("/bucket/key"), &stage.alice, "s3", 300, noon());
    both.headers_mut().insert("authorization", stage.signed(get("/")).headers()["authorization"].clone());
    stage.refused(both, "IncompleteSignature", "header and query").await;
}

#[tokio::test]
async fn a3_a_repeated_authentication_header_is_refused() {
    let stage = Stage::new("s3").await;
    for name in ["authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256", "host"] {
        let signed = stage.signed(get("/"));
        let twice = format!("{name}: {}\r\n", signed.headers()[name].to_str().unwrap());
        let answer = stage.send_raw(&signed, &twice, b"").await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{name}: {answer}");
    }
    assert_eq!(stage.seen.calls.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a6_an_x_amz_header_added_after_signing_is_refused() {
    let stage = Stage::new("s3").await;
    for name in ["x-amz-tagging", "x-amz-acl", "x-amz-target"] {
        let mut request = stage.signed(get("/"));
        request.headers_mut().insert(name, header("x"));
        stage.refused(request, "SignatureDoesNotMatch", name).await;
    }
    let mut request = stage.signed(get("/"));
    request.headers_mut().insert("x-forwarded-host", header("elsewhere"));
    assert_eq!(stage.send(request).await.status, 200, "a header that means nothing to the signature may be added");
}

#[tokio::test]
async fn a8_a_request_signed_for_another_host_is_refused() {
    let stage = Stage::new("s3").await;
    let mut replayed = stage.signed(get("/"));
    replayed.headers_mut().insert("host", header("other.example"));
    stage.refused(replayed, "SignatureDoesNotMatch", "host changed").await;

    let strict = Stage::with(Rules::of_service("s3"), |layer| layer.authorities(["Service.Example:8080"])).await;
    strict.refused(strict.signed(get("/")), "SignatureDoesNotMatch", "signed for a host that is not ours").await;
    let ours = Request::get("/").header("host", "service.example:8080").body(Vec::new()).unwrap();
    assert_eq!(strict.send(strict.signed(ours)).await.status, 200);
}

#[tokio::test]
async fn a10_a_request_for_another_service_is_refused() {
    let stage = Stage::new("queue").await;
    stage.refused(stage.signed(get("/")), "SignatureDoesNotMatch", "s3 at queue").await;
    assert_eq!(stage.send(sign(get("/"), b"", &stage.alice, "queue", noon())).await.status, 200);
}

#[tokio::test]
async fn a17_in_the_general_style_only_one_spelling_of_a_path_is_accepted() {
    let stage = Stage::new("queue").await;
    for path in ["/a/../b", "/./b", "//b", "/b/.", "/a/.."] {
        let request = sign(get(path), b"", &stage.alice, "queue", noon());
        stage.refused(request, "SignatureDoesNotMatch", path).await;
    }
    assert_eq!(stage.send(sign(get("/a%20b/c/"), b"", &stage.alice, "queue", noon())).await.status, 200);
}

#[tokio::test]
async fn a22_a_body_must_have_the_hash_that_is_declared_and_signed() {
    let stage = Stage::new("s3").await;
    let wrong = sign_hash(put("/k", b"body"), Sha256::digest(b"Body").into(), &stage.alice, "s3", noon());
    stage.refused(wrong, "SignatureDoesNotMatch", "hash of another body").await;

    let mut upper = stage.signed(put("/k", b"body"));
    let hash = upper.headers()["x-amz-content-sha256"].to_str().unwrap().to_uppercase();
    upper.headers_mut().insert("x-amz-content-sha256", header(&hash));
    stage.refused(upper, "IncompleteSignature", "upper case").await;

    let mut missing = stage.signed(put("/k", b"body"));
    missing.headers_mut().remove("x-amz-content-sha256");
    stage.refused(missing, "SignatureDoesNotMatch", "signed and then removed").await;
}

#[tokio::test]
async fn a23_unsigned_and_chunked_payloads_are_refused_unless_enabled() {
    let stage = Stage::new("s3").await;
    for form in [
        "UNSIGNED-PAYLOAD",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
        "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "STREAMING-SOMETHING-NEW",
    ] {
        let mut request = stage.signed(put("/k", b"body"));
        request.headers_mut().insert("x-amz-content-sha256", header(form));
        stage.refused(request, "SignatureDoesNotMatch", form).await;
    }

    let lax = Stage::with(Rules { unsigned_payload: true, ..Rules::of_service("s3") }, |layer| layer).await;
    let request = presign(put("/k", &[7; 4 * LIMIT]), &lax.alice, "s3", 300, noon());
    assert_eq!(lax.send(request).await.status, 200);
    assert_eq!(lax.seen.bytes.load(Ordering::SeqCst), 4 * LIMIT);
    let request = presign(put("/k", b"body"), &stage.alice, "s3", 300, noon());
    stage.refused(request, "SignatureDoesNotMatch", "a presigned body where none may be unsigned").await;
}

#[tokio::test]
async fn a27_a28_a_token_without_a_signature_or_in_two_places_is_refused() {
    let stage = Stage::new("s3").await;
    let token = header(stage.alice.security_token.as_ref().unwrap().expose());
    let mut alone = get("/");
    alone.headers_mut().insert("x-amz-security-token", token.clone());
    stage.refused(alone, "MissingAuthenticationToken", "a token alone").await;
    let mut twice = presign(get("/k"), &stage.alice, "s3", 300, noon());
    twice.headers_mut().insert("x-amz-security-token", token);
    stage.refused(twice, "IncompleteSignature", "query and header").await;
}

#[tokio::test]
async fn d20_a_token_beyond_the_limit_is_refused() {
    let stage = Stage::new("s3").await;
    for length in [1, 4096, 4097, 16 * 1024] {
        let long = Credentials { security_token: Some("A".repeat(length).into()), ..stage.alice.clone() };
        let request = sign(get("/"), b"", &long, "s3", noon());
        stage.refused(request, "InvalidClientTokenId", &length.to_string()).await;
    }
}

#[tokio::test]
async fn e5_a_long_body_without_a_declared_hash_is_too_large() {
    let stage = Stage::new("queue").await;
    // The general presigned form declares nothing: the body would have to be buffered whole.
    let request = presign(put("/k", &[0; LIMIT + 1]), &stage.alice, "queue", 300, noon());
    let answer = stage.send(request.clone()).await;
    assert_eq!((answer.status.as_u16(), answer.error()), (413, "RequestEntityTooLarge"));

    // A length that is only announced is enough, and one that is not announced is counted.
    let announced = stage.send_raw(&request, &format!("content-length: {}\r\n", 1u64 << 40), b"").await;
    assert!(announced.starts_with("HTTP/1.1 413"), "{announced}");
    let chunk = [b"800\r\n".as_slice(), &[0; 0x800], b"\r\n"].concat();
    let endless = stage.send_raw(&request, "transfer-encoding: chunked\r\n", &chunk).await;
    assert!(endless.starts_with("HTTP/1.1 413"), "{endless}");
    assert_eq!(stage.seen.calls.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_body_just_within_the_limit_is_buffered_and_checked() {
    let stage = Stage::new("s3").await;
    let good = stage.signed(put("/k", &[1; LIMIT]));
    assert_eq!(stage.send(good.clone()).await.status, 200);
    let mut bad = good;
    bad.body_mut()[LIMIT - 1] = 2;
    stage.refused(bad, "SignatureDoesNotMatch", "last byte").await;
}

#[tokio::test]
async fn a_long_body_streams_if_its_hash_is_declared_and_right() {
    let stage = Stage::new("s3").await;
    let body: Vec<u8> = (0..1_000_000u32).map(|n| n as u8).collect();
    assert_eq!(stage.send(stage.signed(put("/k", &body))).await.status, 200);
    assert_eq!(stage.seen.bytes.load(Ordering::SeqCst), body.len());

    // The same without a length: half in one chunk, half in another.
    let head = stage.signed(put("/k", &body));
    let (first, second) = body.split_at(500_000);
    let chunked = [b"7a120\r\n".as_slice(), first, b"\r\n7a120\r\n", second, b"\r\n0\r\nx-trailer: y\r\n\r\n"].concat();
    let answer = stage.send_raw(&head, "transfer-encoding: chunked\r\n", &chunked).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(stage.seen.bytes.load(Ordering::SeqCst), 2 * body.len());
}

#[tokio::test]
async fn a_long_body_that_is_not_the_signed_one_fails_before_its_end() {
    let stage = Stage::new("s3").await;
    let body = vec![1; 1_000_000];
    for place in [0, LIMIT, 999_999] {
        let mut request = stage.signed(put("/k", &body));
        request.body_mut()[place] = 2;
        stage.seen.bytes.store(0, Ordering::SeqCst);
        let answer = stage.send(request).await;
        assert_eq!(answer.error(), "cut", "byte {place}");
        assert_eq!(answer.json["mismatch"], true, "byte {place}");
        assert!(stage.seen.bytes.load(Ordering::SeqCst) < body.len(), "byte {place}");
    }
}

#[tokio::test]
async fn a_long_body_with_a_wrong_signature_never_reaches_the_service() {
    let stage = Stage::new("s3").await;
    let mut request = stage.signed(put("/k", &[1; 64 * LIMIT]));
    *request.uri_mut() = "/other".parse().unwrap();
    stage.refused(request, "SignatureDoesNotMatch", "path").await;
}

#[tokio::test]
async fn an_open_path_needs_no_credentials_and_gives_none() {
    let stage = Stage::with(Rules::of_service("s3"), |layer| layer.open_path("/healthz")).await;
    // The service itself insists on a principal, so it is reached and fails for want of one.
    let answer = stage.send_raw(&get("/healthz"), "", b"").await;
    assert!(answer.starts_with("HTTP/1.1 500") && answer.contains("Missing request extension"), "{answer}");
    for path in ["/healthz/", "/healthz/x", "//healthz", "/Healthz"] {
        stage.refused(get(path), "MissingAuthenticationToken", path).await;
    }
}

#[tokio::test]
async fn refusals_can_be_rendered_in_another_way() {
    let stage = Stage::with(Rules::of_service("s3"), |layer| {
        layer.refusals(|rejection, request_id| {
            let body = format!(r#"{{"error":"{}!","id":{}}}"#, rejection.code(), request_id.len());
            http::Response::builder().status(418).body(body.into()).unwrap()
        })
    })
    .await;
    let answer = stage.send(get("/")).await;
    assert_eq!((answer.status.as_u16(), answer.error()), (418, "MissingAuthenticationToken!"));
}

#[tokio::test]
async fn a_grpc_content_type_does_not_change_what_is_signed() {
    let stage = Stage::new("s3").await;
    let message = b"message";
    let framed = [b"\0\0\0\0\x07".as_slice(), message].concat();
    let mut request = sign(put("/k", &framed), message, &stage.alice, "s3", noon());
    request.headers_mut().insert("content-type", header("application/grpc"));
    stage.refused(request, "SignatureDoesNotMatch", "frame around the signed bytes").await;
}
