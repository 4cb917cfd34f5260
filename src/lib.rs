//! The Brevet server: what it stores, what it decides, and how the world speaks to it.
//!
//! Each room may use those above it in this list: [`store`], [`service`], then [`adapters`] and [`transport`], then
//! [`config`] and [`cli`]. `docs/architecture.md` walks a request through them.

#![forbid(unsafe_code)]

pub mod adapters;
pub mod cli;
pub mod config;
pub mod service;
pub mod store;
pub mod transport;
