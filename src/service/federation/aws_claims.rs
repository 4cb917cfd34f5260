//! The claims that AWS defines: session tags and the source identity. They decide what a session is, so their form is strict.

use brevet_validator::identity::is_name;

use super::json::{Object, Value};
use super::refusal::TokenRefusal;
use crate::service::parameters::{TAG_KEY, TAG_VALUE, Text};

const TAGS: &str = "https://aws.amazon.com/tags";
const PRINCIPAL_TAGS: &str = "principal_tags";
const TRANSITIVE_TAG_KEYS: &str = "transitive_tag_keys";
const SOURCE_IDENTITY: &str = "https://aws.amazon.com/source_identity";

/// Most tags of a session.
pub(super) const MAX_TAGS: usize = 50;

/// What a token says of the session that is made from it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct AwsClaims {
    /// Keys and values.
    pub(super) principal_tags: Vec<(String, String)>,
    pub(super) transitive_tag_keys: Vec<String>,
    pub(super) source_identity: Option<String>,
}

/// Whether a claim is one of these, in whatever form.
pub(super) fn is_one(name: &str) -> bool {
    name == SOURCE_IDENTITY || name == TAGS || tags_member(name).is_some()
}

/// The member of the tags that a claim is in the form without nesting: `https://aws.amazon.com/tags/principal_tags`.
fn tags_member(name: &str) -> Option<&str> {
    name.strip_prefix(TAGS)?.strip_prefix('/')
}

impl AwsClaims {
    pub(super) fn read(payload: &Object) -> Result<Self, TokenRefusal> {
        let mut claims = Self { source_identity: source_identity(payload)?, ..Self::default() };
        let flat = payload.iter().filter_map(|(name, value)| Some((tags_member(name)?, value)));
        let mut members: Vec<_> = flat.collect();
        match payload.get(TAGS) {
            None => {}
            Some(Value::Object(nested)) if members.is_empty() => members.extend(nested.iter()),
            // Not an object; or in both forms at once, which could disagree.
            Some(_) => return Err(TokenRefusal::Tags),
        }
        for (member, value) in members {
            match (member, value) {
                (PRINCIPAL_TAGS, Value::Object(tags)) => claims.principal_tags = principal_tags(tags)?,
                (TRANSITIVE_TAG_KEYS, Value::Array(keys)) => claims.transitive_tag_keys = transitive_tag_keys(keys)?,
                _ => return Err(TokenRefusal::Tags),
            }
        }
        Ok(claims)
    }
}

/// `{"key": ["value"], …}`: one value each.
fn principal_tags(tags: &Object) -> Result<Vec<(String, String)>, TokenRefusal> {
    let tags: Vec<_> = tags
        .iter()
        .map(|(key, value)| match value {
            Value::Array(values) => match values.as_slice() {
                [value] => Ok((checked(key, &TAG_KEY)?, text(value, &TAG_VALUE)?)),
                _ => Err(TokenRefusal::Tags),
            },
            _ => Err(TokenRefusal::Tags),
        })
        .collect::<Result<_, _>>()?;
    if tags.len() > MAX_TAGS { Err(TokenRefusal::Tags) } else { Ok(tags) }
}

fn transitive_tag_keys(keys: &[Value]) -> Result<Vec<String>, TokenRefusal> {
    if keys.len() > MAX_TAGS {
        return Err(TokenRefusal::Tags);
    }
    keys.iter().map(|key| text(key, &TAG_KEY)).collect()
}

fn text(value: &Value, bounds: &Text) -> Result<String, TokenRefusal> {
    match value {
        Value::String(text) => checked(text, bounds),
        _ => Err(TokenRefusal::Tags),
    }
}

fn checked(text: &str, bounds: &Text) -> Result<String, TokenRefusal> {
    bounds.check(text, "").map(str::to_owned).map_err(|_| TokenRefusal::Tags)
}

fn source_identity(payload: &Object) -> Result<Option<String>, TokenRefusal> {
    match payload.get(SOURCE_IDENTITY) {
        None => Ok(None),
        Some(Value::String(name)) if is_source_identity(name) => Ok(Some(name.clone())),
        Some(_) => Err(TokenRefusal::SourceIdentity),
    }
}

/// `sourceIdentityType`
pub(super) fn is_source_identity(name: &str) -> bool {
    (2..=64).contains(&name.len()) && is_name(name)
}
