//! Tokens of any claims, as a CI system gives them to its jobs: whoever asks says what they are to say.

use brevet_validator::timestamp::Timestamp;
use serde_json::{Map, Value, json};

use super::super::json::{Limits, read_object};
use super::{LIFETIME, Toy};
use crate::service::hex::hex;
use crate::service::random::{NoRandomness, Random};

/// The audience of a token that names none.
pub const AUDIENCE: &str = "sts.amazonaws.com";
/// The subject of a token that names none: a job on the main branch, as GitHub writes it.
pub const SUBJECT: &str = "repo:acme/shop:ref:refs/heads/main";

const LIMITS: Limits = Limits { members: 1_024, elements: 8_192 };

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum NoToken {
    /// The claims cannot be taken.
    #[error("The claims are one JSON object in which no name occurs twice.")]
    Claims,
    /// No `jti` could be drawn.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
}

impl Toy {
    /// A token of these claims, a JSON object. Those that every token has are filled in where they are not given; `null`
    /// leaves one out.
    pub fn token(&self, claims: &[u8], now: Timestamp, random: &dyn Random) -> Result<String, NoToken> {
        // The strict reader says whether they can be taken; after that any reader reads the same.
        read_object(claims, LIMITS).map_err(|_| NoToken::Claims)?;
        let mut claims: Map<String, Value> = serde_json::from_slice(claims).map_err(|_| NoToken::Claims)?;
        let mut id = [0; 16];
        random.fill(&mut id)?;
        for (name, value) in [
            ("iss", json!(self.issuer.as_str())),
            ("aud", json!(AUDIENCE)),
            ("sub", json!(SUBJECT)),
            ("iat", json!(now.unix())),
            ("exp", json!(now.unix() + LIFETIME)),
            ("jti", json!(hex(&id))),
        ] {
            claims.entry(name).or_insert(value);
        }
        claims.retain(|_, value| !value.is_null());
        Ok(self.sign(&Value::Object(claims)))
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::super::super::{Expectation, IdentityToken, Issuer, KeySet, Plaintext, TokenRefusal, UnverifiedToken};
    use super::*;
    use crate::service::test_world::{Counting, now};

    fn toy(random: &Counting) -> Toy {
        Toy::new(Issuer::parse("http://127.0.0.1:8733", Plaintext::OnLoopback).unwrap(), random).unwrap()
    }

    fn verify(by: &Toy, token: &str, seconds: i64) -> Result<IdentityToken, TokenRefusal> {
        let (keys, client_ids) = (KeySet::parse(by.key_set().as_bytes()).unwrap(), [AUDIENCE.to_owned()]);
        UnverifiedToken::parse(token)?.verify(&keys, &Expectation::new(by.issuer(), &client_ids), now() + seconds)
    }

    fn claims(token: &str) -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
    }

    #[test]
    fn what_is_not_claimed_is_filled_in_and_the_token_is_good_for_five_minutes() {
        let random = Counting::default();
        let toy = toy(&random);
        let token = toy.token(b"{}", now(), &random).unwrap();
        let claims = claims(&token);
        assert_eq!((&claims["iss"], &claims["aud"]), (&json!("http://127.0.0.1:8733"), &json!(AUDIENCE)));
        assert_eq!((&claims["sub"], &claims["exp"]), (&json!(SUBJECT), &json!(now().unix() + 300)));
        assert!(verify(&toy, &token, 299).is_ok());
        assert!(verify(&toy, &token, 3_600).is_err());
        assert_ne!(claims["jti"], self::claims(&toy.token(b"{}", now(), &random).unwrap())["jti"]);
    }

    #[test]
    fn what_is_claimed_is_kept_and_null_leaves_a_claim_out() {
        let random = Counting::default();
        let toy = toy(&random);
        let token = toy.token(br#"{"sub":"someone","n":[1,{"a":1.5}],"jti":null,"exp":7}"#, now(), &random).unwrap();
        let claims = claims(&token);
        assert_eq!((&claims["sub"], &claims["n"]), (&json!("someone"), &json!([1, {"a": 1.5}])));
        assert_eq!((claims.get("jti"), &claims["exp"]), (None, &json!(7)));
    }

    #[test]
    fn each_issuer_has_a_key_of_its_own() {
        let random = Counting::default();
        let (one, other) = (toy(&random), toy(&random));
        let token = one.token(b"{}", now(), &random).unwrap();
        assert!(verify(&one, &token, 0).is_ok() && verify(&other, &token, 0).is_err());
    }

    #[test]
    fn claims_that_are_not_one_object_are_refused() {
        let random = Counting::default();
        let toy = toy(&random);
        for claims in ["", "[]", "null", "{} {}", "{'sub':1}", r#"{"sub":"a","sub":"b"}"#, r#"{"a":{"b":1,"b":1}}"#] {
            assert!(matches!(toy.token(claims.as_bytes(), now(), &random), Err(NoToken::Claims)), "{claims}");
        }
        assert!(toy.token(b"{\"sub\":\"\xff\"}", now(), &random).is_err());
        assert!(toy.token("{\"a\":".repeat(10_000).as_bytes(), now(), &random).is_err());
    }
}
