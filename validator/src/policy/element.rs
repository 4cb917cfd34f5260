//! What the elements of a policy have in common: known names, twins that exclude each other, one value or a list.

use super::error::{Fault, quote};
use super::json::{Data, Member, Text, Value};
use super::suggest::nearest;

/// An element or its `Not…` twin.
#[derive(Clone, Debug)]
pub(super) struct Element<T> {
    /// The byte at which its value begins.
    pub(super) at: usize,
    pub(super) negated: bool,
    pub(super) value: T,
}

/// The members of an object, all of whose names are known.
pub(super) struct Members(Vec<Member>);

impl Members {
    pub(super) fn of(value: Value, what: &str, known: &[&str]) -> Result<Self, Fault> {
        let members = object(value, what)?;
        match members.iter().find(|member| !known.contains(&member.name.value.as_str())) {
            None => Ok(Self(members)),
            Some(Member { name, .. }) => {
                Err(Fault::new(name.at, format!("{what} has no element {}", quote(&name.value)))
                    .suggest(nearest(&name.value, known)))
            }
        }
    }

    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        let i = self.0.iter().position(|member| member.name.value == name)?;
        Some(self.0.swap_remove(i).value)
    }

    /// The element or its twin; they exclude each other.
    pub(super) fn take_either(&mut self, name: &str, twin: &str) -> Result<Option<Element<Value>>, Fault> {
        match (self.take(name), self.take(twin)) {
            (Some(_), Some(second)) => Err(Fault::new(second.at, format!("{name} and {twin} exclude each other"))),
            (Some(value), None) => Ok(Some(Element { at: value.at, negated: false, value })),
            (None, Some(value)) => Ok(Some(Element { at: value.at, negated: true, value })),
            (None, None) => Ok(None),
        }
    }
}

impl<T> Element<T> {
    pub(super) fn try_map<U>(self, read: impl FnOnce(T) -> Result<U, Fault>) -> Result<Element<U>, Fault> {
        Ok(Element { at: self.at, negated: self.negated, value: read(self.value)? })
    }
}

pub(super) fn object(value: Value, what: &str) -> Result<Vec<Member>, Fault> {
    match value.data {
        Data::Object(members) => Ok(members),
        _ => Err(Fault::new(value.at, format!("{what} is an object"))),
    }
}

pub(super) fn string(value: Value, what: &str) -> Result<Text, Fault> {
    match value.data {
        Data::String(text) => Ok(Text { at: value.at, value: text }),
        _ => Err(Fault::new(value.at, format!("{what} is a string"))),
    }
}

/// One string or a list of at least one.
pub(super) fn strings(value: Value, what: &str) -> Result<Vec<Text>, Fault> {
    let at = value.at;
    let strings = one_or_many(value).into_iter().map(|value| string(value, what)).collect::<Result<Vec<_>, _>>()?;
    if strings.is_empty() { Err(Fault::new(at, format!("{what} is expected in the list"))) } else { Ok(strings) }
}

pub(super) fn one_or_many(value: Value) -> Vec<Value> {
    match value.data {
        Data::Array(values) => values,
        data => vec![Value { at: value.at, end: value.end, data }],
    }
}
