//! What relying parties of our identity tokens ask for: the discovery document and the key set. Public, and meant to be
//! cached.

use bytes::Bytes;
use http::{HeaderValue, Method, Response, header};

use super::desk::{Desk, Exchange, Handler};
use super::query::response::{self, Api};
use crate::service::error::{Error, Kind};
use crate::service::outbound::{Outbound, Page};

/// For how long caches may keep a document. A new key is to be published for that long before it signs.
const CACHE_CONTROL: HeaderValue = HeaderValue::from_static("public, max-age=300");
const ALLOW: HeaderValue = HeaderValue::from_static("GET, HEAD");

/// Answers a request for one of the documents. Failures look as they do on the rest of the port.
pub(super) async fn answer<H: Handler>(
    desk: &Desk<H>,
    exchange: &Exchange,
    outbound: &Outbound,
    page: Page,
    method: &Method,
) -> Response<Bytes> {
    let operation = match page {
        Page::Document => "GetOpenIdConfiguration",
        Page::KeySet => "GetKeySet",
    };
    match content(outbound, page, method).await {
        Ok(content) => {
            desk.record(exchange, operation, None);
            render(content, *method == Method::HEAD)
        }
        Err(error) => {
            desk.refuse(exchange, operation, &error).await;
            let mut response = response::failure(Api::Sts, &error, exchange.request_id());
            if error.kind() == Kind::MethodNotAllowed {
                response.headers_mut().insert(header::ALLOW, ALLOW);
            }
            response
        }
    }
}

async fn content(outbound: &Outbound, page: Page, method: &Method) -> Result<String, Error> {
    if !matches!(*method, Method::GET | Method::HEAD) {
        return Err(Error::new(Kind::MethodNotAllowed, "Only GET and HEAD are allowed here."));
    }
    outbound.content(page).await
}

/// HEAD has the headers of GET, its length among them, and no body (RFC 9110 §9.3.2).
fn render(content: String, head: bool) -> Response<Bytes> {
    let length = HeaderValue::from(content.len());
    let mut response = Response::new(if head { Bytes::new() } else { Bytes::from(content) });
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CONTENT_LENGTH, length);
    headers.insert(header::CACHE_CONTROL, CACHE_CONTROL);
    response
}
