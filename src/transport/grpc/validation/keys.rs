//! Signing keys for validators that cannot derive them, and verdicts for services that check nothing themselves.

use brevet_validator::secret::Secret;
use brevet_validator::signature::{ReceivedRequest, RequestLine};
use brevet_validator::timestamp::Timestamp;
use tonic::{Request, Response, Status};

use super::proto;
use crate::service::operation::{Answer, Operation};
use crate::service::signing_keys::{GetSigningKey, KeyAndOwner};
use crate::service::verdicts::{Accepted, Verdict, VerifyRequest};
use crate::transport::desk::{Desk, Handler};
use crate::transport::grpc::counter;
use crate::transport::grpc::fields::given;

pub(super) async fn get_signing_key<H: Handler>(
    desk: &Desk<H>,
    request: Request<proto::GetSigningKeyRequest>,
) -> Result<Response<proto::GetSigningKeyResponse>, Status> {
    let read = |message: proto::GetSigningKeyRequest| {
        Ok(Operation::GetSigningKey(GetSigningKey {
            zone: message.zone,
            access_key_id: message.access_key_id,
            security_token: given(message.security_token).map(Secret::new),
            date: message.date,
            region: message.region,
            service: message.service,
        }))
    };
    let write = |answer| match answer {
        Answer::SigningKey(key) => Some(signing_key(*key)),
        _ => None,
    };
    counter::take(desk, request, read, write).await
}

pub(super) async fn verify_request<H: Handler>(
    desk: &Desk<H>,
    request: Request<proto::VerifyRequestRequest>,
) -> Result<Response<proto::VerifyRequestResponse>, Status> {
    let read = |message| Ok(Operation::VerifyRequest(Box::new(received(message))));
    let write = |answer| match answer {
        Answer::Verdict(verdict) => Some(proto::VerifyRequestResponse { verdict: Some(said(verdict)) }),
        _ => None,
    };
    counter::take(desk, request, read, write).await
}

fn signing_key(key: KeyAndOwner) -> proto::GetSigningKeyResponse {
    let tags = key.tags.into_iter().map(|tag| proto::SessionTag { key: tag.key, value: tag.value });
    proto::GetSigningKeyResponse {
        signing_key: key.signing_key.expose().to_vec(),
        principal_arn: key.principal.arn().to_string(),
        principal_id: key.principal.user_id(),
        identity_policies: key.identity_policies,
        permissions_boundary: key.permissions_boundary.unwrap_or_default(),
        revision: key.revision,
        cache_until: Some(time(key.cache_until)),
        principal_tags: tags.collect(),
    }
}

fn received(message: proto::VerifyRequestRequest) -> VerifyRequest {
    let line = RequestLine {
        method: &message.method,
        path: &message.path,
        query: &message.query,
        scheme: &message.scheme,
        authority: &message.authority,
    };
    let headers = message.headers.iter().map(|header| (header.name.as_str(), header.value.as_slice()));
    let request = ReceivedRequest::new(line, headers);
    VerifyRequest { zone: message.zone, request, payload_sha256: message.payload_sha256 }
}

fn said(verdict: Verdict) -> proto::verify_request_response::Verdict {
    match verdict {
        Verdict::Accepted(accepted) => proto::verify_request_response::Verdict::Accepted(signer(&accepted)),
        Verdict::Refused(rejection) => proto::verify_request_response::Verdict::Refused(proto::Refused {
            code: rejection.code().to_owned(),
            message: rejection.to_string(),
            http_status: rejection.http_status().into(),
        }),
    }
}

fn signer(Accepted { verified, principal, unsigned_payload }: &Accepted) -> proto::Accepted {
    let claims = verified.session().map(|session| &session.claims);
    let tags = claims.map_or(&[][..], |claims| &claims.tags).iter();
    proto::Accepted {
        account: principal.account().to_string(),
        principal_arn: principal.arn().to_string(),
        principal_id: principal.user_id(),
        access_key_id: verified.access_key_id().to_string(),
        expire_time: verified.expiration().map(time),
        source_identity: claims.and_then(|claims| claims.source_identity.clone()).unwrap_or_default().to_string(),
        tags: tags.map(|tag| proto::SessionTag { key: tag.key.clone(), value: tag.value.clone() }).collect(),
        unsigned_payload: *unsigned_payload,
    }
}

fn time(at: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: at.unix(), nanos: 0 }
}
