//! The trust bundle, the stream of its changes and of revocations, and what validators say of them.

use std::pin::Pin;
use std::sync::Arc;

use brevet_validator::timestamp::Timestamp;
use futures_util::{Stream, stream};
use tonic::{Request, Response, Status};

use super::proto;
use crate::service::error::Error;
use crate::service::operation::{Answer, Operation};
use crate::service::sessions::ToldActivity;
use crate::service::trust::{self, AcknowledgeTrust, Step, WatchTrust, Watching};
use crate::transport::desk::{Desk, Exchange, Handler};
use crate::transport::error;
use crate::transport::grpc::{Call, counter, fields, status};

/// The answers of [`watch`].
pub(super) type Steps = Pin<Box<dyn Stream<Item = Result<proto::WatchTrustResponse, Status>> + Send>>;

pub(super) async fn get_bundle<H: Handler>(
    desk: &Desk<H>,
    request: Request<proto::GetTrustBundleRequest>,
) -> Result<Response<proto::GetTrustBundleResponse>, Status> {
    let read = |message: proto::GetTrustBundleRequest| Ok(Operation::Trust(trust::Request::GetBundle(message.zone)));
    let write = |answer| match answer {
        Answer::Trust(trust::Answer::Bundle(bundle)) => {
            Some(proto::GetTrustBundleResponse { bundle: bundle.bytes.to_vec() })
        }
        _ => None,
    };
    counter::take(desk, request, read, write).await
}

pub(super) async fn watch<H: Handler>(
    desk: &Desk<H>,
    request: Request<proto::WatchTrustRequest>,
) -> Result<Response<Steps>, Status> {
    let exchange = request.extensions().get::<Call>().map(|call| Arc::clone(&call.exchange));
    let write = |answer| match answer {
        Answer::Trust(trust::Answer::Watching(watching)) => Some(steps(*watching, exchange?)),
        _ => None,
    };
    counter::take(desk, request, read_watch, write).await
}

pub(super) async fn acknowledge<H: Handler>(
    desk: &Desk<H>,
    request: Request<proto::AcknowledgeTrustRequest>,
) -> Result<Response<proto::AcknowledgeTrustResponse>, Status> {
    let write = |answer| match answer {
        Answer::Trust(trust::Answer::Acknowledged) => Some(proto::AcknowledgeTrustResponse {}),
        _ => None,
    };
    counter::take(desk, request, read_acknowledgement, write).await
}

fn read_watch(message: proto::WatchTrustRequest) -> Result<Operation, Error> {
    let proto::WatchTrustRequest { zone, validator_id, bundle_sequence, log, count, max_staleness, fail_open } =
        message;
    let max_staleness = max_staleness.map(fields::duration).transpose()?;
    let input = WatchTrust { zone, validator_id, bundle_sequence, log, count, max_staleness, fail_open };
    Ok(Operation::Trust(trust::Request::Watch(input)))
}

fn read_acknowledgement(message: proto::AcknowledgeTrustRequest) -> Result<Operation, Error> {
    let proto::AcknowledgeTrustRequest { zone, validator_id, bundle_sequence, log, count, activities } = message;
    let activities = activities.into_iter().map(|proto::SessionActivity { access_key_id, last_used_time, service }| {
        // Whole seconds are enough.
        let last_used = last_used_time.and_then(|at| Timestamp::from_unix(at.seconds));
        ToldActivity { access_key_id, last_used, service }
    });
    let activities = activities.collect();
    let input = AcknowledgeTrust { zone, validator_id, bundle_sequence, log, count, activities };
    Ok(Operation::Trust(trust::Request::Acknowledge(input)))
}

/// Each step when the validator is ready for it, then the status with which it ends.
fn steps(watching: Watching, exchange: Arc<Exchange>) -> Steps {
    let open = Open { watching, end: End { exchange, code: "" } };
    Box::pin(stream::unfold(Some(open), async |open| {
        let mut open = open?;
        match open.watching.next().await {
            Ok(step) => Some((Ok(message(step)), Some(open))),
            Err(error) => {
                open.end.code = error::row(error.kind()).code;
                Some((Err(status::status(&error, open.end.exchange.request_id())), None))
            }
        }
    }))
}

fn message(Step { bundle, log, entries, head }: Step) -> proto::WatchTrustResponse {
    proto::WatchTrustResponse {
        bundle: bundle.to_vec(),
        log: log.map(Vec::from).unwrap_or_default(),
        entries: entries.iter().map(|entry| entry.to_vec()).collect(),
        head: head.to_vec(),
    }
}

struct Open {
    watching: Watching,
    end: End,
}

/// Logs the end of a stream, also of one that its caller left; the desk has logged its beginning.
struct End {
    exchange: Arc<Exchange>,
    /// Empty: the caller left.
    code: &'static str,
}

impl Drop for End {
    fn drop(&mut self) {
        let seconds = self.exchange.age().as_secs();
        let request_id = self.exchange.request_id();
        tracing::info!(target: "brevet::request", %request_id, operation = "WatchTrust", code = self.code, seconds, "the stream ended");
    }
}
