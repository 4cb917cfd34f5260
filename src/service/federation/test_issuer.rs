//! An issuer for tests: keys of every kind, the set it publishes, and tokens as tests want them, right or wrong.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use brevet_validator::timestamp::Timestamp;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384,
    RSA_PSS_SHA512, RsaKeyPair, RsaPublicKeyComponents,
};
use serde_json::{Value, json};

use super::{Algorithm, Expectation, IdentityToken, Issuer, KeySet, Plaintext, TokenRefusal, UnverifiedToken};

pub(crate) const ISSUER: &str = "https://idp.example.com/realm";
pub(crate) const CLIENT_ID: &str = "sts.amazonaws.com";
pub(crate) const SUBJECT: &str = "repo:octo-org/octo-repo:ref:refs/heads/main";

/// A 2,048-bit key that `openssl genpkey` made for these tests.
const RSA_KEY: &[u8] = include_bytes!("../../../tests/vectors/federation/rsa-2048.pk8.der");

/// The time at which its tokens are good.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_unix(1_795_000_000).unwrap()
}

/// What the algorithms are called, in the order of [`Algorithm`].
pub(crate) const ALGORITHMS: [(&str, Algorithm); 9] = [
    ("RS256", Algorithm::Rs256),
    ("RS384", Algorithm::Rs384),
    ("RS512", Algorithm::Rs512),
    ("PS256", Algorithm::Ps256),
    ("PS384", Algorithm::Ps384),
    ("PS512", Algorithm::Ps512),
    ("ES256", Algorithm::Es256),
    ("ES384", Algorithm::Es384),
    ("EdDSA", Algorithm::EdDsa),
];

pub(crate) struct TestIssuer {
    rsa: RsaKeyPair,
    p256: EcdsaKeyPair,
    p384: EcdsaKeyPair,
    ed25519: Ed25519KeyPair,
}

pub(crate) fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn ecdsa(algorithm: &'static EcdsaSigningAlgorithm) -> EcdsaKeyPair {
    let random = SystemRandom::new();
    let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
    EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).unwrap()
}

impl TestIssuer {
    pub(crate) fn new() -> Self {
        Self {
            rsa: RsaKeyPair::from_pkcs8(RSA_KEY).unwrap(),
            p256: ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING),
            p384: ecdsa(&ECDSA_P384_SHA384_FIXED_SIGNING),
            ed25519: Ed25519KeyPair::from_seed_unchecked(&[5; 32]).unwrap(),
        }
    }

    /// What it publishes: one key of each kind, whose ids are `rsa`, `p-256`, `p-384` and `ed25519`.
    pub(crate) fn jwks(&self) -> Value {
        let rsa: RsaPublicKeyComponents<Vec<u8>> = self.rsa.public().into();
        let point = |pair: &EcdsaKeyPair| {
            let (x, y) = pair.public_key().as_ref()[1..].split_at(pair.public_key().as_ref().len() / 2);
            (b64(x), b64(y))
        };
        let (p256, p384) = (point(&self.p256), point(&self.p384));
        json!({"keys": [
            {"kid": "rsa", "kty": "RSA", "use": "sig", "n": b64(rsa.n), "e": b64(rsa.e)},
            {"kid": "p-256", "kty": "EC", "crv": "P-256", "x": p256.0, "y": p256.1},
            {"kid": "p-384", "kty": "EC", "crv": "P-384", "x": p384.0, "y": p384.1, "key_ops": ["verify"]},
            {"kid": "ed25519", "kty": "OKP", "crv": "Ed25519", "x": b64(self.ed25519.public_key()), "alg": "EdDSA"},
        ]})
    }

    /// One of its published keys.
    pub(crate) fn jwk(&self, kid: &str) -> Value {
        let jwks = self.jwks();
        jwks["keys"].as_array().unwrap().iter().find(|jwk| jwk["kid"] == kid).unwrap().clone()
    }

    pub(crate) fn keys(&self) -> KeySet {
        KeySet::parse(self.jwks().to_string().as_bytes()).unwrap()
    }

    /// A signature, whatever the text is.
    pub(crate) fn signature(&self, algorithm: Algorithm, message: &str) -> Vec<u8> {
        let (random, message) = (SystemRandom::new(), message.as_bytes());
        let padding: &'static dyn ring::signature::RsaEncoding = match algorithm {
            Algorithm::Rs256 => &RSA_PKCS1_SHA256,
            Algorithm::Rs384 => &RSA_PKCS1_SHA384,
            Algorithm::Rs512 => &RSA_PKCS1_SHA512,
            Algorithm::Ps256 => &RSA_PSS_SHA256,
            Algorithm::Ps384 => &RSA_PSS_SHA384,
            Algorithm::Ps512 => &RSA_PSS_SHA512,
            Algorithm::Es256 => return self.p256.sign(&random, message).unwrap().as_ref().to_vec(),
            Algorithm::Es384 => return self.p384.sign(&random, message).unwrap().as_ref().to_vec(),
            Algorithm::EdDsa => return self.ed25519.sign(message).as_ref().to_vec(),
        };
        let mut signature = vec![0; self.rsa.public().modulus_len()];
        self.rsa.sign(padding, &random, message, &mut signature).unwrap();
        signature
    }

    /// Two parts as they are, signed with the Ed25519 key.
    pub(crate) fn sign_parts(&self, header: &str, payload: &str) -> String {
        let message = format!("{header}.{payload}");
        let signature = self.signature(Algorithm::EdDsa, &message);
        format!("{message}.{}", b64(signature))
    }

    /// A token of these two JSON texts, signed with the Ed25519 key whatever the header says.
    pub(crate) fn sign_text(&self, header: &str, payload: &str) -> String {
        self.sign_parts(&b64(header), &b64(payload))
    }

    /// A token of these claims.
    pub(crate) fn token(&self, claims: &Value) -> String {
        self.sign_text(r#"{"alg":"EdDSA","kid":"ed25519","typ":"JWT"}"#, &claims.to_string())
    }

    /// A token that is good but for what was changed in its claims; `null` takes a claim out.
    pub(crate) fn token_with(&self, changes: Value) -> String {
        let mut claims = claims();
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        self.token(&claims)
    }

    /// A token for each algorithm.
    pub(crate) fn token_by(&self, name: &str, algorithm: Algorithm) -> String {
        let kid = match algorithm {
            Algorithm::Es256 => "p-256",
            Algorithm::Es384 => "p-384",
            Algorithm::EdDsa => "ed25519",
            _ => "rsa",
        };
        let header = json!({"alg": name, "kid": kid});
        let message = format!("{}.{}", b64(header.to_string()), b64(claims().to_string()));
        format!("{message}.{}", b64(self.signature(algorithm, &message)))
    }

    /// What becomes of a token now, with the defaults.
    pub(crate) fn verify(&self, token: &str) -> Result<IdentityToken, TokenRefusal> {
        self.verify_at(token, now())
    }

    pub(crate) fn verify_at(&self, token: &str, now: Timestamp) -> Result<IdentityToken, TokenRefusal> {
        let (issuer, client_ids) = (issuer(), [CLIENT_ID.to_owned(), "second-client".to_owned()]);
        UnverifiedToken::parse(token)?.verify(&self.keys(), &Expectation::new(&issuer, &client_ids), now)
    }

    /// Why a token with these changes is refused.
    pub(crate) fn refusal(&self, changes: Value) -> TokenRefusal {
        match self.verify(&self.token_with(changes.clone())) {
            Err(refusal) => refusal,
            Ok(token) => panic!("{changes} was accepted: {token:?}"),
        }
    }
}

pub(crate) fn issuer() -> Issuer {
    Issuer::parse(ISSUER, Plaintext::Refused).unwrap()
}

/// Claims of a good token.
pub(crate) fn claims() -> Value {
    let now = now().unix();
    json!({"iss": ISSUER, "aud": CLIENT_ID, "sub": SUBJECT, "iat": now - 60, "exp": now + 300, "jti": "one"})
}
