//! Checks requests that were signed with Brevet's temporary credentials, without asking anyone.
//!
//! The floors, each of which may use only those above it in this list:
//!
//! 0. [`secret`], [`timestamp`], [`identity`]: values that cannot be wrong or leak.
//! 1. [`credential`]: access key ids, secret keys, lifetimes.
//! 2. [`signature`] and [`policy`]: pure arithmetic and pure decisions.
//! 3. [`token`]: the security token and the trust bundle.
//! 4. [`validator`]: who signed a request; [`layer`]: the same as a tower layer for HTTP and gRPC.

#![forbid(unsafe_code)]

pub mod credential;
pub mod identity;
pub mod layer;
pub mod policy;
pub mod secret;
pub mod signature;
pub mod timestamp;
pub mod token;
pub mod validator;
