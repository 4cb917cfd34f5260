//! One decision of a simulation, and how it is written.

use std::fmt::Write as _;

use brevet_client::proto::admin as proto;
use brevet_validator::policy::{Effect, Trace};
use serde_json::{Value, json};

use crate::cli::output::{shown, statement};
use crate::service::simulation::{MatchedStatement, Outcome};

/// What would be decided of one action on one resource.
pub(super) struct Row {
    action: String,
    resource: String,
    effect: Effect,
    reason: String,
    matched: Vec<Matched>,
    missing: Vec<String>,
    trace: Trace,
}

/// A statement that determines a decision, and where it stands.
struct Matched {
    policy: String,
    sid: Option<String>,
    number: usize,
    line: usize,
    column: usize,
}

impl Row {
    /// A decision that was taken here.
    pub(super) fn of(outcome: Outcome, trace: Trace) -> Self {
        let matched = |MatchedStatement { policy, sid, number, span, .. }| Matched {
            policy,
            sid,
            number,
            line: span.begin.line,
            column: span.begin.column,
        };
        Self {
            action: outcome.action,
            resource: outcome.resource,
            effect: outcome.decision.effect,
            reason: outcome.decision.reason.as_str().to_owned(),
            matched: outcome.matched.into_iter().map(matched).collect(),
            missing: outcome.missing.to_vec(),
            trace,
        }
    }

    /// A decision that the service told.
    pub(super) fn told(result: proto::SimulationResult) -> anyhow::Result<Self> {
        let trace: Trace = serde_json::from_str(&result.trace)?;
        let number = |number| usize::try_from(number).unwrap_or(usize::MAX);
        let matched = |matched: proto::MatchedStatement| {
            let statement = matched.statement.unwrap_or_default();
            let begin = matched.begin.unwrap_or_default();
            Matched {
                policy: statement.policy,
                sid: (!statement.sid.is_empty()).then_some(statement.sid),
                number: number(statement.number),
                line: number(begin.line),
                column: number(begin.column),
            }
        };
        let effect = match result.decision() {
            proto::PolicyDecision::Allowed => Effect::Allow,
            proto::PolicyDecision::ExplicitDeny => Effect::ExplicitDeny,
            proto::PolicyDecision::ImplicitDeny => Effect::ImplicitDeny,
            proto::PolicyDecision::Unspecified => anyhow::bail!("the service answered without a decision"),
        };
        Ok(Self {
            action: result.action,
            resource: result.resource,
            effect,
            reason: result.reason,
            matched: result.matched_statements.into_iter().map(matched).collect(),
            missing: result.missing_context_keys,
            trace,
        })
    }

    pub(super) fn allowed(&self) -> bool {
        self.effect == Effect::Allow
    }

    /// In AWS's words.
    fn decision(&self) -> &'static str {
        match self.effect {
            Effect::Allow => "allowed",
            Effect::ExplicitDeny => "explicitDeny",
            Effect::ImplicitDeny => "implicitDeny",
        }
    }
}

pub(super) fn human(rows: &[Row]) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    for row in rows {
        write!(text, "{}: {} on {}", row.decision(), shown(&row.action), shown(&row.resource))?;
        writeln!(text, "{}", if row.allowed() { String::new() } else { format!(" ({})", row.reason) })?;
        for Matched { policy, sid, number, line, column } in &row.matched {
            let statement = statement(number, sid.as_deref());
            writeln!(text, "    by {}:{line}:{column}: {statement}", shown(policy))?;
        }
        if !row.missing.is_empty() {
            writeln!(text, "    not given: {}", shown(&row.missing.join(", ")))?;
        }
        for hint in row.trace.hints.iter().filter(|_| !row.allowed()) {
            writeln!(text, "    hint: {}", shown(hint))?;
        }
    }
    Ok(text)
}

pub(super) fn as_json(rows: &[Row]) -> Value {
    let matched = |matched: &Matched| {
        json!({
            "policy": matched.policy,
            "sid": matched.sid,
            "number": matched.number,
            "line": matched.line,
            "column": matched.column,
        })
    };
    let results = rows.iter().map(|row| {
        json!({
            "action": row.action,
            "resource": row.resource,
            "decision": row.decision(),
            "reason": row.reason,
            "matched_statements": row.matched.iter().map(matched).collect::<Vec<_>>(),
            "missing_context_keys": row.missing,
            "trace": row.trace,
        })
    });
    json!({ "results": results.collect::<Vec<_>>() })
}
