//! Signing keys for the validators of a zone: of long-lived keys, which they do not know, and of sessions whose token has
//! no box for the zone.

mod request;
#[cfg(test)]
mod tests;

pub use request::{GetSigningKey, KeyAndOwner};

use std::hint::black_box;

use brevet_validator::credential::{AccessKeyId, KeyKind, SecretKey};
use brevet_validator::identity::Principal;
use brevet_validator::signature::{Scope, SigningKey};
use brevet_validator::timestamp::Timestamp;
use brevet_validator::token::{KeyRing, SessionSecret, session_dates};

use self::request::Asked;
use super::caller::{Caller, long_lived_key, session_principal};
use super::directory::{Grants, Snapshot};
use super::error::{Error, Kind};
use super::zones;

/// Policies are not pushed, so what came with a key is asked for again after so many seconds.
const MAX_CACHED: i64 = 5 * 60;
/// How far a request's date may be from now, in seconds.
const REQUEST_WINDOW: i64 = 15 * 60;
const DAY: i64 = 86_400;

/// Stands in for a boundary that is gone, which must not set free what it bounded.
const NOTHING: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}"#;

/// The signing key of an access key, for one date, region and service of a zone. `ring` is that of the STS.
///
/// Whatever is the matter with the key that is asked for is one answer, and takes the time that a good one takes.
pub fn get_signing_key(caller: &Caller, ring: &KeyRing, input: &GetSigningKey) -> Result<KeyAndOwner, Error> {
    let asked = input.check()?;
    zones::permit(caller, "GetSigningKey", &input.zone)?;
    let scope = asked.scope()?;
    let owner = find(caller, ring, &asked, scope);
    let nobody = SecretKey::new("0".repeat(SecretKey::LENGTH));
    let secret = owner.as_ref().map_or(&nobody, |owner| &owner.secret);
    let signing_key = black_box(SigningKey::derive(secret, scope));
    let absent = || Error::new(Kind::NoSuchEntity, "There is no such key for this scope.");
    let end = end_of_use(caller, &input.zone, scope).ok_or_else(absent)?;
    Ok(answer(caller.snapshot(), owner.ok_or_else(absent)?, signing_key, end))
}

/// Whose key it is, and what it is derived from.
struct Owner {
    secret: SecretKey,
    principal: Principal,
    is_session: bool,
    expires_at: Option<Timestamp>,
}

/// Until when the key may be kept; `None` if it is none of the zone's, or of another day.
fn end_of_use(caller: &Caller, zone: &str, scope: Scope<'_>) -> Option<Timestamp> {
    let (snapshot, now) = (caller.snapshot(), caller.now());
    let zone = zones::exported(snapshot, zone).ok()?;
    if !zones::covers(snapshot, &zone, scope.region(), scope.service()) {
        return None;
    }
    let day = [-DAY, 0, DAY].into_iter().map(|offset| now + offset).find(|day| day.to_scope_date() == scope.date())?;
    let midnight = Timestamp::from_unix(day.unix() / DAY * DAY + DAY)?;
    Some((now + MAX_CACHED).min(midnight + REQUEST_WINDOW))
}

fn find(caller: &Caller, ring: &KeyRing, asked: &Asked<'_>, scope: Scope<'_>) -> Option<Owner> {
    let id: AccessKeyId = asked.access_key_id.parse().ok()?;
    match (id.kind(), asked.security_token) {
        (KeyKind::LongLived, None) => {
            let key = long_lived_key(caller.snapshot(), id, caller.now())?;
            let expires_at = caller.snapshot().access_key(id)?.expires_at;
            Some(Owner { secret: key.secret, principal: key.principal, is_session: false, expires_at })
        }
        (KeyKind::Temporary, Some(token)) => of_session(caller, ring, id, token, scope),
        _ => None,
    }
}

fn of_session(caller: &Caller, ring: &KeyRing, id: AccessKeyId, token: &str, scope: Scope<'_>) -> Option<Owner> {
    let session = ring.open(token, id.as_str(), caller.now()).ok()?;
    let principal = session_principal(caller.snapshot(), &session)?;
    if !session_dates(session.lifetime).iter().any(|date| date == scope.date()) {
        return None;
    }
    match session.secret {
        SessionSecret::SecretKey(secret) => {
            Some(Owner { secret, principal, is_session: true, expires_at: Some(session.lifetime.expires_at) })
        }
        // The box of the STS holds nothing else.
        _ => None,
    }
}

fn answer(snapshot: &Snapshot, owner: Owner, signing_key: SigningKey, end: Timestamp) -> KeyAndOwner {
    let Owner { principal, is_session, expires_at, .. } = owner;
    // A session's permissions are its own affair, and root has no policies.
    let grants = match &principal {
        Principal::User { account, name, .. } if !is_session => snapshot.user(*account, name).map(|user| &user.grants),
        _ => None,
    };
    let documents =
        |grants: &Grants| snapshot.identity_policies(grants).map(|document| document.text.to_string()).collect();
    let boundary = |grants: &Grants| match snapshot.boundary(grants) {
        Ok(boundary) => boundary.map(|named| named.document.text.to_string()),
        Err(_) => Some(NOTHING.to_owned()),
    };
    KeyAndOwner {
        signing_key,
        identity_policies: grants.map(documents).unwrap_or_default(),
        permissions_boundary: grants.and_then(boundary),
        tags: grants.map(|grants| grants.tags.clone()).unwrap_or_default(),
        revision: snapshot.revision.0,
        cache_until: expires_at.map_or(end, |expires_at| end.min(expires_at)),
        principal,
    }
}
