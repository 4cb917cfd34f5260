//! Identity tokens of other issuers: whom they speak of, once everything about them has been checked. Without I/O or clock.
//!
//! [`Issuer`] is whose tokens an account trusts, [`KeySet`] the keys that issuer publishes. A token is read strictly into an
//! [`UnverifiedToken`], which says whose keys to get; [`UnverifiedToken::verify`] makes an [`IdentityToken`] of it.
//! Nothing else can.

mod algorithm;
mod aws_claims;
mod check;
mod claim_mapping;
mod claims;
mod conditions;
mod crypto;
pub mod discovery;
mod expectation;
mod identify;
mod identity_token;
mod issuer;
mod jose;
mod json;
mod jwk;
mod key_set;
pub mod key_sets;
mod provider_states;
mod refusal;
mod refused_sources;
pub mod toy;

#[cfg(test)]
pub(crate) mod test_issuer;
#[cfg(test)]
mod tests;

pub use algorithm::Algorithm;
pub use check::{CheckProvider, CheckedStep};
pub use claim_mapping::{ClaimMapping, InvalidMapping, MappedTag, MappingFault};
pub use conditions::{Claim, ClaimValue};
pub use expectation::Expectation;
pub use identify::Identification;
pub use identity_token::{IdentityToken, UnverifiedToken, UseId};
pub use issuer::{InvalidIssuer, Issuer, Plaintext};
pub use jose::MAX_TOKEN_LENGTH;
pub use jwk::BadKey;
pub use key_set::{DroppedKey, InvalidKeySet, KeySet, MAX_KEY_SET_BYTES, MAX_KEYS};
pub use provider_states::{ExchangeCount, KeysState, ProviderState, ProviderStates};
pub use refusal::{RefusalCode, TokenRefusal};
