//! The other direction: identity tokens of ours, with which a caller proves itself elsewhere.
//!
//! [`issue`](super::issue) decides what a token says ([`Claims`]); here it is signed, and here is what relying parties need
//! to believe it. `ring` signs; the private keys are records under the master key.

mod algorithm;
mod claims;
mod generate;
mod key_ring;
mod keys;
mod publication;
mod record;
mod signing_key;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use brevet_validator::secret::Secret;
use brevet_validator::timestamp::Timestamp;
use serde_json::{Value, json};

pub use self::algorithm::SigningAlgorithm;
pub use self::claims::Claims;
pub use self::keys::IssuerKeys;
pub use self::record::IssuerKey;

use self::publication::Publication;
use self::signing_key::SigningKey;
use super::clock::Clock;
use super::error::{Error, Kind};
use super::federation::Issuer;
use super::parameters::shown;
use super::random::NoRandomness;

/// Longest payload, in bytes. With its header and an RSA signature such a token is just below the 20,000 characters that
/// AssumeRoleWithWebIdentity takes, here and at AWS.
const MAX_PAYLOAD: usize = 14_000;

/// Issues identity tokens under one name, and publishes what verifies them.
#[derive(Debug)]
pub struct Outbound {
    published: Publication,
    keys: Arc<IssuerKeys>,
    clock: Arc<dyn Clock>,
}

/// A signed token, and what the audit record keeps of it.
#[derive(Debug)]
pub struct WebIdentityToken {
    /// The token.
    pub token: Secret<String>,
    /// First second at which it is over.
    pub expires_at: Timestamp,
    /// Which key signed it.
    pub key_id: String,
    /// What it says, without its tags.
    elements: Value,
}

/// What a relying party can ask for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Page {
    /// The discovery document.
    Document,
    /// The keys.
    KeySet,
}

impl Outbound {
    /// Issues under this name.
    pub fn new(issuer: Issuer, keys: Arc<IssuerKeys>, clock: Arc<dyn Clock>) -> Self {
        Self { published: Publication::new(issuer), keys, clock }
    }

    /// What is at a path, if anything is.
    pub fn page(&self, path: &str) -> Option<Page> {
        if path == self.published.document_path {
            Some(Page::Document)
        } else if path == self.published.key_set_path {
            Some(Page::KeySet)
        } else {
            None
        }
    }

    /// A page, as JSON.
    pub async fn content(&self, page: Page) -> Result<String, Error> {
        match page {
            Page::Document => Ok(self.published.document.clone()),
            Page::KeySet => Ok(self.keys.ring(self.clock.now()).await?.key_set().to_owned()),
        }
    }

    /// Signs a token that says this. An audit record is due before it may leave.
    pub async fn issue(&self, claims: Claims) -> Result<WebIdentityToken, Error> {
        let payload = claims.payload(&self.published.issuer);
        if payload.len() > MAX_PAYLOAD {
            return Err(too_long());
        }
        let key = self.keys.ring(claims.issued_at).await?.signer(claims.algorithm);
        let kid = key.kid.clone();
        // RS256 takes 2 ms and ES384 half of one: longer than a task may keep its thread from others.
        let signed = tokio::task::spawn_blocking(move || sign(&key, &payload)).await.map_err(Error::internal)?;
        let token = signed.map_err(Error::unavailable)?;
        let elements = json!({
            "jwtId": claims.id,
            "subject": claims.subject.as_str(),
            "audience": claims.audience.iter().map(|audience| shown(audience)).collect::<Vec<_>>(),
            "keyId": kid,
            "signingAlgorithm": claims.algorithm.name(),
            "expiration": claims.expires_at.to_string(),
        });
        Ok(WebIdentityToken { token, expires_at: claims.expires_at, key_id: kid, elements })
    }
}

impl WebIdentityToken {
    /// `responseElements` of the audit record: not the token.
    pub fn audit_elements(&self) -> Value {
        self.elements.clone()
    }
}

/// The refusal of a deployment that issues no identity tokens, in AWS's words.
pub fn disabled() -> Error {
    Error::new(
        Kind::OutboundFederationDisabled,
        "The outbound web identity federation feature is not enabled for this account.",
    )
}

fn too_long() -> Error {
    let message = format!(
        "The requested token payload size exceeds the maximum allowed size of {MAX_PAYLOAD} bytes. Use fewer or shorter \
         tags and audiences."
    );
    Error::new(Kind::JwtPayloadSizeExceeded, message)
}

/// The compact form (RFC 7515 §3.1).
fn sign(key: &SigningKey, payload: &str) -> Result<Secret<String>, NoRandomness> {
    let header = json!({ "alg": key.algorithm.name(), "kid": key.kid, "typ": "JWT" }).to_string();
    let mut token = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let signature = key.sign(token.as_bytes())?;
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    Ok(Secret::new(token))
}
