//! A signing key ready for use, and its public half as a JSON Web Key (RFC 7517).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair, RsaPublicKeyComponents,
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::algorithm::SigningAlgorithm;
use super::record::IssuerKey;
use crate::service::keys::InvalidMaterial;
use crate::service::random::NoRandomness;

/// Length of an uncompressed point on P-384 (SEC 1 §2.3.3), and of one of its coordinates.
const POINT: usize = 97;
const COORDINATE: usize = 48;

/// A key pair that `ring` has checked. `ring` does not wipe it when it goes.
#[derive(Debug)]
pub(super) struct SigningKey {
    /// Names the key in tokens: its thumbprint (RFC 7638), which no other key has.
    pub(super) kid: String,
    pub(super) algorithm: SigningAlgorithm,
    /// As it is published.
    pub(super) jwk: Value,
    pair: Pair,
}

#[derive(Debug)]
enum Pair {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
}

impl SigningKey {
    /// Takes a key that fits its algorithm, and whose halves fit each other.
    pub(super) fn new(key: &IssuerKey) -> Result<Self, InvalidMaterial> {
        let unusable = |why: String| InvalidMaterial(format!("issuer key {}: {why}", key.record_key()));
        let (pair, required) = match key.algorithm {
            SigningAlgorithm::Rs256 => {
                let pair = RsaKeyPair::from_pkcs8(key.pkcs8.expose()).map_err(|error| unusable(error.to_string()))?;
                let RsaPublicKeyComponents { n, e } = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public());
                // The members that a thumbprint is made of, in their order (RFC 7638 §3.2), and no others.
                let required = json!({ "e": base64url(&e), "kty": "RSA", "n": base64url(&n) });
                (Pair::Rsa(pair), required)
            }
            SigningAlgorithm::Es384 => {
                let curve = &ECDSA_P384_SHA384_FIXED_SIGNING;
                let pair = EcdsaKeyPair::from_pkcs8(curve, key.pkcs8.expose(), &SystemRandom::new())
                    .map_err(|error| unusable(error.to_string()))?;
                let point: &[u8; POINT] =
                    pair.public_key().as_ref().try_into().map_err(|_| unusable("no point on P-384".into()))?;
                let (x, y) = point[1..].split_at(COORDINATE);
                let required = json!({ "crv": "P-384", "kty": "EC", "x": base64url(x), "y": base64url(y) });
                (Pair::Ec(pair), required)
            }
        };
        let kid = thumbprint(&required);
        let mut jwk = required;
        jwk["kid"] = json!(kid);
        jwk["alg"] = json!(key.algorithm.name());
        jwk["use"] = json!("sig");
        Ok(Self { kid, algorithm: key.algorithm, jwk, pair })
    }

    /// The signature over a message, as a JWS has it (RFC 7518 §3.3 and §3.4). It takes milliseconds.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, NoRandomness> {
        // `ring` draws from its own source alone: blinding for RSA, the nonce for ECDSA.
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).map_err(|_| NoRandomness)?;
                Ok(signature)
            }
            Pair::Ec(pair) => Ok(pair.sign(&random, message).map_err(|_| NoRandomness)?.as_ref().to_vec()),
        }
    }
}

/// RFC 7638 §3: the hash of the required members, without spaces, in lexicographic order, which `serde_json` keeps.
fn thumbprint(required: &Value) -> String {
    base64url(&Sha256::digest(required.to_string()))
}

fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thumbprint_is_that_of_the_standard() {
        // RFC 7638 §3.1, with its members out of order.
        let key = json!({ "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJ\
            ECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAta\
            Sqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_x\
            BniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw", "kty": "RSA", "e": "AQAB" });
        assert_eq!(thumbprint(&key), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }
}
