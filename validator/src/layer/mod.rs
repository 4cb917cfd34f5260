//! The validator as a tower layer, for hyper, axum and tonic, without depending on any of them.
//!
//! ```no_run
//! use brevet_validator::layer::ValidatorLayer;
//! use brevet_validator::signature::Rules;
//! use brevet_validator::validator::{Validator, Verified};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let validator = Validator::from_bundle_file(Rules::of_service("s3"), "service.bundle")?;
//! let app: axum::Router = axum::Router::new()
//!     .fallback(|verified: axum::Extension<Verified>| async move { verified.principal().arn().to_string() })
//!     .layer(ValidatorLayer::http(validator));
//! # Ok(())
//! # }
//! ```
//!
//! The layer must see the request as the client sent it: put it outside of everything that rewrites paths,
//! headers or bodies (routers nested under a prefix, decompression).

mod body;
pub mod grpc;
mod plain_http;
mod request_id;
mod service;

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderMap, Response, header};
use tower_layer::Layer;

pub use self::body::{BodyMismatch, ValidatedBody};
pub use self::plain_http::json_refusal;
pub use self::request_id::request_id;
pub use self::service::ValidatorService;

use crate::signature::{PathStyle, Refusal, Request};
use crate::timestamp::Timestamp;
use crate::validator::{Pending, Rejection, Validator, Verified};

/// Lets through what a [`Validator`] accepts, with [`Verified`] in the request's
/// extensions, and answers everything else itself.
///
/// Whether the wire is HTTP or gRPC is said here and never taken from the request: the two differ in which
/// bytes are signed.
#[derive(Clone)]
pub struct ValidatorLayer(Arc<Config>);

#[derive(Clone)]
struct Config {
    validator: Arc<Validator>,
    wire: Wire,
    body_limit: usize,
    scheme: &'static str,
    authorities: Option<Vec<String>>,
    open_paths: Vec<String>,
    render: Render,
    now: Clock,
}

#[derive(Clone)]
enum Wire {
    Http,
    Grpc { client_streams: Vec<String> },
}

type Render = Arc<dyn Fn(&Rejection, &str) -> Response<Bytes> + Send + Sync>;
type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

impl ValidatorLayer {
    /// Bytes of a body that are buffered, unless [`ValidatorLayer::body_limit`] says otherwise.
    pub const BODY_LIMIT: usize = 1 << 20;

    /// For HTTP services. Bodies up to the limit are read and checked before the service sees the request. Of a
    /// longer body, only one whose hash the request declares is let through, checked as it streams by: the
    /// service gets an error in place of its last part if the hash is wrong.
    pub fn http(validator: impl Into<Arc<Validator>>) -> Self {
        Self::new(validator.into(), Wire::Http, Arc::new(json_refusal))
    }

    /// For gRPC services. See [`grpc`] for how a call is signed.
    pub fn grpc(validator: impl Into<Arc<Validator>>) -> Self {
        Self::new(validator.into(), Wire::Grpc { client_streams: Vec::new() }, Arc::new(grpc::refusal))
    }

    fn new(validator: Arc<Validator>, wire: Wire, render: Render) -> Self {
        Self(Arc::new(Config {
            validator,
            wire,
            body_limit: Self::BODY_LIMIT,
            scheme: "http",
            authorities: None,
            open_paths: Vec::new(),
            render,
            now: Arc::new(system_now),
        }))
    }

    /// Buffers at most so many bytes of a body, or of a gRPC message.
    #[must_use]
    pub fn body_limit(self, bytes: usize) -> Self {
        self.with(|config| config.body_limit = bytes)
    }

    /// The scheme of requests that do not say it, as HTTP/1.1's do not: `http` unless this says `https`.
    #[must_use]
    pub fn scheme(self, scheme: &'static str) -> Self {
        self.with(|config| config.scheme = scheme)
    }

    /// Answers for these hosts alone (with the port, where it is not the default): a request signed for another
    /// service of the same name elsewhere is refused.
    #[must_use]
    pub fn authorities(self, hosts: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let hosts = hosts.into_iter().map(|host| host.into().to_ascii_lowercase()).collect();
        self.with(|config| config.authorities = Some(hosts))
    }

    /// Lets requests for exactly this path through as they are, without credentials and without `Verified`: for
    /// health checks.
    #[must_use]
    pub fn open_path(self, path: impl Into<String>) -> Self {
        self.with(|config| config.open_paths.push(path.into()))
    }

    /// gRPC: the messages of this method (`/package.Service/Method`) are a stream and are not signed, only the
    /// call is. Needs rules that accept unsigned payloads.
    #[must_use]
    pub fn client_stream(self, method: impl Into<String>) -> Self {
        self.with(|config| {
            if let Wire::Grpc { client_streams } = &mut config.wire {
                client_streams.push(method.into());
            }
        })
    }

    /// Renders refusals in another way: from the rejection and the request id to the whole answer.
    #[must_use]
    pub fn refusals(self, render: impl Fn(&Rejection, &str) -> Response<Bytes> + Send + Sync + 'static) -> Self {
        self.with(|config| config.render = Arc::new(render))
    }

    /// Takes the time from elsewhere than the system's clock.
    #[must_use]
    pub fn clock(self, now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        self.with(|config| config.now = Arc::new(now))
    }

    fn with(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }
}

impl<S> Layer<S> for ValidatorLayer {
    type Service = ValidatorService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ValidatorService::new(Arc::clone(&self.0), inner)
    }
}

impl fmt::Debug for ValidatorLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ValidatorLayer").field("validator", &self.0.validator).finish_non_exhaustive()
    }
}

impl Config {
    /// Everything that comes before the payload.
    async fn begin<'a>(&'a self, parts: &'a Parts) -> Result<Pending<'a>, Rejection> {
        let request = signed_request(parts, self.scheme);
        let pending = self.validator.begin_fetching(request, (self.now)()).await?;
        if let Some(ours) = &self.authorities
            && !host(&request).is_some_and(|host| ours.contains(&host))
        {
            return Err(Refusal::Scope("The request is signed for another host.".to_owned()).into());
        }
        check_spelling(request.path, self.validator.rules().path_style)?;
        Ok(pending)
    }

    /// Once more, when the body is there: who sends it slowly must not outlive the session or its revocation.
    fn confirm(&self, verified: &Verified) -> Result<(), Rejection> {
        self.validator.confirm(verified, (self.now)())
    }

    /// The same, to be asked when a body that is not waited for has come to its end.
    fn confirm_later(&self, verified: &Verified) -> impl FnOnce() -> Result<(), Rejection> + Send + 'static + use<> {
        let (validator, now, verified) = (Arc::clone(&self.validator), Arc::clone(&self.now), verified.clone());
        move || validator.confirm(&verified, now())
    }
}

/// What a signature covers of a request, as hyper hands it over. `scheme` stands in where the request has none.
pub fn signed_request<'a>(parts: &'a Parts, scheme: &'a str) -> Request<'a> {
    Request {
        method: parts.method.as_str(),
        path: parts.uri.path(),
        query: parts.uri.query().unwrap_or_default(),
        authority: parts.uri.authority().map(Authority::as_str),
        scheme: parts.uri.scheme_str().unwrap_or(scheme),
        headers: &parts.headers,
    }
}

fn host(request: &Request<'_>) -> Option<String> {
    let header = |headers: &HeaderMap| headers.get(header::HOST)?.to_str().ok().map(str::to_ascii_lowercase);
    request.authority.map(str::to_ascii_lowercase).or_else(|| header(request.headers))
}

/// In the general style a signature covers every spelling of a path that normalises to the same, whereas services
/// route by the path as received: so there may be only one spelling.
pub fn check_spelling(path: &str, style: PathStyle) -> Result<(), Rejection> {
    let is_normal = !path.contains("//") && !path.split('/').any(|segment| matches!(segment, "." | ".."));
    if style == PathStyle::S3 || is_normal {
        return Ok(());
    }
    Err(Refusal::Unsigned("The path must be written without empty and dot segments.").into())
}

/// A clock before 1970 reads as 1970, at which no request is in time.
fn system_now() -> Timestamp {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    i64::try_from(seconds).ok().and_then(Timestamp::from_unix).unwrap_or(Timestamp::MAX)
}
