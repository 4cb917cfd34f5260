//! Reads a request's credentials, refusing in the order that [`Refusal`] numbers.

use super::authentication::Authentication;
use super::canonical::{CanonicalRequest, Parts};
use super::encode::from_hex;
use super::headers::{Headers, SignedNames};
use super::host::Host;
use super::path;
use super::query::Query;
use super::refusal::Refusal;
use super::request::{PathStyle, Request, Rules};
use super::scope::Credential;
use super::verify::{Form, Presented, SignedPayload};
use crate::timestamp::Timestamp;

/// Reads the credentials of a request: exactly one form in one place, algorithm known, scope and time in order, and
/// everything signed that must be.
pub fn read<'a>(request: Request<'a>, rules: &Rules, now: Timestamp) -> Result<Presented<'a>, Refusal> {
    // 1 to 3. Shape and algorithm. The fields of an algorithm are read only once it is known.
    let headers = Headers::of(request.headers);
    let query = Query::parse(request.query)?;
    let given = Authentication::find(&headers, &query)?;
    let credential = Credential::parse(&given.credential)?;
    let signed_names = SignedNames::parse(&given.signed_headers)?;
    let host = Host::of(&request, &headers)?;
    let path = path::canonical(request.path, rules.path_style)?;
    let declared = given.content_sha256.as_deref().map(ContentSha256::parse).transpose()?;

    // 4. Scope and time.
    credential.check_scope(rules, &given.signed_at.text)?;
    let good_for = match given.form {
        Form::Header => given.good_for,
        Form::Presigned => given.good_for.min(rules.presigned_max.into()),
    };
    given.signed_at.check(now, good_for)?;

    // 5. Nothing that matters is left unsigned.
    signed_names.check_cover(&headers)?;
    let payload = accept_payload(declared, given.form, rules)?;

    let canonical_request = CanonicalRequest::new(&Parts {
        method: request.method,
        path: &path,
        query: &query.canonical(),
        headers: &headers,
        host: host.received(),
        signed_names: &signed_names,
    });
    let id_length = credential.access_key_id.len();
    Ok(Presented {
        form: given.form,
        credential: given.credential,
        id_length,
        signed_at: given.signed_at,
        security_token: given.security_token,
        signature: given.signature,
        payload,
        canonical_request,
        host,
        path,
    })
}

/// The forms of `x-amz-content-sha256`.
#[derive(Clone, Copy)]
enum ContentSha256 {
    Hash([u8; 32]),
    Unsigned,
    Streaming,
}

impl ContentSha256 {
    fn parse(text: &str) -> Result<Self, Refusal> {
        match text {
            "UNSIGNED-PAYLOAD" => Ok(Self::Unsigned),
            _ if text.starts_with("STREAMING-") => Ok(Self::Streaming),
            _ => from_hex(text).map(Self::Hash).ok_or(Refusal::Incomplete(
                "x-amz-content-sha256 must be 64 lower-case hexadecimal digits or UNSIGNED-PAYLOAD.",
            )),
        }
    }
}

fn accept_payload(declared: Option<ContentSha256>, form: Form, rules: &Rules) -> Result<SignedPayload, Refusal> {
    match declared {
        Some(ContentSha256::Hash(hash)) => Ok(SignedPayload::Declared(hash)),
        Some(ContentSha256::Streaming) => Err(Refusal::Unsigned("A payload signed in chunks is not accepted here.")),
        Some(ContentSha256::Unsigned) if rules.unsigned_payload => Ok(SignedPayload::Unsigned),
        // Presigned S3 requests leave the body out of the signature by definition.
        Some(ContentSha256::Unsigned) | None if form == Form::Presigned && rules.path_style == PathStyle::S3 => {
            Ok(if rules.unsigned_payload { SignedPayload::Unsigned } else { SignedPayload::UnsignedButEmpty })
        }
        Some(ContentSha256::Unsigned) => Err(Refusal::Unsigned("An unsigned payload is not accepted here.")),
        None => Ok(SignedPayload::Undeclared),
    }
}
