//! Why a decision was taken: for each policy, statement, element and condition, what was compared with what.
//!
//! A trace is made only when somebody asks ([`explain`], [`explain_trust`]), by asking the same compiled statements the
//! same question again. It is plain data that owns its text. Its form in JSON (by `serde`) is part of the public
//! contract: members may be added, and none is renamed.

mod abridge;
mod explain;
mod hint;
mod message;
mod step;
#[cfg(test)]
mod tests;
mod trust_fault;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use self::explain::{explain, explain_trust};
pub use self::message::MessagePrincipal;
pub use self::step::{Failure, Step};
pub use self::trust_fault::TrustFault;

use super::evaluate::{Decision, Effect};

/// A decision and all that led to it.
///
/// It shows policies of both sides. For someone who may see only one side there are [`Trace::without_callers_policies`],
/// and a trace made without the resource's policy.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Trace {
    /// As [`evaluate`](super::evaluate) or [`evaluate_trust`](super::evaluate_trust) gave it.
    #[serde(flatten)]
    pub decision: Decision,
    /// What in the trust policy stood in the way, if [`Reason::TrustNotSatisfied`](super::Reason) is the reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<TrustFault>,
    /// Whether statements, values or keys were left out for want of room.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub abridged: bool,
    /// What is probably wrong, one sentence each. Empty if nothing common was found.
    pub hints: Vec<String>,
    /// What was asked.
    pub query: QueryTrace,
    /// The policies of the user or role.
    pub identity: Vec<PolicyTrace>,
    /// The permissions boundary, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boundary: Option<PolicyTrace>,
    /// The session's policies; `None` if it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Vec<PolicyTrace>>,
    /// The resource's policy, or the role's trust policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<PolicyTrace>,
}

impl Trace {
    /// Whether the decision was to allow.
    pub fn allowed(&self) -> bool {
        self.decision.effect == Effect::Allow
    }

    /// The trace without the caller's own policies: for who owns the resource.
    pub fn without_callers_policies(mut self) -> Self {
        self.identity = Vec::new();
        self.boundary = None;
        self.session = None;
        self.hints = hint::hints(&self);
        self
    }

    /// All policies: of the caller first, then the resource's.
    pub fn policies(&self) -> impl Iterator<Item = &PolicyTrace> {
        let session = self.session.iter().flatten();
        self.identity.iter().chain(&self.boundary).chain(session).chain(&self.resource)
    }
}

/// What was asked, by whom.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct QueryTrace {
    /// ARN of the caller.
    pub principal: String,
    /// Every name by which a `Principal` element can mean the caller: ARNs, unique id, account, or a web identity's
    /// provider.
    pub names: Vec<String>,
    /// Account of the caller.
    pub account: String,
    /// `sts:AssumeRole`, …
    pub action: String,
    /// ARN of what is acted on.
    pub resource: String,
    /// Account of what is acted on, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_account: Option<String>,
    /// The request's condition keys, in lower case, and their values.
    pub context: BTreeMap<String, Vec<String>>,
}

/// One policy.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyTrace {
    /// The version of the language.
    pub version: LanguageVersion,
    /// What the policy says.
    pub verdict: Verdict,
    /// In the order of the document.
    pub statements: Vec<StatementTrace>,
}

/// The version of the policy language.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum LanguageVersion {
    /// Also where none is written: no policy variables.
    #[serde(rename = "2008-10-17")]
    V2008,
    /// The current one.
    #[serde(rename = "2012-10-17")]
    V2012,
}

/// What a policy says of a query.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// A statement allows it and none denies it.
    Allow,
    /// A statement denies it.
    Deny,
    /// No statement applies.
    Silent,
}

/// One statement.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatementTrace {
    /// The `Sid`, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// Its place in the document, from 1.
    pub number: usize,
    /// What it says if it applies.
    pub effect: StatementEffect,
    /// Whether it applies: all its elements and conditions match.
    pub matched: bool,
    /// How it names the caller, if it is a statement of a resource's policy and does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub named_as: Option<NamedAs>,
    /// `Principal`, `Action` and `Resource` or their `Not…` twins, those that it has.
    pub elements: Vec<ElementTrace>,
    /// Each operator with each of its keys.
    pub conditions: Vec<ConditionTrace>,
}

/// The `Effect` element.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum StatementEffect {
    /// `Allow`
    Allow,
    /// `Deny`
    Deny,
}

/// How directly a resource's policy names the caller, which decides what else must allow.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum NamedAs {
    /// By the account alone: the caller's own policies must allow.
    Account,
    /// By the role or user behind the session: boundary and session policies still narrow.
    Entity,
    /// The caller itself, or everyone.
    Caller,
}

/// A `Principal`, `Action` or `Resource` element, or its `Not…` twin.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ElementTrace {
    /// Its name as written: `Action`, `NotAction`, …
    pub element: ElementName,
    /// The policy's values, as written.
    pub wanted: Vec<String>,
    /// The request's value; of `Principal`, all names of the caller.
    pub given: Vec<String>,
    /// Whether the element speaks of the request.
    pub matched: bool,
}

/// The name of an element.
#[expect(missing_docs, reason = "each variant is the element of its name")]
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum ElementName {
    Principal,
    NotPrincipal,
    Action,
    NotAction,
    Resource,
    NotResource,
}

/// One operator, one key.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConditionTrace {
    /// As written: `ForAnyValue:StringLikeIfExists`, …
    pub operator: String,
    /// As written.
    pub key: String,
    /// The policy's values, as written.
    pub wanted: Vec<String>,
    /// The request's values of the key; empty if it has none.
    pub given: Vec<String>,
    /// Whether the condition holds.
    pub matched: bool,
}
