//! The main port: tells gRPC from the AWS Query wire, and sees to what both have in common.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Request, Response, Version, header};
use http_body_util::Full;
use hyper::body::Incoming;
use tonic::body::Body;

use super::body::Payload;
use super::desk::{Desk, Exchange, Handler, UNKNOWN_OPERATION};
use super::documents;
use super::grpc::{self, BuildError, Grpc};
use super::listener::Serve;
use super::metrics::Metrics;
use super::peer::{self, Authorities, Network, Peer};
use super::query;
use super::query::response::{self, Api};
use super::readiness::Readiness;
use crate::service::error::{Error, Kind};
use crate::service::outbound::{Outbound, Page};

/// Most bytes of a head: the target and the header fields, with 32 for each field (RFC 9113 §6.5.2).
const MAX_HEAD: usize = 16 << 10;

/// What an operator decides about the port.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The hosts that requests may name; any, if `None`.
    pub authorities: Option<Authorities>,
    /// Whose `X-Forwarded-For` and `X-Forwarded-Proto` count.
    pub trusted_proxies: Vec<Network>,
    /// Whether strangers may ask which gRPC services there are.
    pub reflection: bool,
    /// Whose documents are published here, if identity tokens are issued.
    pub outbound: Option<Arc<Outbound>>,
}

/// Answers requests of every wire.
#[derive(Debug)]
pub struct Front<H> {
    desk: Desk<H>,
    grpc: Grpc<H>,
    settings: Settings,
}

impl<H: Handler> Front<H> {
    /// In front of this service.
    pub fn new(
        handler: Arc<H>,
        metrics: Arc<Metrics>,
        readiness: Arc<Readiness>,
        settings: Settings,
    ) -> Result<Self, BuildError> {
        let desk = Desk::new(handler, metrics);
        let grpc = Grpc::new(desk.clone(), readiness, settings.reflection)?;
        Ok(Self { desk, grpc, settings })
    }

    /// Answers one request, whatever happens on the way.
    async fn answer(&self, parts: Parts, body: impl Payload + 'static, peer: Peer, conflict: bool) -> Response<Body> {
        let is_call = grpc::is_call(&parts);
        let peer = peer::origin(peer, &self.settings.trusted_proxies, &parts.headers);
        let wire = match (is_call, self.page(&parts)) {
            (true, _) => "grpc",
            (false, Some(_)) => "http",
            (false, None) => "query",
        };
        let exchange = Arc::new(Exchange::begin(&parts, peer, wire));
        // A chunked request is the last of its connection, see `inspect`.
        let last = conflict || parts.version < Version::HTTP_2 && parts.headers.contains_key(header::TRANSFER_ENCODING);

        let answer = AssertUnwindSafe(self.route(&exchange, parts, body, peer, conflict)).catch_unwind().await;
        let mut response = answer.unwrap_or_else(|panic| {
            let error = Error::internal(text_of(&*panic));
            self.desk.record(&exchange, UNKNOWN_OPERATION, Some(&error));
            failure(is_call, &error, exchange.request_id())
        });

        let headers = response.headers_mut();
        if let Ok(request_id) = HeaderValue::from_str(exchange.request_id()) {
            headers.insert(HeaderName::from_static("x-amzn-requestid"), request_id);
        }
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if last {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    async fn route(
        &self,
        exchange: &Arc<Exchange>,
        parts: Parts,
        body: impl Payload + 'static,
        peer: Peer,
        conflict: bool,
    ) -> Response<Body> {
        let is_call = grpc::is_call(&parts);
        if let Err(error) = self.check_head(&parts, peer, conflict) {
            self.desk.refuse(exchange, UNKNOWN_OPERATION, &error).await;
            return failure(is_call, &error, exchange.request_id());
        }
        if is_call {
            return self.grpc.answer(exchange, parts, body).await;
        }
        if let Some((outbound, page)) = self.page(&parts) {
            return documents::answer(&self.desk, exchange, outbound, page, &parts.method).await.map(whole);
        }
        query::answer(&self.desk, exchange, parts, body).await.map(whole)
    }

    /// The document that is at the path of a request which is no call, if one is.
    fn page(&self, parts: &Parts) -> Option<(&Outbound, Page)> {
        let outbound = self.settings.outbound.as_deref()?;
        Some((outbound, outbound.page(parts.uri.path())?))
    }

    fn check_head(&self, parts: &Parts, peer: Peer, conflict: bool) -> Result<(), Error> {
        if conflict {
            return Err(Error::validation("A request must not have both Content-Length and Transfer-Encoding."));
        }
        let fields = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 32);
        let target = parts.uri.path().len() + parts.uri.query().map_or(0, str::len);
        if target + fields.sum::<usize>() > MAX_HEAD {
            return Err(Error::new(Kind::RequestEntityTooLarge, format!("A head has at most {MAX_HEAD} bytes.")));
        }
        match &self.settings.authorities {
            Some(authorities) if !authorities.include(parts, peer.tls) => {
                Err(Error::new(Kind::SignatureDoesNotMatch, "The request is meant for another host."))
            }
            _ => Ok(()),
        }
    }
}

impl<H: Handler> Serve for Front<H> {
    async fn serve(&self, request: Request<Incoming>, peer: Peer, conflict: bool) -> Response<Body> {
        let (parts, body) = request.into_parts();
        self.answer(parts, body, peer, conflict).await
    }
}

fn failure(is_call: bool, error: &Error, request_id: &str) -> Response<Body> {
    if is_call { grpc::refusal(error, request_id) } else { response::failure(Api::Sts, error, request_id).map(whole) }
}

fn whole(body: Bytes) -> Body {
    Body::new(Full::new(body))
}

/// What a panic says: for the log alone.
fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("panic: {}", text.unwrap_or("without a text"))
}
