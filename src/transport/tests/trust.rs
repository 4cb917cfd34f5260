//! What the messages of `brevet.validation.v1.ValidationService` and the wait of a revocation become.

use std::time::Duration;

use brevet_validator::timestamp::Timestamp;
use prost::Message;
use prost_types::Duration as ProtoDuration;
use tonic::Code;

use super::grpc::{Reply, SIGNED, frame};
use super::server::Server;
use crate::service::operation::Operation;
use crate::service::trust::Request;
use crate::transport::grpc::proto::{admin, validation};

const VALIDATION: &str = "validation.v1.ValidationService";
const SESSIONS: &str = "admin.v1.SessionService";

async fn call(server: &Server, service: &str, method: &str, message: impl Message) -> Reply {
    server.call(&format!("/brevet.{service}/{method}"), &SIGNED, frame(&message.encode_to_vec())).await
}

/// The operation that a message is read as.
async fn read(service: &str, method: &str, message: impl Message) -> Operation {
    let server = Server::start().await;
    // The clerk answers all of these with an identity.
    call(&server, service, method, message).await.assert_refused(Code::Internal, "INTERNAL_FAILURE");
    let (_, _, operation) = server.clerk.calls.lock().unwrap().remove(0);
    operation
}

#[tokio::test]
async fn what_a_validator_asks_is_read_whole() {
    let bundle = validation::GetTrustBundleRequest { zone: "storage".into() };
    let Operation::Trust(Request::GetBundle(zone)) = read(VALIDATION, "GetTrustBundle", bundle).await else { panic!() };
    assert_eq!(zone, "storage");

    let watch = validation::WatchTrustRequest {
        zone: "storage".into(),
        validator_id: "v".into(),
        bundle_sequence: 7,
        log: vec![1; 16],
        count: 8,
        max_staleness: Some(ProtoDuration { seconds: 9, nanos: 500_000_000 }),
        fail_open: true,
    };
    let Operation::Trust(Request::Watch(input)) = read(VALIDATION, "WatchTrust", watch).await else { panic!() };
    assert_eq!((input.zone.as_str(), input.validator_id.as_str()), ("storage", "v"));
    assert_eq!((input.bundle_sequence, input.log, input.count), (7, vec![1; 16], 8));
    assert_eq!((input.max_staleness, input.fail_open), (Some(Duration::from_millis(9500)), true));

    let activity = |at: Option<i64>| validation::SessionActivity {
        access_key_id: "ASIA".into(),
        last_used_time: at.map(|seconds| prost_types::Timestamp { seconds, nanos: 1 }),
        service: "s3".into(),
    };
    let acknowledge = validation::AcknowledgeTrustRequest {
        zone: "storage".into(),
        validator_id: "v".into(),
        bundle_sequence: 7,
        log: vec![1; 16],
        count: 8,
        activities: vec![activity(Some(5)), activity(Some(i64::MAX)), activity(None)],
    };
    let read = read(VALIDATION, "AcknowledgeTrust", acknowledge).await;
    let Operation::Trust(Request::Acknowledge(input)) = read else { panic!() };
    assert_eq!((input.validator_id.as_str(), input.bundle_sequence, input.count), ("v", 7, 8));
    assert_eq!((input.activities[0].access_key_id.as_str(), input.activities[0].service.as_str()), ("ASIA", "s3"));
    let times: Vec<_> = input.activities.iter().map(|activity| activity.last_used.map(Timestamp::unix)).collect();
    assert_eq!(times, [Some(5), None, None]);
}

#[tokio::test]
async fn a_wait_is_read_and_a_negative_one_refused() {
    let wait = |seconds| admin::RevokeSessionRequest { wait: Some(ProtoDuration { seconds, nanos: 0 }), which: None };
    let Operation::RevokeSession(input) = read(SESSIONS, "RevokeSession", wait(5)).await else { panic!() };
    assert_eq!(input.wait, Some(Duration::from_secs(5)));

    let server = Server::start().await;
    let refused = call(&server, SESSIONS, "RevokeSession", wait(-5)).await;
    refused.assert_refused(Code::InvalidArgument, "VALIDATION_ERROR");
    let max_staleness = Some(ProtoDuration { seconds: 0, nanos: -1 });
    let watch = validation::WatchTrustRequest { max_staleness, ..Default::default() };
    let refused = call(&server, VALIDATION, "WatchTrust", watch).await;
    refused.assert_refused(Code::InvalidArgument, "VALIDATION_ERROR");
    assert!(server.clerk.calls.lock().unwrap().is_empty());
}
