//! Asks the policies what each case wants to know, and keeps count of the statements that applied.

use brevet_validator::policy::{self, Decision, Effect, Policies, Policy, PolicyTrace, Query, StatementEffect, Trace};

use super::documents::{Document, DocumentId, Documents, Statement};
use super::suite::{Case, Expected, Suite};

/// A case and what came of it. It passed if nothing failed.
#[derive(Debug)]
pub(super) struct Outcome<'a> {
    pub(super) suite: &'a Suite,
    pub(super) case: &'a Case,
    pub(super) failures: Vec<Failure<'a>>,
}

/// One action on one resource with another decision than expected.
#[derive(Debug)]
pub(super) struct Failure<'a> {
    pub(super) action: &'a str,
    pub(super) resource: &'a str,
    pub(super) decision: Decision,
    pub(super) hints: Vec<String>,
    /// The statements that made the decision, if any did.
    pub(super) statements: Vec<(&'a Document, &'a Statement)>,
}

/// Which statements of a document applied in any case.
#[derive(Debug)]
pub(super) struct Coverage<'a> {
    pub(super) document: &'a Document,
    /// In the order of the document.
    pub(super) exercised: Vec<bool>,
}

impl Coverage<'_> {
    pub(super) fn count(&self) -> usize {
        self.exercised.iter().filter(|exercised| **exercised).count()
    }

    pub(super) fn not_exercised(&self) -> impl Iterator<Item = &Statement> {
        self.document.statements.iter().zip(&self.exercised).filter(|(_, exercised)| !**exercised).map(|(it, _)| it)
    }
}

/// The share of statements that were exercised, in percent; all of none.
pub(super) fn percent(coverage: &[Coverage<'_>]) -> f64 {
    let statements: usize = coverage.iter().map(|coverage| coverage.exercised.len()).sum();
    let exercised: usize = coverage.iter().map(Coverage::count).sum();
    if statements == 0 { 100.0 } else { exercised as f64 * 100.0 / statements as f64 }
}

/// Runs all cases, in their order.
pub(super) fn run<'a>(suites: &'a [Suite], documents: &'a Documents) -> (Vec<Outcome<'a>>, Vec<Coverage<'a>>) {
    let unexercised = |document: &'a Document| Coverage { document, exercised: vec![false; document.statements.len()] };
    let mut coverage: Vec<Coverage<'a>> = documents.iter().map(unexercised).collect();
    let mut outcomes = Vec::new();
    for suite in suites {
        for case in &suite.cases {
            let mut failures = Vec::new();
            for action in &case.actions {
                for resource in &case.resources {
                    let (trace, asked) = ask(suite, case, action, resource, documents);
                    note(&mut coverage, &trace, &asked);
                    if !meets(case.expected, trace.decision) {
                        let statements = deciding(&trace, &asked, documents);
                        let Trace { decision, hints, .. } = trace;
                        failures.push(Failure { action, resource, decision, hints, statements });
                    }
                }
            }
            outcomes.push(Outcome { suite, case, failures });
        }
    }
    (outcomes, coverage)
}

fn meets(expected: Expected, decision: Decision) -> bool {
    match expected {
        Expected::Allow => decision.effect == Effect::Allow,
        Expected::Deny(reason) => {
            decision.effect != Effect::Allow && reason.is_none_or(|reason| reason == decision.reason)
        }
    }
}

/// The trace, and the documents whose policies it has, in its order.
fn ask(suite: &Suite, case: &Case, action: &str, resource: &str, documents: &Documents) -> (Trace, Vec<DocumentId>) {
    let attached = &suite.attached;
    let trust = attached.trust_for(action);
    // A web identity has no policies of its own.
    let (identity, boundary, session) = match case.caller.subject.federated {
        Some(_) => (&[][..], None, None),
        None => (attached.identity.as_slice(), attached.boundary, attached.session.as_deref()),
    };
    let of_resource = trust.or(attached.resource);
    let policy = |id: &DocumentId| &documents.get(*id).policy;
    let identity_policies: Vec<&Policy> = identity.iter().map(policy).collect();
    let session_policies: Option<Vec<&Policy>> = session.map(|session| session.iter().map(policy).collect());
    let owner = resource.split(':').nth(4).and_then(|account| account.parse().ok());
    let policies = Policies {
        identity: &identity_policies,
        boundary: boundary.as_ref().map(policy),
        session: session_policies.as_deref(),
        resource: of_resource.as_ref().map(policy),
        resource_account: owner.or(case.account),
    };
    let query = Query { subject: &case.caller.subject, action, resource, context: &case.context };
    let explain = if trust.is_some() { policy::explain_trust } else { policy::explain };
    let asked = identity.iter().copied().chain(boundary).chain(session.into_iter().flatten().copied());
    (explain(&policies, &query), asked.chain(of_resource).collect())
}

fn note(coverage: &mut [Coverage<'_>], trace: &Trace, asked: &[DocumentId]) {
    for (policy, DocumentId(i)) in trace.policies().zip(asked) {
        for (exercised, statement) in coverage[*i].exercised.iter_mut().zip(&policy.statements) {
            *exercised |= statement.matched;
        }
    }
}

/// Of an Allow and of an explicit Deny, the statements that say so.
fn deciding<'a>(trace: &Trace, asked: &[DocumentId], documents: &'a Documents) -> Vec<(&'a Document, &'a Statement)> {
    let effect = match trace.decision.effect {
        Effect::Allow => StatementEffect::Allow,
        Effect::ExplicitDeny => StatementEffect::Deny,
        Effect::ImplicitDeny => return Vec::new(),
    };
    let of_policy = |(policy, id): (&PolicyTrace, &DocumentId)| {
        let document = documents.get(*id);
        let statements = policy.statements.iter().zip(&document.statements);
        let deciding = statements.filter(|(trace, _)| trace.matched && trace.effect == effect);
        deciding.map(|(_, statement)| (document, statement)).collect::<Vec<_>>()
    };
    trace.policies().zip(asked).flat_map(of_policy).collect()
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
