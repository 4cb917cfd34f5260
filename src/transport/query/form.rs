//! The parameters of an AWS Query request: one strict reading of query string and form body, in which every name occurs
//! once and every parameter must be used.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet};

use crate::service::error::{Error, Kind};

/// Most parameters of one request: more than the fullest operation can use.
const MAX_PARAMETERS: usize = 512;
/// Highest index of a list, which is the longest list that any operation takes but for simulations.
pub const MAX_MEMBERS: usize = 50;
/// Highest index of the lists of names of a simulation.
pub const LONG_LIST: usize = 256;

/// Names whose meaning must not depend on who folds case, and how.
const CASE_BOUND: [&str; 9] = [
    "Action",
    "Version",
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
    "X-Amz-SignedHeaders",
];

/// Parameters that wait to be taken by an operation.
#[derive(Debug, Default)]
pub struct Form {
    parameters: BTreeMap<String, String>,
}

impl Form {
    /// Reads `application/x-www-form-urlencoded` from the query string and the body of one request.
    ///
    /// [`Kind::MalformedQueryString`]: a bad percent escape, bytes that are not UTF-8, an empty name, a name that occurs
    /// twice in any spelling and place, or a case variant of a name that decides what the request is.
    /// [`Kind::ValidationError`]: more parameters than any operation takes.
    ///
    /// `X-Amz-*` parameters of the query string belong to the signature, which covers and reads them; they are dropped.
    pub fn read(query: &str, body: &[u8]) -> Result<Self, Error> {
        let mut parameters = BTreeMap::new();
        let mut seen = HashSet::new();
        let pairs = |bytes| split(bytes).filter(|pair: &&[u8]| !pair.is_empty());
        let in_query = pairs(query.as_bytes()).map(|pair| (pair, true));
        let in_body = pairs(body).map(|pair| (pair, false));
        for (count, (pair, in_query)) in in_query.chain(in_body).enumerate() {
            if count == MAX_PARAMETERS {
                return Err(Error::validation(format!("A request has at most {MAX_PARAMETERS} parameters.")));
            }
            let (name, value) = read_pair(pair)?;
            if !seen.insert(name.to_ascii_lowercase()) {
                return Err(malformed(format!("The parameter {} occurs more than once.", quoted(&name))));
            }
            if !(in_query && has_prefix(&name, "x-amz-")) {
                parameters.insert(name, value);
            }
        }
        Ok(Self { parameters })
    }

    /// Takes a parameter. An absent one is `None`; one without a value is the empty string.
    pub fn take(&mut self, name: &str) -> Option<String> {
        self.parameters.remove(name)
    }

    /// Takes `Name.member.1`, `Name.member.2`, … in order. `Name=` alone is an empty list, as is nothing at all.
    pub fn take_list(&mut self, name: &str) -> Result<Vec<String>, Error> {
        let members = self.take_structs(name, [""])?;
        Ok(members.into_iter().map(|[value]| value.unwrap_or_default()).collect())
    }

    /// Takes a list like [`Form::take_list`], of up to [`LONG_LIST`] members.
    pub fn take_long_list(&mut self, name: &str) -> Result<Vec<String>, Error> {
        let values = |members: Vec<Form>| {
            members.into_iter().enumerate().map(|(i, mut member)| {
                let value = member.take("").unwrap_or_default();
                member.all_taken(name, i)?;
                Ok(value)
            })
        };
        values(self.take_members(name, LONG_LIST)?).collect()
    }

    /// Takes a list of structures: `Name.member.1.Field`, …. Absent fields are `None`; unknown ones are refused.
    pub fn take_structs<const N: usize>(
        &mut self,
        name: &str,
        fields: [&str; N],
    ) -> Result<Vec<[Option<String>; N]>, Error> {
        let members = self.take_members(name, MAX_MEMBERS)?.into_iter().enumerate();
        let read = members.map(|(i, mut member)| {
            let values = fields.map(|field| member.take(field));
            member.all_taken(name, i)?;
            Ok(values)
        });
        read.collect()
    }

    /// Takes a list of up to `most` members that have lists and structures of their own: `Name.member.1.…`, each as the
    /// form of what is below it.
    pub fn take_members(&mut self, name: &str, most: usize) -> Result<Vec<Form>, Error> {
        let mut members: BTreeMap<usize, Form> = BTreeMap::new();
        for (path, value) in self.take_below(name) {
            let Some((index, field)) = read_member(&path[name.len()..], most) else {
                return Err(invalid_parameter(&path));
            };
            members.entry(index).or_default().parameters.insert(field.to_owned(), value);
        }
        if members.keys().zip(1..).any(|(index, expected)| *index != expected) {
            return Err(Error::validation(format!("The members of {name} must be numbered from 1 without gaps.")));
        }
        match self.take(name) {
            None => Ok(members.into_values().collect()),
            Some(value) if value.is_empty() && members.is_empty() => Ok(Vec::new()),
            Some(_) => Err(Error::validation(format!("The parameter {name} is a list: write {name}.member.1."))),
        }
    }

    /// Takes a structure, `Name.…`, as the form of what is below it; `None` if nothing is.
    pub fn take_struct(&mut self, name: &str) -> Option<Form> {
        let below = self.take_below(name).into_iter();
        let parameters: BTreeMap<String, String> =
            below.map(|(path, value)| (path[name.len() + 1..].to_owned(), value)).collect();
        (!parameters.is_empty()).then_some(Self { parameters })
    }

    /// Refuses what is left of the member of a list.
    pub fn all_taken(&self, list: &str, index: usize) -> Result<(), Error> {
        match self.parameters.keys().next() {
            None => Ok(()),
            Some(rest) if rest.is_empty() => Err(invalid_parameter(&format!("{list}.member.{}", index + 1))),
            Some(rest) => Err(invalid_parameter(&format!("{list}.member.{}.{rest}", index + 1))),
        }
    }

    /// Refuses what no one has taken, because a parameter that is ignored is a promise that is not kept.
    pub fn finish(self) -> Result<(), Error> {
        match self.parameters.into_keys().next() {
            None => Ok(()),
            Some(name) => {
                Err(Error::validation(format!("The parameter {} is not known to this operation.", quoted(&name))))
            }
        }
    }

    /// Takes everything named `Name.…`.
    fn take_below(&mut self, name: &str) -> Vec<(String, String)> {
        let prefix = format!("{name}.");
        let paths: Vec<String> = self
            .parameters
            .range(prefix.clone()..)
            .map(|(path, _)| path.clone())
            .take_while(|path| path.starts_with(&prefix))
            .collect();
        paths.into_iter().filter_map(|path| self.parameters.remove_entry(&path)).collect()
    }
}

fn split(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|byte| *byte == b'&')
}

fn read_pair(pair: &[u8]) -> Result<(String, String), Error> {
    let (name, value) = match pair.iter().position(|byte| *byte == b'=') {
        Some(equals) => (&pair[..equals], &pair[equals + 1..]),
        None => (pair, &[][..]),
    };
    let (name, value) = (decode(name)?, decode(value)?);
    if name.is_empty() {
        return Err(malformed("A parameter has no name."));
    }
    if CASE_BOUND.iter().any(|bound| name != *bound && name.eq_ignore_ascii_case(bound)) {
        return Err(malformed(format!("The parameter {} is written in the wrong case.", quoted(&name))));
    }
    Ok((name, value))
}

/// Percent decoding that refuses what it cannot read, `+` being a space.
fn decode(encoded: &[u8]) -> Result<String, Error> {
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut rest = encoded;
    while let [first, tail @ ..] = rest {
        rest = tail;
        match first {
            b'+' => decoded.push(b' '),
            b'%' => {
                let [high, low, tail @ ..] = tail else {
                    return Err(malformed("A percent escape is incomplete."));
                };
                let (Some(high), Some(low)) = (hex(*high), hex(*low)) else {
                    return Err(malformed("A percent escape is not two hexadecimal digits."));
                };
                decoded.push(high << 4 | low);
                rest = tail;
            }
            byte => decoded.push(*byte),
        }
    }
    String::from_utf8(decoded).map_err(|_| malformed("A parameter is not UTF-8."))
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// `.member.N` or `.member.N.Field`: the index and the field, which is empty in the first form.
fn read_member(path: &str, most: usize) -> Option<(usize, &str)> {
    let path = path.strip_prefix(".member.")?;
    let (index, field) = match path.split_once('.') {
        Some((_, "")) => return None,
        Some((index, field)) => (index, field),
        None => (path, ""),
    };
    let canonical = index.bytes().all(|byte| byte.is_ascii_digit()) && !index.starts_with('0');
    let index = index.parse().ok().filter(|index| canonical && (1..=most).contains(index))?;
    Some((index, field))
}

fn has_prefix(name: &str, prefix: &str) -> bool {
    name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// Text that a stranger chose, fit for a message: escaped and cut.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(128).flat_map(char::escape_debug).collect()
}

fn quoted(name: &str) -> String {
    format!("'{}'", shown(name))
}

fn invalid_parameter(path: &str) -> Error {
    Error::validation(format!("The parameter {} is not valid.", quoted(path)))
}

fn malformed(message: impl Into<String>) -> Error {
    Error::new(Kind::MalformedQueryString, message)
}
