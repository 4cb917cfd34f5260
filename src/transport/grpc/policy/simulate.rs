//! The messages of Simulate.

use brevet_validator::policy::{Effect, Position};

use super::proto;
use super::shared::{context, number, page, statement};
use crate::service::error::Error;
use crate::service::operation::{Answer, Operation};
use crate::service::policy::simulate::{PolicyText, Scenario, Simulate, SimulatedPair, WebIdentity};
use crate::service::simulation::MatchedStatement;
use crate::transport::grpc::fields::given;

pub(super) fn read(message: proto::SimulateRequest) -> Result<Operation, Error> {
    let texts = |documents: Vec<proto::PolicyDocument>| documents.into_iter().map(text).collect();
    let scenario = Scenario {
        policies: texts(message.policies),
        boundary: message.boundary.map(text),
        session_policies: texts(message.session_policies),
        resource_policy: message.resource_policy.map(text),
        trust_policy: message.trust_policy.map(text),
        resource_owner: given(message.resource_owner),
        caller_arn: given(message.caller_arn),
        web_identity: message.web_identity.map(|identity| WebIdentity {
            provider: identity.provider,
            claims: identity.claims.into_iter().map(|claim| (claim.name, claim.values)).collect(),
        }),
        actions: message.actions,
        resources: message.resources,
        context: context(message.context)?,
    };
    Ok(Operation::Simulate(Simulate {
        principal_arn: given(message.principal_arn),
        scenario,
        include_trace: message.include_trace,
        page: page(message.page_size, message.page_token),
    }))
}

fn text(document: proto::PolicyDocument) -> PolicyText {
    PolicyText { name: document.name, text: document.text }
}

pub(super) fn write(answer: Answer) -> Option<proto::SimulateResponse> {
    let Answer::Simulated(simulated) = answer else { return None };
    Some(proto::SimulateResponse {
        results: simulated.items.into_iter().map(result).collect(),
        next_page_token: simulated.marker.unwrap_or_default(),
    })
}

fn result(pair: SimulatedPair) -> proto::SimulationResult {
    let outcome = pair.outcome;
    let decision = match outcome.decision.effect {
        Effect::Allow => proto::PolicyDecision::Allowed,
        Effect::ExplicitDeny => proto::PolicyDecision::ExplicitDeny,
        Effect::ImplicitDeny => proto::PolicyDecision::ImplicitDeny,
    };
    proto::SimulationResult {
        action: outcome.action,
        resource: outcome.resource,
        decision: decision.into(),
        reason: outcome.decision.reason.as_str().to_owned(),
        matched_statements: outcome.matched.into_iter().map(matched).collect(),
        missing_context_keys: outcome.missing.to_vec(),
        trace: pair.trace.unwrap_or_default(),
    }
}

fn matched(matched: MatchedStatement) -> proto::MatchedStatement {
    proto::MatchedStatement {
        statement: Some(statement(matched.policy, matched.source, matched.sid, matched.number)),
        begin: Some(position(matched.span.begin)),
        end: Some(position(matched.span.end)),
    }
}

fn position(position: Position) -> proto::TextPosition {
    proto::TextPosition { line: number(position.line), column: number(position.column) }
}
