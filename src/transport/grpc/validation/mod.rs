//! `brevet.validation.v1.ValidationService`: what validators ask for.

mod keys;
mod trust;

use tonic::{Request, Response, Status};

use super::proto::validation as proto;
use crate::transport::desk::{Desk, Handler};

/// The service at its desk.
#[derive(Debug)]
pub struct ValidationDesk<H> {
    desk: Desk<H>,
}

impl<H: Handler> ValidationDesk<H> {
    /// Hands its calls in at this desk.
    pub fn new(desk: Desk<H>) -> Self {
        Self { desk }
    }
}

#[tonic::async_trait]
impl<H: Handler> proto::validation_service_server::ValidationService for ValidationDesk<H> {
    type WatchTrustStream = trust::Steps;

    async fn get_trust_bundle(
        &self,
        request: Request<proto::GetTrustBundleRequest>,
    ) -> Result<Response<proto::GetTrustBundleResponse>, Status> {
        trust::get_bundle(&self.desk, request).await
    }

    async fn watch_trust(
        &self,
        request: Request<proto::WatchTrustRequest>,
    ) -> Result<Response<Self::WatchTrustStream>, Status> {
        trust::watch(&self.desk, request).await
    }

    async fn acknowledge_trust(
        &self,
        request: Request<proto::AcknowledgeTrustRequest>,
    ) -> Result<Response<proto::AcknowledgeTrustResponse>, Status> {
        trust::acknowledge(&self.desk, request).await
    }

    async fn get_signing_key(
        &self,
        request: Request<proto::GetSigningKeyRequest>,
    ) -> Result<Response<proto::GetSigningKeyResponse>, Status> {
        keys::get_signing_key(&self.desk, request).await
    }

    async fn verify_request(
        &self,
        request: Request<proto::VerifyRequestRequest>,
    ) -> Result<Response<proto::VerifyRequestResponse>, Status> {
        keys::verify_request(&self.desk, request).await
    }
}
