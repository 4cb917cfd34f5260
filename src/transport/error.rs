//! The one table from a failure to every wire: AWS code, HTTP status, gRPC code.

use std::borrow::Cow;
use std::time::Duration;

use brevet_validator::layer::grpc::reason as upper_snake_case;
use tonic::Code;

use crate::service::error::{Error, Kind};

/// Who has to do something about a failure.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// The caller.
    Sender,
    /// This service.
    Receiver,
}

impl Fault {
    /// As in the `Type` element of an AWS error.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sender => "Sender",
            Self::Receiver => "Receiver",
        }
    }
}

/// How the wires tell a failure.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Row {
    /// AWS error code.
    pub code: &'static str,
    /// HTTP status.
    pub http: u16,
    /// gRPC status.
    pub grpc: Code,
}

impl Row {
    /// Follows from the HTTP status.
    pub fn fault(&self) -> Fault {
        if self.http >= 500 { Fault::Receiver } else { Fault::Sender }
    }
}

/// The table. STS and IAM "common errors" of the AWS API references; gRPC codes by <https://grpc.io/docs/guides/status-codes/>.
pub fn row(kind: Kind) -> Row {
    let (http, grpc) = match kind {
        Kind::MissingAuthenticationToken => (403, Code::Unauthenticated),
        Kind::IncompleteSignature => (400, Code::InvalidArgument),
        Kind::MalformedQueryString => (400, Code::InvalidArgument),
        Kind::InvalidClientTokenId => (403, Code::Unauthenticated),
        Kind::SignatureDoesNotMatch => (403, Code::Unauthenticated),
        Kind::ExpiredToken => (403, Code::Unauthenticated),
        Kind::AccessDenied(_) => (403, Code::PermissionDenied),
        Kind::ValidationError => (400, Code::InvalidArgument),
        Kind::InvalidAuthorizationMessage => (400, Code::InvalidArgument),
        Kind::InvalidIdentityToken => (400, Code::Unauthenticated),
        Kind::ExpiredIdentityToken => (400, Code::Unauthenticated),
        Kind::IdpRejectedClaim => (403, Code::PermissionDenied),
        // AWS's clients try again on this code.
        Kind::IdpCommunicationError => (400, Code::Unavailable),
        Kind::OutboundFederationDisabled => (403, Code::FailedPrecondition),
        Kind::SessionDurationEscalation => (403, Code::PermissionDenied),
        Kind::JwtPayloadSizeExceeded => (400, Code::InvalidArgument),
        Kind::MalformedPolicyDocument => (400, Code::InvalidArgument),
        Kind::PackedPolicyTooLarge => (400, Code::InvalidArgument),
        Kind::InvalidAction => (400, Code::Unimplemented),
        Kind::MissingAction => (400, Code::InvalidArgument),
        Kind::NoSuchEntity => (404, Code::NotFound),
        Kind::EntityAlreadyExists => (409, Code::AlreadyExists),
        Kind::DeleteConflict => (409, Code::FailedPrecondition),
        Kind::LimitExceeded => (409, Code::ResourceExhausted),
        Kind::InvalidInput => (400, Code::InvalidArgument),
        Kind::PolicyEvaluation => (500, Code::Internal),
        Kind::ConcurrentModification => (409, Code::Aborted),
        Kind::NotFound => (404, Code::Unimplemented),
        Kind::MethodNotAllowed => (405, Code::Unimplemented),
        Kind::UnsupportedMediaType => (415, Code::Unimplemented),
        Kind::RequestEntityTooLarge => (413, Code::ResourceExhausted),
        Kind::RequestTimeout => (408, Code::DeadlineExceeded),
        Kind::Throttling => (400, Code::ResourceExhausted),
        Kind::ServiceUnavailable => (503, Code::Unavailable),
        Kind::InternalFailure => (500, Code::Internal),
    };
    Row { code: kind.code(), http, grpc }
}

/// The stable reason of a failure: that of the policy decision, or the AWS code in UPPER_SNAKE_CASE.
pub fn reason(kind: Kind) -> Cow<'static, str> {
    match kind {
        Kind::AccessDenied(reason) => Cow::Borrowed(reason.as_str()),
        kind => Cow::Owned(upper_snake_case(kind.code())),
    }
}

/// What the caller reads. A denial names its request, because it is what people bring to whoever can lift it.
pub fn message<'a>(error: &'a Error, request_id: &str) -> Cow<'a, str> {
    match error.kind() {
        Kind::AccessDenied(_) => Cow::Owned(format!("{} Request ID: {request_id}", error.message())),
        _ => Cow::Borrowed(error.message()),
    }
}

/// [`message`], and the encoded authorization message at its end, where AWS's tools look for it.
pub fn message_with_trace<'a>(error: &'a Error, request_id: &str) -> Cow<'a, str> {
    let message = message(error, request_id);
    match error.encoded_message() {
        Some(encoded) => Cow::Owned(format!("{message}. Encoded authorization failure message: {encoded}")),
        None => message,
    }
}

/// When to try again, where trying again may help.
pub fn retry_after(kind: Kind) -> Option<Duration> {
    matches!(kind, Kind::Throttling | Kind::ServiceUnavailable | Kind::IdpCommunicationError)
        .then_some(Duration::from_secs(1))
}

#[cfg(test)]
mod tests {
    use brevet_validator::policy::Reason;

    use super::*;

    /// Every kind but the denial. The table is total by its type; this pins what clients match on.
    const CODES: &[(Kind, &str, u16, Code)] = &[
        (Kind::MissingAuthenticationToken, "MISSING_AUTHENTICATION_TOKEN", 403, Code::Unauthenticated),
        (Kind::IncompleteSignature, "INCOMPLETE_SIGNATURE", 400, Code::InvalidArgument),
        (Kind::MalformedQueryString, "MALFORMED_QUERY_STRING", 400, Code::InvalidArgument),
        (Kind::InvalidClientTokenId, "INVALID_CLIENT_TOKEN_ID", 403, Code::Unauthenticated),
        (Kind::SignatureDoesNotMatch, "SIGNATURE_DOES_NOT_MATCH", 403, Code::Unauthenticated),
        (Kind::ExpiredToken, "EXPIRED_TOKEN", 403, Code::Unauthenticated),
        (Kind::ValidationError, "VALIDATION_ERROR", 400, Code::InvalidArgument),
        (Kind::InvalidAction, "INVALID_ACTION", 400, Code::Unimplemented),
        (Kind::Throttling, "THROTTLING", 400, Code::ResourceExhausted),
        (Kind::RequestEntityTooLarge, "REQUEST_ENTITY_TOO_LARGE", 413, Code::ResourceExhausted),
        (
            Kind::OutboundFederationDisabled,
            "OUTBOUND_WEB_IDENTITY_FEDERATION_DISABLED_EXCEPTION",
            403,
            Code::FailedPrecondition,
        ),
        (Kind::SessionDurationEscalation, "SESSION_DURATION_ESCALATION_EXCEPTION", 403, Code::PermissionDenied),
        (Kind::JwtPayloadSizeExceeded, "JWT_PAYLOAD_SIZE_EXCEEDED_EXCEPTION", 400, Code::InvalidArgument),
        (Kind::PolicyEvaluation, "POLICY_EVALUATION", 500, Code::Internal),
        (Kind::ServiceUnavailable, "SERVICE_UNAVAILABLE", 503, Code::Unavailable),
        (Kind::InternalFailure, "INTERNAL_FAILURE", 500, Code::Internal),
    ];

    #[test]
    fn each_kind_has_its_code_on_every_wire() {
        for (kind, expected, http, grpc) in CODES {
            assert_eq!((&*reason(*kind), row(*kind).http, row(*kind).grpc), (*expected, *http, *grpc), "{kind:?}");
        }
    }

    #[test]
    fn who_is_at_fault_follows_from_the_status() {
        assert_eq!(row(Kind::ExpiredToken).fault(), Fault::Sender);
        assert_eq!(row(Kind::ServiceUnavailable).fault(), Fault::Receiver);
        assert_eq!(row(Kind::InternalFailure).fault(), Fault::Receiver);
    }

    #[test]
    fn a_denial_carries_its_reason_and_ends_with_its_request() {
        let denied = Error::new(Kind::AccessDenied(Reason::TrustNotSatisfied), "User: x is not authorized.");
        assert_eq!(reason(denied.kind()), "TRUST_NOT_SATISFIED");
        assert_eq!(message(&denied, "id-1"), "User: x is not authorized. Request ID: id-1");
        assert_eq!(message(&Error::validation("Bad."), "id-1"), "Bad.");
    }
}
