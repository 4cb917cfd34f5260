//! The service of `whoami.proto`, by hand, so that the examples build without a compiler for protos.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use brevet_validator::validator::Verified;
use bytes::Bytes;
use http_body::Body;
use prost::Message;
use tonic::server::{Grpc, NamedService};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;
use tower::{Service, service_fn};

/// `brevet.example.v1.WhoAmIRequest`
#[derive(Clone, PartialEq, Message)]
pub(crate) struct WhoAmIRequest {
    /// Comes back in the answer.
    #[prost(string, tag = "1")]
    pub(crate) echo: String,
}

/// `brevet.example.v1.WhoAmIResponse`
#[derive(Clone, PartialEq, Message)]
pub(crate) struct WhoAmIResponse {
    /// Of the caller.
    #[prost(string, tag = "1")]
    pub(crate) account: String,
    /// The caller's.
    #[prost(string, tag = "2")]
    pub(crate) arn: String,
    /// Of the key that signed.
    #[prost(string, tag = "3")]
    pub(crate) access_key_id: String,
    /// ISO 8601, UTC.
    #[prost(string, tag = "4")]
    pub(crate) expiration: String,
    /// As it came.
    #[prost(string, tag = "5")]
    pub(crate) echo: String,
}

/// `brevet.example.v1.WhoAmIService`
#[derive(Clone, Copy, Debug)]
pub(crate) struct WhoAmIService;

async fn who_am_i(request: Request<WhoAmIRequest>) -> Result<Response<WhoAmIResponse>, Status> {
    let verified = request.extensions().get::<Verified>().ok_or_else(|| Status::internal("not protected"))?;
    Ok(Response::new(WhoAmIResponse {
        account: verified.principal().account().to_string(),
        arn: verified.principal().arn().to_string(),
        access_key_id: verified.access_key_id().to_string(),
        expiration: verified.expiration().map(|time| time.to_string()).unwrap_or_default(),
        echo: request.into_inner().echo,
    }))
}

impl NamedService for WhoAmIService {
    const NAME: &'static str = "brevet.example.v1.WhoAmIService";
}

impl<B> Service<http::Request<B>> for WhoAmIService
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>> + Send,
{
    type Response = http::Response<tonic::body::Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        Box::pin(async move {
            match request.uri().path() {
                "/brevet.example.v1.WhoAmIService/WhoAmI" => {
                    Ok(Grpc::new(ProstCodec::default()).unary(service_fn(who_am_i), request).await)
                }
                _ => Ok(Status::unimplemented("no such method").into_http()),
            }
        })
    }
}
