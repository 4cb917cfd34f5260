//! Bounds of single parameters, refused in AWS's words: what STS and IAM have in common.

use crate::service::error::Error;

/// Characters of a value that a message or a record repeats.
const SHOWN: usize = 256;

/// What a text may be. Lengths are in characters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text {
    pub(super) min: usize,
    pub(super) max: usize,
    /// As AWS's service model has it, for the message.
    pub(super) pattern: &'static str,
    pub(super) matches: fn(&str) -> bool,
    /// Whether a refusal repeats the value.
    pub(super) shown: bool,
}

pub(super) const TAG_KEY: Text =
    Text { min: 1, max: 128, pattern: r"[\p{L}\p{Z}\p{N}_.:/=+\-@]+", matches: is_tag_text, shown: true };
pub(super) const TAG_VALUE: Text = Text { min: 0, max: 256, pattern: r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*", ..TAG_KEY };

impl Text {
    /// The value, if it is there and in bounds.
    pub(super) fn required<'a>(&self, value: &'a Option<String>, at: &str) -> Result<&'a str, Error> {
        match value {
            Some(value) => self.check(value, at),
            None => Err(refusal("null", at, "Member must not be null")),
        }
    }

    /// The value, if it is in bounds; one that is not there is.
    pub(super) fn optional<'a>(&self, value: &'a Option<String>, at: &str) -> Result<Option<&'a str>, Error> {
        value.as_deref().map(|value| self.check(value, at)).transpose()
    }

    /// The value, if it is in bounds.
    pub(super) fn check<'a>(&self, value: &'a str, at: &str) -> Result<&'a str, Error> {
        let refuse = |constraint: String| Err(refusal(&self.quoted(value), at, &constraint));
        let length = value.chars().count();
        if length < self.min {
            refuse(format!("Member must have length greater than or equal to {}", self.min))
        } else if length > self.max {
            refuse(format!("Member must have length less than or equal to {}", self.max))
        } else if !(self.matches)(value) {
            refuse(format!("Member must satisfy regular expression pattern: {}", self.pattern))
        } else {
            Ok(value)
        }
    }

    fn quoted(&self, value: &str) -> String {
        if self.shown { format!("'{}'", shown(value)) } else { "'***'".to_owned() }
    }
}

/// Refuses lists that are too long.
pub(super) fn check_count(count: usize, max: usize, at: &str) -> Result<(), Error> {
    if count > max {
        return Err(refusal("'[...]'", at, &format!("Member must have length less than or equal to {max}")));
    }
    Ok(())
}

/// A whole number within bounds: digits and nothing else.
pub(super) fn check_number(value: &str, min: u32, max: u32, at: &str) -> Result<u32, Error> {
    let refuse = |constraint: String| Err(refusal(&format!("'{}'", shown(value)), at, &constraint));
    if value.is_empty() || !value.bytes().all(|c| c.is_ascii_digit()) {
        return refuse("Member must satisfy regular expression pattern: [0-9]+".to_owned());
    }
    // What does not fit into the type is above any maximum.
    let number = value.parse().unwrap_or(u32::MAX);
    if number < min {
        refuse(format!("Member must have value greater than or equal to {min}"))
    } else if number > max {
        refuse(format!("Member must have value less than or equal to {max}"))
    } else {
        Ok(number)
    }
}

/// A value as messages and records repeat it: cut, and without characters that could forge a line.
pub(super) fn shown(value: &str) -> String {
    let harmless = |c: char| if is_forging(c) { char::REPLACEMENT_CHARACTER } else { c };
    let mut text: String = value.chars().take(SHOWN).map(harmless).collect();
    if value.chars().nth(SHOWN).is_some() {
        text.push('…');
    }
    text
}

/// `1 validation error detected: Value … at '…' failed to satisfy constraint: …`
pub(super) fn refusal(value: &str, at: &str, constraint: &str) -> Error {
    Error::validation(format!(
        "1 validation error detected: Value {value} at '{at}' failed to satisfy constraint: {constraint}"
    ))
}

/// Control characters, separators of lines, what turns the direction of text, and what XML cannot hold.
pub(super) fn is_forging(c: char) -> bool {
    let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || turns || matches!(c, '\u{2028}' | '\u{2029}' | '\u{fffe}' | '\u{ffff}')
}

/// `\w`
pub(super) fn is_word(c: u8) -> bool {
    c.is_ascii_alphanumeric() || c == b'_'
}

/// Letters, digits, spaces and `_.:/=+-@`.
///
/// Narrower than AWS's `\p{Z}` by U+2028 and U+2029, which break lines; wider than its `\p{L}` by the few marks that
/// Unicode counts as alphabetic.
fn is_tag_text(text: &str) -> bool {
    text.chars().all(|c| c.is_alphanumeric() || is_space(c) || "_.:/=+-@".contains(c))
}

/// Unicode's space separators (`Zs`).
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}')
}
