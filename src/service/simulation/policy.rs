//! A policy of a simulation: where it comes from, and where its statements stand.

use std::sync::Arc;

use brevet_validator::policy::{Kind as PolicyKind, Policy, Span, statement_spans};

use super::name::invalid;
use crate::service::directory::{Document, NamedPolicy};
use crate::service::error::{Error, Kind};

/// AWS's `PolicySourceType`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PolicySource {
    /// Inline in a user.
    User,
    /// Inline in a role.
    Role,
    /// A managed policy.
    UserManaged,
    /// A resource's policy, or a role's trust policy.
    Resource,
    /// Given with the question.
    None,
}

impl PolicySource {
    /// Of a policy that a user or role has. `inline`: of those that are inline in it.
    pub fn of(policy: &NamedPolicy<'_>, inline: Self) -> Self {
        if policy.managed { Self::UserManaged } else { inline }
    }

    /// AWS's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Role => "role",
            Self::UserManaged => "user-managed",
            Self::Resource => "resource",
            Self::None => "none",
        }
    }
}

/// A policy with its source.
#[derive(Clone, Debug)]
pub struct SimulatedPolicy {
    id: String,
    source: PolicySource,
    document: Document,
    spans: Vec<Span>,
    size: u64,
}

impl SimulatedPolicy {
    /// A policy that was given with the question: [`Kind::InvalidInput`] says where it is wrong.
    pub fn parse(id: impl Into<String>, source: PolicySource, text: &str, kind: PolicyKind) -> Result<Self, Error> {
        let id = id.into();
        match Policy::parse(text, kind) {
            Ok(policy) => Self::new(id, source, Document { text: Arc::from(text), policy: Arc::new(policy) }),
            Err(fault) => Err(invalid(format!("The policy {id} is not valid: {fault}."))),
        }
    }

    /// `id`: how answers name it, such as `PolicyInputList.1` or a policy's name.
    ///
    /// [`Kind::PolicyEvaluation`]: the statements that decide cannot be found in the text, which no document that
    /// compiled can cause.
    pub fn new(id: impl Into<String>, source: PolicySource, document: Document) -> Result<Self, Error> {
        let id = id.into();
        let spans = statement_spans(&document.text).unwrap_or_default();
        if spans.len() != document.policy.statement_count() {
            return Err(Error::new(Kind::PolicyEvaluation, format!("The policy {id} cannot be evaluated.")));
        }
        // White space is compared with nothing.
        let size = document.text.chars().filter(|c| !c.is_whitespace()).count() as u64;
        Ok(Self { id, source, document, spans, size })
    }

    /// How answers name it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Where it comes from.
    pub fn source(&self) -> PolicySource {
        self.source
    }

    pub(super) fn policy(&self) -> &Policy {
        &self.document.policy
    }

    pub(super) fn span(&self, statement: usize) -> Option<Span> {
        self.spans.get(statement.checked_sub(1)?).copied()
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }
}
