//! Why a file cannot be used, and where.

use std::fmt;

use brevet_validator::policy::Position;

/// Why a file cannot be used. Whoever reads a part of a file leaves the file's name to whoever knows it.
#[derive(Debug)]
pub(super) struct Fault {
    file: Option<String>,
    at: Option<Position>,
    message: String,
    /// What to write instead, if that can be guessed.
    suggestion: Option<String>,
}

impl Fault {
    /// At a place of the file that is being read.
    pub(super) fn new(at: Position, message: impl Into<String>) -> Self {
        Self { file: None, at: Some(at), message: message.into(), suggestion: None }
    }

    /// Of a file as a whole.
    pub(super) fn of_file(file: impl Into<String>, message: impl Into<String>) -> Self {
        Self { file: Some(file.into()), at: None, message: message.into(), suggestion: None }
    }

    pub(super) fn at(mut self, at: Position) -> Self {
        self.at = Some(at);
        self
    }

    pub(super) fn suggest(mut self, instead: Option<String>) -> Self {
        self.suggestion = instead;
        self
    }

    /// Names the file, unless the fault is known to be in another one.
    pub(super) fn in_file(mut self, file: &str) -> Self {
        self.file.get_or_insert_with(|| file.to_owned());
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{file}:")?;
        }
        if let Some(Position { line, column }) = self.at {
            write!(f, "{line}:{column}:")?;
        }
        write!(f, " {}", self.message)?;
        match &self.suggestion {
            Some(suggestion) => write!(f, "\n    try: {suggestion}"),
            None => Ok(()),
        }
    }
}

/// A word of a file for a message: escaped, and cut to a length that fits in a line.
pub(super) fn quoted(word: &str) -> String {
    const LONGEST: usize = 80;
    match word.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{:?}…", &word[..end]),
        None => format!("{word:?}"),
    }
}

/// The word of `known` that was probably meant.
pub(super) fn nearest(word: &str, known: &[&str]) -> Option<String> {
    const LONGEST: usize = 64;
    if word.len() > LONGEST {
        return None;
    }
    let word = word.to_lowercase();
    let errors = (word.len() / 3).min(3);
    let distances =
        known.iter().map(|candidate| (strsim::damerau_levenshtein(&word, &candidate.to_lowercase()), candidate));
    let nearest = distances.filter(|(distance, _)| *distance <= errors).min_by_key(|(distance, _)| *distance);
    nearest.map(|(_, candidate)| (*candidate).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_says_where_as_far_as_it_is_known() {
        let at = Position { line: 3, column: 7 };
        let fault = Fault::new(at, "no").suggest(Some("yes".to_owned())).in_file("a.yaml").in_file("b.yaml");
        assert_eq!(fault.to_string(), "a.yaml:3:7: no\n    try: yes");
        assert_eq!(Fault::of_file("c.json", "gone").in_file("a.yaml").to_string(), "c.json: gone");
    }

    #[test]
    fn the_nearest_word_is_near() {
        let known = ["principal", "action", "resource"];
        for (word, meant) in [("actions", Some("action")), ("Resource", Some("resource")), ("x", None)] {
            assert_eq!(nearest(word, &known).as_deref(), meant, "{word}");
        }
        assert_eq!(nearest(&"action".repeat(100), &known), None);
    }
}
