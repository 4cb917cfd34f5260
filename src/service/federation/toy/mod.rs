//! An issuer for development and tests: what it publishes, tokens of any claims as CI systems give them to jobs, and three
//! people who sign in without a password.

mod ci;
pub mod endpoints;
pub mod people;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{Algorithm, Issuer};
use crate::service::hex::hex;
use crate::service::random::{NoRandomness, Random};

pub use ci::{AUDIENCE, NoToken, SUBJECT};
use people::{CLAIMS, SCOPES};

/// How long an identity token is good that does not say it, in seconds.
const LIFETIME: i64 = 300;
const ALGORITHM: Algorithm = Algorithm::EdDsa;

/// For development and tests: it signs whatever it is told, so nothing that matters may ever trust it. Its key is new with
/// each of them and never leaves it.
#[derive(Debug)]
pub struct Toy {
    issuer: Issuer,
    key: Ed25519KeyPair,
}

impl Toy {
    /// An issuer of this name with a new key.
    pub fn new(issuer: Issuer, random: &dyn Random) -> Result<Self, NoRandomness> {
        let mut seed = Zeroizing::new([0; 32]);
        random.fill(&mut *seed)?;
        // The one fault that there can be is a seed of another length.
        let key = Ed25519KeyPair::from_seed_unchecked(&*seed).map_err(|_| NoRandomness)?;
        Ok(Self { issuer, key })
    }

    /// Its name.
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// The URL of one of its [`endpoints`].
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.issuer.as_str())
    }

    /// Its discovery document: where the keys are, and how people sign in.
    pub fn document(&self) -> String {
        let document = json!({
            "issuer": self.issuer.as_str(),
            "jwks_uri": self.url(endpoints::KEYS),
            "authorization_endpoint": self.url(endpoints::AUTHORIZE),
            "token_endpoint": self.url(endpoints::OAUTH_TOKEN),
            "device_authorization_endpoint": self.url(endpoints::OAUTH_DEVICE),
            "userinfo_endpoint": self.url(endpoints::USER_INFO),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": people::GRANT_TYPES,
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none"],
            "authorization_response_iss_parameter_supported": true,
            "request_uri_parameter_supported": false,
            "prompt_values_supported": ["none", "login", "consent", "select_account"],
            "scopes_supported": SCOPES,
            "claims_supported": CLAIMS,
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [ALGORITHM.name()],
        });
        document.to_string()
    }

    /// Its keys, as it publishes them.
    pub fn key_set(&self) -> String {
        let x = URL_SAFE_NO_PAD.encode(self.key.public_key());
        let key = json!({
            "kid": self.kid(), "kty": "OKP", "crv": "Ed25519", "x": x, "use": "sig", "alg": ALGORITHM.name(),
        });
        json!({ "keys": [key] }).to_string()
    }

    fn sign(&self, claims: &Value) -> String {
        let header = json!({"alg": ALGORITHM.name(), "kid": self.kid(), "typ": "JWT"});
        let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let signed = format!("{}.{}", part(&header), part(claims));
        let signature = URL_SAFE_NO_PAD.encode(self.key.sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    }

    fn kid(&self) -> String {
        hex(self.key.public_key().as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Plaintext, discovery};
    use super::*;
    use crate::service::test_world::Counting;

    #[test]
    fn its_document_leads_to_its_keys() {
        let issuer = Issuer::parse("http://127.0.0.1:8733", Plaintext::OnLoopback).unwrap();
        let toy = Toy::new(issuer, &Counting::default()).unwrap();
        let url = discovery::key_set_url(toy.document().as_bytes(), toy.issuer()).unwrap();
        assert_eq!(url, "http://127.0.0.1:8733/jwks.json");
    }
}
