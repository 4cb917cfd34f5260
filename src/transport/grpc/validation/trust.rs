//! The trust bundle, the stream of its changes and of revocations, and what validators say of them.

use std::pin::Pin;

use futures_util::Stream;
use tonic::{Request, Response, Status};

use super::proto;
use crate::transport::desk::{Desk, Handler};

pub(super) async fn get_bundle<H: Handler>(
    _desk: &Desk<H>,
    _request: Request<proto::GetTrustBundleRequest>,
) -> Result<Response<proto::GetTrustBundleResponse>, Status> {
    Err(Status::unimplemented(""))
}

pub(super) async fn watch<H: Handler>(
    _desk: &Desk<H>,
    _request: Request<proto::WatchTrustRequest>,
) -> Result<Response<Pin<Box<dyn Stream<Item = Result<proto::WatchTrustResponse, Status>> + Send>>>, Status> {
    Err(Status::unimplemented(""))
}

pub(super) async fn acknowledge<H: Handler>(
    _desk: &Desk<H>,
    _request: Request<proto::AcknowledgeTrustRequest>,
) -> Result<Response<proto::AcknowledgeTrustResponse>, Status> {
    Err(Status::unimplemented(""))
}
