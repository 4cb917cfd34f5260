//! Statements that change nothing: an earlier one says it all, or a Deny takes all of it back.

use super::super::context::Context;
use super::super::document::{Condition, PrincipalKind, Principals, Verb, Version};
use super::super::element::Element;
use super::super::json::Text;
use super::super::pattern::{Pattern, Reach};
use super::finding::{Code, Note};
use super::statement::{Statement, glob};

/// Documents with more words than this are not compared with themselves: the work grows with the square.
const MOST_WORDS: usize = 2_000;

pub(super) fn check(statements: &[Statement<'_>], notes: &mut Vec<Note>) {
    if statements.iter().map(words).sum::<usize>() > MOST_WORDS {
        return;
    }
    for (i, statement) in statements.iter().enumerate() {
        let covers = |(_, other): &(usize, &Statement<'_>)| covers(other, statement);
        let written = statement.written;
        let before = statements.iter().enumerate().take(i).filter(|(_, other)| other.written.effect == written.effect);
        if let Some((n, other)) = before.into_iter().find(covers) {
            let message = format!("{} already says all that this statement says", name(n, other));
            notes.push(Note::warning(Code::Shadowed, written.at, message));
        }
        let mut denials = statements.iter().enumerate().filter(|(_, other)| other.written.effect == Verb::Deny);
        if let (true, Some((n, other))) = (statement.allows(), denials.find(covers)) {
            let message = format!("{} denies all that this statement allows", name(n, other));
            notes.push(Note::warning(Code::AlwaysDenied, written.at, message));
        }
    }
}

fn words(statement: &Statement<'_>) -> usize {
    let written = statement.written;
    let principals = match written.principal.as_ref().map(|principal| &principal.value) {
        Some(Principals::Listed(listed)) => listed.len(),
        _ => 1,
    };
    let resources = written.resource.as_ref().map_or(0, |resource| resource.value.len());
    let values = written.conditions.iter().map(|condition| condition.values.len()).sum::<usize>();
    principals + written.action.value.len() + resources + values
}

fn name(index: usize, statement: &Statement<'_>) -> String {
    match &statement.written.sid {
        Some(sid) if !sid.value.is_empty() => format!("statement {:?}", sid.value),
        _ => format!("statement {}", index + 1),
    }
}

/// Whether every request that `narrow` matches, `wide` matches too, as far as the words tell.
fn covers(wide: &Statement<'_>, narrow: &Statement<'_>) -> bool {
    let version = wide.version;
    let (wide, narrow) = (wide.written, narrow.written);
    principals_cover(wide.principal.as_ref(), narrow.principal.as_ref())
        && elements_cover(&wide.action, &narrow.action, action_covers)
        && match (&wide.resource, &narrow.resource) {
            (Some(wide), Some(narrow)) => elements_cover(wide, narrow, |w, n| resource_covers(w, n, version)),
            (None, None) => true,
            _ => false,
        }
        && wide.conditions.iter().all(|condition| narrow.conditions.iter().any(|other| implies(other, condition)))
}

fn principals_cover(wide: Option<&Element<Principals>>, narrow: Option<&Element<Principals>>) -> bool {
    let (Some(wide), Some(narrow)) = (wide, narrow) else { return wide.is_none() && narrow.is_none() };
    let everyone = |(kind, name): &(PrincipalKind, Text)| *kind == PrincipalKind::Aws && name.value == "*";
    match (&wide.value, &narrow.value) {
        _ if wide.negated || narrow.negated => false,
        (Principals::Everyone, _) => true,
        (Principals::Listed(wide), Principals::Everyone) => wide.iter().any(everyone),
        (Principals::Listed(wide), Principals::Listed(narrow)) => narrow
            .iter()
            .all(|(kind, name)| wide.iter().any(|w| everyone(w) || w.0 == *kind && w.1.value == name.value)),
    }
}

fn elements_cover(
    wide: &Element<Vec<Text>>,
    narrow: &Element<Vec<Text>>,
    covers: impl Fn(&Text, &Text) -> bool,
) -> bool {
    let each = |wide: &[Text], narrow: &[Text]| narrow.iter().all(|n| wide.iter().any(|w| covers(w, n)));
    match (wide.negated, narrow.negated) {
        (false, false) => each(&wide.value, &narrow.value),
        (true, true) => each(&narrow.value, &wide.value),
        (false, true) => wide.value.iter().any(|pattern| pattern.value == "*"),
        (true, false) => false,
    }
}

/// A pattern that takes another's text, wildcards and all, takes what the other takes: its stars take theirs. Its `?`
/// would take a star, which it must not.
fn action_covers(wide: &Text, narrow: &Text) -> bool {
    wide.value.eq_ignore_ascii_case(&narrow.value)
        || !(wide.value.contains('?') && narrow.value.contains('*')) && glob(&wide.value, &narrow.value)
}

/// As for actions, but where wildcards may reach beyond their segment of the ARN, only equal words are compared.
fn resource_covers(wide: &Text, narrow: &Text, version: Version) -> bool {
    if wide.value == narrow.value || wide.value == "*" {
        return true;
    }
    let is_plain = |text: &Text| !text.value.splitn(6, ':').take(5).any(|segment| segment.contains(['*', '?']));
    let compares = is_plain(wide)
        && is_plain(narrow)
        && ![wide, narrow].iter().any(|text| text.value.contains("${"))
        && !(wide.value.contains('?') && narrow.value.contains('*'));
    compares
        && Pattern::arn(wide, version, Reach::BeyondSegment)
            .is_ok_and(|pattern| pattern.matches(&narrow.value, &Context::default()))
}

/// Whether a request that meets `narrow` meets `wide`: the same comparison with the same key, and no more values.
fn implies(narrow: &Condition, wide: &Condition) -> bool {
    let within = |narrow: &[Text], wide: &[Text]| narrow.iter().all(|n| wide.iter().any(|w| n.value == w.value));
    narrow.operator.value == wide.operator.value
        && narrow.key.value.eq_ignore_ascii_case(&wide.key.value)
        && if narrow.operator.value.contains("Not") {
            within(&wide.values, &narrow.values)
        } else {
            within(&narrow.values, &wide.values)
        }
}
