//! The AWS Query wire: a form in, XML out. STS 2011-06-15 and IAM 2010-05-08 on one path.

pub mod form;
pub mod iam;
pub mod response;
pub mod sts;
pub mod xml;

use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, header};

use self::form::Form;
use self::response::Api;
use self::xml::Xml;
use super::body::{self, Payload};
use super::desk::{Desk, Exchange, Handler, UNKNOWN_OPERATION};
use crate::service::error::{Error, Kind};
use crate::service::operation::{Answer, Operation};

/// Takes one request through and renders its answer.
pub(super) async fn answer<H: Handler>(
    desk: &Desk<H>,
    exchange: &Arc<Exchange>,
    parts: Parts,
    body: impl Payload,
) -> Response<Bytes> {
    let request_id = exchange.request_id();
    let received = receive(&parts, body).await.map_err(Unread::before_operation);
    let read = received.and_then(|body| {
        let (api, operation) = parse(parts.uri.query().unwrap_or_default(), &body)?;
        Ok((api, operation, body))
    });
    let (api, operation, body) = match read {
        Ok(read) => read,
        Err(Unread { api, operation, error }) => {
            desk.refuse(exchange, operation, &error).await;
            return response::failure(api, &error, request_id);
        }
    };
    let name = operation.name();
    match desk.call(exchange, &Arc::new(parts), &body, operation).await {
        Ok(answer) => {
            let result = has_result(&answer).then_some(|xml: &mut Xml| render(&answer, xml));
            response::success(api, name, request_id, result)
        }
        Err(error) => response::failure(api, &error, request_id),
    }
}

/// A request that could not be read, and how far it was.
struct Unread {
    api: Api,
    operation: &'static str,
    error: Error,
}

impl Unread {
    /// What is not known to be for another API is answered as STS does.
    fn before_operation(error: Error) -> Self {
        Self { api: Api::Sts, operation: UNKNOWN_OPERATION, error }
    }
}

/// Everything about a request that comes before its parameters. Returns the body.
async fn receive(parts: &Parts, body: impl Payload) -> Result<Bytes, Error> {
    if parts.uri.path() != "/" {
        return Err(Error::new(Kind::NotFound, "There is nothing at this path."));
    }
    if parts.method != Method::GET && parts.method != Method::POST {
        return Err(Error::new(Kind::MethodNotAllowed, "Only GET and POST are allowed here."));
    }
    if parts.headers.get_all(header::CONTENT_ENCODING).iter().any(|encoding| encoding != "identity") {
        return Err(Error::new(Kind::UnsupportedMediaType, "Compressed requests are not supported."));
    }
    let body = body::read(body).await?;
    if body.is_empty() {
        return Ok(body);
    }
    if parts.method == Method::GET {
        return Err(Error::new(Kind::MalformedQueryString, "A GET request has no body."));
    }
    if !is_form(&parts.headers) {
        let message = "The content type must be application/x-www-form-urlencoded.";
        return Err(Error::new(Kind::UnsupportedMediaType, message));
    }
    Ok(body)
}

fn is_form(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter().map(HeaderValue::as_bytes);
    let (Some(only), None) = (types.next(), types.next()) else {
        return false;
    };
    let media_type = only.split(|byte| *byte == b';').next().unwrap_or_default();
    media_type.trim_ascii().eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
}

/// Reads which operation is asked for, and with what.
fn parse(query: &str, body: &[u8]) -> Result<(Api, Operation), Unread> {
    let mut form = Form::read(query, body).map_err(Unread::before_operation)?;
    let version = form.take("Version");
    let known = version.as_deref().and_then(Api::of_version);
    let api = known.unwrap_or(Api::Sts);
    let unread = |operation, error| Unread { api, operation, error };

    let Some(action) = form.take("Action") else {
        let error = Error::new(Kind::MissingAction, "The request names no action.");
        return Err(unread(UNKNOWN_OPERATION, error));
    };
    let operation = match known {
        Some(Api::Sts) => sts::parse(&action, &mut form),
        Some(Api::Iam) => iam::parse(&action, &mut form).map(|request| request.map(Operation::Iam)),
        None => Ok(None),
    };
    let operation = operation.map_err(|error| unread(UNKNOWN_OPERATION, error))?.ok_or_else(|| {
        let version = version.as_deref().unwrap_or("NO_VERSION_SPECIFIED");
        let text = format!("Could not find operation {} for version {}", form::shown(&action), form::shown(version));
        unread(UNKNOWN_OPERATION, Error::new(Kind::InvalidAction, text))
    })?;
    form.finish().map_err(|error| unread(operation.name(), error))?;
    Ok((api, operation))
}

fn has_result(answer: &Answer) -> bool {
    match answer {
        Answer::Iam(answer) => iam::has_result(answer),
        Answer::Issued(_) | Answer::CallerIdentity(_) | Answer::AccessKeyInfo(_) => true,
        Answer::DecodedMessage(_) | Answer::WebIdentityToken(_) => true,
        // Not on this wire.
        Answer::Linted(_) | Answer::Simulated(_) | Answer::WhoCan(_) | Answer::Sessions(_) => false,
        Answer::CheckedProvider(_) | Answer::Revoked(_) | Answer::Zones(_) | Answer::Trust(_) => false,
        Answer::SigningKey(_) | Answer::Verdict(_) => false,
    }
}

fn render(answer: &Answer, xml: &mut Xml) {
    match answer {
        Answer::Issued(issued) => sts::render_issued(issued, xml),
        Answer::CallerIdentity(identity) => sts::render_identity(identity, xml),
        Answer::AccessKeyInfo(account) => xml.leaf("Account", account),
        Answer::DecodedMessage(message) => xml.leaf("DecodedMessage", message),
        Answer::WebIdentityToken(token) => sts::render_web_identity_token(token, xml),
        Answer::Iam(answer) => iam::render(answer, xml),
        Answer::Linted(_) | Answer::Simulated(_) | Answer::WhoCan(_) | Answer::Sessions(_) => {}
        Answer::CheckedProvider(_) | Answer::Revoked(_) | Answer::Zones(_) | Answer::Trust(_) => {}
        Answer::SigningKey(_) | Answer::Verdict(_) => {}
    }
}
