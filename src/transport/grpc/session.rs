//! `brevet.admin.v1.SessionService`: the list of sessions, and their end before their time.

mod list;

use brevet_validator::timestamp::Timestamp;
use tonic::{Request, Response, Status};

use super::proto::admin as proto;
use super::proto::admin::revoke_session_request::Which as Named;
use super::{counter, fields};
use crate::service::error::Error;
use crate::service::operation::{Answer, Operation};
use crate::service::sessions::{RevokeSession, Which};
use crate::service::trust::Receipts;
use crate::transport::desk::{Desk, Handler};

/// The service at its desk.
#[derive(Debug)]
pub struct SessionDesk<H> {
    desk: Desk<H>,
}

impl<H: Handler> SessionDesk<H> {
    /// Hands its calls in at this desk.
    pub fn new(desk: Desk<H>) -> Self {
        Self { desk }
    }
}

#[tonic::async_trait]
impl<H: Handler> proto::session_service_server::SessionService for SessionDesk<H> {
    async fn revoke_session(
        &self,
        request: Request<proto::RevokeSessionRequest>,
    ) -> Result<Response<proto::RevokeSessionResponse>, Status> {
        let read = |message: proto::RevokeSessionRequest| {
            let which = message.which.map(which).transpose()?;
            let wait = message.wait.map(fields::duration).transpose()?;
            Ok(Operation::RevokeSession(RevokeSession { which, wait }))
        };
        let write = |answer| match answer {
            Answer::Revoked(revoked) => {
                let until = prost_types::Timestamp { seconds: revoked.until.unix(), nanos: 0 };
                let receipts = revoked.receipts.map(receipts);
                Some(proto::RevokeSessionResponse { kept_until: Some(until), receipts })
            }
            _ => None,
        };
        counter::take(&self.desk, request, read, write).await
    }

    async fn list_sessions(
        &self,
        request: Request<proto::ListSessionsRequest>,
    ) -> Result<Response<proto::ListSessionsResponse>, Status> {
        counter::take(&self.desk, request, list::read, list::write).await
    }
}

fn receipts(receipts: Receipts) -> proto::Receipts {
    let Receipts { validators, refusing, unreachable, slowest, bound, failing_open } = receipts;
    let slowest = (refusing > 0).then(|| fields::to_proto(slowest));
    proto::Receipts { validators, refusing, unreachable, slowest, bound: bound.map(fields::to_proto), failing_open }
}

fn which(named: Named) -> Result<Which, Error> {
    Ok(match named {
        Named::AccessKeyId(id) => Which::AccessKeyId(id),
        Named::RoleArn(arn) => Which::RoleArn(arn),
        Named::PrincipalArn(arn) => Which::PrincipalArn(arn),
        Named::ProviderArn(arn) => Which::ProviderArn(arn),
        // Sessions are issued at whole seconds, so that a fraction changes nothing.
        Named::IssuedBefore(at) => match (Timestamp::from_unix(at.seconds), at.nanos) {
            (Some(at), 0..1_000_000_000) => Which::IssuedBefore(at),
            _ => return Err(Error::validation("issuedBefore is no time between the years 1970 and 9999.")),
        },
    })
}
