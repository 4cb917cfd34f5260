//! A tower service that signs unary gRPC calls before it passes them on.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{SystemTime, UNIX_EPOCH};

use brevet_validator::credential::Credentials;
use brevet_validator::signature::{self, PathStyle};
use brevet_validator::timestamp::Timestamp;
use http::{HeaderMap, Request};
use http_body_util::BodyExt;
use sha2::{Digest, Sha256};
use tonic::body::Body;
use tower_service::Service;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Bytes in front of the message of a gRPC frame: the compression flag and the length.
const FRAME_PREFIX: usize = 5;

/// Signs each call with credentials for service `sts`.
///
/// The payload hash is that of the message in the call's one frame, so only unary calls without compression can be
/// signed.
#[derive(Clone, Debug)]
pub struct Signed<S> {
    inner: S,
    credentials: Credentials,
    region: String,
    scheme: String,
    authority: String,
}

/// A call that cannot be signed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SignError {
    /// More or less than one frame, or a compressed one.
    #[error("only a unary call without compression can be signed")]
    NotUnary,
    /// The credentials or the authority cannot be written into a header.
    #[error("the credentials cannot be used to sign")]
    Credentials,
    /// The system's clock stands before 1970 or after 9999.
    #[error("the system's clock is not set")]
    Clock,
}

impl<S> Signed<S> {
    /// Signs what goes to `scheme://authority`.
    pub fn new(inner: S, credentials: Credentials, region: String, scheme: String, authority: String) -> Self {
        Self { inner, credentials, region, scheme, authority }
    }

    fn sign(&self, path: &str, frame: &[u8]) -> Result<signature::SignedHeaders, SignError> {
        let message = message(frame).ok_or(SignError::NotUnary)?;
        let headers = HeaderMap::new();
        let request = signature::Request {
            method: "POST",
            path,
            query: "",
            authority: Some(&self.authority),
            scheme: &self.scheme,
            headers: &headers,
        };
        let hash = Sha256::digest(message).into();
        signature::sign(request, hash, &self.credentials, &self.region, "sts", PathStyle::General, now()?)
            .map_err(|_| SignError::Credentials)
    }
}

/// The message of a body that is exactly one uncompressed frame.
fn message(frame: &[u8]) -> Option<&[u8]> {
    let (prefix, message) = frame.split_at_checked(FRAME_PREFIX)?;
    let length = u32::from_be_bytes(prefix[1..].try_into().ok()?);
    (prefix[0] == 0 && usize::try_from(length).ok()? == message.len()).then_some(message)
}

/// The system's clock.
pub(crate) fn now() -> Result<Timestamp, SignError> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|_| SignError::Clock)?;
    i64::try_from(since.as_secs()).ok().and_then(Timestamp::from_unix).ok_or(SignError::Clock)
}

impl<S> Service<Request<Body>> for Signed<S>
where
    S: Service<Request<Body>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        // The clone that was polled ready is the one to be called.
        let next = self.clone();
        let mut this = std::mem::replace(self, next);
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            let frame = body.collect().await?.to_bytes();
            for (name, value) in this.sign(parts.uri.path(), &frame)? {
                parts.headers.insert(name, value);
            }
            let body = Body::new(http_body_util::Full::new(frame));
            this.inner.call(Request::from_parts(parts, body)).await.map_err(Into::into)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_whole_uncompressed_frame_is_a_message() {
        assert_eq!(message(&[0, 0, 0, 0, 2, 7, 8]), Some(&[7, 8][..]));
        assert_eq!(message(&[0, 0, 0, 0, 0]), Some(&[][..]));
        for bad in [&[][..], &[0, 0, 0, 0], &[1, 0, 0, 0, 1, 7], &[0, 0, 0, 0, 2, 7], &[0, 0, 0, 0, 1, 7, 8]] {
            assert_eq!(message(bad), None, "{bad:?}");
        }
    }
}
