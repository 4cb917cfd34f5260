//! `brevet.admin.v1.PolicyService`: questions about policies.

mod lint;
mod shared;
mod simulate;
mod who_can;

pub(super) use lint::finding;

use tonic::{Request, Response, Status};

use super::counter;
use super::proto::admin as proto;
use crate::transport::desk::{Desk, Handler};

/// The service at its desk.
#[derive(Debug)]
pub struct PolicyDesk<H> {
    desk: Desk<H>,
}

impl<H: Handler> PolicyDesk<H> {
    /// Hands its calls in at this desk.
    pub fn new(desk: Desk<H>) -> Self {
        Self { desk }
    }
}

#[tonic::async_trait]
impl<H: Handler> proto::policy_service_server::PolicyService for PolicyDesk<H> {
    async fn lint(&self, request: Request<proto::LintRequest>) -> Result<Response<proto::LintResponse>, Status> {
        counter::take(&self.desk, request, lint::read, lint::write).await
    }

    async fn simulate(
        &self,
        request: Request<proto::SimulateRequest>,
    ) -> Result<Response<proto::SimulateResponse>, Status> {
        counter::take(&self.desk, request, simulate::read, simulate::write).await
    }

    async fn who_can(&self, request: Request<proto::WhoCanRequest>) -> Result<Response<proto::WhoCanResponse>, Status> {
        counter::take(&self.desk, request, who_can::read, who_can::write).await
    }
}
