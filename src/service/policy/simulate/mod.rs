//! What policies would decide, for a caller who may ask: of documents it brings, or of a user or role of its account.
//!
//! What is decided is [`crate::service::simulation`]'s.

mod attached;
mod scenario;
#[cfg(test)]
mod tests;

use brevet_validator::identity::Arn;
use serde_json::{Value, json};

pub use self::attached::Attached;
pub use self::scenario::{PolicyText, Scenario, Staged, WebIdentity};

use crate::service::caller::{Asked, Caller};
use crate::service::error::Error;
use crate::service::paging::{Page, PageRequest, Paging};
use crate::service::parameters::shown;
use crate::service::simulation::Outcome;

/// Bytes of traces in one piece of the answer, but for its first.
const MOST_TRACES: usize = 1 << 20;

/// What is asked, as it came off the wire.
#[derive(Clone, Debug, Default)]
pub struct Simulate {
    /// A user or role whose own policies are simulated.
    pub principal_arn: Option<String>,
    /// All else.
    pub scenario: Scenario,
    /// Whether the traces are told.
    pub include_trace: bool,
    /// Which piece.
    pub page: PageRequest,
}

/// What would be decided of one action on one resource.
#[derive(Debug)]
pub struct SimulatedPair {
    /// The decision, and what determines it.
    pub outcome: Outcome,
    /// As JSON.
    pub trace: Option<String>,
}

impl Simulate {
    /// What the audit record keeps.
    pub fn audit_parameters(&self) -> Value {
        let scenario = &self.scenario;
        json!({
            "principalArn": self.principal_arn.as_deref().map(shown),
            "callerArn": scenario.caller_arn.as_deref().map(shown),
            "actions": scenario.actions.len(),
            "resources": scenario.resources.len(),
        })
    }
}

/// `iam:SimulateCustomPolicy`, or `iam:SimulatePrincipalPolicy` on the principal.
pub fn simulate(caller: &Caller, input: Simulate) -> Result<Page<SimulatedPair>, Error> {
    let account = caller.principal().account();
    let paging = Paging::requested(&input.page, account, "Simulate")?;
    let begin = paging.begin()?;
    let staged = input.scenario.stage()?;
    let attached = match &input.principal_arn {
        Some(principal) => Some(attached::find(caller, principal)?),
        None => {
            let everything = Arn::new("iam", "", Some(account), "*");
            let context = caller.context();
            caller.demand(&Asked { action: "iam:SimulateCustomPolicy", resource: &everything, context: &context })?;
            None
        }
    };
    let simulation = staged.simulation(account, attached)?;
    let mut told = 0;
    let piece = simulation.piece(begin, paging.limit(), |outcome, trace| {
        if !input.include_trace {
            return Ok(Some(SimulatedPair { outcome, trace: None }));
        }
        // What would be too much is asked for again with the next piece.
        if told > MOST_TRACES {
            return Ok(None);
        }
        let trace = serde_json::to_string(&trace).map_err(Error::internal)?;
        told += trace.len();
        Ok(Some(SimulatedPair { outcome, trace: Some(trace) }))
    })?;
    let asked = piece.items.len();
    let items: Vec<_> = piece.items.into_iter().map_while(Result::transpose).collect::<Result<_, Error>>()?;
    let next = if items.len() < asked { Some(begin + items.len()) } else { piece.next };
    Ok(paging.page(items, next))
}
