//! Statements that no request can match, and values that are not the patterns they look like.

use super::super::condition::Test as Compare;
use super::super::document::{Kind, PrincipalKind, Principals};
use super::super::error::quote;
use super::finding::{Code, Note};
use super::global_keys::{MULTIVALUED, is_global};
use super::statement::{Statement, Test, glob};

/// Longer lists of values are not searched for one that meets all conditions.
const MOST_CANDIDATES: usize = 1_000;

pub(super) fn check(statement: &Statement<'_>, notes: &mut Vec<Note>) {
    notes.extend(statement.tests.iter().flat_map(literal_wildcards));
    for (i, test) in statement.tests.iter().enumerate() {
        let is_first = !statement.tests.iter().take(i).any(|before| before.is_on(test.key()));
        if is_first {
            notes.extend(contradiction(statement, test.key()));
        }
    }
    if statement.kind == Kind::Trust {
        notes.extend(wrong_action(statement));
    }
}

/// `*` in `StringEquals` is a star and nothing more.
fn literal_wildcards(test: &Test<'_>) -> Option<Note> {
    if !matches!(test.operator.test, Compare::String { .. }) {
        return None;
    }
    // `${*}` is how one writes a star that is meant as one.
    let value = test.values().iter().find(|value| value.value.replace("${*}", "").contains('*'))?;
    let operator = &test.written.operator.value;
    let message = format!("`*` is no wildcard in {}: {} is compared as written", operator, quote(&value.value));
    let like = if test.operator.negated { "StringNotLike" } else { "StringLike" };
    let quantifier = operator.split_once(':').map_or(String::new(), |(quantifier, _)| format!("{quantifier}:"));
    let suffix = if test.operator.if_exists { "IfExists" } else { "" };
    Some(Note::warning(Code::LiteralWildcard, value.at, message).suggest(format!("{quantifier}{like}{suffix}")))
}

/// Whether no value of the key meets all conditions on it.
///
/// A condition that lists all the values it takes leaves few candidates: each is put to all the conditions.
fn contradiction(statement: &Statement<'_>, key: &str) -> Option<Note> {
    let tests: Vec<&Test<'_>> = statement.tests.iter().filter(|test| test.is_on(key)).collect();
    let has_variables = tests.iter().flat_map(|test| test.values()).any(|value| value.value.contains("${"));
    let has_quantifiers = tests.iter().any(|test| test.operator.quantifier.is_some());
    if tests.len() < 2 || has_variables || has_quantifiers || may_have_several_values(key) {
        return None;
    }
    let listed = tests.iter().find_map(|test| listed(test)).filter(|listed| listed.len() <= MOST_CANDIDATES)?;
    let candidates = listed.into_iter().map(Some).chain([None]);
    let satisfiable = candidates.into_iter().any(|value| tests.iter().all(|test| test.holds(value)));
    let last = tests.last()?;
    (!satisfiable).then(|| {
        let message = format!("no value of {} meets all the conditions on it: the statement never matches", quote(key));
        Note::warning(Code::NeverMatches, last.written.key.at, message)
    })
}

/// Of the claims only `sub` is known to be one value.
fn may_have_several_values(key: &str) -> bool {
    match key.rsplit_once(':') {
        Some((prefix, name)) if !is_global(prefix) => !name.eq_ignore_ascii_case("sub"),
        _ => MULTIVALUED.iter().any(|known| known.eq_ignore_ascii_case(key)),
    }
}

/// All the values that a condition takes of a request that has the key, if they can be listed.
fn listed<'t>(test: &'t Test<'_>) -> Option<Vec<&'t str>> {
    let written = || test.values().iter().map(|value| value.value.as_str());
    match test.operator.test {
        _ if test.operator.negated => None,
        Compare::String { ignore_case: false } => Some(written().collect()),
        Compare::Bool => Some(vec!["true", "false"]),
        Compare::Null if written().all(|value| value.eq_ignore_ascii_case("true")) => Some(Vec::new()),
        _ => None,
    }
}

/// A web identity calls `sts:AssumeRoleWithWebIdentity`; for everyone else there is `sts:AssumeRole`.
fn wrong_action(statement: &Statement<'_>) -> Option<Note> {
    const PLAIN: &str = "sts:AssumeRole";
    const WEB: &str = "sts:AssumeRoleWithWebIdentity";
    let action = &statement.written.action;
    let principal = statement.written.principal.as_ref().filter(|principal| !principal.negated)?;
    let Principals::Listed(listed) = &principal.value else { return None };
    if action.negated || !statement.allows() {
        return None;
    }
    let is_web_only = listed.len() == statement.issuers.len();
    let is_aws_only = listed.iter().all(|(kind, _)| *kind == PrincipalKind::Aws);
    let (theirs, other, who) = match (is_web_only, is_aws_only) {
        (true, false) => (WEB, PLAIN, "a web identity"),
        (false, true) => (PLAIN, WEB, "a principal with credentials of its own"),
        _ => return None,
    };
    let names = |name| action.value.iter().find(|pattern| glob(&pattern.value, name));
    if names(theirs).is_some() {
        return None;
    }
    let written = names(other)?;
    let message = format!("{who} calls {theirs}, not {other}: the statement never matches");
    Some(Note::warning(Code::NeverMatches, written.at, message).suggest(theirs.to_owned()))
}
