//! What is dangerous or doubtful in documents that a caller brings. Looks at no directory.

use brevet_validator::identity::Arn;
use brevet_validator::policy::{self, Finding, Kind};
use serde_json::{Value, json};

use crate::service::caller::{Asked, Caller};
use crate::service::error::Error;
use crate::service::parameters::check_count;

/// Documents of one request.
const MAX_DOCUMENTS: usize = 100;

/// What to look at.
#[derive(Clone, Debug, Default)]
pub struct Lint {
    /// At most a hundred.
    pub documents: Vec<Document>,
}

/// One document, as it came off the wire.
#[derive(Clone, Debug)]
pub struct Document {
    /// The caller's own name for it.
    pub name: String,
    /// JSON, perhaps.
    pub text: String,
    /// Told by the text if it is `None`.
    pub kind: Option<Kind>,
}

/// What was found in one document.
#[derive(Clone, Debug)]
pub struct Linted {
    /// As asked.
    pub name: String,
    /// As what it was read.
    pub kind: Kind,
    /// In the order of the text.
    pub findings: Vec<Finding>,
}

impl Lint {
    /// What the audit record keeps.
    pub fn audit_parameters(&self) -> Value {
        json!({ "documents": self.documents.len() })
    }
}

/// `brevet:LintPolicy` on `policy/*` of the caller's account.
pub fn lint(caller: &Caller, input: Lint) -> Result<Vec<Linted>, Error> {
    check_count(input.documents.len(), MAX_DOCUMENTS, "documents")?;
    let policies = Arn::new("brevet", caller.region(), Some(caller.principal().account()), "policy/*");
    caller.demand(&Asked { action: "brevet:LintPolicy", resource: &policies, context: &caller.context() })?;

    let look = |Document { name, text, kind }| {
        let kind = kind.unwrap_or_else(|| policy::guess_kind(&text));
        Linted { name, kind, findings: policy::lint(&text, kind) }
    };
    Ok(input.documents.into_iter().map(look).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::error::Kind as ErrorKind;
    use crate::service::test_world::{ALLOW_ALL, World};

    fn document(name: &str, text: &str, kind: Option<Kind>) -> Document {
        Document { name: name.into(), text: text.into(), kind }
    }

    #[test]
    fn each_document_has_its_own_findings() {
        let mut world = World::new();
        let user = world.user("ada", ALLOW_ALL);
        let open = r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}}"#;
        let documents = vec![document("a", open, None), document("a", "{", Some(Kind::Session))];
        let linted = lint(&world.caller(&user).unwrap(), Lint { documents }).unwrap();
        let told: Vec<_> = linted.iter().map(|l| (l.name.as_str(), l.kind, l.findings[0].code.as_str())).collect();
        assert_eq!(told, [("a", Kind::Trust, "PUBLIC_PRINCIPAL"), ("a", Kind::Session, "MALFORMED")]);
    }

    #[test]
    fn the_documents_of_a_request_are_counted() {
        let mut world = World::new();
        let user = world.user("ada", ALLOW_ALL);
        let documents = vec![document("", "", None); MAX_DOCUMENTS + 1];
        let error = lint(&world.caller(&user).unwrap(), Lint { documents }).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ValidationError);
    }

    #[test]
    fn c4_linting_needs_its_permission_on_the_policies_of_the_account() {
        let mut world = World::new();
        for (action, resource, allowed) in [
            ("brevet:LintPolicy", "arn:aws:brevet:eu-central-1:111111111111:policy/*", true),
            ("brevet:LintPolicy", "arn:aws:brevet:eu-central-1:222222222222:policy/*", false),
            ("brevet:WhoCan", "*", false),
        ] {
            let policy = format!(r#"{{"Statement":{{"Effect":"Allow","Action":"{action}","Resource":"{resource}"}}}}"#);
            let user = world.user("ada", &policy);
            assert_eq!(lint(&world.caller(&user).unwrap(), Lint::default()).is_ok(), allowed, "{policy}");
        }
    }
}
