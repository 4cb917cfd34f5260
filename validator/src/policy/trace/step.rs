//! At which step a request was refused, and by what exactly.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::super::evaluate::Reason;
use super::hint::suspects;
use super::{ElementTrace, PolicyTrace, StatementTrace, Trace, Verdict};

/// The step of a decision that refused.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Step {
    /// What the kind of the credentials may call at all.
    Credentials,
    /// The policies of the user or role.
    IdentityPolicy,
    /// The permissions boundary.
    PermissionsBoundary,
    /// The session's policies.
    SessionPolicy,
    /// The policy of the resource.
    ResourcePolicy,
    /// The role's trust policy; also if there is no such role.
    TrustPolicy,
}

impl Step {
    /// As the wires carry it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Credentials => "CREDENTIALS",
            Self::IdentityPolicy => "IDENTITY_POLICY",
            Self::PermissionsBoundary => "PERMISSIONS_BOUNDARY",
            Self::SessionPolicy => "SESSION_POLICY",
            Self::ResourcePolicy => "RESOURCE_POLICY",
            Self::TrustPolicy => "TRUST_POLICY",
        }
    }
}

/// What of a statement kept it from applying.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Failure {
    /// `Sid` of the statement, or its number.
    pub statement: String,
    /// `StringEquals sts:ExternalId`, or the name of an element.
    pub condition: String,
    /// The policy's values.
    pub wanted: Vec<String>,
    /// The request's values.
    pub given: Vec<String>,
}

impl Trace {
    /// The step that refused; `None` if none did.
    pub fn step(&self) -> Option<Step> {
        let denies = |policy: &PolicyTrace| policy.verdict == Verdict::Deny;
        Some(match self.decision.reason {
            Reason::Allowed => return None,
            Reason::ExplicitDeny if self.identity.iter().any(denies) => Step::IdentityPolicy,
            Reason::ExplicitDeny if self.boundary.iter().any(denies) => Step::PermissionsBoundary,
            Reason::ExplicitDeny if self.session.iter().flatten().any(denies) => Step::SessionPolicy,
            Reason::ExplicitDeny if self.resource.iter().any(denies) => Step::ResourcePolicy,
            Reason::ExplicitDeny => Step::Credentials,
            Reason::NoMatchingAllow if self.foreign_owner_is_silent() => Step::ResourcePolicy,
            Reason::NoMatchingAllow => Step::IdentityPolicy,
            Reason::Boundary => Step::PermissionsBoundary,
            Reason::SessionPolicy => Step::SessionPolicy,
            Reason::TrustNotSatisfied => Step::TrustPolicy,
        })
    }

    /// Whether the resource is of another account, and its policy does not allow.
    fn foreign_owner_is_silent(&self) -> bool {
        let is_foreign = self.query.resource_account.as_ref().is_some_and(|owner| *owner != self.query.account);
        is_foreign && self.resource.as_ref().is_none_or(|policy| policy.verdict != Verdict::Allow)
    }

    /// What stood in the way, of the statement that came nearest to allowing: the one with the fewest failures. For an
    /// explicit deny, the statement that denies.
    pub fn nearest_failure(&self) -> Option<Failure> {
        let suspects = suspects(self);
        let failures = |s: &StatementTrace| {
            s.elements.iter().filter(|e| !e.matched).count() * 100 + s.conditions.iter().filter(|c| !c.matched).count()
        };
        let statement = suspects.iter().map(|place| place.statement).min_by_key(|statement| failures(statement))?;
        let name = statement.sid.clone().unwrap_or_else(|| statement.number.to_string());
        let element = statement.elements.iter().find(|element| !element.matched).map(|element| {
            let ElementTrace { element, wanted, given, .. } = element;
            (format!("{element:?}"), wanted, given)
        });
        let condition = || {
            let condition = statement.conditions.iter().find(|condition| !condition.matched)?;
            Some((format!("{} {}", condition.operator, condition.key), &condition.wanted, &condition.given))
        };
        let (condition, wanted, given) = match element.or_else(condition) {
            Some((condition, wanted, given)) => (condition, wanted.clone(), given.clone()),
            // It applies, and denies.
            None => ("Effect".to_owned(), vec!["Deny".to_owned()], Vec::new()),
        };
        Some(Failure { statement: name, condition, wanted, given })
    }
}

/// `statement "OnlyMain": StringEquals a:sub wants "x", and the request has "y"`
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { statement, condition, wanted, given } = self;
        let list = |values: &[String]| values.iter().map(|value| format!("{value:?}")).collect::<Vec<_>>().join(", ");
        match given.as_slice() {
            _ if condition == "Effect" => write!(f, "statement {statement:?} denies it"),
            [] => write!(f, "statement {statement:?}: {condition} wants {}, and the request has none", list(wanted)),
            given => {
                write!(
                    f,
                    "statement {statement:?}: {condition} wants {}, and the request has {}",
                    list(wanted),
                    list(given)
                )
            }
        }
    }
}
