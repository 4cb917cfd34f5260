//! The signer: the other side of [`read`](super::read()).

use http::{HeaderName, HeaderValue, header};

use super::canonical::{CanonicalRequest, Parts, PayloadLine, string_to_sign};
use super::encode::{Place, encode, hex, hex_string};
use super::headers::{Headers, SignedNames, X_AMZ_CONTENT_SHA256, X_AMZ_DATE, X_AMZ_SECURITY_TOKEN};
use super::host::Host;
use super::key::SigningKey;
use super::path;
use super::query::{Parameter, Query};
use super::refusal::Refusal;
use super::request::{PathStyle, Request};
use super::scope::{Scope, TERMINATOR};
use super::{ALGORITHM, EMPTY_SHA256};
use crate::credential::Credentials;
use crate::timestamp::Timestamp;

/// What [`sign`] adds to a request: header fields to set, in order, values ready for the wire.
pub type SignedHeaders = Vec<(HeaderName, HeaderValue)>;

/// Signs in the header form. All headers given are signed (leave out what a proxy may change); `host` must be there or
/// in `authority`. Adds `x-amz-date`, `x-amz-content-sha256`, `x-amz-security-token` (temporary keys), `authorization`.
///
/// # Errors
///
/// [`Refusal::Incomplete`] or [`Refusal::MalformedQuery`] if the request or the credentials cannot be written so that
/// a verifier could read them: no host, a broken percent escape, a line break in the token, a slash in the region.
pub fn sign(
    request: Request<'_>,
    payload_sha256: [u8; 32],
    credentials: &Credentials,
    region: &str,
    service: &str,
    path_style: PathStyle,
    now: Timestamp,
) -> Result<SignedHeaders, Refusal> {
    let signer = Signer::new(credentials, region, service, path_style, now);
    let mut added = vec![
        (HeaderName::from_static(X_AMZ_DATE), header_value(&signer.date)?),
        (HeaderName::from_static(X_AMZ_CONTENT_SHA256), header_value(&hex_string(&payload_sha256))?),
    ];
    if let Some(token) = &credentials.security_token {
        added.push((HeaderName::from_static(X_AMZ_SECURITY_TOKEN), sensitive(header_value(token.expose())?)));
    }
    let mut headers = request.headers.clone();
    headers.remove(header::AUTHORIZATION);
    for (name, value) in &added {
        headers.insert(name, value.clone());
    }
    let signed = Headers::of(&headers);
    let names = SignedNames::all_of(&signed);
    let signature = signer.signature(request, &signed, &names, &PayloadLine::Hash(hex(&payload_sha256)))?;
    let authorization = format!(
        "{ALGORITHM} Credential={}, SignedHeaders={}, Signature={signature}",
        signer.credential(),
        names.as_str(),
    );
    added.push((header::AUTHORIZATION, sensitive(header_value(&authorization)?)));
    Ok(added)
}

/// Presigns: returns the query string with the signature. Payload is the empty body's hash (general) or unsigned (S3).
/// All headers given are signed and must be sent along; `host` must be there or in `authority`.
///
/// # Errors
///
/// As [`sign`].
pub fn presign(
    request: Request<'_>,
    credentials: &Credentials,
    region: &str,
    service: &str,
    path_style: PathStyle,
    expires_seconds: u32,
    now: Timestamp,
) -> Result<String, Refusal> {
    let signer = Signer::new(credentials, region, service, path_style, now);
    let headers = Headers::of(request.headers);
    let names = SignedNames::all_of(&headers);
    let mut query = request.query.to_owned();
    push_parameter(Parameter::Algorithm, ALGORITHM, &mut query);
    push_parameter(Parameter::Credential, &signer.credential(), &mut query);
    push_parameter(Parameter::Date, &signer.date, &mut query);
    push_parameter(Parameter::Expires, &expires_seconds.to_string(), &mut query);
    push_parameter(Parameter::SignedHeaders, names.as_str(), &mut query);
    if let Some(token) = &credentials.security_token {
        push_parameter(Parameter::SecurityToken, token.expose(), &mut query);
    }
    let payload = match path_style {
        PathStyle::General => PayloadLine::Hash(hex(&EMPTY_SHA256)),
        PathStyle::S3 => PayloadLine::Unsigned,
    };
    let signature = signer.signature(Request { query: &query, ..request }, &headers, &names, &payload)?;
    push_parameter(Parameter::Signature, &signature, &mut query);
    Ok(query)
}

/// What both forms have in common.
struct Signer<'a> {
    credentials: &'a Credentials,
    path_style: PathStyle,
    scope: String,
    date: String,
}

impl<'a> Signer<'a> {
    fn new(credentials: &'a Credentials, region: &str, service: &str, path_style: PathStyle, now: Timestamp) -> Self {
        let scope = format!("{}/{region}/{service}/{TERMINATOR}", now.to_scope_date());
        Self { credentials, path_style, scope, date: now.to_basic() }
    }

    fn credential(&self) -> String {
        format!("{}/{}", self.credentials.access_key_id, self.scope)
    }

    fn signature(
        &self,
        request: Request<'_>,
        headers: &Headers<'_>,
        names: &SignedNames<'_>,
        payload: &PayloadLine,
    ) -> Result<String, Refusal> {
        let canonical_request = CanonicalRequest::new(&Parts {
            method: request.method,
            path: &path::canonical(request.path, self.path_style)?,
            query: &Query::parse(request.query)?.canonical(),
            headers,
            host: Host::of(&request, headers)?.received(),
            signed_names: names,
        });
        let hash = canonical_request.hash(payload);
        let scope = Scope::parse(&self.scope)
            .ok_or(Refusal::Incomplete("Region and service must be writable in a credential's scope."))?;
        let key = SigningKey::derive(&self.credentials.secret_access_key, scope);
        Ok(hex_string(key.sign(&string_to_sign(&self.date, scope, &hash)).expose()))
    }
}

fn push_parameter(parameter: Parameter, value: &str, query: &mut String) {
    if !query.is_empty() {
        query.push('&');
    }
    query.push_str(parameter.name());
    query.push('=');
    encode(value, Place::Query, query);
}

fn header_value(text: &str) -> Result<HeaderValue, Refusal> {
    HeaderValue::from_str(text).map_err(|_| Refusal::Incomplete("Credentials must be writable in a header."))
}

fn sensitive(mut value: HeaderValue) -> HeaderValue {
    value.set_sensitive(true);
    value
}
