//! Why a request is refused, and how each wire says so.

use crate::signature::Refusal;

/// Why a request is refused: one variant per class that a client can tell apart. The text is public.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Rejection {
    /// Form, scope, time, payload or signature.
    #[error(transparent)]
    Signature(#[from] Refusal),
    /// Unknown, disabled or deleted key, revoked session, or any fault of the token: one text for all.
    #[error("The security token included in the request is invalid.")]
    InvalidToken,
    /// The session of the caller is over.
    #[error("The security token included in the request is expired")]
    ExpiredToken,
    /// The body is longer than this service buffers.
    #[error("Your request is too large.")]
    TooLarge,
    /// The body is not what its protocol demands.
    #[error("{0}")]
    MalformedBody(&'static str),
    /// The body is compressed.
    #[error("Compressed requests are not supported.")]
    Compressed,
    /// The keys that would be needed are too old or not there.
    #[error("The keys needed to check this request are not available.")]
    KeysUnavailable,
}

/// The gRPC status codes that a refusal can have (<https://grpc.io/docs/guides/status-codes/>).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(i32)]
pub enum GrpcCode {
    /// `INVALID_ARGUMENT`
    InvalidArgument = 3,
    /// `RESOURCE_EXHAUSTED`
    ResourceExhausted = 8,
    /// `UNIMPLEMENTED`
    Unimplemented = 12,
    /// `UNAVAILABLE`
    Unavailable = 14,
    /// `UNAUTHENTICATED`
    Unauthenticated = 16,
}

impl Rejection {
    /// The AWS code at a validator, e.g. `SignatureDoesNotMatch`.
    pub fn code(&self) -> &'static str {
        self.row().0
    }

    /// HTTP status at a validator (`ExpiredToken` is 400 here, 403 at STS and IAM).
    pub fn http_status(&self) -> u16 {
        self.row().1
    }

    /// gRPC status.
    pub fn grpc_code(&self) -> GrpcCode {
        self.row().2
    }

    /// The one table: AWS code, HTTP status, gRPC status.
    fn row(&self) -> (&'static str, u16, GrpcCode) {
        use GrpcCode::{InvalidArgument, ResourceExhausted, Unauthenticated, Unavailable, Unimplemented};
        match self {
            Self::Signature(refusal) => match refusal {
                Refusal::NoCredentials => ("MissingAuthenticationToken", 403, Unauthenticated),
                Refusal::Incomplete(_) | Refusal::Algorithm => ("IncompleteSignature", 400, InvalidArgument),
                Refusal::MalformedQuery(_) => ("MalformedQueryString", 400, InvalidArgument),
                Refusal::Scope(_) | Refusal::Time(_) | Refusal::Unsigned(_) | Refusal::Payload | Refusal::Mismatch => {
                    ("SignatureDoesNotMatch", 403, Unauthenticated)
                }
            },
            Self::InvalidToken => ("InvalidClientTokenId", 403, Unauthenticated),
            Self::ExpiredToken => ("ExpiredToken", 400, Unauthenticated),
            Self::TooLarge => ("RequestEntityTooLarge", 413, ResourceExhausted),
            Self::MalformedBody(_) => ("ValidationError", 400, InvalidArgument),
            Self::Compressed => ("UnsupportedMediaType", 415, Unimplemented),
            Self::KeysUnavailable => ("ServiceUnavailable", 503, Unavailable),
        }
    }
}
