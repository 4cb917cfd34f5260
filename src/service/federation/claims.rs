//! The registered claims of an identity token (RFC 7519 §4.1, OpenID Connect Core 1.0 §2): their types, then their rules.

use brevet_validator::timestamp::Timestamp;

use super::expectation::Expectation;
use super::json::{Object, Value};
use super::refusal::TokenRefusal;
use crate::service::parameters::is_forging;

/// Most characters of `sub`, as OpenID Connect has it; of `jti` too, so that it can be a key of the store.
const MAX_TEXT: usize = 255;

/// The registered claims. Each has the type that its RFC gives it.
pub(super) struct Claims {
    pub(super) issuer: String,
    pub(super) subject: String,
    /// As signed; not empty.
    pub(super) audiences: Vec<String>,
    /// `azp`
    pub(super) authorized_party: Option<String>,
    pub(super) expires_at: Timestamp,
    pub(super) issued_at: Timestamp,
    pub(super) not_before: Option<Timestamp>,
    pub(super) id: Option<String>,
}

impl Claims {
    pub(super) fn read(payload: &Object) -> Result<Self, TokenRefusal> {
        Ok(Self {
            issuer: issuer(payload)?.to_owned(),
            subject: subject(payload)?,
            audiences: audiences(payload)?,
            authorized_party: text(payload, "azp")?.map(str::to_owned),
            expires_at: required(date(payload, "exp")?, "exp")?,
            issued_at: required(date(payload, "iat")?, "iat")?,
            not_before: date(payload, "nbf")?,
            id: id(payload)?,
        })
    }

    /// Whether these claims are what is expected, at this time. Says for which of the client ids.
    pub(super) fn check(&self, expected: &Expectation<'_>, now: Timestamp) -> Result<&str, TokenRefusal> {
        if self.issuer != expected.issuer.as_str() {
            return Err(TokenRefusal::Issuer);
        }
        let audience = self.audience(expected.client_ids)?;
        self.check_times(expected, now)?;
        Ok(audience)
    }

    /// RFC 7519 §4.1.3 and OpenID Connect Core 1.0 §3.1.3.7, steps 3 to 5: one audience is ours, and whoever the token was
    /// issued to is one of our clients. As in AWS, that party is the audience where it is named.
    fn audience(&self, client_ids: &[String]) -> Result<&str, TokenRefusal> {
        let is_ours = |name: &&String| client_ids.contains(name);
        let ours = self.audiences.iter().find(is_ours).ok_or(TokenRefusal::Audience)?;
        match &self.authorized_party {
            Some(party) if is_ours(&party) => Ok(party),
            Some(_) => Err(TokenRefusal::AuthorizedParty),
            None if self.audiences.len() == 1 => Ok(ours),
            None => Err(TokenRefusal::Audience),
        }
    }

    /// RFC 7519 §4.1.4 to §4.1.6, with some leeway for clocks, and a bound on how long a token may be good at all.
    fn check_times(&self, expected: &Expectation<'_>, now: Timestamp) -> Result<(), TokenRefusal> {
        let leeway = i64::from(expected.leeway);
        if now >= self.expires_at + leeway {
            return Err(TokenRefusal::Expired { expired_at: self.expires_at, now });
        }
        for begins_at in [self.not_before, Some(self.issued_at)].into_iter().flatten() {
            if begins_at - now > leeway {
                return Err(TokenRefusal::NotYetValid { begins_at, now });
            }
        }
        let seconds = self.expires_at - self.issued_at;
        if seconds <= 0 || seconds > i64::from(expected.max_lifetime) {
            return Err(TokenRefusal::Lifetime { seconds, most: expected.max_lifetime });
        }
        Ok(())
    }
}

/// One text: a list of issuers is none.
pub(super) fn issuer(payload: &Object) -> Result<&str, TokenRefusal> {
    required(text(payload, "iss")?, "iss")
}

/// Kept byte for byte. What could forge a line or hide in it is refused, for `sub` is in answers and records.
fn subject(payload: &Object) -> Result<String, TokenRefusal> {
    let subject = required(text(payload, "sub")?, "sub")?;
    if is_short(subject) && !subject.chars().any(|c| is_forging(c) || is_noncharacter(c)) {
        Ok(subject.to_owned())
    } else {
        Err(TokenRefusal::Form("sub"))
    }
}

/// A string or an array of strings; one of either is the same.
fn audiences(payload: &Object) -> Result<Vec<String>, TokenRefusal> {
    let form = TokenRefusal::Form("aud");
    match payload.get("aud") {
        None => Err(TokenRefusal::Missing("aud")),
        Some(Value::String(one)) => Ok(vec![one.clone()]),
        Some(Value::Array(values)) if !values.is_empty() => {
            let text = |value: &Value| match value {
                Value::String(text) => Ok(text.clone()),
                _ => Err(form),
            };
            values.iter().map(text).collect()
        }
        Some(_) => Err(form),
    }
}

fn id(payload: &Object) -> Result<Option<String>, TokenRefusal> {
    match text(payload, "jti")? {
        Some(id) if !is_short(id) => Err(TokenRefusal::Form("jti")),
        id => Ok(id.map(str::to_owned)),
    }
}

/// `NumericDate` (RFC 7519 §2) of whole seconds, as AWS documents it. A fraction is allowed by the RFC, and read as one
/// second or the other by its readers; no issuer writes any.
fn date(payload: &Object, name: &'static str) -> Result<Option<Timestamp>, TokenRefusal> {
    let form = TokenRefusal::Form(name);
    match payload.get(name) {
        None => Ok(None),
        Some(Value::Integer(seconds)) => {
            i64::try_from(*seconds).ok().and_then(Timestamp::from_unix).map(Some).ok_or(form)
        }
        Some(_) => Err(form),
    }
}

/// A claim that is a string if it is there. `null` is not.
fn text<'a>(payload: &'a Object, name: &'static str) -> Result<Option<&'a str>, TokenRefusal> {
    match payload.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(TokenRefusal::Form(name)),
    }
}

fn required<T>(claim: Option<T>, name: &'static str) -> Result<T, TokenRefusal> {
    claim.ok_or(TokenRefusal::Missing(name))
}

fn is_short(text: &str) -> bool {
    !text.is_empty() && text.chars().count() <= MAX_TEXT
}

/// Code points that never become characters (Unicode, §23.7).
fn is_noncharacter(c: char) -> bool {
    matches!(c, '\u{fdd0}'..='\u{fdef}') || u32::from(c) & 0xfffe == 0xfffe
}
