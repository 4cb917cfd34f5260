//! Identity tokens of other issuers: whom they speak of, once everything about them has been checked. Without I/O or clock.
//!
//! [`Issuer`] is whose tokens an account trusts, [`KeySet`] the keys that issuer publishes. A token is read strictly into an
//! [`UnverifiedToken`], which says whose keys to get; [`UnverifiedToken::verify`] makes an [`IdentityToken`] of it.
//! Nothing else can.

mod algorithm;
mod crypto;
pub mod discovery;
mod issuer;
mod json;
mod jwk;
mod key_set;
pub mod key_sets;

pub use algorithm::Algorithm;
pub use issuer::{InvalidIssuer, Issuer, Plaintext};
pub use jwk::BadKey;
pub use key_set::{DroppedKey, InvalidKeySet, KeySet, MAX_KEY_SET_BYTES, MAX_KEYS};
