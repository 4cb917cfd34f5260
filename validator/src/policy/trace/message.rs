//! A trace in the form that `DecodeAuthorizationMessage` answers with: [AWS's members][1], and ours beside them.
//!
//! [1]: https://docs.aws.amazon.com/STS/latest/APIReference/API_DecodeAuthorizationMessage.html

use serde_json::{Value, json};

use super::super::evaluate::Effect;
use super::hint::suspects;
use super::{ConditionTrace, ElementName, ElementTrace, StatementEffect, StatementTrace, Trace};

/// Whom the `context` of an authorization message names.
#[derive(Clone, Copy, Debug)]
pub struct MessagePrincipal<'a> {
    /// As GetCallerIdentity gives it: `AIDA…`, `AROA…:session`, …
    pub id: &'a str,
    /// Name of a user. Sessions have none.
    pub name: Option<&'a str>,
}

impl Trace {
    /// `allowed`, `explicitDeny`, `matchedStatements`, `failures` and `context` as AWS has them, and `trace`: all of this.
    ///
    /// AWS leaves the content of `failures` open. Here it is what kept those statements from applying that could have
    /// allowed the request.
    pub fn authorization_message(&self, principal: MessagePrincipal<'_>) -> Value {
        let statements = || self.policies().flat_map(|policy| &policy.statements);
        let matched = statements().filter(|statement| statement.matched);
        let suspects = suspects(self);
        let failures = suspects.iter().flat_map(|place| failures(place.statement));
        let conditions = self.query.context.iter().map(|(key, values)| json!({"key": key, "values": texts(values)}));
        let mut who = json!({"id": principal.id, "arn": self.query.principal});
        if let Some(name) = principal.name {
            who["name"] = name.into();
        }
        json!({
            "allowed": self.allowed(),
            "explicitDeny": self.decision.effect == Effect::ExplicitDeny,
            "matchedStatements": items(matched.map(|matched| statement(matched, principal.id))),
            "failures": items(failures),
            "context": {
                "principal": who,
                "action": self.query.action,
                "resource": self.query.resource,
                "conditions": items(conditions),
            },
            "trace": self,
        })
    }
}

/// A statement of the caller's own policies has the caller for principal. A `Not…` element has a member of its own.
fn statement(statement: &StatementTrace, caller_id: &str) -> Value {
    let conditions = statement.conditions.iter().map(
        |condition| json!({"operator": condition.operator, "key": condition.key, "values": texts(&condition.wanted)}),
    );
    let mut message = json!({
        "statementId": statement.sid.as_deref().unwrap_or_default(),
        "effect": match statement.effect {
            StatementEffect::Allow => "ALLOW",
            StatementEffect::Deny => "DENY",
        },
        "principals": items([json!({"value": caller_id})]),
        "principalGroups": items([]),
        "actions": items([]),
        "resources": items([]),
        "conditions": items(conditions),
    });
    for ElementTrace { element, wanted, .. } in &statement.elements {
        let member = match element {
            ElementName::Principal => "principals",
            ElementName::Action => "actions",
            ElementName::Resource => "resources",
            ElementName::NotPrincipal => "notPrincipals",
            ElementName::NotAction => "notActions",
            ElementName::NotResource => "notResources",
        };
        message[member] = texts(wanted);
    }
    message
}

/// What keeps a statement from applying.
fn failures(statement: &StatementTrace) -> impl Iterator<Item = Value> {
    let id = statement.sid.as_deref().unwrap_or_default();
    let of_element = move |ElementTrace { element, wanted, given, .. }: &ElementTrace| json!({"statementId": id, "element": element, "values": texts(wanted), "given": texts(given)});
    let of_condition = move |ConditionTrace { operator, key, wanted, given, .. }: &ConditionTrace| json!({"statementId": id, "operator": operator, "key": key, "values": texts(wanted), "given": texts(given)});
    let elements = statement.elements.iter().filter(|element| !element.matched).map(of_element);
    elements.chain(statement.conditions.iter().filter(|condition| !condition.matched).map(of_condition))
}

fn texts(texts: &[String]) -> Value {
    items(texts.iter().map(|text| json!({"value": text})))
}

fn items(items: impl IntoIterator<Item = Value>) -> Value {
    json!({"items": items.into_iter().collect::<Vec<_>>()})
}
