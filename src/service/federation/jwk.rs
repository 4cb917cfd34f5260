//! One JSON Web Key (RFC 7517): a public key that may verify signatures, or the reason why it may not.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::algorithm::{Algorithm, Family};
use super::crypto::PublicKey;
use super::json::{Object, Value};

/// Longest key id, in bytes.
pub(super) const MAX_KID: usize = 256;

/// A key that may verify signatures.
#[derive(Clone, Debug)]
pub(super) struct Jwk {
    pub(super) kid: Option<String>,
    family: Family,
    /// The one algorithm that its issuer limits it to.
    only: Option<Algorithm>,
    key: PublicKey,
}

/// Why a published key is not used.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BadKey {
    /// Not an object.
    #[error("it is not a JSON object")]
    NotAnObject,
    /// A member that is missing, or not of the form that RFC 7518 gives it.
    #[error("its member `{0}` is missing or not of the right form")]
    Member(&'static str),
    /// `kty: oct`, which is a shared secret.
    #[error("it is a symmetric key, which anyone could sign with who can read it")]
    Symmetric,
    /// The private half is published along with it.
    #[error("its private half is published along with it")]
    Private,
    /// A `kty` or `crv` that is not supported.
    #[error("keys of its type or curve are not supported")]
    Type,
    /// `use` other than `sig`, or `key_ops` without `verify`.
    #[error("it is not meant for verifying signatures")]
    Purpose,
    /// An `alg` that is unknown, or that this key cannot be used with.
    #[error("its `alg` is not supported, or not for keys of its type")]
    Algorithm,
    /// Fewer than 2,048 bits, or more than 8,192.
    #[error("its modulus has {0} bits; 2048 to 8192 are accepted")]
    ModulusSize(usize),
    /// Even, or not between 2^16 and 2^33.
    #[error("its exponent is even, below 65537 or above 33 bits")]
    Exponent,
    /// One of the few points with which a signature proves nothing.
    #[error("it is a point of small order, for which anyone can make a signature")]
    SmallOrder,
    /// Another key of the set has the same id.
    #[error("another key has the same `kid`")]
    DuplicateKid,
}

impl Jwk {
    pub(super) fn read(value: &Value) -> Result<Self, BadKey> {
        let Value::Object(jwk) = value else { return Err(BadKey::NotAnObject) };
        let kid = optional_text(jwk, "kid")?;
        if kid.is_some_and(|kid| kid.is_empty() || kid.len() > MAX_KID) {
            return Err(BadKey::Member("kid"));
        }
        check_purpose(jwk)?;
        let (family, key) = match text(jwk, "kty")? {
            "RSA" => (Family::Rsa, rsa(jwk)?),
            "EC" => ec(jwk)?,
            "OKP" => (Family::Ed25519, okp(jwk)?),
            "oct" => return Err(BadKey::Symmetric),
            _ => return Err(BadKey::Type),
        };
        // RFC 7518 §6.2.2 and §6.3.2.1, RFC 8037 §2.
        if jwk.get("d").is_some() {
            return Err(BadKey::Private);
        }
        let only = match optional_text(jwk, "alg")? {
            Some(name) => {
                let fits = |algorithm: &Algorithm| algorithm.family() == family;
                Some(Algorithm::from_name(name).filter(fits).ok_or(BadKey::Algorithm)?)
            }
            None => None,
        };
        Ok(Self { kid: kid.map(str::to_owned), family, only, key })
    }

    /// Whether it may be used with an algorithm: the key decides, not the token.
    pub(super) fn fits(&self, algorithm: Algorithm) -> bool {
        algorithm.family() == self.family && self.only.is_none_or(|only| only == algorithm)
    }

    /// Whether it fits and signed these bytes.
    pub(super) fn verifies(&self, algorithm: Algorithm, message: &str, signature: &str) -> bool {
        self.fits(algorithm) && self.key.verifies(algorithm, message, signature)
    }
}

/// RFC 7517 §4.2 and §4.3.
fn check_purpose(jwk: &Object) -> Result<(), BadKey> {
    if optional_text(jwk, "use")?.is_some_and(|purpose| purpose != "sig") {
        return Err(BadKey::Purpose);
    }
    match jwk.get("key_ops") {
        None => Ok(()),
        Some(Value::Array(ops)) if ops.contains(&Value::String("verify".into())) => Ok(()),
        Some(Value::Array(_)) => Err(BadKey::Purpose),
        Some(_) => Err(BadKey::Member("key_ops")),
    }
}

/// RFC 7518 §6.3.1.
fn rsa(jwk: &Object) -> Result<PublicKey, BadKey> {
    let (modulus, exponent) = (integer(jwk, "n")?, integer(jwk, "e")?);
    let leading = modulus.first().map_or(0, |byte| byte.leading_zeros() as usize);
    let bits = modulus.len() * 8 - leading;
    if !(2048..=8192).contains(&bits) {
        return Err(BadKey::ModulusSize(bits));
    }
    if modulus.last().is_none_or(|byte| byte % 2 == 0) {
        return Err(BadKey::Member("n"));
    }
    // FIPS 186-5 §A.1.1 has it above 2^16; ring takes no more than 33 bits.
    let value = exponent.iter().try_fold(0u64, |value, byte| Some(value.checked_mul(256)? + u64::from(*byte)));
    if value.is_none_or(|value| value % 2 == 0 || !(1 << 16..1 << 33).contains(&value)) {
        return Err(BadKey::Exponent);
    }
    Ok(PublicKey::rsa(&modulus, &exponent))
}

/// RFC 7518 §6.2.1. That the point is on its curve is seen to at each verification.
fn ec(jwk: &Object) -> Result<(Family, PublicKey), BadKey> {
    let (family, length) = match text(jwk, "crv")? {
        "P-256" => (Family::P256, 32),
        "P-384" => (Family::P384, 48),
        _ => return Err(BadKey::Type),
    };
    let mut point = vec![0x04];
    for name in ["x", "y"] {
        let coordinate = bytes(jwk, name)?;
        if coordinate.len() != length {
            return Err(BadKey::Member(name));
        }
        point.extend(coordinate);
    }
    Ok((family, PublicKey::ec(&point)))
}

/// RFC 8037 §2.
fn okp(jwk: &Object) -> Result<PublicKey, BadKey> {
    if text(jwk, "crv")? != "Ed25519" {
        return Err(BadKey::Type);
    }
    let point: [u8; 32] = bytes(jwk, "x")?.try_into().map_err(|_| BadKey::Member("x"))?;
    if is_of_small_order(point) { Err(BadKey::SmallOrder) } else { Ok(PublicKey::ed25519(&point)) }
}

/// The points whose order divides the cofactor, in all their encodings without the bit for the sign: one of y = 0, 1, -1,
/// the two that are roots of the equation for order eight, and those of them that also fit when p is added.
const SMALL_ORDER: [[u8; 32]; 7] = [
    [0; 32],
    ends(1, 0, 0),
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf,
        0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20,
        0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ],
    ends(0xec, 0xff, 0x7f),
    ends(0xed, 0xff, 0x7f),
    ends(0xee, 0xff, 0x7f),
];

const fn ends(first: u8, middle: u8, last: u8) -> [u8; 32] {
    let mut bytes = [middle; 32];
    bytes[0] = first;
    bytes[31] = last;
    bytes
}

/// RFC 8032 §5.1.7 lets a verifier take such keys, and ring does.
fn is_of_small_order(mut point: [u8; 32]) -> bool {
    point[31] &= 0x7f;
    SMALL_ORDER.contains(&point)
}

/// A member that must be there and be a string.
fn text<'a>(jwk: &'a Object, name: &'static str) -> Result<&'a str, BadKey> {
    optional_text(jwk, name)?.ok_or(BadKey::Member(name))
}

/// A member that is a string if it is there.
fn optional_text<'a>(jwk: &'a Object, name: &'static str) -> Result<Option<&'a str>, BadKey> {
    match jwk.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(BadKey::Member(name)),
    }
}

fn bytes(jwk: &Object, name: &'static str) -> Result<Vec<u8>, BadKey> {
    URL_SAFE_NO_PAD.decode(text(jwk, name)?).map_err(|_| BadKey::Member(name))
}

/// `Base64urlUInt` (RFC 7518 §2), which has no leading zeros.
fn integer(jwk: &Object, name: &'static str) -> Result<Vec<u8>, BadKey> {
    let bytes = bytes(jwk, name)?;
    if bytes.first().is_none_or(|byte| *byte == 0) { Err(BadKey::Member(name)) } else { Ok(bytes) }
}
