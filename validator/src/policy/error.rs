//! Why a document cannot be a policy, and where.

use super::span::Position;

/// A document that cannot be a policy.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{message} (line {line}, column {column})")]
pub struct InvalidDocument {
    /// 1-based.
    pub line: usize,
    /// 1-based, in characters.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to write instead, if that can be guessed.
    pub suggestion: Option<String>,
}

/// A fault at a byte of the document. Line and column are counted only when it is told to someone.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) at: usize,
    pub(super) message: String,
    pub(super) suggestion: Option<String>,
}

impl Fault {
    pub(super) fn new(at: usize, message: impl Into<String>) -> Self {
        Self { at, message: message.into(), suggestion: None }
    }

    /// Says what to write instead, unless that is a whole text rather than a word.
    pub(super) fn suggest(mut self, instead: impl Into<Option<String>>) -> Self {
        self.suggestion = instead.into().filter(|instead| instead.len() <= LONGEST_SUGGESTION);
        self
    }

    pub(super) fn locate(self, text: &str) -> InvalidDocument {
        let Position { line, column } = position(text, self.at);
        InvalidDocument { line, column, message: self.message, suggestion: self.suggestion }
    }
}

/// Line and column of a byte.
pub(super) fn position(text: &str, at: usize) -> Position {
    let before = text.as_bytes().get(..at).unwrap_or(text.as_bytes());
    let line_start = before.iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1);
    Position {
        line: 1 + before.iter().filter(|b| **b == b'\n').count(),
        // The bytes 10xxxxxx of UTF-8 continue a character; all others begin one.
        column: 1 + before.iter().skip(line_start).filter(|b| **b & 0xc0 != 0x80).count(),
    }
}

const LONGEST_SUGGESTION: usize = 256;

/// Quotes a word of the document for a message: escaped, and cut to a length that fits in a line.
pub(super) fn quote(word: &str) -> String {
    const LONGEST: usize = 64;
    match word.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{:?}…", word.get(..end).unwrap_or_default()),
        None => format!("{word:?}"),
    }
}
