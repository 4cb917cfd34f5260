//! The layer in front of a real tonic server, called by tonic's client and by hand.

use std::net::SocketAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use brevet_validator::credential::Credentials;
use brevet_validator::layer::{ValidatorLayer, grpc};
use brevet_validator::signature::Rules;
use brevet_validator::validator::{Rejection, Validator};
use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use tokio::net::TcpStream;
use tonic::Code;
use tonic::transport::Channel;
use tonic::transport::server::{Server, TcpIncoming};
use tonic_prost::ProstCodec;

use layer_support::{HOUR, Sts, TestClock, header, noon, sign};
use service::{WhoAmIRequest, WhoAmIResponse, WhoAmIService};

mod layer_support;
#[path = "../examples/whoami/service.rs"]
mod service;

const LIMIT: usize = 1024;
const METHOD: &str = "/brevet.example.v1.WhoAmIService/WhoAmI";

struct Stage {
    address: SocketAddr,
    clock: TestClock,
    sts: Sts,
    alice: Credentials,
}

impl Stage {
    async fn new() -> Self {
        Self::with(Rules::of_service("s3"), |layer| layer).await
    }

    async fn with(rules: Rules, change: impl FnOnce(ValidatorLayer) -> ValidatorLayer) -> Self {
        let sts = Sts::new(1);
        let clock = TestClock::at(noon());
        let now = clock.clone();
        let layer =
            ValidatorLayer::grpc(Validator::new(rules, sts.ring(), 100)).body_limit(LIMIT).clock(move || now.now());
        let layer = change(layer);
        let incoming = TcpIncoming::bind(([127, 0, 0, 1], 0).into()).unwrap();
        let address = incoming.local_addr().unwrap();
        tokio::spawn(async move {
            Server::builder().layer(layer).add_service(WhoAmIService).serve_with_incoming(incoming).await
        });
        let alice = sts.session("alice", noon(), HOUR);
        Self { address, clock, sts, alice }
    }

    /// A call of `path` with these bytes as body, signed for `message`.
    fn call(&self, path: &str, message: &[u8], body: Vec<u8>) -> Request<Vec<u8>> {
        self.call_as(&self.alice, path, message, body)
    }

    fn call_as(&self, credentials: &Credentials, path: &str, message: &[u8], body: Vec<u8>) -> Request<Vec<u8>> {
        let request = Request::post(format!("http://{}{path}", self.address)).body(body).unwrap();
        let mut request = sign(request, message, credentials, "s3", self.clock.now());
        request.headers_mut().insert("content-type", header("application/grpc"));
        request.headers_mut().insert("te", header("trailers"));
        request
    }

    async fn send(&self, request: Request<Vec<u8>>) -> Answer {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let response = sender.send_request(request.map(|body| Full::new(Bytes::from(body)))).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "application/grpc");
        let mut headers = response.headers().clone();
        let body = response.into_body().collect().await.unwrap();
        headers.extend(body.trailers().cloned().unwrap_or_default());
        Answer { headers, body: body.to_bytes() }
    }

    async fn refused(&self, request: Request<Vec<u8>>, code: Code, reason: &str, what: &str) {
        let answer = self.send(request).await;
        assert_eq!(answer.code(), code, "{what}: {:?}", answer.headers);
        assert_eq!(answer.reason(), reason, "{what}");
        assert!(answer.body.is_empty(), "{what}");
    }
}

struct Answer {
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    fn code(&self) -> Code {
        Code::from_bytes(self.headers["grpc-status"].as_bytes())
    }

    fn response(&self) -> WhoAmIResponse {
        assert_eq!(self.code(), Code::Ok, "{:?}", self.headers);
        WhoAmIResponse::decode(grpc::unary_message(&self.body, 2 * LIMIT).unwrap()).unwrap()
    }

    /// `ErrorInfo.reason` of the details.
    fn reason(&self) -> String {
        let details = STANDARD_NO_PAD.decode(&self.headers["grpc-status-details-bin"]).unwrap();
        let details = RpcStatus::decode(details.as_slice()).unwrap();
        let info = details.details.iter().find(|any| any.type_url.ends_with("google.rpc.ErrorInfo")).unwrap();
        let info = ErrorInfo::decode(info.value.as_slice()).unwrap();
        assert_eq!(info.domain, "brevet");
        info.reason
    }
}

#[derive(Clone, PartialEq, Message)]
struct RpcStatus {
    #[prost(message, repeated, tag = "3")]
    details: Vec<Any>,
}

#[derive(Clone, PartialEq, Message)]
struct Any {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct ErrorInfo {
    #[prost(string, tag = "1")]
    reason: String,
    #[prost(string, tag = "2")]
    domain: String,
}

fn message(echo: &str) -> Vec<u8> {
    WhoAmIRequest { echo: echo.to_owned() }.encode_to_vec()
}

fn frame(message: &[u8]) -> Vec<u8> {
    [&[0], u32::try_from(message.len()).unwrap().to_be_bytes().as_slice(), message].concat()
}

#[tokio::test]
async fn a_tonic_client_that_signs_its_metadata_is_told_who_it_is() {
    let stage = Stage::new().await;
    let channel = Channel::from_shared(format!("http://{}", stage.address)).unwrap().connect().await.unwrap();
    let mut client = tonic::client::Grpc::new(channel);
    let signed = stage.call(METHOD, &message("hello"), Vec::new());
    for (headers, expected) in [(signed.headers().clone(), Code::Ok), (HeaderMap::new(), Code::Unauthenticated)] {
        client.ready().await.unwrap();
        let mut request = tonic::Request::new(WhoAmIRequest { echo: "hello".to_owned() });
        for name in ["authorization", "x-amz-date", "x-amz-content-sha256", "x-amz-security-token"] {
            if let Some(value) = headers.get(name) {
                let value = value.to_str().unwrap().parse().unwrap();
                request.metadata_mut().insert(name, value);
            }
        }
        let codec = ProstCodec::<WhoAmIRequest, WhoAmIResponse>::default();
        match client.unary(request, METHOD.parse().unwrap(), codec).await {
            Ok(response) => {
                let response = response.into_inner();
                assert_eq!(expected, Code::Ok);
                assert_eq!(response.arn, "arn:aws:sts::123456789012:assumed-role/deploy/alice");
                assert_eq!(response.account, "123456789012");
                assert_eq!(response.access_key_id, stage.alice.access_key_id.as_str());
                assert_eq!(response.expiration, stage.alice.expiration.unwrap().to_string());
                assert_eq!(response.echo, "hello");
            }
            Err(status) => {
                assert_eq!(status.code(), expected);
                assert_eq!(status.message(), "Missing Authentication Token");
                assert!(!status.details().is_empty());
            }
        }
    }
}

#[tokio::test]
async fn messages_from_none_to_the_limit_are_served() {
    let stage = Stage::new().await;
    for echo in [String::new(), "x".repeat(10), "x".repeat(LIMIT - 3)] {
        let message = message(&echo);
        let answer = stage.send(stage.call(METHOD, &message, frame(&message))).await;
        assert_eq!(answer.response().echo, echo);
    }
}

#[tokio::test]
async fn d22_an_expired_session_is_refused() {
    let stage = Stage::new().await;
    stage.clock.set(noon() + HOUR);
    let call = stage.call(METHOD, b"", frame(b""));
    stage.refused(call, Code::Unauthenticated, "EXPIRED_TOKEN", "at its expiry").await;
}

#[tokio::test]
async fn a26_another_sessions_token_is_refused() {
    let stage = Stage::new().await;
    let bob = stage.sts.session("bob", noon(), HOUR);
    let mixed = Credentials { security_token: bob.security_token, ..stage.alice.clone() };
    let call = stage.call_as(&mixed, METHOD, b"", frame(b""));
    stage.refused(call, Code::Unauthenticated, "INVALID_CLIENT_TOKEN_ID", "bob's token").await;
}

#[tokio::test]
async fn a30_metadata_of_one_method_does_not_open_another() {
    let stage = Stage::new().await;
    let mut call = stage.call("/brevet.example.v1.WhoAmIService/Other", b"", frame(b""));
    *call.uri_mut() = format!("http://{}{METHOD}", stage.address).parse().unwrap();
    stage.refused(call, Code::Unauthenticated, "SIGNATURE_DOES_NOT_MATCH", "another method").await;
}

#[tokio::test]
async fn a31_a_message_that_was_not_signed_is_refused() {
    let stage = Stage::new().await;
    let signed = message("signed");
    let swapped = stage.call(METHOD, &signed, frame(&message("forged")));
    stage.refused(swapped, Code::Unauthenticated, "SIGNATURE_DOES_NOT_MATCH", "swapped").await;
    let framed_hash = stage.call(METHOD, &frame(&signed), frame(&signed));
    stage.refused(framed_hash, Code::Unauthenticated, "SIGNATURE_DOES_NOT_MATCH", "hash over the frame").await;

    let mut compressed = frame(&signed);
    compressed[0] = 1;
    let mut call = stage.call(METHOD, &signed, compressed);
    call.headers_mut().insert("grpc-encoding", header("gzip"));
    stage.refused(call, Code::Unimplemented, "UNSUPPORTED_MEDIA_TYPE", "compressed").await;
}

#[tokio::test]
async fn e8_a_body_that_is_not_one_frame_is_refused() {
    let stage = Stage::new().await;
    let signed = message("signed");
    let two = [frame(&signed), frame(&signed)].concat();
    let cut = frame(&signed)[..8].to_vec();
    let longer = [frame(&signed), vec![0]].concat();
    let flag = [vec![2], frame(&signed)[1..].to_vec()].concat();
    for (body, what) in [(two, "two"), (cut, "cut"), (longer, "longer"), (flag, "flag"), (vec![], "none")] {
        let call = stage.call(METHOD, &signed, body);
        stage.refused(call, Code::InvalidArgument, "VALIDATION_ERROR", what).await;
    }
}

#[tokio::test]
async fn e13_a_message_beyond_the_limit_is_refused_announced_or_sent() {
    let stage = Stage::new().await;
    let long = vec![0; LIMIT + 1];
    let call = stage.call(METHOD, &long, frame(&long));
    stage.refused(call, Code::ResourceExhausted, "REQUEST_ENTITY_TOO_LARGE", "sent").await;
    let call = stage.call(METHOD, b"", b"\0\xff\xff\xff\xff".to_vec());
    stage.refused(call, Code::ResourceExhausted, "REQUEST_ENTITY_TOO_LARGE", "announced").await;
}

#[tokio::test]
async fn a22_the_message_must_be_signed() {
    let stage = Stage::new().await;
    let mut removed = stage.call(METHOD, b"", frame(b""));
    removed.headers_mut().remove("x-amz-content-sha256");
    stage.refused(removed, Code::Unauthenticated, "SIGNATURE_DOES_NOT_MATCH", "removed").await;
    let mut unsigned = stage.call(METHOD, b"", frame(b""));
    unsigned.headers_mut().insert("x-amz-content-sha256", header("UNSIGNED-PAYLOAD"));
    stage.refused(unsigned, Code::Unauthenticated, "SIGNATURE_DOES_NOT_MATCH", "unsigned").await;
}

#[tokio::test]
async fn a23_unsigned_payloads_are_for_declared_client_streams_alone() {
    let rules = Rules { unsigned_payload: true, ..Rules::of_service("s3") };
    let declared = Stage::with(rules.clone(), |layer| layer.client_stream(METHOD)).await;
    let others = Stage::with(rules, |layer| layer.client_stream("/other.Service/Stream")).await;
    for (stage, accepted) in [(&declared, true), (&others, false)] {
        let call = Request::post(format!("http://{}{METHOD}", stage.address)).body(frame(&message("hi"))).unwrap();
        let call = sign_unsigned(call, stage);
        if accepted {
            assert_eq!(stage.send(call).await.response().echo, "hi");
        } else {
            stage.refused(call, Code::Unauthenticated, "SIGNATURE_DOES_NOT_MATCH", "not declared").await;
        }
    }
}

/// Signs a call in the header form with `UNSIGNED-PAYLOAD`, by the rules of SigV4 written out.
fn sign_unsigned(mut call: Request<Vec<u8>>, stage: &Stage) -> Request<Vec<u8>> {
    use brevet_validator::signature::{Scope, SigningKey};
    use hmac::{Hmac, KeyInit, Mac};
    use sha2::{Digest, Sha256};

    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let date = stage.clock.now().to_basic();
    let token = stage.alice.security_token.as_ref().unwrap().expose().clone();
    let names = "host;x-amz-content-sha256;x-amz-date;x-amz-security-token";
    let canonical = format!(
        "POST\n{}\n\nhost:{}\nx-amz-content-sha256:UNSIGNED-PAYLOAD\nx-amz-date:{date}\nx-amz-security-token:{token}\n\n\
         {names}\nUNSIGNED-PAYLOAD",
        call.uri().path(),
        stage.address
    );
    let scope_text = format!("{}/us-east-1/s3/aws4_request", stage.clock.now().to_scope_date());
    let to_sign = format!("AWS4-HMAC-SHA256\n{date}\n{scope_text}\n{}", hex(&Sha256::digest(canonical.as_bytes())));
    let key = SigningKey::derive(&stage.alice.secret_access_key, Scope::parse(&scope_text).unwrap());
    let mut mac = Hmac::<Sha256>::new_from_slice(key.expose()).unwrap();
    mac.update(to_sign.as_bytes());
    let signature = hex(&mac.finalize().into_bytes());
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={}/{scope_text}, SignedHeaders={names}, Signature={signature}",
        stage.alice.access_key_id
    );
    for (name, value) in [
        ("x-amz-date", date.as_str()),
        ("x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
        ("x-amz-security-token", &token),
        ("authorization", &authorization),
        ("content-type", "application/grpc"),
    ] {
        call.headers_mut().insert(name, header(value));
    }
    call
}

#[tokio::test]
async fn a8_a_call_signed_for_another_authority_is_refused() {
    let stage = Stage::new().await;
    let mut replayed = stage.call(METHOD, b"", frame(b""));
    *replayed.uri_mut() = format!("http://other.example{METHOD}").parse().unwrap();
    stage.refused(replayed, Code::Unauthenticated, "SIGNATURE_DOES_NOT_MATCH", "authority changed").await;

    let mut differing = stage.call(METHOD, b"", frame(b""));
    differing.headers_mut().insert("host", header("other.example"));
    stage.refused(differing, Code::InvalidArgument, "INCOMPLETE_SIGNATURE", "host differs from authority").await;
}

#[tokio::test]
async fn a3_a6_metadata_that_is_repeated_binary_or_not_signed_is_refused() {
    let stage = Stage::new().await;
    for (name, code, reason) in [
        ("authorization", Code::InvalidArgument, "INCOMPLETE_SIGNATURE"),
        ("x-amz-date", Code::InvalidArgument, "INCOMPLETE_SIGNATURE"),
        ("x-amz-security-token", Code::InvalidArgument, "INCOMPLETE_SIGNATURE"),
        ("x-amz-meta-bin", Code::InvalidArgument, "INCOMPLETE_SIGNATURE"),
        ("x-amz-tagging", Code::Unauthenticated, "SIGNATURE_DOES_NOT_MATCH"),
    ] {
        let mut call = stage.call(METHOD, b"", frame(b""));
        call.headers_mut().append(name, header("AAAA"));
        stage.refused(call, code, reason, name).await;
    }
}

#[tokio::test]
async fn a17_a_path_that_is_not_a_method_is_refused() {
    let stage = Stage::new().await;
    for path in ["/a/b?", "/a/b?c=d", "/a//b", "/a/../b", "/a%2Fb"] {
        let mut call = stage.call(METHOD, b"", frame(b""));
        *call.uri_mut() = format!("http://{}{path}", stage.address).parse().unwrap();
        stage.refused(call, Code::InvalidArgument, "MALFORMED_QUERY_STRING", path).await;
    }
}

#[tokio::test]
async fn d20_a_token_beyond_the_limit_is_refused() {
    let stage = Stage::new().await;
    let long = Credentials { security_token: Some("A".repeat(4097).into()), ..stage.alice.clone() };
    let call = stage.call_as(&long, METHOD, b"", frame(b""));
    stage.refused(call, Code::Unauthenticated, "INVALID_CLIENT_TOKEN_ID", "4097").await;
}

#[test]
fn every_rejection_has_a_code_on_both_wires() {
    use brevet_validator::signature::Refusal;
    for (rejection, code, http, grpc) in [
        (Refusal::NoCredentials.into(), "MissingAuthenticationToken", 403, Code::Unauthenticated),
        (Refusal::Incomplete("").into(), "IncompleteSignature", 400, Code::InvalidArgument),
        (Refusal::MalformedQuery("").into(), "MalformedQueryString", 400, Code::InvalidArgument),
        (Refusal::Algorithm.into(), "IncompleteSignature", 400, Code::InvalidArgument),
        (Refusal::Scope(String::new()).into(), "SignatureDoesNotMatch", 403, Code::Unauthenticated),
        (Refusal::Time(String::new()).into(), "SignatureDoesNotMatch", 403, Code::Unauthenticated),
        (Refusal::Unsigned("").into(), "SignatureDoesNotMatch", 403, Code::Unauthenticated),
        (Refusal::Payload.into(), "SignatureDoesNotMatch", 403, Code::Unauthenticated),
        (Refusal::Mismatch.into(), "SignatureDoesNotMatch", 403, Code::Unauthenticated),
        (Rejection::InvalidToken, "InvalidClientTokenId", 403, Code::Unauthenticated),
        (Rejection::ExpiredToken, "ExpiredToken", 400, Code::Unauthenticated),
        (Rejection::TooLarge, "RequestEntityTooLarge", 413, Code::ResourceExhausted),
        (Rejection::MalformedBody(""), "ValidationError", 400, Code::InvalidArgument),
        (Rejection::Compressed, "UnsupportedMediaType", 415, Code::Unimplemented),
        (Rejection::KeysUnavailable, "ServiceUnavailable", 503, Code::Unavailable),
    ] {
        assert_eq!((rejection.code(), rejection.http_status()), (code, http), "{rejection:?}");
        assert_eq!(Code::from_i32(rejection.grpc_code() as i32), grpc, "{rejection:?}");
    }
}
