//! What is asked for a signing key, and what is answered.

use brevet_validator::identity::Principal;
use brevet_validator::secret::Secret;
use brevet_validator::signature::{Scope, SigningKey};
use brevet_validator::timestamp::Timestamp;
use brevet_validator::token;
use serde_json::{Value, json};

use crate::service::directory::Tag;
use crate::service::error::Error;
use crate::service::parameters::{Text, shown};
use crate::service::zones;

const ACCESS_KEY_ID: Text = Text { min: 16, max: 128, pattern: r"[\w]*", matches: is_word, shown: true };
const SECURITY_TOKEN: Text =
    Text { min: 1, max: token::MAX_LENGTH, pattern: r"[\w-]+", matches: is_token, shown: false };
const DATE: Text = Text { min: 8, max: 8, pattern: "[0-9]{8}", matches: is_number, shown: true };
const SCOPE_PART: Text = Text { min: 1, max: 128, pattern: r"[\w.-]+", matches: is_scope_part, shown: true };

/// Which key, as it came off the wire.
#[derive(Clone, Debug)]
pub struct GetSigningKey {
    /// The zone that the scope is in.
    pub zone: String,
    /// Whose key.
    pub access_key_id: String,
    /// Of a session.
    pub security_token: Option<Secret<String>>,
    /// `YYYYMMDD`
    pub date: String,
    /// As requests are signed for it.
    pub region: String,
    /// As requests are signed for it.
    pub service: String,
}

/// The same, in good form.
pub(super) struct Asked<'a> {
    pub(super) access_key_id: &'a str,
    pub(super) security_token: Option<&'a str>,
    scope: String,
}

impl Asked<'_> {
    pub(super) fn scope(&self) -> Result<Scope<'_>, Error> {
        Scope::parse(&self.scope).ok_or_else(|| Error::internal("parts in good form make no scope"))
    }
}

impl GetSigningKey {
    pub(super) fn check(&self) -> Result<Asked<'_>, Error> {
        zones::NAME.check(&self.zone, "zone")?;
        let access_key_id = ACCESS_KEY_ID.check(&self.access_key_id, "accessKeyId")?;
        let security_token = self.security_token.as_ref().map(|token| token.expose().as_str());
        let date = DATE.check(&self.date, "date")?;
        let region = SCOPE_PART.check(&self.region, "region")?;
        let service = SCOPE_PART.check(&self.service, "service")?;
        Ok(Asked {
            access_key_id,
            security_token: security_token.map(|token| SECURITY_TOKEN.check(token, "securityToken")).transpose()?,
            scope: format!("{date}/{region}/{service}/aws4_request"),
        })
    }

    /// What the audit record keeps.
    pub fn audit_parameters(&self) -> Value {
        json!({
            "zone": shown(&self.zone),
            "accessKeyId": shown(&self.access_key_id),
            "date": shown(&self.date),
            "region": shown(&self.region),
            "service": shown(&self.service),
        })
    }
}

/// A signing key, and whose it is.
#[derive(Clone, Debug)]
pub struct KeyAndOwner {
    /// Good for one date, region and service.
    pub signing_key: SigningKey,
    /// By the name and path of today.
    pub principal: Principal,
    /// Of a user's long-lived key: its documents, inline and managed.
    pub identity_policies: Vec<String>,
    /// Of a user's long-lived key.
    pub permissions_boundary: Option<String>,
    /// Of a user's long-lived key.
    pub tags: Vec<Tag>,
    /// Of the directory that answered.
    pub revision: u64,
    /// When it must be asked for again.
    pub cache_until: Timestamp,
}

impl KeyAndOwner {
    /// What the audit record keeps.
    pub fn audit_elements(&self) -> Value {
        json!({ "principalArn": self.principal.arn().as_str(), "principalId": self.principal.user_id() })
    }
}

fn is_word(text: &str) -> bool {
    text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_')
}

fn is_token(text: &str) -> bool {
    text.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-'))
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|c| c.is_ascii_digit())
}

fn is_scope_part(text: &str) -> bool {
    text.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'.' | b'-'))
}
