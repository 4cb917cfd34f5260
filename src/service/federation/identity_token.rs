//! From the text of an identity token to what it proves: read, then the signature, then the claims.

use std::fmt;

use brevet_validator::policy::{Context, claim_keys};
use brevet_validator::timestamp::Timestamp;
use sha2::{Digest, Sha256};

use super::algorithm::Algorithm;
use super::aws_claims::AwsClaims;
use super::claim_mapping::ClaimMapping;
use super::claims::{self, Claims};
use super::conditions::{self, Claim, ClaimValue};
use super::expectation::Expectation;
use super::issuer::Issuer;
use super::jose::Jws;
use super::key_set::{KeySet, NoKey};
use super::refusal::TokenRefusal;

/// A token of the right form. It may be anyone's; it says whose it claims to be, so that the right keys can be had.
pub struct UnverifiedToken<'a> {
    jws: Jws<'a>,
    issuer: String,
}

impl<'a> UnverifiedToken<'a> {
    /// Reads a token, without white space around it.
    pub fn parse(text: &'a str) -> Result<Self, TokenRefusal> {
        let jws = Jws::read(text)?;
        let issuer = claims::issuer(&jws.payload)?.to_owned();
        Ok(Self { jws, issuer })
    }

    /// `iss`, unproven. Only good for looking it up among the issuers that are registered.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The id of the key, unproven.
    pub fn key_id(&self) -> Option<&str> {
        self.jws.header.kid.as_deref()
    }

    /// The algorithm, unproven. The key decides whether it is right.
    pub fn algorithm(&self) -> Algorithm {
        self.jws.header.algorithm
    }

    /// Verifies the signature with the keys of the expected issuer, and only then looks at what the token says.
    pub fn verify(
        &self,
        keys: &KeySet,
        expected: &Expectation<'_>,
        now: Timestamp,
    ) -> Result<IdentityToken, TokenRefusal> {
        self.verify_signature(keys, expected.algorithms)?;
        let payload = &self.jws.payload;
        let claims = Claims::read(payload)?;
        let audience = claims.check(expected, now)?.to_owned();
        Ok(IdentityToken {
            issuer: expected.issuer.clone(),
            claims: conditions::claims(payload, &claims, &audience)?,
            aws: expected
                .mapping
                .apply(payload, AwsClaims::read(payload)?)
                .map_err(|(_, why)| TokenRefusal::Mapping(why))?,
            use_id: match claims.id {
                Some(id) => UseId::Jti(id),
                None => UseId::Digest(Sha256::digest(self.jws.signing_input).into()),
            },
            subject: claims.subject,
            audience,
            issued_at: claims.issued_at,
            expires_at: claims.expires_at,
        })
    }

    /// The claim that cannot be mapped, for whoever looks after the provider. Only of a token that was refused for it.
    pub(super) fn unmappable<'m>(&self, mapping: &'m ClaimMapping) -> Option<&'m str> {
        let own = AwsClaims::read(&self.jws.payload).ok()?;
        mapping.apply(&self.jws.payload, own).err().map(|(claim, _)| claim)
    }

    /// RFC 7515 §5.2. The algorithm must be allowed, and be the key's (RFC 8725 §3.1).
    fn verify_signature(&self, keys: &KeySet, allowed: &[Algorithm]) -> Result<(), TokenRefusal> {
        let algorithm = self.algorithm();
        if !allowed.contains(&algorithm) {
            return Err(TokenRefusal::Algorithm);
        }
        let key = keys.find(self.key_id(), algorithm).map_err(|why| match why {
            NoKey::Unknown => TokenRefusal::UnknownKey,
            NoKey::Algorithm => TokenRefusal::Algorithm,
            NoKey::Ambiguous => TokenRefusal::AmbiguousKey,
        })?;
        if key.verifies(algorithm, self.jws.signing_input, self.jws.signature) {
            Ok(())
        } else {
            Err(TokenRefusal::Signature)
        }
    }
}

impl fmt::Debug for UnverifiedToken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnverifiedToken").finish_non_exhaustive()
    }
}

/// A token whose signature and claims were verified: whom its issuer speaks of.
#[derive(Clone)]
pub struct IdentityToken {
    issuer: Issuer,
    subject: String,
    audience: String,
    issued_at: Timestamp,
    expires_at: Timestamp,
    use_id: UseId,
    claims: Vec<Claim>,
    /// With what other claims are mapped to.
    aws: AwsClaims,
}

/// What tells one token of an issuer from all others, for tokens that are good only once.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum UseId {
    /// The id that its issuer gave it.
    Jti(String),
    /// SHA-256 of header and payload as signed. Not of the signature: some can be written in two ways.
    Digest([u8; 32]),
}

impl UseId {
    /// Thirty-two bytes that stand for it.
    pub fn digest(&self) -> [u8; 32] {
        match self {
            Self::Jti(id) => Sha256::digest(id).into(),
            Self::Digest(digest) => *digest,
        }
    }
}

impl IdentityToken {
    /// Who issued it.
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// `sub`, unique within its issuer.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The client id that it is for: `azp` if it has one, otherwise `aud`.
    pub fn audience(&self) -> &str {
        &self.audience
    }

    /// `iat`
    pub fn issued_at(&self) -> Timestamp {
        self.issued_at
    }

    /// `exp`
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// What tells it from other tokens of its issuer.
    pub fn use_id(&self) -> &UseId {
        &self.use_id
    }

    /// Its claims, as conditions see them.
    pub fn claims(&self) -> &[Claim] {
        &self.claims
    }

    /// Session tags: keys and values, each within AWS's bounds. Whether keys repeat is for the session to say.
    pub fn principal_tags(&self) -> &[(String, String)] {
        &self.aws.principal_tags
    }

    /// Keys of the session tags that are handed down.
    pub fn transitive_tag_keys(&self) -> &[String] {
        &self.aws.transitive_tag_keys
    }

    /// The source identity that the issuer sets.
    pub fn source_identity(&self) -> Option<&str> {
        self.aws.source_identity.as_deref()
    }

    /// Sets the condition keys of its claims.
    pub fn add_to(&self, context: &mut Context) {
        for Claim { name, value } in &self.claims {
            for key in claim_keys(self.issuer.provider_name(), name) {
                match value {
                    ClaimValue::One(value) => context.set(&key, value.as_str()),
                    ClaimValue::Many(values) => context.set_all(&key, values.iter().cloned()),
                }
            }
        }
    }
}

/// Claims may hold what is nobody's business: names, addresses, groups.
impl fmt::Debug for IdentityToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdentityToken").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}
