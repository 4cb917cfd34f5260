//! The commonest mistakes, each known by how it looks in a trace: a table of small functions for the decision as a whole,
//! for elements and for conditions.

mod condition;
mod decision;
mod element;

use std::fmt;

use super::super::evaluate::Reason;
use super::super::fold::fold;
use super::{
    ConditionTrace, ElementTrace, LanguageVersion, PolicyTrace, StatementEffect, StatementTrace, Trace, TrustFault,
};

/// How many hints are given at most: beyond that they hide each other.
const MOST: usize = 8;

/// One sentence for each mistake that explains the decision.
pub(super) fn hints(trace: &Trace) -> Vec<String> {
    let mut found: Vec<String> = decision::TABLE.iter().filter_map(|hint| hint(trace)).collect();
    for sentence in suspects(trace).iter().flat_map(Place::hints) {
        if found.len() == MOST {
            break;
        }
        if !found.contains(&sentence) {
            found.push(sentence);
        }
    }
    found
}

/// The statements that made the decision: those that allow or deny, or that could have allowed.
pub(super) fn suspects(trace: &Trace) -> Vec<Place<'_>> {
    use StatementEffect::{Allow, Deny};
    let resource = || trace.resource.iter();
    let (policies, effect, matched): (Vec<&PolicyTrace>, _, _) = match trace.decision.reason {
        Reason::Allowed => (trace.policies().collect(), Allow, true),
        Reason::ExplicitDeny => (trace.policies().collect(), Deny, true),
        Reason::NoMatchingAllow => (trace.identity.iter().chain(&trace.resource).collect(), Allow, false),
        Reason::Boundary => (trace.boundary.iter().collect(), Allow, false),
        Reason::SessionPolicy => (trace.session.iter().flatten().collect(), Allow, false),
        Reason::TrustNotSatisfied if trace.detail == Some(TrustFault::ExplicitDeny) => {
            (resource().collect(), Deny, true)
        }
        Reason::TrustNotSatisfied => (resource().collect(), Allow, false),
    };
    let mut places = Vec::new();
    for policy in policies {
        let statements = policy.statements.iter().filter(|s| s.effect == effect && s.matched == matched);
        places.extend(statements.map(|statement| Place { trace, policy, statement }));
    }
    places
}

/// A statement, and where it stands.
pub(super) struct Place<'a> {
    trace: &'a Trace,
    policy: &'a PolicyTrace,
    pub(super) statement: &'a StatementTrace,
}

impl Place<'_> {
    /// A statement that fails in more than one element is about something else: nothing is said of it.
    fn hints(&self) -> Vec<String> {
        let StatementTrace { elements, conditions, .. } = self.statement;
        let failed: Vec<&ElementTrace> = elements.iter().filter(|element| !element.matched).collect();
        match failed.as_slice() {
            [] if self.statement.matched => self.of_conditions(&condition::HELD, conditions.iter()),
            [] => self.of_conditions(&condition::FAILED, conditions.iter().filter(|condition| !condition.matched)),
            [element] => element::TABLE.iter().filter_map(|hint| hint(self, element)).collect(),
            _ => Vec::new(),
        }
    }

    fn of_conditions<'c>(
        &self,
        table: &[fn(&Place<'_>, &ConditionTrace) -> Option<String>],
        conditions: impl Iterator<Item = &'c ConditionTrace>,
    ) -> Vec<String> {
        conditions.flat_map(|condition| table.iter().filter_map(move |hint| hint(self, condition))).collect()
    }

    /// The variables among the policy's values that make them match nothing.
    fn variable(&self, wanted: &[String]) -> Option<String> {
        let variables = wanted.iter().flat_map(|text| text.split("${").skip(1));
        let mut names = variables.filter_map(|rest| rest.split_once('}')).map(|(name, _)| name);
        if self.policy.version == LanguageVersion::V2008 {
            let name = names.next()?;
            return Some(format!(
                "In version 2008-10-17 of the policy language ${{{name}}} is plain text: write \"Version\": \"2012-10-17\"."
            ));
        }
        let has_none = |name: &&str| {
            let folded: String = name.chars().map(fold).collect();
            name.contains(':') && !name.contains(',') && !self.trace.query.context.contains_key(&folded)
        };
        let name = names.find(has_none)?;
        Some(format!(
            "The variable ${{{name}}} of {self} has no value in this request, so what holds it matches nothing."
        ))
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.statement.sid {
            Some(sid) => write!(f, "statement {sid:?}"),
            None => write!(f, "statement {}", self.statement.number),
        }
    }
}

/// Every value of the policy with every value of the request, up to a number that no honest policy needs.
fn pairs<'a>(wanted: impl Iterator<Item = &'a str>, given: &'a [String]) -> impl Iterator<Item = (&'a str, &'a str)> {
    const MOST: usize = 1000;
    wanted.flat_map(move |wanted| given.iter().map(move |given| (wanted, given.as_str()))).take(MOST)
}
