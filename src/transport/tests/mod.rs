//! The whole front over real sockets, in front of a service that only looks at whether a request is signed at all.

mod admin;
mod documents;
mod grpc;
mod http1;
mod policy;
mod server;
mod signed;
mod tls;
mod trust;
