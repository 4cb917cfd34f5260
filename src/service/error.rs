//! What can go wrong, in the caller's terms. Transports map a [`Kind`] to their wire in one table.

use std::fmt;

use brevet_validator::policy::Reason;
use brevet_validator::signature::Refusal;
use brevet_validator::validator::Rejection;

use super::denial::Denial;

/// The class of a failure. Named after AWS's codes; who is at fault follows from it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// The request carries no credentials.
    MissingAuthenticationToken,
    /// Credentials that cannot be read.
    IncompleteSignature,
    /// A query or form that cannot be read, or names a parameter twice.
    MalformedQueryString,
    /// Unknown, disabled or deleted key; any fault of the token.
    InvalidClientTokenId,
    /// Wrong signature, scope, time or payload.
    SignatureDoesNotMatch,
    /// The caller's session is over.
    ExpiredToken,
    /// Valid credentials that may not do this.
    AccessDenied(Reason),
    /// A parameter out of its bounds.
    ValidationError,
    /// An encoded authorization message that is none, or not for the caller's account.
    InvalidAuthorizationMessage,
    /// An identity token that is none, or not one that is trusted.
    InvalidIdentityToken,
    /// An identity token that is over.
    ExpiredIdentityToken,
    /// A genuine identity token whose claims are not accepted.
    IdpRejectedClaim,
    /// The keys of an identity provider cannot be fetched: trying again may help.
    IdpCommunicationError,
    /// The deployment issues no identity tokens.
    OutboundFederationDisabled,
    /// An identity token that would be good for longer than the session that asks for it.
    SessionDurationEscalation,
    /// An identity token that would be too long.
    JwtPayloadSizeExceeded,
    /// A document that is not a policy.
    MalformedPolicyDocument,
    /// Session policies and tags exceed their budget.
    PackedPolicyTooLarge,
    /// No such operation in this version of the API.
    InvalidAction,
    /// The request names no operation.
    MissingAction,
    /// The directory has no such thing.
    NoSuchEntity,
    /// The directory has it already.
    EntityAlreadyExists,
    /// Something still hangs on it.
    DeleteConflict,
    /// A quota.
    LimitExceeded,
    /// A parameter that makes no sense here.
    InvalidInput,
    /// A policy that cannot be evaluated in a simulation.
    PolicyEvaluation,
    /// Someone else changed it at the same time.
    ConcurrentModification,
    /// No such path on this server.
    NotFound,
    /// The path does not take this method.
    MethodNotAllowed,
    /// The body has a media type that this path does not take.
    UnsupportedMediaType,
    /// Body or headers too large.
    RequestEntityTooLarge,
    /// The request did not arrive in time.
    RequestTimeout,
    /// Too many requests.
    Throttling,
    /// The store or the audit log cannot be written.
    ServiceUnavailable,
    /// A bug.
    InternalFailure,
}

impl Kind {
    /// Whether the service failed, and not its caller.
    pub fn is_ours(self) -> bool {
        matches!(self, Self::ServiceUnavailable | Self::InternalFailure)
    }

    /// AWS's code.
    pub fn code(self) -> &'static str {
        match self {
            Self::AccessDenied(_) => "AccessDenied",
            Self::MissingAuthenticationToken => "MissingAuthenticationToken",
            Self::IncompleteSignature => "IncompleteSignature",
            Self::MalformedQueryString => "MalformedQueryString",
            Self::InvalidClientTokenId => "InvalidClientTokenId",
            Self::SignatureDoesNotMatch => "SignatureDoesNotMatch",
            Self::ExpiredToken => "ExpiredToken",
            Self::ValidationError => "ValidationError",
            Self::InvalidAuthorizationMessage => "InvalidAuthorizationMessageException",
            Self::InvalidIdentityToken => "InvalidIdentityToken",
            Self::ExpiredIdentityToken => "ExpiredTokenException",
            Self::IdpRejectedClaim => "IDPRejectedClaim",
            Self::IdpCommunicationError => "IDPCommunicationError",
            Self::OutboundFederationDisabled => "OutboundWebIdentityFederationDisabledException",
            Self::SessionDurationEscalation => "SessionDurationEscalationException",
            Self::JwtPayloadSizeExceeded => "JWTPayloadSizeExceededException",
            Self::MalformedPolicyDocument => "MalformedPolicyDocument",
            Self::PackedPolicyTooLarge => "PackedPolicyTooLarge",
            Self::InvalidAction => "InvalidAction",
            Self::MissingAction => "MissingAction",
            Self::NoSuchEntity => "NoSuchEntity",
            Self::EntityAlreadyExists => "EntityAlreadyExists",
            Self::DeleteConflict => "DeleteConflict",
            Self::LimitExceeded => "LimitExceeded",
            Self::InvalidInput => "InvalidInput",
            Self::PolicyEvaluation => "PolicyEvaluation",
            Self::ConcurrentModification => "ConcurrentModification",
            Self::NotFound => "NotFound",
            Self::MethodNotAllowed => "MethodNotAllowed",
            Self::UnsupportedMediaType => "UnsupportedMediaType",
            Self::RequestEntityTooLarge => "RequestEntityTooLarge",
            Self::RequestTimeout => "RequestTimeout",
            Self::Throttling => "Throttling",
            Self::ServiceUnavailable => "ServiceUnavailable",
            Self::InternalFailure => "InternalFailure",
        }
    }
}

/// A failure with its public text. The cause, if any, is for the log alone.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    message: String,
    /// Of a refusal by policy.
    denial: Option<Box<Denied>>,
    cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What a refusal by policy has besides its text.
#[derive(Debug)]
struct Denied {
    denial: Denial,
    /// The encoded authorization message.
    encoded: Option<String>,
}

impl Error {
    /// A failure whose whole story may be told to the caller.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), denial: None, cause: None }
    }

    /// A refusal by policy: AWS's sentence, then the reason code and, as far as the caller may know it, why.
    pub fn denied(reason: Reason, sentence: impl fmt::Display, denial: Denial) -> Self {
        let detail = denial.detail().map(|detail| format!(", {detail}")).unwrap_or_default();
        let message = format!("{sentence} ({}{detail}): {}.", reason.as_str(), denial.sentence());
        let denied = Denied { denial, encoded: None };
        Self { denial: Some(Box::new(denied)), ..Self::new(Kind::AccessDenied(reason), message) }
    }

    /// Adds the encoded authorization message to a refusal by policy.
    pub fn encode(&mut self, encode: impl FnOnce(&Denial) -> Option<String>) {
        if let Some(denied) = &mut self.denial {
            denied.encoded = encode(&denied.denial);
        }
    }

    /// A failure on our side: the caller gets a general sentence, the log the cause.
    pub fn unavailable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self {
            kind: Kind::ServiceUnavailable,
            message: "The service is temporarily unavailable. Try again later.".into(),
            denial: None,
            cause: Some(cause.into()),
        }
    }

    /// A bug: the caller gets a general sentence, the log the cause.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self {
            kind: Kind::InternalFailure,
            message: "The request processing has failed because of an internal error.".into(),
            denial: None,
            cause: Some(cause.into()),
        }
    }

    /// Adds the cause, for the log alone.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// A parameter out of bounds, in AWS's words.
    pub fn validation(message: impl Into<String>) -> Self {
        Self::new(Kind::ValidationError, message)
    }

    /// The class.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What the caller may read.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What led to a refusal by policy.
    pub fn denial(&self) -> Option<&Denial> {
        self.denial.as_ref().map(|denied| &denied.denial)
    }

    /// The encoded authorization message of a refusal by policy.
    pub fn encoded_message(&self) -> Option<&str> {
        self.denial.as_ref()?.encoded.as_deref()
    }

    /// What the log may read.
    pub fn cause(&self) -> Option<&(dyn std::error::Error + Send + Sync)> {
        self.cause.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl From<Rejection> for Error {
    fn from(rejection: Rejection) -> Self {
        let kind = match &rejection {
            Rejection::Signature(refusal) => match refusal {
                Refusal::NoCredentials => Kind::MissingAuthenticationToken,
                Refusal::Incomplete(_) | Refusal::Algorithm => Kind::IncompleteSignature,
                Refusal::MalformedQuery(_) => Kind::MalformedQueryString,
                Refusal::Scope(_) | Refusal::Time(_) | Refusal::Unsigned(_) | Refusal::Payload | Refusal::Mismatch => {
                    Kind::SignatureDoesNotMatch
                }
            },
            Rejection::InvalidToken => Kind::InvalidClientTokenId,
            Rejection::ExpiredToken => Kind::ExpiredToken,
            Rejection::TooLarge => Kind::RequestEntityTooLarge,
            Rejection::MalformedBody(_) => Kind::ValidationError,
            Rejection::Compressed => Kind::UnsupportedMediaType,
            Rejection::KeysUnavailable => Kind::ServiceUnavailable,
        };
        Self::new(kind, rejection.to_string())
    }
}
