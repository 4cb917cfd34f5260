//! Why an identity token is refused. No text here repeats anything of the token but its times.

use brevet_validator::timestamp::Timestamp;

use super::claim_mapping::MappingFault;

/// Why an identity token is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TokenRefusal {
    /// More than 20,000 characters.
    #[error("The identity token has more than 20000 characters.")]
    TooLong,
    /// Not a signed JWT in compact serialization, or not one that every reader reads alike.
    #[error("The identity token is not a valid JWT: {0}.")]
    Malformed(&'static str),
    /// A header parameter that could change how the token is read, or by which key.
    #[error("The identity token's header has the parameter `{0}`, which is not accepted.")]
    Header(&'static str),
    /// `typ` says that it is something else, such as an access token.
    #[error("The token is of another type: the `typ` of an identity token is `JWT`, if there is one.")]
    Type,
    /// An algorithm that is unknown, not allowed, or not one of the key's.
    #[error("The identity token's signature algorithm is not accepted.")]
    Algorithm,
    /// The issuer publishes no usable key of that id.
    #[error("The identity provider publishes no usable key with which the identity token could have been signed.")]
    UnknownKey,
    /// The token names no key, and there is more than one.
    #[error("The identity token does not name its key, and the identity provider publishes more than one.")]
    AmbiguousKey,
    /// The key did not sign this.
    #[error("The identity token's signature is not valid.")]
    Signature,
    /// `iss` is not, byte for byte, the issuer that the keys belong to.
    #[error("The identity token's issuer is not the identity provider's.")]
    Issuer,
    /// A claim that must be there.
    #[error("Missing a required claim: {0}")]
    Missing(&'static str),
    /// A claim that is not of the type or form that it must have.
    #[error("The identity token's claim `{0}` is not of the form that it must have.")]
    Form(&'static str),
    /// No member of `aud` is a client id of the provider; or it has several, and no `azp` says which is meant.
    #[error("Incorrect token audience")]
    Audience,
    /// `azp` is not a client id of the provider.
    #[error("The identity token was issued to a party (`azp`) that is not a client id of the identity provider.")]
    AuthorizedParty,
    /// It is over.
    #[error(
        "Token expired: current date/time {} must be before the expiration date/time {}",
        now.unix(),
        expired_at.unix()
    )]
    Expired {
        /// `exp`
        expired_at: Timestamp,
        /// The time at which it was looked at.
        now: Timestamp,
    },
    /// Its time has not come.
    #[error("Token not yet valid: current date/time {} is before the date/time {}", now.unix(), begins_at.unix())]
    NotYetValid {
        /// `nbf`, or `iat` where that is in the future.
        begins_at: Timestamp,
        /// The time at which it was looked at.
        now: Timestamp,
    },
    /// `iat` and `exp` are further apart than allowed, or the wrong way round.
    #[error("The identity token is valid for {seconds} seconds; the most that is accepted is {most}.")]
    Lifetime {
        /// From `iat` to `exp`.
        seconds: i64,
        /// The most that is allowed.
        most: u32,
    },
    /// Two claims would be one condition key: their names differ in case alone, or by how they are nested.
    #[error("Two claims of the identity token have names that condition keys do not tell apart.")]
    SameName,
    /// The claim that carries session tags is not of AWS's form.
    #[error("The identity token's claim `https://aws.amazon.com/tags` is not of the form that it must have.")]
    Tags,
    /// The claim that carries the source identity is not of AWS's form.
    #[error(
        "The identity token's claim `https://aws.amazon.com/source_identity` is not of the form that it must have."
    )]
    SourceIdentity,
    /// A claim that the provider's registration maps to a session tag or the source identity cannot be one.
    #[error(transparent)]
    Mapping(MappingFault),
}

/// What AWS calls a refusal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RefusalCode {
    /// `ValidationError`: the parameter is out of its bounds.
    ValidationError,
    /// `InvalidIdentityToken`
    InvalidIdentityToken,
    /// `ExpiredTokenException`
    ExpiredTokenException,
    /// `IDPRejectedClaim`: the token is genuine and meant for us, but what it claims is not accepted.
    IdpRejectedClaim,
}

impl TokenRefusal {
    /// Whether it costs no signature to find out: the token cannot be read, or no key fits it.
    pub(super) fn is_cheap(self) -> bool {
        let is_unreadable = matches!(self, Self::TooLong | Self::Malformed(_) | Self::Header(_) | Self::Type);
        is_unreadable || matches!(self, Self::Algorithm | Self::UnknownKey | Self::AmbiguousKey)
    }

    /// AWS's code for it.
    pub fn code(self) -> RefusalCode {
        match self {
            Self::TooLong => RefusalCode::ValidationError,
            Self::Malformed(_)
            | Self::Header(_)
            | Self::Type
            | Self::Algorithm
            | Self::UnknownKey
            | Self::AmbiguousKey
            | Self::Signature
            | Self::Issuer
            | Self::Missing(_)
            | Self::Form(_)
            | Self::Audience
            | Self::AuthorizedParty
            | Self::NotYetValid { .. } => RefusalCode::InvalidIdentityToken,
            Self::Expired { .. } => RefusalCode::ExpiredTokenException,
            Self::Lifetime { .. } | Self::SameName | Self::Tags | Self::SourceIdentity | Self::Mapping(_) => {
                RefusalCode::IdpRejectedClaim
            }
        }
    }
}
