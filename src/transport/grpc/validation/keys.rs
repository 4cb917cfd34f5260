//! Signing keys for validators that cannot derive them, and verdicts for services that check nothing themselves.

use tonic::{Request, Response, Status};

use super::proto;
use crate::transport::desk::{Desk, Handler};

pub(super) async fn get_signing_key<H: Handler>(
    _desk: &Desk<H>,
    _request: Request<proto::GetSigningKeyRequest>,
) -> Result<Response<proto::GetSigningKeyResponse>, Status> {
    Err(Status::unimplemented(""))
}

pub(super) async fn verify_request<H: Handler>(
    _desk: &Desk<H>,
    _request: Request<proto::VerifyRequestRequest>,
) -> Result<Response<proto::VerifyRequestResponse>, Status> {
    Err(Status::unimplemented(""))
}
