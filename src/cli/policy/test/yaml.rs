//! Reads YAML into nodes that know their places. What a node means is not decided here: every scalar is text, as written.

use std::fmt;

use brevet_validator::policy::Position;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Error, Location, MessageFormatter as _, Spanned, UserMessageFormatter};

use super::fault::Fault;

/// A value and where it is written: an alias's value where its anchor is.
#[derive(Clone, Debug)]
pub(super) struct Located<T> {
    pub(super) at: Position,
    pub(super) value: T,
}

pub(super) type Text = Located<String>;
pub(super) type Node = Located<Data>;

#[derive(Clone, Debug)]
pub(super) enum Data {
    Null,
    /// Strings, numbers and booleans.
    Scalar(String),
    List(Vec<Node>),
    /// In the order of the file; no name occurs twice.
    Map(Vec<(Text, Node)>),
}

/// Reads one document. Duplicate keys and foreign tags are refused, and aliases that multiply.
pub(super) fn parse(text: &str) -> Result<Node, Fault> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_nodes: MAX_NODES,
            max_depth: MAX_DEPTH,
            flow_nesting_limit: MAX_DEPTH,
            // One anchor may serve any number of cases; what multiplies is bounded by the nodes.
            enforce_alias_anchor_ratio: false,
        },
        // An account may begin with a zero.
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        non_finite_float_policy: serde_saphyr::options::NonFiniteFloatPolicy::PassThrough,
        reject_unsupported_tags: true,
        strict_booleans: true,
        with_snippet: false,
    };
    let raw: Spanned<Raw> = serde_saphyr::from_str_with_options(text, options).map_err(|error| fault(&error, text))?;
    Ok(node(raw, text))
}

/// Also counts what aliases stand for.
const MAX_NODES: usize = 100_000;
const MAX_DEPTH: usize = 48;

fn fault(error: &Error, text: &str) -> Fault {
    let at = error.location().map_or(Position { line: 1, column: 1 }, position);
    let message = match root(error) {
        Error::Budget { .. } => {
            return Fault::new(at, format!("the file is too large, or nested deeper than {MAX_DEPTH}"));
        }
        Error::RecursiveReferencesRequireWeakTypes { .. } => "an alias stands within its own anchor".to_owned(),
        Error::MultipleDocuments { .. } => "a test file is one YAML document".to_owned(),
        Error::NullIntoString { .. } => "a key is a string".to_owned(),
        other => UserMessageFormatter.format_message(other).into_owned(),
    };
    // The commonest of mistakes: in JSON, from which policies come, a star is always in quotation marks.
    let line = text.lines().nth(at.line - 1).unwrap_or_default();
    let is_star = line.chars().nth(at.column - 1) == Some('*');
    Fault::new(at, message).suggest(is_star.then(|| "quotation marks, if this is no alias: \"*\"".to_owned()))
}

fn root(error: &Error) -> &Error {
    match error.without_snippet() {
        Error::AliasError { error, .. } => root(error),
        other => other,
    }
}

fn position(location: Location) -> Position {
    let number = |n: u64| usize::try_from(n).unwrap_or(usize::MAX).max(1);
    Position { line: number(location.line()), column: number(location.column()) }
}

fn node(raw: Spanned<Raw>, text: &str) -> Node {
    let at = raw.defined;
    let value = match raw.value {
        Raw::Null => Data::Null,
        Raw::Text(text) => Data::Scalar(text),
        Raw::Plain(shown) => Data::Scalar(as_written(at, text).unwrap_or(shown)),
        Raw::List(items) => Data::List(items.into_iter().map(|item| node(item, text)).collect()),
        Raw::Map(members) => {
            let member = |(name, value): (Spanned<String>, Spanned<Raw>)| {
                (Located { at: position(name.defined), value: name.value }, node(value, text))
            };
            Data::Map(members.into_iter().map(member).collect())
        }
    };
    Located { at: position(at), value }
}

/// A number or boolean with its own digits: `1.10` is not `1.1`.
fn as_written(at: Location, text: &str) -> Option<String> {
    let begin = usize::try_from(at.span().byte_offset()?).ok()?;
    let length = usize::try_from(at.span().byte_len()?).ok()?;
    let written = text.get(begin..begin.checked_add(length)?)?;
    let is_plain = !written.is_empty() && written.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    is_plain.then(|| written.to_owned())
}

/// What the deserializer tells of a node.
enum Raw {
    Null,
    Text(String),
    /// A number or boolean, in other words than it was written.
    Plain(String),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<String>, Spanned<Raw>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Plain(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Plain(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(Raw::Plain(value.to_string()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Raw, E> {
        Ok(Raw::Plain(value.to_string()))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Raw, E> {
        Ok(Raw::Plain(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
        Ok(Raw::Plain(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = access.next_entry()? {
            members.push(member);
        }
        Ok(Raw::Map(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(node: &Node) -> String {
        let Position { line, column } = node.at;
        let value = match &node.value {
            Data::Null => "~".to_owned(),
            Data::Scalar(text) => format!("{text:?}"),
            Data::List(nodes) => format!("[{}]", nodes.iter().map(shown).collect::<Vec<_>>().join(" ")),
            Data::Map(members) => {
                let member = |(name, node): &(Text, Node)| format!("{:?}={}", name.value, shown(node));
                format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(" "))
            }
        };
        format!("{line}:{column}:{value}")
    }

    fn read(yaml: &str) -> String {
        shown(&parse(yaml).unwrap())
    }

    fn refused(yaml: &str) -> String {
        parse(yaml).unwrap_err().to_string()
    }

    #[test]
    fn scalars_are_text_as_written() {
        for written in ["1.10", "000000000001", "0xFF", "1_000", "true", "yes", ".nan", "1e999", "-7", "2012-10-17"] {
            assert_eq!(read(written), format!("1:1:{written:?}"));
        }
        assert_eq!(read("123456789012345678901234567890"), r#"1:1:"123456789012345678901234567890""#);
        assert_eq!(
            read("[\"\\u00e9\", 'a''b', ~, null, !!str 12]"),
            r#"1:1:[1:2:"é" 1:12:"a'b" 1:20:~ 1:23:~ 1:35:"12"]"#
        );
        assert_eq!(read("\u{feff}a: 1"), r#"1:1:{"a"=1:4:"1"}"#);
    }

    #[test]
    fn aliases_and_merges_stand_where_they_were_defined() {
        let yaml = "a: &a [x, y]\nb: *a\nc: {<<: {d: 1}, e: 2}\n";
        let list = r#"1:7:[1:8:"x" 1:11:"y"]"#;
        let read = read(yaml);
        assert!(read.starts_with(&format!(r#"1:1:{{"a"={list} "b"={list}"#)), "{read}");
        assert!(read.contains(r#""d"=3:13:"1""#) && read.contains(r#""e"=3:20:"2""#), "{read}");
    }

    #[test]
    fn what_is_not_one_plain_document_is_refused_with_its_place() {
        for (yaml, told) in [
            ("a: 1\nb: 2\na: 3\n", "3:1: duplicate mapping key `a` is not allowed here"),
            ("a: !foo 1", "1:9: "),
            ("a: !!python/object:os.system ls", "1:30: "),
            ("&a [*a]", "1:5: an alias stands within its own anchor"),
            ("a: 1\n---\nb: 2\n", "3:1: a test file is one YAML document"),
            ("a: b\0c", "1:5: "),
            ("a: {b: 1", "1:4: "),
            ("? [a]\n: 1", "1:3: "),
            ("~: 1", "1:1: a key is a string"),
            ("a:\n\t- 1\n", "2:2: "),
            ("a: 'x", "1:4: "),
        ] {
            assert!(refused(yaml).trim_start().starts_with(told), "{yaml:?}: {}", refused(yaml));
        }
        for star in ["a: *", "a: [*]", "- *\n", "a: *nothing\n"] {
            assert!(refused(star).contains("try: quotation marks"), "{star}: {}", refused(star));
        }
    }

    #[test]
    fn no_file_costs_more_than_its_bound() {
        let mut bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n".to_owned();
        for (name, of) in ('b'..='j').zip('a'..) {
            bomb += &format!("{name}: &{name} [{}]\n", vec![format!("*{of}"); 9].join(","));
        }
        let too_large = "the file is too large, or nested deeper than 48";
        assert!(refused(&bomb).ends_with(too_large), "{}", refused(&bomb));
        assert!(refused(&"- ".repeat(100_000)).ends_with(too_large));
        assert!(refused(&"- a\n".repeat(200_000)).ends_with(too_large));
        for deep in ["[".repeat(100_000), "{a: ".repeat(100_000), "? ".repeat(100_000)] {
            assert!(parse(&deep).is_err());
        }
        assert!(parse(&format!("a: &a x\nb: [{}]", vec!["*a"; 5_000].join(","))).is_ok());
    }
}
