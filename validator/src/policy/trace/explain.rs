//! Makes a trace, from the statements that decide.

use super::super::compiled::{self, Policy, ResourceVerdict};
use super::super::condition::Condition;
use super::super::document::{self, PrincipalKind, Principals, Verb, Version};
use super::super::element::Element;
use super::super::evaluate::{Decision, evaluate, evaluate_trust};
use super::super::json::Text;
use super::super::principal::Naming;
use super::super::query::{Policies, Query, Subject};
use super::hint::hints;
use super::trust_fault::TrustFault;
use super::{
    ConditionTrace, ElementName, ElementTrace, LanguageVersion, NamedAs, PolicyTrace, QueryTrace, StatementEffect,
    StatementTrace, Trace, Verdict,
};

/// The decision of [`evaluate`], and why.
pub fn explain(policies: &Policies<'_>, query: &Query<'_>) -> Trace {
    trace(evaluate(policies, query), policies, query)
}

/// The decision of [`evaluate_trust`], and why.
pub fn explain_trust(policies: &Policies<'_>, query: &Query<'_>) -> Trace {
    trace(evaluate_trust(policies, query), policies, query)
}

fn trace(decision: Decision, policies: &Policies<'_>, query: &Query<'_>) -> Trace {
    let of_caller = |policy: &&Policy| caller_policy(policy, query);
    let mut trace = Trace {
        decision,
        detail: None,
        abridged: false,
        hints: Vec::new(),
        query: asked(policies, query),
        identity: policies.identity.iter().map(of_caller).collect(),
        boundary: policies.boundary.as_ref().map(of_caller),
        session: policies.session.map(|session| session.iter().map(of_caller).collect()),
        resource: policies.resource.map(|policy| resource_policy(policy, query, policies.boundary.is_some())),
    };
    trace.detail = TrustFault::of(&trace, query.subject);
    trace.hints = hints(&trace);
    trace
}

fn asked(policies: &Policies<'_>, query: &Query<'_>) -> QueryTrace {
    QueryTrace {
        principal: query.subject.arn.to_string(),
        names: names(query.subject),
        account: query.subject.account.to_string(),
        action: query.action.to_owned(),
        resource: query.resource.to_owned(),
        resource_account: policies.resource_account.map(|account| account.to_string()),
        context: query.context.entries().map(|(key, values)| (key.to_owned(), values.to_vec())).collect(),
    }
}

/// A web identity has no name but its provider's.
fn names(subject: &Subject) -> Vec<String> {
    if let Some(provider) = &subject.federated {
        return vec![provider.clone()];
    }
    let entity = subject.role_or_user_arn.as_ref().map(ToString::to_string);
    let id = subject.unique_id.as_ref().map(ToString::to_string);
    [Some(subject.arn.to_string()), entity, id, Some(subject.account.to_string())].into_iter().flatten().collect()
}

fn caller_policy(policy: &Policy, query: &Query<'_>) -> PolicyTrace {
    let verdict = match policy.verdict(query) {
        compiled::Verdict::Allow => Verdict::Allow,
        compiled::Verdict::Deny => Verdict::Deny,
        compiled::Verdict::Silent => Verdict::Silent,
    };
    policy_trace(policy, verdict, query, |statement| (statement.principal.is_none(), None))
}

fn resource_policy(policy: &Policy, query: &Query<'_>, bounded: bool) -> PolicyTrace {
    let verdict = match policy.resource_verdict(query, bounded) {
        ResourceVerdict::Allow(_) => Verdict::Allow,
        ResourceVerdict::Deny => Verdict::Deny,
        ResourceVerdict::Silent => Verdict::Silent,
    };
    policy_trace(policy, verdict, query, |statement| {
        let naming = statement.names(query, bounded);
        (naming.is_some(), naming)
    })
}

/// `speaks`: whether a statement speaks of the caller at all, and by which name.
fn policy_trace(
    policy: &Policy,
    verdict: Verdict,
    query: &Query<'_>,
    speaks: impl Fn(&compiled::Statement) -> (bool, Option<Naming>),
) -> PolicyTrace {
    let statement = |(i, (compiled, written)): (usize, (&compiled::Statement, &document::Statement))| {
        let (speaks, naming) = speaks(compiled);
        StatementTrace {
            sid: written.sid.as_ref().map(|sid| sid.value.clone()).filter(|sid| !sid.is_empty()),
            number: i + 1,
            effect: match written.effect {
                Verb::Allow => StatementEffect::Allow,
                Verb::Deny => StatementEffect::Deny,
            },
            matched: speaks && compiled.covers(query),
            named_as: naming.map(|naming| match naming {
                Naming::Account => NamedAs::Account,
                Naming::Entity => NamedAs::Entity,
                Naming::Caller => NamedAs::Caller,
            }),
            elements: elements(compiled, written, speaks, query),
            conditions: compiled
                .conditions
                .iter()
                .zip(&written.conditions)
                .map(|(c, w)| condition(c, w, query))
                .collect(),
        }
    };
    PolicyTrace {
        version: match policy.version() {
            Version::V2008 => LanguageVersion::V2008,
            Version::V2012 => LanguageVersion::V2012,
        },
        verdict,
        statements: policy.statements().enumerate().map(statement).collect(),
    }
}

fn elements(
    compiled: &compiled::Statement,
    written: &document::Statement,
    speaks: bool,
    query: &Query<'_>,
) -> Vec<ElementTrace> {
    let principal = written.principal.as_ref().map(|element| ElementTrace {
        element: if element.negated { ElementName::NotPrincipal } else { ElementName::Principal },
        wanted: principals(&element.value),
        given: names(query.subject),
        matched: speaks,
    });
    let action = ElementTrace {
        element: if written.action.negated { ElementName::NotAction } else { ElementName::Action },
        wanted: values(&written.action),
        given: vec![query.action.to_owned()],
        matched: compiled.action.accepts(query.action, query.context),
    };
    let resource = written.resource.as_ref().zip(compiled.resource.as_ref()).map(|(element, compiled)| ElementTrace {
        element: if element.negated { ElementName::NotResource } else { ElementName::Resource },
        wanted: values(element),
        given: vec![query.resource.to_owned()],
        matched: compiled.accepts(query.resource, query.context),
    });
    [principal, Some(action), resource].into_iter().flatten().collect()
}

fn condition(compiled: &Condition, written: &document::Condition, query: &Query<'_>) -> ConditionTrace {
    ConditionTrace {
        operator: written.operator.value.clone(),
        key: written.key.value.clone(),
        wanted: texts(&written.values),
        given: compiled.given(query.context).to_vec(),
        matched: compiled.holds(query.context),
    }
}

fn values(element: &Element<Vec<Text>>) -> Vec<String> {
    texts(&element.value)
}

fn texts(texts: &[Text]) -> Vec<String> {
    texts.iter().map(|text| text.value.clone()).collect()
}

/// `*`, or `AWS: 123456789012` and the like.
fn principals(principals: &Principals) -> Vec<String> {
    let listed = match principals {
        Principals::Everyone => return vec!["*".to_owned()],
        Principals::Listed(listed) => listed,
    };
    let kind = |kind: &PrincipalKind| match kind {
        PrincipalKind::Aws => "AWS",
        PrincipalKind::CanonicalUser => "CanonicalUser",
        PrincipalKind::Federated => "Federated",
        PrincipalKind::Service => "Service",
    };
    listed.iter().map(|(of, name)| format!("{}: {}", kind(of), name.value)).collect()
}
