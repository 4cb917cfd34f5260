//! Where the statements of a document stand in its text, for whoever shows them.

use serde::{Deserialize, Serialize};

use super::error::{InvalidDocument, position};
use super::json::{self, Data};

/// A place in a document: line and column, both from 1; columns count characters.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}

/// Where a statement begins, and the place right behind it.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Span {
    /// The place of its `{`.
    pub begin: Position,
    /// The place behind its `}`.
    pub end: Position,
}

/// The places of all statements, in the order of the document.
pub fn statement_spans(text: &str) -> Result<Vec<Span>, InvalidDocument> {
    let document = json::read(text).map_err(|fault| fault.locate(text))?;
    let Data::Object(members) = document.data else { return Ok(Vec::new()) };
    let statements = members.into_iter().find(|member| member.name.value == "Statement").map(|member| member.value);
    let statements = match statements {
        None => Vec::new(),
        Some(json::Value { data: Data::Array(statements), .. }) => statements,
        Some(one) => vec![one],
    };
    // Statements stand one behind the other, so one walk through the text finds all their places.
    let mut walk = Walk { text, at: 0, position: Position { line: 1, column: 1 } };
    Ok(statements.iter().map(|s| Span { begin: walk.to(s.at), end: walk.to(s.end) }).collect())
}

/// A place that moves forwards through a text.
struct Walk<'a> {
    text: &'a str,
    at: usize,
    position: Position,
}

impl Walk<'_> {
    fn to(&mut self, at: usize) -> Position {
        let passed = position(self.text.get(self.at..at).unwrap_or_default(), usize::MAX);
        let column = if passed.line == 1 { self.position.column + passed.column - 1 } else { passed.column };
        self.position = Position { line: self.position.line + passed.line - 1, column };
        self.at = at;
        self.position
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(text: &str) -> Vec<[usize; 4]> {
        let spans = statement_spans(text).unwrap();
        spans.iter().map(|s| [s.begin.line, s.begin.column, s.end.line, s.end.column]).collect()
    }

    #[test]
    fn statements_are_found_where_they_stand() {
        assert_eq!(spans("{\"Statement\": {}}"), [[1, 15, 1, 17]]);
        assert_eq!(
            spans("{\n \"Id\": \"é\",\n \"Statement\": [{\"a\": 1},\n  {\n  }  ]\n}"),
            [[3, 16, 3, 24], [4, 3, 5, 4]]
        );
        assert!(spans("{}").is_empty() && spans("[]").is_empty() && spans("{\"Statement\": []}").is_empty());
        assert!(statement_spans("{").is_err());
    }
}
