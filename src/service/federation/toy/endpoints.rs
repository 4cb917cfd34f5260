//! The paths of the issuer's port, below its name.

/// The discovery document.
pub const DOCUMENT: &str = "/.well-known/openid-configuration";
/// The key set.
pub const KEYS: &str = "/jwks.json";
/// Takes a JSON object of claims and gives a token of them.
pub const TOKEN: &str = "/token";
/// Where a browser is sent to sign in.
pub const AUTHORIZE: &str = "/authorize";
/// Where the page goes on which somebody chose who they are.
pub const SIGN_IN: &str = "/sign-in";
/// Where the code that a device shows is typed in.
pub const DEVICE: &str = "/device";
/// OAuth's token endpoint. Not [`TOKEN`]: curl and others send JSON as a form unless told otherwise, so that the content
/// type cannot tell the two apart.
pub const OAUTH_TOKEN: &str = "/oauth/token";
/// Where a device begins (RFC 8628).
pub const OAUTH_DEVICE: &str = "/oauth/device";
/// Claims for an access token.
pub const USER_INFO: &str = "/userinfo";
