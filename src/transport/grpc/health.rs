//! `grpc.health.v1.Health`, answered from the readiness of the moment.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio_stream::wrappers::IntervalStream;
use tokio_stream::{Stream, StreamExt};
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use super::proto::admin::directory_service_server::SERVICE_NAME as DIRECTORY;
use super::proto::admin::policy_service_server::SERVICE_NAME as POLICY;
use super::proto::sts::security_token_service_server::SERVICE_NAME as STS;
use crate::transport::readiness::Readiness;

/// How often a watcher's answer is looked at again.
const WATCH_INTERVAL: Duration = Duration::from_secs(1);

/// Answers for the process as a whole (the empty name) and for its services.
#[derive(Debug)]
pub struct LiveHealth {
    readiness: Arc<Readiness>,
}

/// The service, ready to be routed.
pub fn server(readiness: Arc<Readiness>) -> HealthServer<LiveHealth> {
    HealthServer::new(LiveHealth { readiness })
}

fn status(readiness: &Readiness) -> ServingStatus {
    if readiness.is_ready() { ServingStatus::Serving } else { ServingStatus::NotServing }
}

fn is_known(request: &Request<HealthCheckRequest>) -> bool {
    matches!(request.get_ref().service.as_str(), "" | DIRECTORY | POLICY | STS)
}

#[tonic::async_trait]
impl Health for LiveHealth {
    async fn check(&self, request: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        if !is_known(&request) {
            return Err(Status::not_found("unknown service"));
        }
        Ok(Response::new(HealthCheckResponse { status: status(&self.readiness).into() }))
    }

    type WatchStream = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

    async fn watch(&self, request: Request<HealthCheckRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let (known, readiness) = (is_known(&request), Arc::clone(&self.readiness));
        let mut told = None;
        let changes = IntervalStream::new(tokio::time::interval(WATCH_INTERVAL)).filter_map(move |_| {
            // The protocol has a status of its own for watchers of a service that may yet come.
            let now = if known { status(&readiness) } else { ServingStatus::ServiceUnknown };
            (told.replace(now) != Some(now)).then(|| Ok(HealthCheckResponse { status: now.into() }))
        });
        Ok(Response::new(Box::pin(changes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(service: &str) -> Request<HealthCheckRequest> {
        Request::new(HealthCheckRequest { service: service.into() })
    }

    #[tokio::test]
    async fn health_follows_readiness() {
        let readiness = Arc::new(Readiness::default());
        let health = LiveHealth { readiness: Arc::clone(&readiness) };
        for service in ["", POLICY, STS] {
            let answer = health.check(request(service)).await.unwrap().into_inner();
            assert_eq!(answer.status(), ServingStatus::Serving);
        }
        assert_eq!(health.check(request("other")).await.unwrap_err().code(), tonic::Code::NotFound);
        readiness.stop();
        assert_eq!(health.check(request("")).await.unwrap().into_inner().status(), ServingStatus::NotServing);
    }

    #[tokio::test(start_paused = true)]
    async fn a_watcher_hears_of_each_change_once() {
        let readiness = Arc::new(Readiness::default());
        let health = LiveHealth { readiness: Arc::clone(&readiness) };
        let mut watch = health.watch(request("")).await.unwrap().into_inner();
        assert_eq!(watch.next().await.unwrap().unwrap().status(), ServingStatus::Serving);
        let quiet = tokio::time::timeout(5 * WATCH_INTERVAL, watch.next()).await;
        assert!(quiet.is_err());
        readiness.stop();
        assert_eq!(watch.next().await.unwrap().unwrap().status(), ServingStatus::NotServing);
    }
}
