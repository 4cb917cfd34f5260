//! Where a request carries its credentials, and what is written there.

use std::borrow::Cow;

use super::encode::from_hex;
use super::headers::{AUTHORIZATION, DATE, Headers, X_AMZ_CONTENT_SHA256, X_AMZ_DATE, X_AMZ_SECURITY_TOKEN};
use super::query::{Parameter, Query};
use super::refusal::Refusal;
use super::split::{split, split_once};
use super::verify::Form;
use super::window::{SKEW, SignedAt};
use super::{ALGORITHM, MAX_EXPIRES};

/// What a request says of its signature: every field is there and well written, none is accepted yet.
pub(super) struct Authentication<'a> {
    pub(super) form: Form,
    pub(super) credential: Cow<'a, str>,
    pub(super) signed_headers: Cow<'a, str>,
    /// `None`: of the right length, but not in lower-case hex. No signature is written so, so none can match.
    pub(super) signature: Option<[u8; 32]>,
    pub(super) signed_at: SignedAt<'a>,
    /// Seconds after `signed_at`.
    pub(super) good_for: i64,
    pub(super) security_token: Option<Cow<'a, str>>,
    pub(super) content_sha256: Option<Cow<'a, str>>,
}

impl<'a> Authentication<'a> {
    /// Finds the one place of credentials, then reads it if the algorithm is ours.
    pub(super) fn find(headers: &Headers<'a>, query: &Query) -> Result<Self, Refusal> {
        let authorization = headers.only(AUTHORIZATION)?;
        let amz = AmzHeaders {
            date: headers.only(X_AMZ_DATE)?,
            security_token: headers.only(X_AMZ_SECURITY_TOKEN)?,
            content_sha256: headers.only(X_AMZ_CONTENT_SHA256)?,
        };
        match authorization {
            None if query.authentication().any(Parameter::claims_a_signature) => presigned(&amz, query),
            None => Err(Refusal::NoCredentials),
            Some(_) if query.authentication().next().is_some() => Err(TWO_PLACES),
            Some(authorization) => in_header(headers, &amz, authorization),
        }
    }
}

const TWO_PLACES: Refusal =
    Refusal::Incomplete("Authentication must be either in headers or in the query, not in both.");

struct AmzHeaders<'a> {
    date: Option<&'a str>,
    security_token: Option<&'a str>,
    content_sha256: Option<&'a str>,
}

/// `Authorization: AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`
fn in_header<'a>(
    headers: &Headers<'a>,
    amz: &AmzHeaders<'a>,
    authorization: &'a str,
) -> Result<Authentication<'a>, Refusal> {
    let (algorithm, parameters) = split_once(authorization, b' ').unwrap_or((authorization, ""));
    if algorithm != ALGORITHM {
        return Err(Refusal::Algorithm);
    }
    let [mut credential, mut signed_headers, mut signature] = [None; 3];
    for parameter in split(parameters, b',') {
        let (name, value) = split_once(parameter.trim(), b'=').ok_or(UNREADABLE)?;
        let place = match name {
            "Credential" => &mut credential,
            "SignedHeaders" => &mut signed_headers,
            "Signature" => &mut signature,
            _ => return Err(UNREADABLE),
        };
        if place.replace(value).is_some() {
            return Err(UNREADABLE);
        }
    }
    let missing = Refusal::Incomplete;
    Ok(Authentication {
        form: Form::Header,
        credential: credential.ok_or(missing("Authorization header requires 'Credential' parameter."))?.into(),
        signed_headers: signed_headers
            .ok_or(missing("Authorization header requires 'SignedHeaders' parameter."))?
            .into(),
        signature: read_signature(signature.ok_or(missing("Authorization header requires 'Signature' parameter."))?)?,
        signed_at: match amz.date {
            Some(date) => SignedAt::from_amz_date(date.into())?,
            None => SignedAt::from_http_date(headers.only(DATE)?.ok_or(missing(
                "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
            ))?)?,
        },
        good_for: SKEW,
        security_token: amz.security_token.map(Cow::Borrowed),
        content_sha256: amz.content_sha256.map(Cow::Borrowed),
    })
}

const UNREADABLE: Refusal = Refusal::Incomplete(
    "Authorization header must be 'AWS4-HMAC-SHA256 Credential=..., SignedHeaders=..., Signature=...'.",
);

/// `X-Amz-Algorithm`, `X-Amz-Credential` and so on.
fn presigned<'a>(amz: &AmzHeaders<'a>, query: &Query) -> Result<Authentication<'a>, Refusal> {
    let own = |parameter| Ok(query.value(parameter)?.map(|value| Cow::<'a, str>::Owned(value.into_owned())));
    let required = |parameter, missing| own(parameter)?.ok_or(Refusal::Incomplete(missing));

    if amz.date.is_some() || amz.security_token.is_some() {
        return Err(TWO_PLACES);
    }
    let algorithm = required(Parameter::Algorithm, "AWS query-string parameters must include 'X-Amz-Algorithm'.")?;
    if algorithm != ALGORITHM {
        return Err(Refusal::Algorithm);
    }
    let signature = required(Parameter::Signature, "AWS query-string parameters must include 'X-Amz-Signature'.")?;
    let date = required(Parameter::Date, "AWS query-string parameters must include 'X-Amz-Date'.")?;
    let expires = required(Parameter::Expires, "AWS query-string parameters must include 'X-Amz-Expires'.")?;
    Ok(Authentication {
        form: Form::Presigned,
        credential: required(Parameter::Credential, "AWS query-string parameters must include 'X-Amz-Credential'.")?,
        signed_headers: required(
            Parameter::SignedHeaders,
            "AWS query-string parameters must include 'X-Amz-SignedHeaders'.",
        )?,
        signature: read_signature(&signature)?,
        signed_at: SignedAt::from_amz_date(date)?,
        good_for: read_expires(&expires)?,
        security_token: own(Parameter::SecurityToken)?,
        content_sha256: match (own(Parameter::ContentSha256)?, amz.content_sha256) {
            (Some(_), Some(_)) => return Err(TWO_PLACES),
            (in_query, in_header) => in_query.or(in_header.map(Cow::Borrowed)),
        },
    })
}

fn read_signature(text: &str) -> Result<Option<[u8; 32]>, Refusal> {
    if text.len() == 64 {
        Ok(from_hex(text))
    } else {
        Err(Refusal::Incomplete("Signature must be 64 hexadecimal digits."))
    }
}

fn read_expires(text: &str) -> Result<i64, Refusal> {
    let digits = (1..=6).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = text.parse().ok().filter(|seconds| digits && (1..=MAX_EXPIRES).contains(seconds));
    seconds.map(i64::from).ok_or(Refusal::Incomplete("X-Amz-Expires must be a number between 1 and 604800."))
}
