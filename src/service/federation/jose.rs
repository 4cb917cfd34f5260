//! The outer form of an identity token: JWS compact serialization (RFC 7515 §7.1) of two JSON objects, read strictly.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::algorithm::Algorithm;
use super::json::{Limits, Object, Value, read_object};
use super::jwk::MAX_KID;
use super::refusal::TokenRefusal;

/// Longest token, in characters, as AWS has it for `WebIdentityToken`.
pub const MAX_TOKEN_LENGTH: usize = 20_000;

const LIMITS: Limits = Limits { members: 512, elements: 2_048 };

/// Header parameters that name a key of the token's own choice, change how the rest is read, or must be understood (RFC
/// 7515 §4.1, RFC 7516 §4.1, RFC 7797 §3), and claims, which stand in the header of encrypted tokens alone (RFC 7519 §5.3).
/// Others are ignored, as RFC 7515 §4 asks for.
const REFUSED: [&str; 12] = ["jku", "jwk", "x5u", "x5c", "crit", "b64", "zip", "enc", "cty", "iss", "sub", "aud"];

/// A token of the right form. Nothing that it says is proven.
pub(super) struct Jws<'a> {
    pub(super) header: Header,
    pub(super) payload: Object,
    /// Header and payload as they were signed.
    pub(super) signing_input: &'a str,
    /// In base64url.
    pub(super) signature: &'a str,
}

/// What of the header decides anything.
pub(super) struct Header {
    pub(super) algorithm: Algorithm,
    pub(super) kid: Option<String>,
}

impl<'a> Jws<'a> {
    pub(super) fn read(token: &'a str) -> Result<Self, TokenRefusal> {
        // A character is at least a byte, and one that is more belongs into no token.
        if token.len() > MAX_TOKEN_LENGTH {
            return Err(TokenRefusal::TooLong);
        }
        let mut parts = token.split('.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(TokenRefusal::Malformed("it does not have three parts"));
        };
        if decode(signature)?.is_empty() {
            return Err(TokenRefusal::Malformed("it has no signature"));
        }
        Ok(Self {
            header: Header::read(&object(header)?)?,
            payload: object(payload)?,
            signing_input: &token[..header.len() + 1 + payload.len()],
            signature,
        })
    }
}

impl Header {
    fn read(header: &Object) -> Result<Self, TokenRefusal> {
        if let Some(name) = REFUSED.into_iter().find(|name| header.get(name).is_some()) {
            return Err(TokenRefusal::Header(name));
        }
        check_type(header)?;
        let algorithm = match header.get("alg") {
            Some(Value::String(name)) => Algorithm::from_name(name).ok_or(TokenRefusal::Algorithm)?,
            _ => return Err(TokenRefusal::Malformed("its header has no `alg`")),
        };
        let kid = match header.get("kid") {
            None => None,
            Some(Value::String(kid)) if (1..=MAX_KID).contains(&kid.len()) => Some(kid.clone()),
            Some(_) => return Err(TokenRefusal::Malformed("its `kid` is not a text of 1 to 256 bytes")),
        };
        Ok(Self { algorithm, kid })
    }
}

/// RFC 8725 §3.11: a token that is explicitly something else, such as `at+jwt`, is no identity token. `JWT` is compared as a
/// media type is (RFC 7519 §5.1); `JOSE` says no more than that this is a JWS (RFC 7515 §4.1.9).
fn check_type(header: &Object) -> Result<(), TokenRefusal> {
    match header.get("typ") {
        None => Ok(()),
        Some(Value::String(name))
            if ["JWT", "application/jwt", "JOSE"].iter().any(|t| name.eq_ignore_ascii_case(t)) =>
        {
            Ok(())
        }
        Some(_) => Err(TokenRefusal::Type),
    }
}

/// Unpadded, without white space and with zero trailing bits: there is one way to write these bytes (RFC 7515 §2).
fn decode(part: &str) -> Result<Vec<u8>, TokenRefusal> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenRefusal::Malformed("a part is not canonical base64url"))
}

fn object(part: &str) -> Result<Object, TokenRefusal> {
    let message = "a part is not a JSON object, or not one that every reader reads alike";
    read_object(&decode(part)?, LIMITS).map_err(|_| TokenRefusal::Malformed(message))
}
