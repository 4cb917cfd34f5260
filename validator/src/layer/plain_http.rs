//! HTTP: the body is signed as it is.

use bytes::Bytes;
use http::request::Parts;
use http::{Response, StatusCode, header};
use http_body::Body;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::Config;
use super::body::{BoxError, Collected, ValidatedBody, collect};
use crate::signature::{DeclaredPayload, Refusal};
use crate::validator::{Rejection, Verified};

/// Checks a request and its body, as far as the body is buffered.
///
/// Where the request declares a hash, the signature is checked before the first byte of the body is read.
pub(super) async fn check<B>(config: &Config, parts: &Parts, body: B) -> Result<(Verified, ValidatedBody), Rejection>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let pending = config.begin(parts).await?;
    match pending.payload() {
        DeclaredPayload::Unsigned => Ok((pending.finish_declared()?, ValidatedBody::unchecked(body))),
        DeclaredPayload::Sha256(declared) => {
            let verified = pending.finish_declared()?;
            match collect(body, config.body_limit).await? {
                Collected::Whole(bytes) if Sha256::digest(&bytes)[..] == declared => {
                    config.confirm(&verified)?;
                    Ok((verified, ValidatedBody::whole(bytes)))
                }
                Collected::Whole(_) => Err(Refusal::Payload.into()),
                Collected::Longer { start, rest } => {
                    let body = ValidatedBody::hashed(start, rest, declared, config.confirm_later(&verified));
                    Ok((verified, body))
                }
            }
        }
        DeclaredPayload::Undeclared => match collect(body, config.body_limit).await? {
            Collected::Whole(bytes) => {
                let verified = pending.finish(&bytes)?;
                config.confirm(&verified)?;
                Ok((verified, ValidatedBody::whole(bytes)))
            }
            Collected::Longer { .. } => Err(Rejection::TooLarge),
        },
    }
}

/// Refusals as `{"error":"<AWS code>","message":"…","request_id":"…"}` with the code's HTTP status.
pub fn json_refusal(rejection: &Rejection, request_id: &str) -> Response<Bytes> {
    #[derive(Serialize)]
    struct Answer<'a> {
        error: &'a str,
        message: &'a str,
        request_id: &'a str,
    }

    let answer = Answer { error: rejection.code(), message: &rejection.to_string(), request_id };
    // Three strings always serialise.
    let mut response = Response::new(Bytes::from(serde_json::to_vec(&answer).unwrap_or_default()));
    *response.status_mut() = StatusCode::from_u16(rejection.http_status()).unwrap_or(StatusCode::FORBIDDEN);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    response
}
