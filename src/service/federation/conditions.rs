//! Claims as values that conditions of policies can be asked of.

use std::collections::HashSet;

use super::aws_claims;
use super::claims::Claims;
use super::json::{Object, Value};
use super::refusal::TokenRefusal;

/// Longest name that becomes a condition key, in bytes, so that deep nesting does not multiply the size of a token.
pub(super) const MAX_NAME: usize = 1_024;

/// A claim as a policy sees it: text, and nothing in it has a meaning (no wildcards, no variables, no lists in a string).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Claim {
    /// Its name, with those of the objects that it is nested in before it: `kubernetes.io/namespace`.
    pub name: String,
    /// What it says.
    pub value: ClaimValue,
}

/// The value of a claim. Numbers and booleans are text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ClaimValue {
    /// Of a string, a number or a boolean.
    One(String),
    /// Of an array of these; not empty.
    Many(Vec<String>),
}

/// All claims that a condition can be asked of.
///
/// `aud` is the client id that was accepted, `oaud` what the token says, as in AWS. AWS's own claims are session tags and
/// source identity, and no claims. `null`, and arrays that hold more than strings, numbers and booleans, have no value.
pub(super) fn claims(payload: &Object, claims: &Claims, audience: &str) -> Result<Vec<Claim>, TokenRefusal> {
    let mut flat = Flat::default();
    flat.add("aud".to_owned(), ClaimValue::One(audience.to_owned()))?;
    flat.add("oaud".to_owned(), many(claims.audiences.clone()))?;
    for (name, value) in payload.iter() {
        let is_set = ["aud", "oaud"].contains(&folded(name).as_str());
        if !is_set && !aws_claims::is_one(name) {
            flat.add_value(name.to_owned(), value)?;
        }
    }
    Ok(flat.claims)
}

#[derive(Default)]
struct Flat {
    claims: Vec<Claim>,
    names: HashSet<String>,
}

impl Flat {
    /// The reader of JSON has bounded how deep this goes.
    fn add_value(&mut self, name: String, value: &Value) -> Result<(), TokenRefusal> {
        match value {
            Value::Object(object) => {
                for (member, value) in object.iter().filter(|(member, _)| name.len() + member.len() < MAX_NAME) {
                    self.add_value(format!("{name}/{member}"), value)?;
                }
                Ok(())
            }
            Value::Array(values) => match values.iter().map(scalar).collect::<Option<Vec<_>>>() {
                Some(values) if !values.is_empty() => self.add(name, ClaimValue::Many(values)),
                _ => Ok(()),
            },
            _ => scalar(value).map_or(Ok(()), |value| self.add(name, ClaimValue::One(value))),
        }
    }

    /// Condition keys are blind to case: with `sub` and `Sub` in one token, the second would stand for the first.
    fn add(&mut self, name: String, value: ClaimValue) -> Result<(), TokenRefusal> {
        if name.len() > MAX_NAME {
            return Ok(());
        }
        if !self.names.insert(folded(&name)) {
            return Err(TokenRefusal::SameName);
        }
        self.claims.push(Claim { name, value });
        Ok(())
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::Bool(value) => Some(value.to_string()),
        Value::Integer(value) => Some(value.to_string()),
        Value::Float(value) => Some(value.to_string()),
        Value::String(value) => Some(value.clone()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn many(mut values: Vec<String>) -> ClaimValue {
    match values.pop() {
        Some(one) if values.is_empty() => ClaimValue::One(one),
        last => {
            values.extend(last);
            ClaimValue::Many(values)
        }
    }
}

/// A name without its case, character by character as condition keys are compared.
fn folded(name: &str) -> String {
    name.chars().flat_map(char::to_lowercase).collect()
}
