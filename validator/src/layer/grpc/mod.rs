//! SigV4 for gRPC: a call is signed like an AWS request, so that any SigV4 library can do it.
//!
//! - Method `POST`; canonical path `/package.Service/Method` byte for byte; no query; `host` is `:authority`.
//! - Metadata `x-amz-date`, `x-amz-content-sha256`, `authorization`, and `x-amz-security-token` with temporary keys.
//!   `authorization` and each `x-amz-*` occur once, in printable ASCII, and all `x-amz-*` are signed.
//! - A call that is no client stream is exactly one frame and then the end. Its payload hash is the hex SHA-256 of the
//!   message in that frame, without the five-byte prefix. Compressed messages are refused.
//! - A client stream signs `UNSIGNED-PAYLOAD`, and only where the service declares the method so.

mod frame;
mod metadata;
mod status;

use bytes::Bytes;
use http::request::Parts;
use http_body::Body;
use sha2::{Digest, Sha256};

pub use self::frame::{FRAME_HEADER, unary_message};
pub use self::metadata::check_metadata;
pub use self::status::{GrpcError, reason, refusal};

use super::Config;
use super::body::{BoxError, Collected, ValidatedBody, collect};
use crate::signature::{DeclaredPayload, Refusal};
use crate::validator::{Rejection, Verified};

/// Checks a call and, unless it is a declared client stream, its message, before the method runs.
pub(super) async fn check<B>(
    config: &Config,
    client_streams: &[String],
    parts: &Parts,
    body: B,
) -> Result<(Verified, ValidatedBody), Rejection>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    check_metadata(parts)?;
    let pending = config.begin(parts).await?;
    match pending.payload() {
        DeclaredPayload::Undeclared => Err(Refusal::Unsigned("x-amz-content-sha256 must be sent and signed.").into()),
        DeclaredPayload::Unsigned if client_streams.iter().any(|method| method == parts.uri.path()) => {
            Ok((pending.finish_declared()?, ValidatedBody::unchecked(body)))
        }
        DeclaredPayload::Unsigned => Err(Refusal::Unsigned("The message of this method must be signed.").into()),
        DeclaredPayload::Sha256(declared) => {
            let verified = pending.finish_declared()?;
            let Collected::Whole(frame) = collect(body, config.body_limit.saturating_add(FRAME_HEADER)).await? else {
                return Err(Rejection::TooLarge);
            };
            if Sha256::digest(unary_message(&frame, config.body_limit)?)[..] != declared {
                return Err(Refusal::Payload.into());
            }
            config.confirm(&verified)?;
            Ok((verified, ValidatedBody::whole(frame)))
        }
    }
}
