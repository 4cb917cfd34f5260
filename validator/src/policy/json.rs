//! A strict reader of JSON (RFC 8259) that keeps positions and refuses what two readers could read differently.

use super::error::{Fault, quote};

/// The deepest nesting of arrays and objects that is read.
const MAX_DEPTH: usize = 32;

/// A value, the byte at which it begins and the one behind it.
#[derive(Debug)]
pub(super) struct Value {
    pub(super) at: usize,
    pub(super) end: usize,
    pub(super) data: Data,
}

#[derive(Debug)]
pub(super) enum Data {
    Null,
    Bool(bool),
    /// As written.
    Number(String),
    String(String),
    Array(Vec<Value>),
    Object(Vec<Member>),
}

/// A member of an object. No two members of an object have the same name.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: Text,
    pub(super) value: Value,
}

/// A string of the document and the byte at which it begins.
#[derive(Clone, Debug)]
pub(super) struct Text {
    pub(super) at: usize,
    pub(super) value: String,
}

/// Reads one value and nothing after it.
pub(super) fn read(text: &str) -> Result<Value, Fault> {
    let mut reader = Reader { text, at: 0 };
    let value = reader.value(0)?;
    reader.skip_space();
    if reader.at < text.len() { Err(reader.fault("nothing may follow the document")) } else { Ok(value) }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn value(&mut self, depth: usize) -> Result<Value, Fault> {
        self.skip_space();
        let at = self.at;
        let data = match self.peek() {
            Some(b'{' | b'[') if depth == MAX_DEPTH => {
                return Err(self.fault(format!("nested more than {MAX_DEPTH} levels deep")));
            }
            Some(b'{') => Data::Object(self.object(depth + 1)?),
            Some(b'[') => Data::Array(self.array(depth + 1)?),
            Some(b'"') => Data::String(self.string()?),
            Some(b'-' | b'0'..=b'9') => Data::Number(self.number()?),
            _ if self.eat("true") => Data::Bool(true),
            _ if self.eat("false") => Data::Bool(false),
            _ if self.eat("null") => Data::Null,
            Some(_) => return Err(self.fault("a JSON value is expected here")),
            None => return Err(self.fault("the document ends too early")),
        };
        Ok(Value { at, end: self.at, data })
    }

    fn object(&mut self, depth: usize) -> Result<Vec<Member>, Fault> {
        let mut members = Vec::new();
        self.at += 1;
        if !self.eat_after_space("}") {
            loop {
                self.skip_space();
                let at = self.at;
                if self.peek() != Some(b'"') {
                    return Err(self.fault("a member name in double quotes is expected here"));
                }
                let name = Text { at, value: self.string()? };
                self.expect(":")?;
                members.push(Member { name, value: self.value(depth)? });
                if self.eat_after_space("}") {
                    break;
                }
                self.expect(",")?;
            }
        }
        refuse_duplicates(&members)?;
        Ok(members)
    }

    fn array(&mut self, depth: usize) -> Result<Vec<Value>, Fault> {
        let mut values = Vec::new();
        self.at += 1;
        if self.eat_after_space("]") {
            return Ok(values);
        }
        loop {
            values.push(self.value(depth)?);
            if self.eat_after_space("]") {
                return Ok(values);
            }
            self.expect(",")?;
        }
    }

    fn string(&mut self) -> Result<String, Fault> {
        let mut string = String::new();
        self.at += 1;
        loop {
            let start = self.at;
            while self.peek().is_some_and(|b| !matches!(b, b'"' | b'\\' | 0..0x20)) {
                self.at += 1;
            }
            // Only whole characters were passed over.
            string.push_str(self.text.get(start..self.at).unwrap_or_default());
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(string);
                }
                Some(b'\\') => string.push(self.escape()?),
                Some(_) => return Err(self.fault("a control character in a string must be escaped")),
                None => return Err(self.fault("the string has no end")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Fault> {
        let begin = self.at;
        self.at += 1;
        let c = match self.peek() {
            Some(c @ (b'"' | b'\\' | b'/')) => char::from(c),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(begin),
            _ => return Err(Fault::new(begin, "not an escape of JSON")),
        };
        self.at += 1;
        Ok(c)
    }

    /// `\uXXXX`, or two of them that make one character. Half a character is refused.
    fn unicode_escape(&mut self, begin: usize) -> Result<char, Fault> {
        let broken = || Fault::new(begin, "not a Unicode character");
        let first = self.hex4().ok_or_else(broken)?;
        if !(0xd800..0xdc00).contains(&first) {
            return char::from_u32(first).ok_or_else(broken);
        }
        if !self.eat("\\") || self.peek() != Some(b'u') {
            return Err(broken());
        }
        let second = self.hex4().filter(|low| (0xdc00..0xe000).contains(low)).ok_or_else(broken)?;
        char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)).ok_or_else(broken)
    }

    /// The four digits after the `u` that is next.
    fn hex4(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at + 1..self.at + 5).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))?;
        self.at += 5;
        u32::from_str_radix(digits, 16).ok()
    }

    fn number(&mut self) -> Result<String, Fault> {
        let start = self.at;
        self.eat("-");
        let leading_zero = self.peek() == Some(b'0');
        let whole = self.digits();
        let mut valid = whole > 0 && (whole == 1 || !leading_zero);
        if self.eat(".") {
            valid &= self.digits() > 0;
        }
        if self.eat("e") || self.eat("E") {
            let _sign = self.eat("+") || self.eat("-");
            valid &= self.digits() > 0;
        }
        if valid {
            Ok(self.text.get(start..self.at).unwrap_or_default().to_owned())
        } else {
            Err(Fault::new(start, "not a number of JSON"))
        }
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while self.peek().is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
        self.at - start
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn eat(&mut self, token: &str) -> bool {
        let found = self.text.as_bytes().get(self.at..).is_some_and(|rest| rest.starts_with(token.as_bytes()));
        if found {
            self.at += token.len();
        }
        found
    }

    fn eat_after_space(&mut self, token: &str) -> bool {
        self.skip_space();
        self.eat(token)
    }

    fn expect(&mut self, token: &str) -> Result<(), Fault> {
        if self.eat_after_space(token) { Ok(()) } else { Err(self.fault(format!("`{token}` is expected here"))) }
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn fault(&self, message: impl Into<String>) -> Fault {
        Fault::new(self.at, message)
    }
}

fn refuse_duplicates(members: &[Member]) -> Result<(), Fault> {
    let mut names: Vec<&Text> = members.iter().map(|member| &member.name).collect();
    names.sort_by(|a, b| a.value.cmp(&b.value));
    match names.array_windows().find(|[a, b]| a.value == b.value) {
        Some([_, again]) => Err(Fault::new(again.at, format!("{} is written twice", quote(&again.value)))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plain(value: Value) -> serde_json::Value {
        match value.data {
            Data::Null => serde_json::Value::Null,
            Data::Bool(b) => b.into(),
            Data::Number(n) => serde_json::from_str(&n).unwrap(),
            Data::String(s) => s.into(),
            Data::Array(values) => values.into_iter().map(plain).collect(),
            Data::Object(members) => members.into_iter().map(|m| (m.name.value, plain(m.value))).collect(),
        }
    }

    #[test]
    fn reads_what_serde_json_reads() {
        for text in [
            r#" {"a" : [1, -2.5e-3, true, false, null, "x\u00e9\ud83d\ude00\n\"\\\/"], "ü": {}, "": []} "#,
            "0",
            "\"\"",
            "[[[]]]",
        ] {
            assert_eq!(plain(read(text).unwrap()), serde_json::from_str::<serde_json::Value>(text).unwrap(), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_not_json() {
        for text in [
            "",
            " ",
            "{",
            "[1,]",
            "{\"a\":1,}",
            "{a:1}",
            "'a'",
            "01",
            "-",
            "1.",
            "1e",
            "+1",
            ".5",
            "nul",
            "tru",
            "\"\u{1}\"",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\\ud800\"",
            "\"\\ud800\\u0041\"",
            "\"\\udc00\"",
            "\"\\u+123\"",
            "\"",
            "1 2",
            "{} x",
            "\u{feff}{}",
            "{\"a\" 1}",
            "[1 2]",
            "/**/{}",
            "NaN",
            "{\"a\":}",
            "\"a\nb\"",
        ] {
            assert!(read(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn c6_e7_a_name_written_twice_is_refused_however_it_is_escaped() {
        let fault = read(r#"{"a": 1, "b": {"Effect": 1, "\u0045ffect": 2}}"#).unwrap_err();
        assert_eq!((fault.at, fault.message.as_str()), (28, "\"Effect\" is written twice"));
    }

    #[test]
    fn e7_depth_is_bounded() {
        let nested = |n| "[".repeat(n) + &"]".repeat(n);
        assert!(read(&nested(MAX_DEPTH)).is_ok());
        assert!(read(&nested(MAX_DEPTH + 1)).is_err());
        assert!(read(&"[".repeat(1_000_000)).is_err());
    }

    proptest! {
        #[test]
        fn never_accepts_what_serde_json_refuses(text in r#"[\[\]{}",:0-9eE.+\-a-cnulltrue\\ \u{e9}]{0,24}"#) {
            if let Ok(value) = read(&text) {
                prop_assert_eq!(plain(value), serde_json::from_str::<serde_json::Value>(&text).unwrap());
            }
        }
    }
}
