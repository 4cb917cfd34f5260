//! Policy variables: `${key}`, `${key, 'default'}` and the fixed `${*}`, `${?}`, `${$}`.
//!
//! See [IAM policy elements: Variables and tags][1]. Whatever a variable stands for is data: a `*` in it is a star.
//!
//! [1]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html

use super::context::{self, Context, ContextKey};
use super::document::Version;
use super::error::{Fault, quote};
use super::json::Text;

/// A piece of a text that may hold variables.
#[derive(Debug)]
pub(super) enum Piece<'a> {
    /// As written; wildcards are wildcards.
    Written(&'a str),
    /// A character that is only itself.
    Literal(&'a str),
    Variable(Variable),
}

/// A variable that a request gives a value.
#[derive(Clone, Debug)]
pub(super) struct Variable {
    key: ContextKey,
    default: Option<String>,
}

impl Variable {
    /// The value in this request, else the default. A variable without either matches nothing.
    pub(super) fn value<'a>(&'a self, context: &'a Context) -> Option<&'a str> {
        match context.variable(&self.key) {
            context::Variable::Value(value) => Some(value),
            context::Variable::Missing => self.default.as_deref(),
            context::Variable::Several => None,
        }
    }
}

/// The keys of a text's variables, as written.
pub(super) fn keys(text: &str) -> impl Iterator<Item = &str> {
    let inner = text.split("${").skip(1).filter_map(|rest| rest.split_once('}')).map(|(inner, _)| inner);
    let keys = inner.map(|inner| inner.split_once(',').map_or(inner, |(key, _)| key).trim());
    keys.filter(|key| !matches!(*key, "*" | "?" | "$"))
}

/// Splits a text of the document at its variables. In version 2008-10-17 there are none.
pub(super) fn split<'a>(text: &'a Text, version: Version) -> Result<Vec<Piece<'a>>, Fault> {
    let mut rest = text.value.as_str();
    let mut pieces = Vec::new();
    if version == Version::V2012 {
        while let Some((before, after)) = rest.split_once("${") {
            let Some((inner, tail)) = after.split_once('}') else {
                return Err(Fault::new(text.at, "a policy variable has no end").suggest("${$}{".to_owned()));
            };
            pieces.push(Piece::Written(before));
            pieces.push(match inner {
                "*" | "?" | "$" => Piece::Literal(inner),
                _ => Piece::Variable(parse(inner, text.at)?),
            });
            rest = tail;
        }
    }
    pieces.push(Piece::Written(rest));
    Ok(pieces)
}

fn parse(inner: &str, at: usize) -> Result<Variable, Fault> {
    let (key, default) = match inner.split_once(',') {
        None => (inner, None),
        Some((key, default)) => {
            let quoted = default.trim().strip_prefix('\'').and_then(|d| d.strip_suffix('\''));
            let Some(default) = quoted else {
                let instead = format!("${{{}, '{}'}}", key.trim(), default.trim().trim_matches(['\'', '"']));
                return Err(Fault::new(at, "the default of a policy variable stands in single quotes").suggest(instead));
            };
            (key, Some(default.to_owned()))
        }
    };
    if key.trim() != key || key.split_once(':').is_none_or(|(prefix, name)| prefix.is_empty() || name.is_empty()) {
        let name = key.trim();
        let instead = (!name.is_empty() && !name.contains(':')).then(|| format!("${{aws:{name}}}"));
        return Err(Fault::new(at, format!("{} is not the name of a policy variable", quote(key))).suggest(instead));
    }
    Ok(Variable { key: ContextKey::new(key), default })
}
