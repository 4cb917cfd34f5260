//! What a policy allows that its author probably did not mean, found by looking at the document alone.
//!
//! One file a mistake; what is known of issuers and of condition keys are the tables `providers` and `global_keys`.

mod breadth;
mod condition_keys;
mod finding;
mod for_all_values;
mod global_keys;
mod providers;
mod shadow;
mod statement;
mod subject;
mod unsatisfiable;
mod web_identity;

use self::finding::Note;
pub use self::finding::{Code, Finding, Severity};
use self::statement::Statement;
use super::compiled::Policy;
use super::document::{Document, Kind};
use super::error::InvalidDocument;
use super::json::{self, Data, Value};

/// More than this of one document are not told.
const MOST_FINDINGS: usize = 100;

/// What is wrong or doubtful in a document, in the order of its text. A document that is no policy has one finding.
pub fn lint(text: &str, kind: Kind) -> Vec<Finding> {
    let document = match read(text, kind) {
        Ok(document) => document,
        Err(invalid) => return vec![Finding::malformed(invalid)],
    };
    let statements: Vec<Statement<'_>> =
        document.statements.iter().map(|written| Statement::new(written, document.version, kind)).collect();
    let mut notes: Vec<Note> = Vec::new();
    for statement in &statements {
        breadth::check(statement, &mut notes);
        condition_keys::check(statement, &mut notes);
        for_all_values::check(statement, &mut notes);
        unsatisfiable::check(statement, &mut notes);
        web_identity::check(statement, &mut notes);
    }
    shadow::check(&statements, &mut notes);
    notes.sort_by_key(Note::at);
    notes.truncate(MOST_FINDINGS);
    notes.into_iter().map(|note| note.locate(text)).collect()
}

/// The kind that a document looks like: of a trust policy if a statement names principals, of a resource policy if it
/// names resources too, else of an identity policy.
pub fn guess_kind(text: &str) -> Kind {
    let Ok(Value { data: Data::Object(members), .. }) = json::read(text) else { return Kind::Identity };
    let statements =
        members.iter().filter(|member| member.name.value == "Statement").flat_map(|m| match &m.value.data {
            Data::Array(statements) => statements.as_slice(),
            _ => std::slice::from_ref(&m.value),
        });
    let names: Vec<&str> = statements
        .filter_map(|statement| match &statement.data {
            Data::Object(members) => Some(members),
            _ => None,
        })
        .flatten()
        .map(|member| member.name.value.as_str())
        .collect();
    let has = |name: &str, twin: &str| names.iter().any(|n| *n == name || *n == twin);
    match (has("Principal", "NotPrincipal"), has("Resource", "NotResource")) {
        (true, false) => Kind::Trust,
        (true, true) => Kind::Resource,
        (false, _) => Kind::Identity,
    }
}

fn read(text: &str, kind: Kind) -> Result<Document, InvalidDocument> {
    Policy::parse(text, kind)?;
    json::read(text).and_then(|value| Document::read(value, kind)).map_err(|fault| fault.locate(text))
}
