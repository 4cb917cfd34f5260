//! The tower service: check, then call; or refuse.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::{Either, Full};
use tower_service::Service;

use super::body::{BoxError, ValidatedBody};
use super::{Config, Wire, grpc, plain_http, request_id};

/// What [`ValidatorLayer`](super::ValidatorLayer) makes of a service.
#[derive(Clone)]
pub struct ValidatorService<S> {
    config: Arc<Config>,
    inner: S,
}

impl<S> ValidatorService<S> {
    pub(super) fn new(config: Arc<Config>, inner: S) -> Self {
        Self { config, inner }
    }
}

impl<S: fmt::Debug> fmt::Debug for ValidatorService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ValidatorService").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl<S, B, R> Service<Request<B>> for ValidatorService<S>
where
    S: Service<Request<ValidatedBody>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Either<R, Full<Bytes>>>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The service that was polled ready is the one to call; the clone has to be polled anew.
        let next = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, next);
        let config = Arc::clone(&self.config);
        Box::pin(async move {
            match config.check(request).await {
                Ok(request) => Ok(inner.call(request).await?.map(Either::Left)),
                Err(refusal) => Ok(refusal.map(|body| Either::Right(Full::new(body)))),
            }
        })
    }
}

impl Config {
    async fn check<B>(&self, request: Request<B>) -> Result<Request<ValidatedBody>, Response<Bytes>>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let (mut parts, body) = request.into_parts();
        if self.open_paths.iter().any(|open| open == parts.uri.path()) {
            return Ok(Request::from_parts(parts, ValidatedBody::unchecked(body)));
        }
        let checked = match &self.wire {
            Wire::Http => plain_http::check(self, &parts, body).await,
            Wire::Grpc { client_streams } => grpc::check(self, client_streams, &parts, body).await,
        };
        match checked {
            Ok((verified, body)) => {
                parts.extensions.insert(verified);
                Ok(Request::from_parts(parts, body))
            }
            Err(rejection) => Err((self.render)(&rejection, &request_id())),
        }
    }
}
