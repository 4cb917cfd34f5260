//! Condition keys that no request has: misspelt ones, claims that the issuer does not make, other issuers' claims.

use super::super::document::Kind;
use super::super::error::quote;
use super::super::suggest::nearest;
use super::finding::{Code, Note};
use super::global_keys::{KEYS, is_global};
use super::statement::{Issuer, Statement, Test, glob};

pub(super) fn check(statement: &Statement<'_>, notes: &mut Vec<Note>) {
    for test in &statement.tests {
        let key = test.key();
        let is_claim = statement.issuers.iter().any(|issuer| issuer.claim(key).is_some());
        if is_claim {
            notes.extend(unknown_claim(statement, test));
        } else if key.split_once(':').is_some_and(|(prefix, _)| is_global(prefix)) {
            notes.extend(unknown_key(test));
        } else if statement.kind == Kind::Trust && statement.everyone().is_none() {
            notes.extend(foreign_claim(statement, test));
        }
    }
}

fn unknown_key(test: &Test<'_>) -> Option<Note> {
    let key = test.key();
    let (base, name) = key.split_once('/').map_or((key, None), |(base, name)| (base, Some(name)));
    let is_known = KEYS.iter().any(|known| match known.strip_suffix('/') {
        None => name.is_none() && known.eq_ignore_ascii_case(key),
        Some(known) => name.is_some_and(|name| !name.is_empty()) && known.eq_ignore_ascii_case(base),
    });
    let instead = || match name {
        Some(name) => {
            let named = KEYS.iter().filter_map(|known| known.strip_suffix('/'));
            nearest(base, named).map(|known| format!("{known}/{name}"))
        }
        None => nearest(key, KEYS),
    };
    (!is_known).then(|| {
        let message = format!("there is no condition key {}: no request has it", quote(key));
        Note::warning(Code::UnknownKey, test.written.key.at, message).suggest(instead())
    })
}

/// A claim that none of the statement's issuers makes.
fn unknown_claim(statement: &Statement<'_>, test: &Test<'_>) -> Option<Note> {
    let mut unknown = None;
    for issuer in &statement.issuers {
        let Some(claim) = issuer.claim(test.key()) else { continue };
        let claims = issuer.provider.claims;
        if claims.is_empty() || claims.iter().any(|known| glob(known, claim)) {
            return None;
        }
        unknown = Some((issuer, claim));
    }
    let (issuer, claim) = unknown?;
    let prefix = test.key().strip_suffix(claim).unwrap_or_default();
    let instead = nearest(claim, issuer.provider.claims).map(|known| format!("{prefix}{known}"));
    let message = format!("the tokens of {} have no claim {}", issuer.title(), quote(claim));
    Some(Note::warning(Code::UnknownClaim, test.written.key.at, message).suggest(instead))
}

/// A claim of an issuer that the statement does not trust.
fn foreign_claim(statement: &Statement<'_>, test: &Test<'_>) -> Option<Note> {
    let (prefix, claim) = test.key().rsplit_once(':')?;
    // Issuers have domain names; all other keys are of services or of SAML.
    if !prefix.contains('.') {
        return None;
    }
    let names: Vec<&str> = statement.issuers.iter().map(|issuer: &Issuer<'_>| issuer.name).collect();
    let only = || if let [only] = names.as_slice() { Some((*only).to_owned()) } else { None };
    let instead = nearest(prefix, &names).or_else(only).map(|name| format!("{name}:{claim}"));
    let message = format!("{} is no claim of an issuer that the statement trusts", quote(test.key()));
    Some(Note::warning(Code::UnknownClaim, test.written.key.at, message).suggest(instead))
}
