//! Where every wire hands its requests in: each is taken through the service, counted and logged in one place.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::{Duration, Instant};

use brevet_validator::signature;
use bytes::Bytes;
use http::header;
use http::request::Parts;
use uuid::Uuid;

use super::error;
use super::metrics::{Metrics, Outcome};
use super::peer::Peer;
use crate::service::caller::Envelope;
use crate::service::error::Error;
use crate::service::operation::{Answer, Operation};
use crate::service::pipeline::Service;

/// What a request is called before its operation is known.
pub const UNKNOWN_OPERATION: &str = "unknown";

/// What the wires need of the service.
pub trait Handler: Send + Sync + 'static {
    /// See [`Service::call`].
    fn call(
        &self,
        envelope: &Envelope,
        request: signature::Request<'_>,
        body: &[u8],
        operation: Operation,
    ) -> impl Future<Output = Result<Answer, Error>> + Send;

    /// See [`Service::refuse`].
    fn refuse(&self, envelope: &Envelope, operation: &'static str, error: &Error) -> impl Future<Output = ()> + Send;
}

impl Handler for Service {
    fn call(
        &self,
        envelope: &Envelope,
        request: signature::Request<'_>,
        body: &[u8],
        operation: Operation,
    ) -> impl Future<Output = Result<Answer, Error>> + Send {
        Self::call(self, envelope, request, body, operation)
    }

    fn refuse(&self, envelope: &Envelope, operation: &'static str, error: &Error) -> impl Future<Output = ()> + Send {
        Self::refuse(self, envelope, operation, error)
    }
}

/// One request, from its head to its answer.
#[derive(Debug)]
pub struct Exchange {
    envelope: Envelope,
    started: Instant,
}

impl Exchange {
    /// Begins with the head of a request. `wire` is `grpc`, `query`, or `http` for documents.
    pub fn begin(parts: &Parts, peer: Peer, wire: &'static str) -> Self {
        let agent = parts.headers.get(header::USER_AGENT);
        let envelope = Envelope {
            request_id: Uuid::new_v4().to_string(),
            source_ip: peer.address,
            user_agent: agent.map(|agent| String::from_utf8_lossy(agent.as_bytes()).into_owned()),
            tls: peer.tls,
            wire,
        };
        Self { envelope, started: Instant::now() }
    }

    /// Under which the request is found again.
    pub fn request_id(&self) -> &str {
        &self.envelope.request_id
    }

    /// How long ago its head arrived.
    pub fn age(&self) -> Duration {
        self.started.elapsed()
    }

    /// `grpc`, `query` or `http`.
    pub fn wire(&self) -> &'static str {
        self.envelope.wire
    }
}

/// The service with its counters.
#[derive(Debug)]
pub struct Desk<H> {
    handler: Arc<H>,
    metrics: Arc<Metrics>,
}

impl<H> Clone for Desk<H> {
    fn clone(&self) -> Self {
        Self { handler: Arc::clone(&self.handler), metrics: Arc::clone(&self.metrics) }
    }
}

impl<H: Handler> Desk<H> {
    /// A desk of this service.
    pub fn new(handler: Arc<H>, metrics: Arc<Metrics>) -> Self {
        Self { handler, metrics }
    }

    /// Takes a request through. `body` is what its signature covers.
    ///
    /// What was begun is finished and recorded, also when the caller hangs up or its deadline passes: a change must
    /// not end between its commit, its place in the directory and its audit record.
    pub async fn call(
        &self,
        exchange: &Arc<Exchange>,
        parts: &Arc<Parts>,
        body: &Bytes,
        operation: Operation,
    ) -> Result<Answer, Error> {
        let (desk, exchange, parts, body) = (self.clone(), Arc::clone(exchange), Arc::clone(parts), body.clone());
        let call = tokio::spawn(async move { desk.finish(&exchange, &parts, &body, operation).await });
        call.await.unwrap_or_else(|error| match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(cancelled) => Err(Error::internal(cancelled)),
        })
    }

    async fn finish(
        &self,
        exchange: &Exchange,
        parts: &Parts,
        body: &[u8],
        operation: Operation,
    ) -> Result<Answer, Error> {
        let name = operation.name();
        let request = signature::Request {
            method: parts.method.as_str(),
            path: parts.uri.path(),
            query: parts.uri.query().unwrap_or_default(),
            authority: parts.uri.authority().map(http::uri::Authority::as_str),
            // What the connection is, not what the request says it is.
            scheme: if exchange.envelope.tls { "https" } else { "http" },
            headers: &parts.headers,
        };
        let answer = self.handler.call(&exchange.envelope, request, body, operation).await;
        self.record(exchange, name, answer.as_ref().err());
        answer
    }

    /// Records a request that could not be taken through.
    pub async fn refuse(&self, exchange: &Exchange, operation: &'static str, error: &Error) {
        self.handler.refuse(&exchange.envelope, operation, error).await;
        self.record(exchange, operation, Some(error));
    }

    /// One line in the log and one step of the counters for each request.
    pub(super) fn record(&self, exchange: &Exchange, operation: &'static str, error: Option<&Error>) {
        let Envelope { request_id, source_ip, user_agent, wire, .. } = &exchange.envelope;
        let took = exchange.age();
        let row = error.map(|error| error::row(error.kind()));
        let reason = error.map(|error| error::reason(error.kind())).unwrap_or_default();
        let outcome = Outcome::of(row.as_ref());
        self.metrics.count(wire, operation, outcome, &reason, took);
        let user_agent =
            user_agent.as_deref().map(|agent| agent.chars().take(256).flat_map(char::escape_debug).collect::<String>());
        tracing::info!(
            target: "brevet::request",
            %request_id,
            api = wire,
            operation,
            outcome = outcome.as_str(),
            code = row.map_or("", |row| row.code),
            %reason,
            duration_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            %source_ip,
            user_agent,
        );
        match error.and_then(Error::cause) {
            Some(cause) if outcome == Outcome::Error => {
                tracing::error!(target: "brevet::request", %request_id, operation, %cause, "request failed");
            }
            Some(cause) => tracing::warn!(target: "brevet::request", %request_id, operation, %cause, "request refused"),
            None => {}
        }
    }
}
