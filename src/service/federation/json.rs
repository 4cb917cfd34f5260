//! A strict, bounded reader of JSON that strangers wrote: what two readers could read differently is refused.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

/// The deepest nesting of arrays and objects that is read.
const MAX_DEPTH: usize = 32;

/// The first integer from which a floating-point number is not exact (RFC 7493 §2.2).
const INEXACT: f64 = 9_007_199_254_740_992.0;

/// A value. The names within an object are unique.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    /// A number written in digits alone.
    Integer(i128),
    /// A number written with a fraction or an exponent.
    Float(f64),
    String(String),
    Array(Vec<Self>),
    Object(Object),
}

/// The members of an object, in the order in which they were written.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Object(Vec<(String, Value)>);

impl Object {
    /// The value of a member.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.iter().find(|(member, _)| *member == name).map(|(_, value)| value)
    }

    /// All members.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }
}

/// How much a document may hold in all, so that its cost is bounded by more than its size.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Members of all objects together.
    pub(super) members: usize,
    /// Elements of all arrays together.
    pub(super) elements: usize,
}

/// A document that is not JSON, not an object, or beyond the limits. It says no more, so that nothing of it is repeated.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct NotAnObject;

/// Reads a document that is one object, and nothing after it.
pub(super) fn read_object(json: &[u8], limits: Limits) -> Result<Object, NotAnObject> {
    let mut budget = limits;
    let mut reader = serde_json::Deserializer::from_slice(json);
    let value = Reader { depth: 0, budget: &mut budget }.deserialize(&mut reader).map_err(|_| NotAnObject)?;
    reader.end().map_err(|_| NotAnObject)?;
    match value {
        Value::Object(object) => Ok(object),
        _ => Err(NotAnObject),
    }
}

/// Reads a value at a depth. `serde_json` sees to the grammar of RFC 8259, to UTF-8 and to halves of surrogate pairs.
struct Reader<'a> {
    depth: usize,
    budget: &'a mut Limits,
}

impl Reader<'_> {
    fn deeper<E: serde::de::Error>(&mut self) -> Result<usize, E> {
        if self.depth == MAX_DEPTH { Err(E::custom("nested too deep")) } else { Ok(self.depth + 1) }
    }
}

fn spend<E: serde::de::Error>(budget: &mut usize) -> Result<(), E> {
    *budget = budget.checked_sub(1).ok_or_else(|| E::custom("too many values"))?;
    Ok(())
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Integer(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Integer(value.into()))
    }

    /// Integers beyond 64 bits come here as well. Two of them could become one number, so they are refused.
    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        if value.abs() < INEXACT { Ok(Value::Float(value)) } else { Err(E::custom("not an exact number")) }
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut array: A) -> Result<Value, A::Error> {
        let depth = self.deeper()?;
        let mut values = Vec::new();
        while let Some(value) = array.next_element_seed(Reader { depth, budget: self.budget })? {
            spend(&mut self.budget.elements)?;
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut object: A) -> Result<Value, A::Error> {
        let depth = self.deeper()?;
        let (mut members, mut names) = (Vec::new(), HashSet::new());
        while let Some(name) = object.next_key::<String>()? {
            spend(&mut self.budget.members)?;
            // RFC 7515 §4 and RFC 7519 §4 let a reader refuse what it could read in two ways.
            if !names.insert(name.clone()) {
                return Err(A::Error::custom("a name is written twice"));
            }
            members.push((name, object.next_value_seed(Reader { depth, budget: self.budget })?));
        }
        Ok(Value::Object(Object(members)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { members: 8, elements: 8 };

    fn read(json: &str) -> Result<Object, NotAnObject> {
        read_object(json.as_bytes(), LIMITS)
    }

    #[test]
    fn values_are_read_as_written() {
        let object = read(r#"{"a":[null,true,-1,18446744073709551615,1.5],"b":{"c":"\u00e9\ud83d\ude00"}}"#).unwrap();
        let Some(Value::Array(values)) = object.get("a") else { panic!("{object:?}") };
        use Value::{Bool, Float, Integer, Null};
        assert_eq!(*values, [Null, Bool(true), Integer(-1), Integer(u64::MAX.into()), Float(1.5)]);
        let Some(Value::Object(inner)) = object.get("b") else { panic!("{object:?}") };
        assert_eq!(inner.get("c"), Some(&Value::String("é😀".into())));
    }

    #[test]
    fn b29_what_readers_could_read_differently_is_refused() {
        for json in [
            "",
            "null",
            "[]",
            "\"{}\"",
            "{} {}",
            "{}x",
            "{\"a\":1,}",
            "{'a':1}",
            "{\"a\":NaN}",
            "{\"a\":Infinity}",
            "{\"a\":01}",
            "{\"a\":1e400}",
            "{\"a\":1e16}",
            "{\"a\":18446744073709551616}",
            "{\"a\":\"\\ud800\"}",
            "{\"a\":\"\\udc00\"}",
            "{\"\\ud800\":1}",
            "{\"a\":\"\u{1}\"}",
            "\u{feff}{}",
            "{\"a\":1,\"\\u0061\":2}",
            "{\"x\":{\"a\":1,\"a\":1}}",
        ] {
            assert_eq!(read(json), Err(NotAnObject), "{json}");
        }
        assert_eq!(read_object(b"{\"a\":\"\xff\"}", LIMITS), Err(NotAnObject));
        assert_eq!(read_object(b"{\"a\":\"\xed\xa0\x80\"}", LIMITS), Err(NotAnObject));
    }

    #[test]
    fn b29_depth_members_and_elements_are_bounded() {
        let nested = |n| format!("{{\"a\":{}{}}}", "[".repeat(n), "]".repeat(n));
        let roomy = Limits { members: 100, elements: 100 };
        assert!(read_object(nested(MAX_DEPTH - 1).as_bytes(), roomy).is_ok());
        assert!(read_object(nested(MAX_DEPTH).as_bytes(), roomy).is_err());
        assert!(read_object("{\"a\":".repeat(10_000).as_bytes(), roomy).is_err());
        let members = |n| (0..n).map(|n| format!("\"{n}\":0")).collect::<Vec<_>>().join(",");
        assert!(read(&format!("{{{}}}", members(8))).is_ok());
        assert!(read(&format!("{{{}}}", members(9))).is_err());
        assert!(read(&format!("{{\"a\":[{}]}}", ["0"; 8].join(","))).is_ok());
        assert!(read(&format!("{{\"a\":[[{}]]}}", ["0"; 8].join(","))).is_err());
    }

    proptest::proptest! {
        #[test]
        fn nothing_is_accepted_that_serde_json_refuses(json in r#"\{[\[\]{}",:0-9eE.+\-a-cnulltrue\\]{0,24}\}"#) {
            if read(&json).is_ok() {
                proptest::prop_assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok());
            }
        }
    }
}
