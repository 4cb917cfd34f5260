//! The key ladder: secret → date → region → service → signing. One type a rung; only the last can sign.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::scope::{Scope, TERMINATOR};
use crate::credential::SecretKey;
use crate::secret::Secret;

/// `AWS4` + secret, narrowed to a date: the top of the ladder.
#[derive(Debug)]
pub struct DateKey(Secret<[u8; 32]>);

/// Date key narrowed to a region.
#[derive(Debug)]
pub struct RegionKey(Secret<[u8; 32]>);

/// Region key narrowed to a service.
#[derive(Debug)]
pub struct ServiceKey(Secret<[u8; 32]>);

/// The last rung: signs requests of one date, region and service.
#[derive(Clone)]
pub struct SigningKey {
    key: Secret<[u8; 32]>,
    /// Has taken the key in, which is a third of the work of a signature. Wiped when dropped.
    mac: Hmac<Sha256>,
}

impl DateKey {
    /// Narrows a secret key to a date, `YYYYMMDD`.
    pub fn derive(secret: &SecretKey, date: &str) -> Self {
        let secret = secret.expose().as_bytes();
        // The full capacity at once: a buffer that grew would leave its old self behind.
        let mut key = Zeroizing::new(Vec::with_capacity(4 + secret.len()));
        key.extend_from_slice(b"AWS4");
        key.extend_from_slice(secret);
        Self(hmac_sha256(&key, &[date.as_bytes()]))
    }

    /// Narrows to a region.
    pub fn region(&self, region: &str) -> RegionKey {
        RegionKey(hmac_sha256(self.0.expose(), &[region.as_bytes()]))
    }
}

impl RegionKey {
    /// Narrows to a service.
    pub fn service(&self, service: &str) -> ServiceKey {
        ServiceKey(hmac_sha256(self.0.expose(), &[service.as_bytes()]))
    }
}

impl ServiceKey {
    /// Ends the ladder.
    pub fn signing(&self) -> SigningKey {
        SigningKey::new(hmac_sha256(self.0.expose(), &[TERMINATOR.as_bytes()]))
    }
}

impl SigningKey {
    /// Walks the whole ladder for a scope.
    pub fn derive(secret: &SecretKey, scope: Scope<'_>) -> Self {
        DateKey::derive(secret, scope.date()).region(scope.region()).service(scope.service()).signing()
    }

    /// Wraps a derived key that came out of a token's box.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self::new(Secret::new(bytes))
    }

    /// For sealing into a box. See [`Secret::expose`].
    pub fn expose(&self) -> &[u8; 32] {
        self.key.expose()
    }

    /// The signature over a string to sign, given in pieces: what a verifier expects, so it must not leave this module in clear.
    pub(super) fn sign(&self, string_to_sign: &[&[u8]]) -> Secret<[u8; 32]> {
        authenticate(self.mac.clone(), string_to_sign)
    }

    fn new(key: Secret<[u8; 32]>) -> Self {
        Self { mac: keyed(key.expose()), key }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SigningKey").field(&self.key).finish()
    }
}

fn hmac_sha256(key: &[u8], message: &[&[u8]]) -> Secret<[u8; 32]> {
    authenticate(keyed(key), message)
}

/// HMAC-SHA-256 before its message. The key's block is made here (RFC 2104, section 2), because with a whole block nothing
/// can fail.
fn keyed(key: &[u8]) -> Hmac<Sha256> {
    let mut block = Zeroizing::new([0; 64]);
    match block.get_mut(..key.len()) {
        Some(start) => start.copy_from_slice(key),
        None => block[..32].copy_from_slice(&Sha256::digest(key)),
    }
    Hmac::new((&*block).into())
}

fn authenticate(mut mac: Hmac<Sha256>, message: &[&[u8]]) -> Secret<[u8; 32]> {
    message.iter().for_each(|piece| mac.update(piece));
    Secret::new(mac.finalize().into_bytes().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signature::encode::hex_string;

    /// From AWS's documentation of signature version 4, "Examples of how to derive a signing key".
    #[test]
    fn the_ladder_derives_the_key_of_the_documentation() {
        let secret = SecretKey::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into());
        let scope = Scope::parse("20150830/us-east-1/iam/aws4_request").unwrap();
        let key = SigningKey::derive(&secret, scope);
        assert_eq!(hex_string(key.expose()), "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");
        assert_eq!(key.expose(), SigningKey::from_bytes(*key.expose()).expose());
    }

    /// RFC 4231, test cases 2 and 6: a short key, and one longer than a block.
    #[test]
    fn hmac_takes_keys_of_any_length() {
        let mac = |key: &[u8], message: &str| hex_string(hmac_sha256(key, &[message.as_bytes()]).expose());
        assert_eq!(
            mac(b"Jefe", "what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert_eq!(
            mac(&[0xaa; 131], "Test Using Larger Than Block-Size Key - Hash Key First"),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }

    #[test]
    fn no_rung_shows_its_key() {
        let secret = SecretKey::new("secret".into());
        let date = DateKey::derive(&secret, "20150830");
        let region = date.region("us-east-1");
        let service = region.service("iam");
        let signing = service.signing();
        assert_eq!(
            format!("{date:?} {region:?} {service:?} {signing:?}"),
            "DateKey(REDACTED) RegionKey(REDACTED) ServiceKey(REDACTED) SigningKey(REDACTED)"
        );
    }
}
