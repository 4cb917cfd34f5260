//! The gRPC wire, frame by frame, and with tonic's clients for health and reflection.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use tokio_stream::StreamExt;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_types::StatusExt;

use super::server::Server;
use crate::service::error::Kind;
use crate::service::operation::Operation;
use crate::transport::front::Settings;
use crate::transport::grpc::proto::{descriptors, sts};
use crate::transport::grpc::schema::{PROVEN_BY_MESSAGE, Schema, UNSIGNED};

const STS: &str = "/brevet.sts.v1.SecurityTokenService";
pub(super) const SIGNED: [(&str, &str); 2] = [("authorization", "x"), ("x-amz-content-sha256", "x")];

/// What came back of a call.
pub(super) struct Reply {
    headers: HeaderMap,
    message: Bytes,
    pub(super) status: Status,
}

impl Reply {
    #[track_caller]
    pub(super) fn assert_refused(&self, code: Code, reason: &str) {
        assert_eq!((self.status.code(), self.message.len()), (code, 0), "{:?}", self.status);
        let details = self.status.get_error_details();
        let info = details.error_info().expect("error info");
        assert_eq!((info.reason.as_str(), info.domain.as_str()), (reason, "brevet"), "{:?}", self.status);
        let request_id = &details.request_info().expect("request info").request_id;
        assert_eq!(self.headers["x-amzn-requestid"], request_id.as_str());
    }
}

impl Server {
    pub(super) async fn call(&self, path: &str, metadata: &[(&str, &str)], body: impl Into<Bytes>) -> Reply {
        let io = TokioIo::new(self.connect().await);
        let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
        tokio::spawn(connection);
        let mut request = Request::post(format!("http://{}{path}", self.address))
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        for (name, value) in metadata {
            request = request.header(*name, *value);
        }
        let response = sender.send_request(request.body(Full::new(body.into())).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        assert_eq!(
            (parts.status.as_u16(), &parts.headers["content-type"]),
            (200, &"application/grpc".parse().unwrap())
        );
        let Ok(body) = tokio::time::timeout(Duration::from_secs(1), body.collect()).await else {
            // A stream that stays open is a call that was let in.
            return Reply { headers: parts.headers, message: Bytes::new(), status: Status::ok("open") };
        };
        let body = body.unwrap();
        let status = Status::from_header_map(body.trailers().unwrap_or(&parts.headers)).unwrap();
        let message = body.to_bytes();
        Reply { headers: parts.headers, message: message.slice(message.len().min(5)..), status }
    }

    async fn sts(&self, method: &str, message: impl Message) -> Reply {
        self.call(&format!("{STS}/{method}"), &SIGNED, frame(&message.encode_to_vec())).await
    }

    async fn channel(&self) -> Channel {
        Channel::from_shared(format!("http://{}", self.address)).unwrap().connect().await.unwrap()
    }
}

pub(super) fn frame(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0], &length[..], message].concat()
}

#[tokio::test]
async fn a_signed_call_is_taken_through_with_its_message() {
    let server = Server::start().await;
    let asked = sts::AssumeRoleRequest {
        role_arn: "r".into(),
        duration: Some(prost_types::Duration { seconds: 900, nanos: 0 }),
        tags: vec![sts::Tag { key: "k".into(), value: String::new() }],
        ..Default::default()
    };
    let reply = server.sts("AssumeRole", asked.clone()).await;
    assert_eq!(reply.status.code(), Code::Ok);
    assert!(!reply.headers.contains_key("grpc-encoding"));
    let answer = sts::AssumeRoleResponse::decode(reply.message).unwrap();
    let credentials = answer.credentials.unwrap();
    assert_eq!((credentials.secret_access_key.as_str(), credentials.security_token.as_str()), ("secret", "token"));
    assert_eq!(credentials.expiration.unwrap().seconds, 900);
    assert_eq!((answer.packed_policy_size, answer.source_identity.as_str()), (Some(3), "someone"));
    assert_eq!(answer.assumed_role_user.unwrap().arn, "arn:aws:sts::000000000001:assumed-role/demo/ci");

    let (path, body, operation) = server.clerk.calls.lock().unwrap()[0].clone();
    assert_eq!((path, body), (format!("{STS}/AssumeRole"), asked.encode_to_vec()));
    let Operation::AssumeRole(read) = operation else { panic!() };
    assert_eq!((read.duration_seconds.as_deref(), read.external_id), (Some("900"), None));
    assert_eq!(read.tags[0].value.as_deref(), Some(""));
}

#[tokio::test]
async fn the_other_operations_are_answered_alike() {
    let server = Server::start().await;
    let reply = server.sts("GetCallerIdentity", sts::GetCallerIdentityRequest {}).await;
    let identity = sts::GetCallerIdentityResponse::decode(reply.message).unwrap();
    assert_eq!((identity.account.as_str(), identity.user_id.as_str()), ("000000000001", "AIDA"));
    let asked = sts::GetAccessKeyInfoRequest { access_key_id: "AKIA".into() };
    let reply = server.sts("GetAccessKeyInfo", asked).await;
    assert_eq!(sts::GetAccessKeyInfoResponse::decode(reply.message).unwrap().account, "000000000001");
}

#[tokio::test]
async fn an_answer_of_another_kind_is_an_internal_failure() {
    let server = Server::start().await;
    // The clerk answers this with an identity.
    let reply = server.sts("GetSessionToken", sts::GetSessionTokenRequest::default()).await;
    reply.assert_refused(Code::Internal, "INTERNAL_FAILURE");
}

#[tokio::test]
async fn c24_every_method_needs_a_signature_but_those_named() {
    let server = Server::start().await;
    let schema = Schema::new(&descriptors().unwrap());
    let mut unsigned: Vec<&str> = UNSIGNED.to_vec();
    let (mut signed, mut proven) = (Vec::new(), Vec::new());
    for (path, method) in schema.methods() {
        let reply = match method.client_stream {
            true => server.call(path, &[], "").await,
            false => server.call(path, &[], frame(b"")).await,
        };
        if PROVEN_BY_MESSAGE.contains(&path) {
            // The clerk, who knows no tokens, is asked.
            proven.push(path);
        } else if unsigned.contains(&path) {
            unsigned.retain(|known| *known != path);
            assert_eq!(reply.status.code(), Code::Ok, "{path}");
        } else {
            signed.push(path);
            reply.assert_refused(Code::Unauthenticated, "MISSING_AUTHENTICATION_TOKEN");
        }
    }
    signed.sort_unstable();
    let own: Vec<&str> = own_methods().into_iter().filter(|path| !PROVEN_BY_MESSAGE.contains(path)).collect();
    assert_eq!((unsigned, &proven[..], &signed), (vec![], &PROVEN_BY_MESSAGE[..], &own));
    assert_eq!(server.clerk.calls.lock().unwrap().len(), proven.len());
    assert_eq!(server.clerk.refused().len(), own.len());
}

/// The paths of all methods in Brevet's own protos, in order.
fn own_methods() -> Vec<&'static str> {
    let sets = descriptors().unwrap();
    let files = sets.iter().flat_map(|set| &set.file).filter(|file| file.package().starts_with("brevet."));
    let services = files.flat_map(|file| file.service.iter().map(move |service| (file.package(), service)));
    let paths = services.flat_map(|(package, service)| {
        let path = move |method: &str| format!("/{package}.{}/{method}", service.name());
        service.method.iter().map(move |method| path(method.name()))
    });
    let mut paths: Vec<&str> = paths.map(|path| &*path.leak()).collect();
    paths.sort_unstable();
    paths
}

#[tokio::test]
async fn every_method_of_the_protos_has_its_handler() {
    let server = Server::start().await;
    for path in own_methods() {
        let reply = server.call(path, &SIGNED, frame(b"")).await;
        assert_ne!(reply.status.code(), Code::Unimplemented, "{path}");
    }
    assert_eq!(server.clerk.calls.lock().unwrap().len(), own_methods().len());
}

#[tokio::test]
async fn a22_a_call_must_declare_its_payload() {
    let server = Server::start().await;
    let reply = server.call(&format!("{STS}/GetCallerIdentity"), &SIGNED[..1], frame(b"")).await;
    reply.assert_refused(Code::Unauthenticated, "SIGNATURE_DOES_NOT_MATCH");
}

#[tokio::test]
async fn e14_unknown_services_and_methods_are_unimplemented() {
    let server = Server::start().await;
    for path in ["/a.B/C", &format!("{STS}/assumeRole"), &format!("{STS}/"), "/brevet.store.v1.Store/Get"] {
        let reply = server.call(path, &SIGNED, frame(b"")).await;
        let code = if path.ends_with('/') { Code::InvalidArgument } else { Code::Unimplemented };
        assert_eq!(reply.status.code(), code, "{path}");
    }
    assert!(server.clerk.calls.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a17_paths_that_could_be_read_in_two_ways_are_refused() {
    let server = Server::start().await;
    for path in ["/GetCallerIdentity?", "/GetCallerIdentity?a=b", "//GetCallerIdentity", "/./GetCallerIdentity"] {
        let reply = server.call(&format!("{STS}{path}"), &SIGNED, frame(b"")).await;
        reply.assert_refused(Code::InvalidArgument, "MALFORMED_QUERY_STRING");
    }
}

#[tokio::test]
async fn a3_repeated_and_binary_credentials_are_refused() {
    let server = Server::start().await;
    for more in [("authorization", "y"), ("x-amz-content-sha256", "x"), ("x-amz-date-bin", "AAAA")] {
        let metadata = [SIGNED[0], SIGNED[1], more];
        let reply = server.call(&format!("{STS}/GetCallerIdentity"), &metadata, frame(b"")).await;
        reply.assert_refused(Code::InvalidArgument, "INCOMPLETE_SIGNATURE");
    }
}

#[tokio::test]
async fn e8_what_is_not_one_message_is_refused_by_every_method() {
    let server = Server::start().await;
    // Field 2047.
    let unknown_field = frame(&[0xfa, 0x7f, 0]);
    let bodies: [(&[u8], Code); 8] = [
        (b"", Code::InvalidArgument),
        (b"\0\0\0\0\x05abc", Code::InvalidArgument),
        (b"\0\0\0\0\0\0\0\0\0\0", Code::InvalidArgument),
        (b"\x02\0\0\0\0", Code::InvalidArgument),
        (b"\x01\0\0\0\0", Code::Unimplemented),
        (b"\0\xff\xff\xff\xff", Code::ResourceExhausted),
        (b"\0\0\0\0\x02\xff\xff", Code::InvalidArgument),
        (&unknown_field, Code::InvalidArgument),
    ];
    let schema = Schema::new(&descriptors().unwrap());
    for (path, _) in schema.methods().filter(|(_, method)| !method.client_stream) {
        for (body, code) in &bodies {
            let reply = server.call(path, &SIGNED, body.to_vec()).await;
            assert_eq!(reply.status.code(), *code, "{path} {body:?}");
        }
    }
    assert!(server.clerk.calls.lock().unwrap().is_empty());
}

#[tokio::test]
async fn e5_messages_beyond_the_limit_are_refused() {
    let server = Server::start().await;
    let body = frame(&vec![0; (128 << 10) + 1]);
    let reply = server.call(&format!("{STS}/AssumeRole"), &SIGNED, body).await;
    reply.assert_refused(Code::ResourceExhausted, "REQUEST_ENTITY_TOO_LARGE");
}

#[tokio::test]
async fn a31_compressed_messages_are_refused_with_what_is_accepted() {
    let server = Server::start().await;
    let metadata = [SIGNED[0], SIGNED[1], ("grpc-encoding", "gzip")];
    let reply = server.call(&format!("{STS}/AssumeRole"), &metadata, frame(b"")).await;
    reply.assert_refused(Code::Unimplemented, "UNSUPPORTED_MEDIA_TYPE");
    assert_eq!(reply.headers["grpc-accept-encoding"], "identity");
}

#[tokio::test]
async fn durations_that_are_no_whole_seconds_are_refused() {
    let server = Server::start().await;
    for (seconds, nanos) in [(-1, 0), (900, 1)] {
        let duration = Some(prost_types::Duration { seconds, nanos });
        let reply = server.sts("GetSessionToken", sts::GetSessionTokenRequest { duration, ..Default::default() }).await;
        reply.assert_refused(Code::InvalidArgument, "VALIDATION_ERROR");
    }
    assert_eq!(server.clerk.refused(), [("GetSessionToken", Kind::ValidationError); 2]);
}

#[tokio::test]
async fn e13_metadata_beyond_the_limit_and_bad_deadlines_are_refused() {
    let server = Server::start().await;
    let path = format!("{STS}/GetCallerIdentity");
    let long = "a".repeat(17 << 10);
    let reply = server.call(&path, &[SIGNED[0], SIGNED[1], ("x-long", &long)], frame(b"")).await;
    reply.assert_refused(Code::ResourceExhausted, "REQUEST_ENTITY_TOO_LARGE");
    for timeout in ["-1S", "1", "123456789S", ""] {
        let reply = server.call(&path, &[SIGNED[0], SIGNED[1], ("grpc-timeout", timeout)], frame(b"")).await;
        reply.assert_refused(Code::InvalidArgument, "VALIDATION_ERROR");
    }
    let reply = server.call(&path, &[SIGNED[0], SIGNED[1], ("grpc-timeout", "99999999H")], frame(b"")).await;
    assert_eq!(reply.status.code(), Code::Ok);
}

#[tokio::test]
async fn a_deadline_ends_the_wait_and_what_was_begun_makes_the_one_record() {
    let server = Server::start().await;
    let asked = sts::AssumeRoleRequest { role_arn: "slow".into(), ..Default::default() };
    let metadata = [SIGNED[0], SIGNED[1], ("grpc-timeout", "2S")];
    let reply = server.call(&format!("{STS}/AssumeRole"), &metadata, frame(&asked.encode_to_vec())).await;
    reply.assert_refused(Code::DeadlineExceeded, "REQUEST_TIMEOUT");
    assert_eq!(server.clerk.refused(), []);
}

#[tokio::test]
async fn e13_a_call_whose_deadline_has_passed_is_not_begun() {
    let server = Server::start().await;
    let metadata = [SIGNED[0], SIGNED[1], ("grpc-timeout", "0n")];
    let reply = server.call(&format!("{STS}/AssumeRole"), &metadata, frame(b"")).await;
    reply.assert_refused(Code::DeadlineExceeded, "REQUEST_TIMEOUT");
    assert_eq!(server.clerk.refused(), [("AssumeRole", Kind::RequestTimeout)]);
}

#[tokio::test]
async fn g5_a_panic_is_answered_and_the_server_goes_on() {
    let server = Server::start().await;
    let reply =
        server.sts("AssumeRole", sts::AssumeRoleRequest { role_arn: "panic".into(), ..Default::default() }).await;
    reply.assert_refused(Code::Internal, "INTERNAL_FAILURE");
    assert!(!reply.status.message().contains("canary"));
    let reply = server.sts("GetCallerIdentity", sts::GetCallerIdentityRequest {}).await;
    assert_eq!(reply.status.code(), Code::Ok);
}

#[tokio::test]
async fn grpc_over_http1_and_grpc_web_are_not_spoken() {
    let server = Server::start().await;
    for content_type in ["application/grpc", "application/grpc-web+proto"] {
        let request = format!(
            "POST {STS}/GetCallerIdentity HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Type: {content_type}\r\n\
             Content-Length: 5\r\n\r\n\0\0\0\0\0"
        );
        assert!(server.raw(&request).await.starts_with("HTTP/1.1 404 "));
    }
}

#[tokio::test]
async fn health_needs_no_signature_and_follows_readiness() {
    let server = Server::start().await;
    let mut health = HealthClient::new(server.channel().await);
    let request = || HealthCheckRequest { service: "brevet.sts.v1.SecurityTokenService".into() };
    let mut watch = health.watch(request()).await.unwrap().into_inner();
    assert_eq!(watch.next().await.unwrap().unwrap().status(), ServingStatus::Serving);
    server.readiness.stop();
    assert_eq!(health.check(request()).await.unwrap().into_inner().status(), ServingStatus::NotServing);
    let told = tokio::time::timeout(Duration::from_secs(5), watch.next()).await.unwrap().unwrap().unwrap();
    assert_eq!(told.status(), ServingStatus::NotServing);
}

async fn reflect(server: &Server, question: MessageRequest) -> Result<MessageResponse, Status> {
    let request = ServerReflectionRequest { host: String::new(), message_request: Some(question) };
    let mut client = ServerReflectionClient::new(server.channel().await);
    let mut answers = client.server_reflection_info(tokio_stream::once(request)).await?.into_inner();
    Ok(answers.next().await.unwrap()?.message_response.unwrap())
}

#[tokio::test]
async fn reflection_shows_the_services_and_the_details_of_errors() {
    let server = Server::start().await;
    let services = reflect(&server, MessageRequest::ListServices(String::new())).await.unwrap();
    let MessageResponse::ListServicesResponse(list) = services else { panic!() };
    let names: Vec<_> = list.service.iter().map(|service| service.name.as_str()).collect();
    assert!(names.contains(&"brevet.sts.v1.SecurityTokenService") && names.contains(&"grpc.health.v1.Health"));
    for symbol in ["brevet.sts.v1.AssumeRoleRequest", "google.rpc.ErrorInfo", "google.rpc.Status"] {
        let found = reflect(&server, MessageRequest::FileContainingSymbol(symbol.into())).await.unwrap();
        assert!(matches!(found, MessageResponse::FileDescriptorResponse(_)), "{symbol}: {found:?}");
    }
    let hidden = reflect(&server, MessageRequest::FileContainingSymbol("brevet.store.v1.AccessKey".into())).await;
    assert!(!matches!(hidden, Ok(MessageResponse::FileDescriptorResponse(_))), "{hidden:?}");
}

#[tokio::test]
async fn e14_reflection_can_be_off() {
    let server = Server::with(Settings::default(), None).await;
    let refused = reflect(&server, MessageRequest::ListServices(String::new())).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unimplemented);
}
