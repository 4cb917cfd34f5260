//! The gRPC wire. A gate before tonic checks everything about a call that tonic would not: where its credentials are,
//! that it is one message, and that the message has no field which nobody knows.
//!
//! What is signed is in [`brevet_validator::layer::grpc`].

pub mod access_keys;
mod counter;
mod deadline;
pub mod directory;
mod fields;
pub mod health;
pub mod policy;
pub mod proto;
pub mod schema;
pub mod session;
pub mod status;
pub mod sts;
pub mod validation;
pub mod zones;

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use brevet_validator::layer::grpc::{FRAME_HEADER, check_metadata, unary_message};
use brevet_validator::signature::Refusal;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Request, Response, header};
use http_body_util::Full;
use prost::DecodeError;
use tonic::body::Body;
use tonic::service::Routes;
use tower::ServiceExt;

use self::access_keys::AccessKeyDesk;
use self::directory::DirectoryDesk;
use self::policy::PolicyDesk;
use self::proto::admin::access_key_service_server::AccessKeyServiceServer;
use self::proto::admin::directory_service_server::DirectoryServiceServer;
use self::proto::admin::policy_service_server::PolicyServiceServer;
use self::proto::admin::session_service_server::SessionServiceServer;
use self::proto::admin::zone_service_server::ZoneServiceServer;
use self::proto::sts::security_token_service_server::SecurityTokenServiceServer;
use self::proto::validation::validation_service_server::ValidationServiceServer;
use self::schema::{Method, Schema};
use self::session::SessionDesk;
use self::sts::SecurityTokens;
use self::validation::ValidationDesk;
use self::zones::ZoneDesk;
use super::body::{self, BODY_LIMIT, Payload};
use super::desk::{Desk, Exchange, Handler, UNKNOWN_OPERATION};
use super::readiness::Readiness;
use crate::service::error::{Error, Kind};

static SCHEMA: LazyLock<Result<Schema, DecodeError>> =
    LazyLock::new(|| proto::descriptors().map(|sets| Schema::new(&sets)));

/// The descriptors that were built into this program cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// They cannot be read.
    #[error(transparent)]
    Descriptors(#[from] DecodeError),
    /// They contradict each other.
    #[error(transparent)]
    Reflection(#[from] tonic_reflection::server::Error),
}

/// The services behind their gate.
#[derive(Debug)]
pub struct Grpc<H> {
    desk: Desk<H>,
    schema: &'static Schema,
    reflection: bool,
    routes: Routes,
}

/// A call that passed the gate, as its handler finds it in the extensions of the request.
#[derive(Clone, Debug)]
struct Call {
    exchange: Arc<Exchange>,
    /// The head, as received: what the signature covers.
    parts: Arc<Parts>,
    /// The message, without its frame.
    message: Bytes,
    operation: &'static str,
}

impl<H: Handler> Grpc<H> {
    /// `reflection` says whether strangers may ask which services there are.
    pub fn new(desk: Desk<H>, readiness: Arc<Readiness>, reflection: bool) -> Result<Self, BuildError> {
        let schema = SCHEMA.as_ref().map_err(Clone::clone)?;
        let mut routes = Routes::new(SecurityTokenServiceServer::new(SecurityTokens::new(desk.clone())))
            .add_service(AccessKeyServiceServer::new(AccessKeyDesk::new(desk.clone())))
            .add_service(DirectoryServiceServer::new(DirectoryDesk::new(desk.clone())))
            .add_service(PolicyServiceServer::new(PolicyDesk::new(desk.clone())))
            .add_service(SessionServiceServer::new(SessionDesk::new(desk.clone())))
            .add_service(ZoneServiceServer::new(ZoneDesk::new(desk.clone())))
            .add_service(ValidationServiceServer::new(ValidationDesk::new(desk.clone())))
            .add_service(health::server(readiness));
        if reflection {
            let builder = || {
                let builder = tonic_reflection::server::Builder::configure();
                let sets = proto::descriptors()?.into_iter();
                Ok::<_, DecodeError>(sets.fold(builder, |builder, set| builder.register_file_descriptor_set(set)))
            };
            routes = routes
                .add_service(builder()?.build_v1()?.max_decoding_message_size(BODY_LIMIT))
                .add_service(builder()?.build_v1alpha()?.max_decoding_message_size(BODY_LIMIT));
        }
        Ok(Self { desk, schema, reflection, routes: routes.prepare() })
    }

    /// Takes one call through.
    pub(super) async fn answer(
        &self,
        exchange: &Arc<Exchange>,
        parts: Parts,
        body: impl Payload + 'static,
    ) -> Response<Body> {
        let method = self.method(parts.uri.path());
        let operation = method.filter(|method| method.own).map_or(UNKNOWN_OPERATION, |method| &method.name);
        let too_late = || Error::new(Kind::RequestTimeout, "The deadline of the call has passed.");
        let left = |patience: Duration| patience.saturating_sub(exchange.age());
        let admitted = self.admit(exchange, method, operation, parts, body).await;
        let error = match admitted.map(|(request, patience)| (request, patience.map(left))) {
            Ok((request, None)) => return self.route(request).await,
            // Nothing was begun, and nothing will be.
            Ok((_, Some(Duration::ZERO))) => too_late(),
            Ok((request, Some(left))) => match tokio::time::timeout(left, self.route(request)).await {
                Ok(response) => return response,
                // The desk finishes what was begun and records how it ended.
                Err(_) => return refusal(&too_late(), exchange.request_id()),
            },
            Err(error) => error,
        };
        if method.is_none_or(|method| method.own) {
            self.desk.refuse(exchange, operation, &error).await;
        }
        refusal(&error, exchange.request_id())
    }

    /// Checks a call up to what its signature and its handler decide. Returns it with the caller's patience.
    async fn admit(
        &self,
        exchange: &Arc<Exchange>,
        method: Option<&Method>,
        operation: &'static str,
        parts: Parts,
        body: impl Payload + 'static,
    ) -> Result<(Request<Body>, Option<Duration>), Error> {
        check_metadata(&parts)?;
        let method = method.ok_or_else(|| Error::new(Kind::InvalidAction, "There is no such method."))?;
        if parts.headers.get_all("grpc-encoding").iter().any(|encoding| encoding != "identity") {
            return Err(Error::new(Kind::UnsupportedMediaType, "Compressed messages are not supported."));
        }
        if method.signed || method.own && parts.headers.contains_key(header::AUTHORIZATION) {
            check_credentials(&parts.headers)?;
        }
        let patience = deadline::read(&parts.headers)?;
        // tonic reads the path, the type and the message; the rest is for the signature.
        let mut request = Request::new(());
        *request.method_mut() = parts.method.clone();
        *request.uri_mut() = parts.uri.clone();
        request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        if method.client_stream {
            return Ok((request.map(|()| Body::new(body)), patience));
        }
        let frame = body::read_within(body, BODY_LIMIT + FRAME_HEADER, body::BODY_TIMEOUT).await?;
        let message = frame.slice_ref(unary_message(&frame, BODY_LIMIT)?);
        self.schema.check(method, &message)?;
        let exchange = Arc::clone(exchange);
        request.extensions_mut().insert(Call { exchange, parts: Arc::new(parts), message, operation });
        Ok((request.map(|()| Body::new(Full::new(frame))), patience))
    }

    fn method(&self, path: &str) -> Option<&'static Method> {
        self.schema.method(path).filter(|_| self.reflection || !path.starts_with("/grpc.reflection."))
    }

    async fn route(&self, request: Request<Body>) -> Response<Body> {
        match self.routes.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

/// Refuses calls without credentials before their message is read. What the credentials are worth is decided later.
fn check_credentials(headers: &HeaderMap) -> Result<(), Error> {
    if !headers.contains_key(header::AUTHORIZATION) {
        return Err(Error::new(Kind::MissingAuthenticationToken, Refusal::NoCredentials.to_string()));
    }
    if !headers.contains_key("x-amz-content-sha256") {
        return Err(Error::new(Kind::SignatureDoesNotMatch, "x-amz-content-sha256 must be sent and signed."));
    }
    Ok(())
}

/// A failure as a whole response.
pub(super) fn refusal(error: &Error, request_id: &str) -> Response<Body> {
    let mut response = status::status(error, request_id).into_http();
    if error.kind() == Kind::UnsupportedMediaType {
        response.headers_mut().insert("grpc-accept-encoding", HeaderValue::from_static("identity"));
    }
    response
}

/// Whether a request is a call: gRPC needs HTTP/2, and says what it is.
pub(super) fn is_call(parts: &Parts) -> bool {
    let content_type = parts.headers.get(header::CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    let rest = content_type.strip_prefix(b"application/grpc");
    parts.version == http::Version::HTTP_2 && rest.is_some_and(|rest| matches!(rest, [] | [b'+' | b';', ..]))
}
