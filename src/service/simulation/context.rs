//! The condition keys of a simulation, under the types that AWS's `ContextKeyTypeEnum` names.

use brevet_validator::policy::{Context, ValueType};

use super::name::invalid;
use crate::service::error::Error;
use crate::service::parameters::shown;

/// The type of a key's values, and whether it may have several.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ContextKeyType {
    values: ValueType,
    is_list: bool,
}

impl ContextKeyType {
    /// AWS's words.
    pub const WORDS: [(&str, Self); 12] = {
        use ValueType::{Binary, Boolean, Date, Ip, Numeric, String};
        const fn of(values: ValueType, is_list: bool) -> ContextKeyType {
            ContextKeyType { values, is_list }
        }
        [
            ("string", of(String, false)),
            ("stringList", of(String, true)),
            ("numeric", of(Numeric, false)),
            ("numericList", of(Numeric, true)),
            ("boolean", of(Boolean, false)),
            ("booleanList", of(Boolean, true)),
            ("ip", of(Ip, false)),
            ("ipList", of(Ip, true)),
            ("binary", of(Binary, false)),
            ("binaryList", of(Binary, true)),
            ("date", of(Date, false)),
            ("dateList", of(Date, true)),
        ]
    };

    /// The type of this many texts, where none was named.
    pub fn text(count: usize) -> Self {
        Self { values: ValueType::String, is_list: count != 1 }
    }

    fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, known)| *known == self).map_or("", |(word, _)| word)
    }
}

/// A condition key that a caller makes up, as it came off the wire.
#[derive(Clone, Debug)]
pub struct ContextEntry {
    /// `prefix:name`
    pub key: String,
    /// What its values are.
    pub of: ContextKeyType,
    /// Empty for a key that the request does not have.
    pub values: Vec<String>,
}

/// Condition keys in the making: each given once, with values of its type.
#[derive(Debug, Default)]
pub struct ContextEntries(Context);

impl ContextEntries {
    /// AWS's `ContextKeyNameType`.
    const NAME: std::ops::RangeInclusive<usize> = 5..=256;

    /// Reads a list of them.
    pub fn read(entries: Vec<ContextEntry>) -> Result<Context, Error> {
        let mut read = Self::default();
        for ContextEntry { key, of, values } in entries {
            read.add(&key, of, values)?;
        }
        Ok(read.finish())
    }

    /// Adds a key. A type that is no list takes exactly one value; a list without values is a key that the request does
    /// not have.
    pub fn add(&mut self, name: &str, of: ContextKeyType, values: Vec<String>) -> Result<(), Error> {
        let (length, word) = (name.chars().count(), of.word());
        let (named, key) = (Self::NAME.contains(&length) && name.contains(':'), shown(name));
        if !named {
            return Err(invalid(format!("The context key name '{key}' is not valid: prefix:name is expected.")));
        }
        if self.0.has(name) {
            return Err(invalid(format!("The context key {key} is given more than once.")));
        }
        if let Some(wrong) = values.iter().find(|value| !of.values.accepts(value)) {
            let wrong = shown(wrong);
            return Err(invalid(format!("The value '{wrong}' of the context key {key} is not of the type {word}.")));
        }
        if of.is_list {
            self.0.set_all(name, values);
            return Ok(());
        }
        match <[String; 1]>::try_from(values) {
            Ok([value]) => self.0.set(name, value),
            Err(_) => {
                return Err(invalid(format!("The context key {key} of the type {word} must have exactly one value.")));
            }
        }
        Ok(())
    }

    /// All of them.
    pub fn finish(self) -> Context {
        self.0
    }
}
