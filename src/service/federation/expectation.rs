//! What an identity token must be to be taken.

use super::algorithm::Algorithm;
use super::claim_mapping::ClaimMapping;
use super::issuer::Issuer;

/// What is expected of a token: the provider as it is registered.
#[derive(Clone, Copy, Debug)]
pub struct Expectation<'a> {
    /// Whose keys verify it.
    pub issuer: &'a Issuer,
    /// Audiences that are ours. Without any, no token is taken.
    pub client_ids: &'a [String],
    /// Signature algorithms that are accepted.
    pub algorithms: &'a [Algorithm],
    /// Which claims become what of a session.
    pub mapping: &'a ClaimMapping,
    /// Seconds by which clocks may differ.
    pub leeway: u32,
    /// Most seconds from `iat` to `exp`.
    pub max_lifetime: u32,
}

impl<'a> Expectation<'a> {
    /// The defaults: AWS's algorithms and Ed25519, no mapped claims, a minute of leeway, a day of lifetime.
    pub fn new(issuer: &'a Issuer, client_ids: &'a [String]) -> Self {
        let (algorithms, mapping) = (Algorithm::DEFAULT, ClaimMapping::NONE);
        Self { issuer, client_ids, algorithms, mapping, leeway: 60, max_lifetime: 86_400 }
    }
}
