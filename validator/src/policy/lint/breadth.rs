//! Statements that speak of everyone, or of all but a few.

use super::super::condition::Test as Compare;
use super::super::json::Text;
use super::finding::{Code, Note};
use super::global_keys::IDENTIFYING;
use super::statement::{Statement, Test};

pub(super) fn check(statement: &Statement<'_>, notes: &mut Vec<Note>) {
    if !statement.allows() {
        return;
    }
    if let Some(principal) = &statement.written.principal {
        if principal.negated {
            let message = "an Allow with NotPrincipal lets in everyone else, strangers too: name whom you mean";
            notes.push(Note::dangerous(Code::AllowNotPrincipal, principal.at, message));
        } else if let Some(at) = statement.everyone() {
            notes.extend(public(statement, at));
        }
    }
    if statement.written.action.negated {
        let message = "an Allow with NotAction also allows every action yet to be invented: name those you mean";
        notes.push(Note::warning(Code::AllowNotAction, statement.written.action.at, message));
    }
    if let Some(resource) = statement.written.resource.as_ref().filter(|resource| resource.negated) {
        let message = "an Allow with NotResource also opens every resource yet to be made: name those you mean";
        notes.push(Note::warning(Code::AllowNotResource, resource.at, message));
    }
}

fn public(statement: &Statement<'_>, at: usize) -> Option<Note> {
    if statement.tests.is_empty() {
        let message = "everyone may, in every account: name whom you mean";
        return Some(Note::dangerous(Code::PublicPrincipal, at, message));
    }
    (!statement.tests.iter().any(says_who)).then(|| {
        let message = "everyone who meets the condition may, in every account: name whom you mean";
        Note::warning(Code::PublicPrincipalWithCondition, at, message)
            .suggest("\"StringEquals\": {\"aws:PrincipalAccount\": \"ACCOUNT\"}".to_owned())
    })
}

/// Whether a condition names callers, which does what naming a principal does.
fn says_who(test: &Test<'_>) -> bool {
    let operator = test.operator;
    let Some((_, separator, count)) = IDENTIFYING.iter().find(|(key, ..)| test.is_on(key)) else { return false };
    let names = |value: &Text| match value.value.split_once(['*', '?']) {
        None => true,
        Some((before, _)) => before.matches(*separator).count() >= *count,
    };
    matches!(operator.test, Compare::String { .. } | Compare::Like | Compare::Arn)
        && !operator.negated
        && !test.passes_when_missing()
        && test.values().iter().all(names)
}
