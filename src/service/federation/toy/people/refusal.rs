//! Why a client does not get what it asks for, in the words of OAuth 2.0 and OpenID Connect.

use crate::service::random::NoRandomness;

/// A refusal: its text is the `error_description`.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Refusal {
    /// The request is not one.
    #[error("{0}")]
    InvalidRequest(String),
    /// Nobody knows this client.
    #[error("the client_id is missing or not known here; clients are public and have no secret")]
    InvalidClient,
    /// The code or refresh token is good for nothing, or not for this.
    #[error("{0}")]
    InvalidGrant(&'static str),
    /// There is no such way to a token.
    #[error("the grant types are authorization_code, device_code and refresh_token")]
    UnsupportedGrantType,
    /// There is no such answer to an authorization request.
    #[error("the response type is code")]
    UnsupportedResponseType,
    /// `openid` is missing, or a refresh asks for more than there was.
    #[error("the scope must have openid, and a refresh cannot add to it")]
    InvalidScope,
    /// Whoever was asked said no.
    #[error("the request was denied")]
    AccessDenied,
    /// `prompt=none`, and nobody is ever signed in.
    #[error("somebody has to choose who they are")]
    LoginRequired,
    /// `request`.
    #[error("request objects are not taken")]
    RequestNotSupported,
    /// `request_uri`.
    #[error("request objects are not taken")]
    RequestUriNotSupported,
    /// Nobody has answered at the device's page yet.
    #[error("nobody has entered the code yet")]
    AuthorizationPending,
    /// The same, asked again too soon.
    #[error("wait five seconds longer between two requests")]
    SlowDown,
    /// Nobody has answered in time.
    #[error("the device code has expired")]
    ExpiredToken,
    /// It is our fault.
    #[error(transparent)]
    ServerError(#[from] NoRandomness),
}

impl Refusal {
    /// The `error`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::InvalidRequest(_) => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant(_) => "invalid_grant",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidScope => "invalid_scope",
            Self::AccessDenied => "access_denied",
            Self::LoginRequired => "login_required",
            Self::RequestNotSupported => "request_not_supported",
            Self::RequestUriNotSupported => "request_uri_not_supported",
            Self::AuthorizationPending => "authorization_pending",
            Self::SlowDown => "slow_down",
            Self::ExpiredToken => "expired_token",
            Self::ServerError(_) => "server_error",
        }
    }

    /// A request that cannot be read as one.
    pub fn invalid(text: impl Into<String>) -> Self {
        Self::InvalidRequest(text.into())
    }

    pub(super) fn repeated(name: &str) -> Self {
        // RFC 6749 allows printable ASCII without quotes and backslashes in a description.
        let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') && name.len() <= 64;
        Self::invalid(format!("{} occurs more than once", if plain { name } else { "a parameter" }))
    }
}
