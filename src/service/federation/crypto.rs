//! Signatures of identity tokens: `jsonwebtoken` over `ring`. The only file that knows either of them.

use std::sync::LazyLock;

use jsonwebtoken::crypto::{CryptoProvider, JwtVerifier, KeyUtils, verify};
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::signature::{Error as SignatureError, Verifier};
use jsonwebtoken::{Algorithm as Jose, DecodingKey, DecodingKeyKind};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512,
    RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};

use super::algorithm::Algorithm;

/// A public key. It does not know its algorithms; whoever holds it does.
#[derive(Clone, Debug)]
pub(super) struct PublicKey(DecodingKey);

impl PublicKey {
    /// Modulus and exponent, big-endian, without leading zeros.
    pub(super) fn rsa(modulus: &[u8], exponent: &[u8]) -> Self {
        Self(DecodingKey::from_rsa_raw_components(modulus, exponent))
    }

    /// An uncompressed point on P-256 or P-384 (SEC 1 §2.3.3).
    pub(super) fn ec(point: &[u8]) -> Self {
        Self(DecodingKey::from_ec_der(point))
    }

    /// An encoded point (RFC 8032 §5.1.2).
    pub(super) fn ed25519(point: &[u8]) -> Self {
        Self(DecodingKey::from_ed_der(point))
    }

    /// Whether this key signed these bytes. The signature is in base64url, as a token has it.
    pub(super) fn verifies(&self, algorithm: Algorithm, message: &str, signature: &str) -> bool {
        // A process with another provider in place is wired wrongly. Nothing verifies in it.
        *INSTALLED && verify(signature, message.as_bytes(), &self.0, jose(algorithm)).unwrap_or(false)
    }
}

/// Set before the first use, by whichever thread comes first: `jsonwebtoken` panics without a provider.
static INSTALLED: LazyLock<bool> = LazyLock::new(|| PROVIDER.install_default().is_ok());

/// Verifies and does nothing else.
static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |_, _| Err(unsupported()),
    verifier_factory: verifier,
    key_utils: KeyUtils {
        rsa_pub_components_from_private_key: |_| Err(unsupported()),
        rsa_pub_components_from_public_key: |_| Err(unsupported()),
        ec_pub_components_from_private_key: |_, _| Err(unsupported()),
        ed_pub_components_from_private_key: |_, _| Err(unsupported()),
        compute_digest: |_, _| Err(unsupported()),
    },
};

fn unsupported() -> Error {
    ErrorKind::UnsupportedAlgorithm.into()
}

fn verifier(algorithm: &Jose, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>, Error> {
    let key = match (scheme(*algorithm).ok_or_else(unsupported)?, key.kind()) {
        (Scheme::Rsa(parameters), DecodingKeyKind::RsaModulusExponent { n, e }) => {
            RingKey::Rsa(parameters, RsaPublicKeyComponents { n: n.clone(), e: e.clone() })
        }
        (Scheme::Curve(parameters), DecodingKeyKind::SecretOrDer(point)) => {
            RingKey::Curve(UnparsedPublicKey::new(parameters, point.clone()))
        }
        _ => return Err(ErrorKind::InvalidKeyFormat.into()),
    };
    Ok(Box::new(RingVerifier { algorithm: *algorithm, key }))
}

enum Scheme {
    Rsa(&'static RsaParameters),
    Curve(&'static dyn VerificationAlgorithm),
}

/// `ring` refuses points off their curve, RSA keys outside of 2,048 to 8,192 bits and signatures of another length.
fn scheme(algorithm: Jose) -> Option<Scheme> {
    Some(match algorithm {
        Jose::RS256 => Scheme::Rsa(&RSA_PKCS1_2048_8192_SHA256),
        Jose::RS384 => Scheme::Rsa(&RSA_PKCS1_2048_8192_SHA384),
        Jose::RS512 => Scheme::Rsa(&RSA_PKCS1_2048_8192_SHA512),
        Jose::PS256 => Scheme::Rsa(&RSA_PSS_2048_8192_SHA256),
        Jose::PS384 => Scheme::Rsa(&RSA_PSS_2048_8192_SHA384),
        Jose::PS512 => Scheme::Rsa(&RSA_PSS_2048_8192_SHA512),
        Jose::ES256 => Scheme::Curve(&ECDSA_P256_SHA256_FIXED),
        Jose::ES384 => Scheme::Curve(&ECDSA_P384_SHA384_FIXED),
        Jose::EdDSA => Scheme::Curve(&ED25519),
        // HMAC, and whatever comes later.
        _ => return None,
    })
}

fn jose(algorithm: Algorithm) -> Jose {
    match algorithm {
        Algorithm::Rs256 => Jose::RS256,
        Algorithm::Rs384 => Jose::RS384,
        Algorithm::Rs512 => Jose::RS512,
        Algorithm::Ps256 => Jose::PS256,
        Algorithm::Ps384 => Jose::PS384,
        Algorithm::Ps512 => Jose::PS512,
        Algorithm::Es256 => Jose::ES256,
        Algorithm::Es384 => Jose::ES384,
        Algorithm::EdDsa => Jose::EdDSA,
    }
}

struct RingVerifier {
    algorithm: Jose,
    key: RingKey,
}

enum RingKey {
    Rsa(&'static RsaParameters, RsaPublicKeyComponents<Vec<u8>>),
    Curve(UnparsedPublicKey<Vec<u8>>),
}

impl JwtVerifier for RingVerifier {
    fn algorithm(&self) -> Jose {
        self.algorithm
    }
}

impl Verifier<Vec<u8>> for RingVerifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), SignatureError> {
        let verified = match &self.key {
            RingKey::Rsa(parameters, key) => key.verify(parameters, message, signature),
            RingKey::Curve(key) => key.verify(message, signature),
        };
        verified.map_err(|_| SignatureError::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b2_b3_the_provider_knows_no_hmac() {
        for algorithm in [Jose::HS256, Jose::HS384, Jose::HS512] {
            assert!(verifier(&algorithm, &DecodingKey::from_secret(b"secret")).is_err());
        }
    }

    #[test]
    fn b4_a_key_of_another_kind_verifies_nothing() {
        assert!(verifier(&Jose::RS256, &DecodingKey::from_ec_der(&[4; 65])).is_err());
        assert!(verifier(&Jose::ES256, &DecodingKey::from_rsa_raw_components(&[255; 256], &[1, 0, 1])).is_err());
    }
}
