//! The token endpoint: codes and refresh tokens in, tokens out. Each is taken once; a second time ends what the first gave.

use std::sync::Arc;

use brevet_validator::timestamp::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::parameters::Parameters;
use super::refusal::Refusal;
use super::{Grant, People, draw};
use crate::service::federation::toy::LIFETIME;
use crate::service::hex::hex;
use crate::service::random::Random;

/// How long a refresh token is good, in seconds.
const REFRESH_LIFETIME: i64 = 24 * 3600;

const AUTHORIZATION_CODE: &str = "authorization_code";
const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const REFRESH_TOKEN: &str = "refresh_token";

/// The ways to a token.
pub const GRANT_TYPES: &[&str] = &[AUTHORIZATION_CODE, DEVICE_CODE, REFRESH_TOKEN];

/// An access or refresh token that was given out.
#[derive(Debug)]
pub(super) struct Issued {
    grant: Arc<Grant>,
    expires: Timestamp,
    used: bool,
}

/// What the token endpoint gives.
#[derive(Serialize)]
pub struct Tokens {
    /// Who has signed in.
    pub id_token: String,
    /// For the claims at `/userinfo`.
    pub access_token: String,
    token_type: &'static str,
    expires_in: i64,
    scope: String,
    /// For new tokens, if `offline_access` was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens").field("scope", &self.scope).finish_non_exhaustive()
    }
}

impl People {
    /// A client asks for tokens.
    pub fn redeem(&mut self, parameters: &Parameters, now: Timestamp, random: &dyn Random) -> Result<Tokens, Refusal> {
        let client_id = self.client(parameters)?;
        let need = |name: &str| parameters.get(name).ok_or_else(|| Refusal::invalid(format!("the {name} is missing")));
        match need("grant_type")? {
            AUTHORIZATION_CODE => {
                let code =
                    self.redeem_code(&client_id, need("code")?, need("redirect_uri")?, need("code_verifier")?, now);
                let grant = code?;
                let nonce = grant.nonce.clone();
                self.issue(grant, nonce, now, random)
            }
            DEVICE_CODE => {
                let grant = self.redeem_device_code(&client_id, need("device_code")?, now)?;
                self.issue(grant, None, now, random)
            }
            REFRESH_TOKEN => {
                let scope = parameters.get("scope");
                let grant = self.redeem_refresh_token(&client_id, need("refresh_token")?, scope, now)?;
                self.issue(grant, None, now, random)
            }
            _ => Err(Refusal::UnsupportedGrantType),
        }
    }

    /// The claims of whoever let a client have this access token.
    pub fn user_info(&self, access_token: &str, now: Timestamp) -> Option<Map<String, Value>> {
        let issued = self.access_tokens.get(access_token).filter(|issued| now < issued.expires)?;
        Some(issued.grant.person.claims())
    }

    fn redeem_code(
        &mut self,
        client_id: &str,
        code: &str,
        redirect_uri: &str,
        verifier: &str,
        now: Timestamp,
    ) -> Result<Arc<Grant>, Refusal> {
        let code = self.codes.get_mut(code).filter(|code| code.grant.client_id == client_id);
        let code = code.ok_or(Refusal::InvalidGrant("the code is not known"))?;
        if code.redirect_uri != redirect_uri {
            return Err(Refusal::InvalidGrant("the redirect_uri is not the one that the code was sent to"));
        }
        if !code.challenge.is_of(verifier) {
            return Err(Refusal::InvalidGrant("the code_verifier is not that of the code_challenge"));
        }
        let grant = Arc::clone(&code.grant);
        if code.used {
            self.revoke(&grant);
            return Err(Refusal::InvalidGrant("the code was redeemed before, and what it gave is revoked"));
        }
        if now >= code.expires {
            return Err(Refusal::InvalidGrant("the code has expired"));
        }
        code.used = true;
        Ok(grant)
    }

    fn redeem_refresh_token(
        &mut self,
        client_id: &str,
        token: &str,
        scope: Option<&str>,
        now: Timestamp,
    ) -> Result<Arc<Grant>, Refusal> {
        let issued = self.refresh_tokens.get_mut(token);
        let issued = issued.filter(|issued| issued.grant.client_id == client_id && now < issued.expires);
        let issued = issued.ok_or(Refusal::InvalidGrant("the refresh token is not known, revoked or has expired"))?;
        let grant = Arc::clone(&issued.grant);
        if issued.used {
            self.revoke(&grant);
            return Err(Refusal::InvalidGrant("the refresh token was used before, and what came of it is revoked"));
        }
        if scope.is_some_and(|scope| !grant.scope.covers(scope)) {
            return Err(Refusal::InvalidScope);
        }
        issued.used = true;
        Ok(grant)
    }

    fn issue(
        &mut self,
        grant: Arc<Grant>,
        nonce: Option<String>,
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<Tokens, Refusal> {
        let mut id = [0; 16];
        random.fill(&mut id)?;
        let mut claims = grant.person.claims();
        for (name, value) in [
            ("iss", json!(self.toy.issuer().as_str())),
            ("aud", json!(grant.client_id)),
            ("iat", json!(now.unix())),
            ("exp", json!(now.unix() + LIFETIME)),
            ("auth_time", json!(grant.auth_time.unix())),
            ("jti", json!(hex(&id))),
        ] {
            claims.insert(name.to_owned(), value);
        }
        if let Some(nonce) = nonce {
            claims.insert("nonce".to_owned(), json!(nonce));
        }
        let access_token = draw(random)?;
        let refresh_token = if grant.scope.has("offline_access") { Some(draw(random)?) } else { None };
        let issued = |expires| Issued { grant: Arc::clone(&grant), expires, used: false };
        self.access_tokens.insert(access_token.clone(), issued(now + LIFETIME));
        if let Some(token) = &refresh_token {
            self.refresh_tokens.insert(token.clone(), issued(now + REFRESH_LIFETIME));
        }
        Ok(Tokens {
            id_token: self.toy.sign(&Value::Object(claims)),
            access_token,
            token_type: "Bearer",
            expires_in: LIFETIME,
            scope: grant.scope.to_string(),
            refresh_token,
        })
    }

    /// Ends everything that came of one sign-in.
    fn revoke(&mut self, grant: &Arc<Grant>) {
        let others = |issued: &Issued| !Arc::ptr_eq(&issued.grant, grant);
        self.access_tokens.retain(others);
        self.refresh_tokens.retain(others);
    }
}
