//! Mistakes in conditions: those that fail, and those that hold by surprise.

use super::super::super::context::Context;
use super::super::super::document::Version;
use super::super::super::fold::fold;
use super::super::super::json::Text;
use super::super::super::pattern::Pattern;
use super::super::ConditionTrace;
use super::{Place, pairs};

/// Of conditions that keep a statement from applying.
pub(super) const FAILED: [fn(&Place<'_>, &ConditionTrace) -> Option<String>; 5] =
    [missing_key, case_differs, wildcard_taken_literally, id_form_of_subject, variable];

/// Of conditions of a statement that applies.
pub(super) const HELD: [fn(&Place<'_>, &ConditionTrace) -> Option<String>; 2] =
    [for_all_values_of_none, negated_without_key];

fn missing_key(place: &Place<'_>, condition: &ConditionTrace) -> Option<String> {
    (condition.given.is_empty() && comparison(condition) != "Null")
        .then(|| format!("The request has no {}, which {} in {place} compares.", condition.key, condition.operator))
}

fn case_differs(place: &Place<'_>, condition: &ConditionTrace) -> Option<String> {
    let matches = matcher(condition)?;
    let folded = |text: &str| text.chars().map(fold).collect::<String>();
    let (wanted, given) = values(condition)
        .find(|(wanted, given)| !matches(wanted, given) && matches(&folded(wanted), &folded(given)))?;
    let ConditionTrace { key, operator, .. } = condition;
    Some(format!("{key} is {given:?} and {place} wants {wanted:?}: to {operator} upper and lower case differ."))
}

fn wildcard_taken_literally(place: &Place<'_>, condition: &ConditionTrace) -> Option<String> {
    let instead = match comparison(condition) {
        "StringEquals" => "StringLike",
        "StringEqualsIgnoreCase" => "StringLike, which heeds case",
        _ => return None,
    };
    let (wanted, _) =
        values(condition).find(|(wanted, given)| wanted.contains(['*', '?']) && is_like(wanted, given))?;
    let operator = &condition.operator;
    Some(format!("{operator} takes the wildcards of {wanted:?} in {place} literally: use {instead}."))
}

/// GitHub can write the ids of owner and repository into the subject: `repo:acme@9919/shop@4411:ref:…`.
fn id_form_of_subject(place: &Place<'_>, condition: &ConditionTrace) -> Option<String> {
    let matches = matcher(condition)?;
    let (wanted, given) = values(condition).find(|(wanted, given)| {
        given.starts_with("repo:") && given.contains('@') && matches(wanted, &without_ids(given))
    })?;
    let key = &condition.key;
    Some(format!("{key} is in GitHub's form with ids ({given:?}), and {wanted:?} of {place} in the form without."))
}

fn variable(place: &Place<'_>, condition: &ConditionTrace) -> Option<String> {
    place.variable(&condition.wanted)
}

fn for_all_values_of_none(place: &Place<'_>, condition: &ConditionTrace) -> Option<String> {
    let ConditionTrace { operator, key, .. } = condition;
    (operator.starts_with("ForAllValues:") && condition.given.iter().all(String::is_empty)).then(|| {
        format!(
            "ForAllValues holds of no values at all, so {place} applies though the request has no {key}: add \
             \"Null\": {{{key:?}: \"false\"}}."
        )
    })
}

fn negated_without_key(place: &Place<'_>, condition: &ConditionTrace) -> Option<String> {
    let ConditionTrace { operator, key, given, .. } = condition;
    let negated = operator.contains("Not") && !operator.contains(':') && !operator.ends_with("IfExists");
    (negated && given.is_empty())
        .then(|| format!("{operator} holds of a missing key, so {place} applies though the request has no {key}."))
}

/// The operator's name without quantifier and `IfExists`.
fn comparison(condition: &ConditionTrace) -> &str {
    let name = condition.operator.rsplit(':').next().unwrap_or_default();
    name.strip_suffix("IfExists").unwrap_or(name)
}

/// How an operator that heeds case, and is not negated, compares the policy's value with the request's.
fn matcher(condition: &ConditionTrace) -> Option<fn(&str, &str) -> bool> {
    match comparison(condition) {
        "StringEquals" => Some(|wanted, given| wanted == given),
        "StringLike" | "ArnEquals" | "ArnLike" => Some(is_like),
        _ => None,
    }
}

/// Values with variables are like nothing here.
fn is_like(wanted: &str, given: &str) -> bool {
    let wanted = Text { at: 0, value: wanted.to_owned() };
    Pattern::like(&wanted, Version::V2012).is_ok_and(|pattern| pattern.matches(given, &Context::default()))
}

fn without_ids(subject: &str) -> String {
    let mut pieces = subject.split('@');
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |name, piece| name + piece.trim_start_matches(|c: char| c.is_ascii_digit()))
}

fn values(condition: &ConditionTrace) -> impl Iterator<Item = (&str, &str)> {
    pairs(condition.wanted.iter().map(String::as_str), &condition.given)
}
