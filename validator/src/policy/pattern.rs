//! Patterns: text with wildcards and policy variables, matched without allocation.
//!
//! Time is near-linear for any pattern: at most two places are kept to try again from (see [`Pattern::matches`]).

use super::context::Context;
use super::document::Version;
use super::error::Fault;
use super::fold::fold;
use super::json::Text;
use super::masked::Masked;
use super::variable::{self, Piece, Variable};

/// A compiled pattern.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    parts: Vec<Part>,
    ignore_case: bool,
}

#[derive(Clone, Debug)]
enum Part {
    Literal(String),
    /// `?`s that may be colons, and the text around them.
    Masked(Masked),
    /// `?`: any one character; a colon only if `colons`.
    One {
        colons: bool,
    },
    /// `*`: any characters; colons only if `colons`.
    Many {
        colons: bool,
    },
    /// The variable's value, which may hold a colon only if `colons`.
    Variable {
        variable: Variable,
        colons: bool,
    },
}

/// How far a `*` reaches that ends one of the first five segments of an ARN.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Reach {
    /// "If the `*` wildcard is the last character of a resource ARN segment, it can expand to match beyond the colon
    /// boundaries": the [Resource element][1].
    ///
    /// [1]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
    BeyondSegment,
    /// "Each of the six colon-delimited components of the ARN is checked separately": the [ARN operators][1].
    ///
    /// [1]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_ARN
    WithinSegment,
}

impl Pattern {
    /// An action: wildcards, no variables, blind to case.
    pub(super) fn action(text: &str) -> Self {
        let mut pattern = Self { parts: Vec::new(), ignore_case: true };
        pattern.push_wild(text);
        pattern
    }

    /// A text without wildcards.
    pub(super) fn exact(text: &Text, version: Version, ignore_case: bool) -> Result<Self, Fault> {
        let mut pattern = Self { parts: Vec::new(), ignore_case };
        for piece in variable::split(text, version)? {
            match piece {
                Piece::Written(text) | Piece::Literal(text) => pattern.push_literal(text),
                Piece::Variable(variable) => pattern.parts.push(Part::Variable { variable, colons: true }),
            }
        }
        Ok(pattern)
    }

    /// A text whose wildcards reach everywhere.
    pub(super) fn like(text: &Text, version: Version) -> Result<Self, Fault> {
        let mut pattern = Self { parts: Vec::new(), ignore_case: false };
        for piece in variable::split(text, version)? {
            match piece {
                Piece::Written(text) => pattern.push_wild(text),
                Piece::Literal(text) => pattern.push_literal(text),
                Piece::Variable(variable) => pattern.parts.push(Part::Variable { variable, colons: true }),
            }
        }
        Ok(pattern)
    }

    /// An ARN: wildcards keep to their segment, but in the sixth (where colons are like any character), at the very
    /// end, and where `reach` says so.
    pub(super) fn arn(text: &Text, version: Version, reach: Reach) -> Result<Self, Fault> {
        let mut pattern = Self { parts: Vec::new(), ignore_case: false };
        let pieces = variable::split(text, version)?;
        let written = |piece: &Piece<'_>| match piece {
            Piece::Written(text) => text.bytes().filter(|b| *b == b':').count(),
            _ => 0,
        };
        let last_segment = pieces.iter().map(written).sum::<usize>().min(SEGMENTS - 1);
        let mut segment = 0;
        let last_piece = pieces.len() - 1;
        for (i, piece) in pieces.into_iter().enumerate() {
            match piece {
                Piece::Literal(text) => pattern.push_literal(text),
                Piece::Variable(variable) => {
                    if reach == Reach::BeyondSegment && segment < SEGMENTS - 1 {
                        let message = "a resource can have policy variables only after its fifth colon";
                        return Err(Fault::new(text.at, message));
                    }
                    pattern.parts.push(Part::Variable { variable, colons: segment == last_segment });
                }
                Piece::Written(text) => {
                    let mut rest = text.chars();
                    while let Some(c) = rest.next() {
                        let next = rest.clone().next();
                        let in_sixth = segment == SEGMENTS - 1;
                        let ends_all = i == last_piece && next.is_none();
                        let ends_segment = reach == Reach::BeyondSegment && next == Some(':');
                        match c {
                            '*' => pattern.push_many(in_sixth || ends_all || ends_segment),
                            '?' => pattern.push_one(in_sixth),
                            _ => pattern.push_literal(c.encode_utf8(&mut [0; 4])),
                        }
                        if c == ':' && !in_sixth {
                            segment += 1;
                        }
                    }
                }
            }
        }
        Ok(pattern)
    }

    /// Whether the whole text matches.
    ///
    /// When a part fails, the last `*` takes one character more; a `*` before it never needs to, if it reaches as
    /// far. So two places are kept: the last `*` that stays within its segment (`near`), and the last that does not
    /// (`far`). A `near` one is tried no further than the next colon, and patterns have at most five segments with
    /// such, so the work stays that of one search through the text for each part.
    pub(super) fn matches(&self, text: &str, context: &Context) -> bool {
        let mut here = Place { parts: &self.parts, text };
        let mut near: Option<Place<'_>> = None;
        let mut far: Option<Place<'_>> = None;
        loop {
            let next = match here.parts.split_first() {
                None if here.text.is_empty() => return true,
                None => None,
                Some((Part::Many { colons }, parts)) => {
                    here.parts = parts;
                    match (colons, parts) {
                        (true, []) => return true,
                        (true, _) => (near, far) = (None, Some(here)),
                        (false, _) => near = Some(here),
                    }
                    continue;
                }
                Some((part, parts)) => self.strip_part(here.text, part, context).map(|text| Place { parts, text }),
            };
            match next.or_else(|| retry(&mut near, false)).or_else(|| retry(&mut far, true)) {
                Some(place) => here = place,
                None => return false,
            }
        }
    }

    /// What is left of the text after a part that is no star.
    fn strip_part<'t>(&self, text: &'t str, part: &Part, context: &Context) -> Option<&'t str> {
        match part {
            Part::Literal(literal) => self.strip(text, literal),
            Part::Masked(masked) => masked.strip(text),
            Part::One { colons } => skip_one(text, *colons),
            Part::Many { .. } => None,
            Part::Variable { variable, colons } => {
                let value = variable.value(context).filter(|value| *colons || !value.contains(':'))?;
                self.strip(text, value)
            }
        }
    }

    fn strip<'t>(&self, text: &'t str, prefix: &str) -> Option<&'t str> {
        if !self.ignore_case {
            return text.strip_prefix(prefix);
        }
        let mut rest = text.chars();
        for wanted in prefix.chars() {
            rest.next().filter(|c| fold(*c) == fold(wanted))?;
        }
        Some(rest.as_str())
    }

    fn push_wild(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '*' => self.push_many(true),
                '?' => self.push_one(true),
                _ => self.push_literal(c.encode_utf8(&mut [0; 4])),
            }
        }
    }

    fn push_literal(&mut self, text: &str) {
        match self.parts.last_mut() {
            _ if text.is_empty() => {}
            Some(Part::Literal(literal)) => literal.push_str(text),
            Some(Part::Masked(masked)) if text.is_ascii() => masked.push_ascii(text),
            _ => self.parts.push(Part::Literal(text.to_owned())),
        }
    }

    fn push_one(&mut self, colons: bool) {
        if !colons || self.ignore_case {
            return self.parts.push(Part::One { colons });
        }
        if !matches!(self.parts.last(), Some(Part::Masked(_))) {
            self.parts.push(Part::Masked(Masked::default()));
        }
        if let Some(Part::Masked(masked)) = self.parts.last_mut() {
            masked.push_any();
        }
    }

    /// Several stars are one.
    fn push_many(&mut self, colons: bool) {
        match self.parts.last_mut() {
            Some(Part::Many { colons: before }) => *before |= colons,
            _ => self.parts.push(Part::Many { colons }),
        }
    }
}

const SEGMENTS: usize = 6;

/// What is left to match, and of what.
#[derive(Clone, Copy)]
struct Place<'a> {
    parts: &'a [Part],
    text: &'a str,
}

/// Lets the star at `place` take one character more, or forgets the place if it cannot.
fn retry<'a>(place: &mut Option<Place<'a>>, colons: bool) -> Option<Place<'a>> {
    *place = place.and_then(|Place { parts, text }| Some(Place { parts, text: skip_one(text, colons)? }));
    *place
}

fn skip_one(text: &str, colons: bool) -> Option<&str> {
    let mut chars = text.chars();
    chars.next().filter(|c| colons || *c != ':').map(|_| chars.as_str())
}

#[cfg(test)]
#[path = "pattern_tests.rs"]
mod tests;
