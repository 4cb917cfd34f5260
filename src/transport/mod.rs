//! How the world speaks to the service: each wire reads a request once, hands it on and renders the answer.
//!
//! A request walks from [`listener`] through [`front`] to its wire ([`grpc`] or [`query`]), and from there, read, to the
//! service at the [`desk`]. What relying parties of our identity tokens ask for is answered on the way.

pub mod admin;
pub mod body;
pub mod control;
pub mod desk;
mod documents;
pub mod error;
pub mod front;
pub mod grpc;
mod inspect;
pub mod listener;
pub mod metrics;
pub mod peer;
pub mod providers;
pub mod query;
pub mod readiness;
pub mod sessions;
pub mod tls;
pub mod toy_issuer;
pub mod trust_series;

#[cfg(test)]
mod tests;
