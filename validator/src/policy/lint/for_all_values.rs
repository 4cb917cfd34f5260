//! `ForAllValues` in an Allow: it holds when the key is missing.
//!
//! See [Multivalued context keys][1].
//!
//! [1]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html

use super::super::condition::{Quantifier, Test as Compare};
use super::super::document::Kind;
use super::super::error::quote;
use super::finding::{Code, Note};
use super::statement::{Statement, Test};

pub(super) fn check(statement: &Statement<'_>, notes: &mut Vec<Note>) {
    if !statement.allows() {
        return;
    }
    for test in &statement.tests {
        if !matches!(test.operator.quantifier, Some(Quantifier::ForAllValues)) || must_be_there(statement, test.key()) {
            continue;
        }
        let at = test.written.operator.at;
        let message = format!("`ForAllValues` also holds when {} is missing", quote(test.key()));
        let note = if statement.kind == Kind::Trust {
            Note::dangerous(Code::ForAllValues, at, message)
        } else {
            Note::warning(Code::ForAllValues, at, message)
        };
        notes.push(note.suggest(format!("\"Null\": {{\"{}\": \"false\"}}", test.key())));
    }
}

/// Whether another condition of the statement fails without the key.
fn must_be_there(statement: &Statement<'_>, key: &str) -> bool {
    let fails_without = |test: &Test<'_>| match test.operator.test {
        Compare::Null => !test.values().iter().any(|value| value.value.eq_ignore_ascii_case("true")),
        _ => {
            let operator = test.operator;
            let any = matches!(operator.quantifier, Some(Quantifier::ForAnyValue));
            let all = matches!(operator.quantifier, Some(Quantifier::ForAllValues));
            any && !operator.if_exists || !operator.negated && !operator.if_exists && !all
        }
    };
    statement.tests.iter().any(|test| test.is_on(key) && fails_without(test))
}
