//! The keys that an issuer publishes: a JSON Web Key Set (RFC 7517 §5), from which the unfit ones have been left out.

use std::collections::HashMap;

use super::algorithm::Algorithm;
use super::json::{Limits, Value, read_object};
use super::jwk::{BadKey, Jwk};

/// Largest document, in bytes: a fetcher need not read more.
pub const MAX_KEY_SET_BYTES: usize = 256 * 1024;

/// Most keys of a set.
pub const MAX_KEYS: usize = 50;

/// Room for what issuers put beside their keys, such as certificates.
const LIMITS: Limits = Limits { members: 2_048, elements: 2_048 };

/// The usable keys of one issuer. May be empty: an issuer can withdraw all it had.
#[derive(Clone, Debug, Default)]
pub struct KeySet {
    keys: Vec<Jwk>,
    dropped: Vec<DroppedKey>,
}

/// A published key that is not used.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DroppedKey {
    /// Its place in the document, from 0.
    pub index: usize,
    /// Its id, if it has one that can be used.
    pub kid: Option<String>,
    /// What is wrong with it.
    pub why: BadKey,
}

/// A document that is no key set.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidKeySet {
    /// More than 256 KiB.
    #[error("the key set has more than 262144 bytes")]
    TooLarge,
    /// Not a JSON object, a name twice in an object, nested too deep, or too many values.
    #[error("the key set is not a JSON object, or not one that every reader reads alike")]
    Json,
    /// No array `keys`.
    #[error("the key set has no array `keys`")]
    NoKeys,
    /// More than 50 keys.
    #[error("the key set has more than 50 keys")]
    TooManyKeys,
}

/// Why no key of a set can be used with a token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum NoKey {
    /// None has that id. Without an id: none fits the algorithm.
    Unknown,
    /// The key of that id is for another algorithm.
    Algorithm,
    /// The token names no key, and more than one fits.
    Ambiguous,
}

impl KeySet {
    /// Reads a document. A bad key costs itself, not the others.
    pub fn parse(json: &[u8]) -> Result<Self, InvalidKeySet> {
        if json.len() > MAX_KEY_SET_BYTES {
            return Err(InvalidKeySet::TooLarge);
        }
        let document = read_object(json, LIMITS).map_err(|_| InvalidKeySet::Json)?;
        let Some(Value::Array(published)) = document.get("keys") else { return Err(InvalidKeySet::NoKeys) };
        if published.len() > MAX_KEYS {
            return Err(InvalidKeySet::TooManyKeys);
        }
        let mut set = Self::default();
        let mut good = Vec::new();
        for (index, value) in published.iter().enumerate() {
            match Jwk::read(value) {
                Ok(key) => good.push((index, key)),
                Err(why) => set.dropped.push(DroppedKey { index, kid: kid(value), why }),
            }
        }
        set.keep_unique(good);
        Ok(set)
    }

    /// Two good keys of one id both go: which of them an issuer means cannot be told. RFC 7517 §4.5 has ids unique but for
    /// equivalent keys of different types, which issuers of identity tokens do not have.
    fn keep_unique(&mut self, keys: Vec<(usize, Jwk)>) {
        let mut counts = HashMap::<String, usize>::new();
        for kid in keys.iter().filter_map(|(_, key)| key.kid.clone()) {
            *counts.entry(kid).or_default() += 1;
        }
        for (index, key) in keys {
            if key.kid.as_ref().is_some_and(|kid| counts.get(kid).is_some_and(|count| *count > 1)) {
                self.dropped.push(DroppedKey { index, kid: key.kid, why: BadKey::DuplicateKid });
            } else {
                self.keys.push(key);
            }
        }
        self.dropped.sort_by_key(|dropped| dropped.index);
    }

    /// Whether a usable key has this id. If none has, the issuer may have published it since.
    pub fn has(&self, kid: &str) -> bool {
        self.keys.iter().any(|key| key.kid.as_deref() == Some(kid))
    }

    /// How many keys are usable.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether no key is usable.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The keys that are not used, in the order of the document.
    pub fn dropped(&self) -> &[DroppedKey] {
        &self.dropped
    }

    /// The key for a token. One that names none is taken only if there is no choice.
    pub(super) fn find(&self, kid: Option<&str>, algorithm: Algorithm) -> Result<&Jwk, NoKey> {
        match kid {
            Some(kid) => {
                let key = self.keys.iter().find(|key| key.kid.as_deref() == Some(kid)).ok_or(NoKey::Unknown)?;
                if key.fits(algorithm) { Ok(key) } else { Err(NoKey::Algorithm) }
            }
            None => {
                let mut fitting = self.keys.iter().filter(|key| key.fits(algorithm));
                match (fitting.next(), fitting.next()) {
                    (Some(key), None) => Ok(key),
                    (None, _) => Err(NoKey::Unknown),
                    (Some(_), Some(_)) => Err(NoKey::Ambiguous),
                }
            }
        }
    }
}

/// The id of a key that cannot be used, for whoever has to find it.
fn kid(value: &Value) -> Option<String> {
    let Value::Object(jwk) = value else { return None };
    match jwk.get("kid") {
        Some(Value::String(kid)) if kid.len() <= super::jwk::MAX_KID => Some(kid.clone()),
        _ => None,
    }
}
