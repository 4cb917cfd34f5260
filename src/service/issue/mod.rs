//! The exchange: a signed request in, temporary credentials out.
//!
//! One file an operation. Each takes the same steps in the same order: the form of every parameter; whether these
//! credentials may ask at all; permission; limits that depend on what was asked for; then the credentials are made.
//! Nothing here waits, reads a clock of its own or writes: all is decided on the caller's snapshot and time.

mod access_key_info;
mod answer;
mod assume_role;
mod caller_identity;
mod duration;
mod federation_token;
mod input;
mod lineage;
mod mint;
mod parameters;
mod second_factor;
mod session_policy;
mod session_token;
mod tags;
#[cfg(test)]
mod tests;
mod trust;
mod uses;
mod web_identity;
mod web_identity_token;

use std::sync::Arc;

pub use self::answer::{CallerIdentity, Holder, Issued};
pub use self::input::{
    AssumeRole, AssumeRoleWithWebIdentity, GetAccessKeyInfo, GetFederationToken, GetSessionToken, GetWebIdentityToken,
    TagInput,
};

pub use self::uses::Granted;
pub use self::web_identity::WebIdentityRequest;

use super::clock::Clock;
use super::keys::Keys;
use super::random::Random;

/// Issues temporary credentials. The operations are in the files of this folder.
#[derive(Debug)]
pub struct Issuer {
    keys: Arc<Keys>,
    random: Arc<dyn Random>,
    clock: Arc<dyn Clock>,
}

impl Issuer {
    /// An issuer that mints with `keys`. `random` draws secrets; `clock` only keeps session ids apart.
    pub fn new(keys: Arc<Keys>, random: Arc<dyn Random>, clock: Arc<dyn Clock>) -> Self {
        Self { keys, random, clock }
    }
}
