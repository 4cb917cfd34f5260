//! Simulations of policies, and the condition keys that policies ask for.
//!
//! The simulated caller has what the request says, and nothing else: of whoever sends the request only the permission to
//! simulate counts, and no condition key is filled in. AWS documents none that follows from `CallerArn`.

mod exclusion;
mod given;
mod scenario;
mod source;

use brevet_validator::identity::Arn;

use self::exclusion::Exclusions;
use self::given::Given;
use super::answer::Answer;
use super::call::Call;
use super::parameters;
use super::request::{
    GetContextKeysForCustomPolicy, GetContextKeysForPrincipalPolicy, SimulateCustomPolicy, SimulatePrincipalPolicy,
};
use crate::service::error::{Error, Kind};
use crate::service::simulation::context_keys;

pub(super) fn custom(call: Call<'_>, input: SimulateCustomPolicy) -> Result<Answer, Error> {
    parameters::required("policyInputList", input.simulation.policy_input_list.first())?;
    let levels = given::levels(input.ordered_organization_policy_input_list)?;
    let given = Given::read(call, input.simulation)?;
    call.resource(everything(call)).permit()?;
    let caller = given.caller_or_stranger(call.account())?;
    let mut simulation = given.simulation(caller)?;
    simulation.organization = given::compile_levels(&levels)?;
    given.answer(&simulation)
}

pub(super) fn principal(call: Call<'_>, input: SimulatePrincipalPolicy) -> Result<Answer, Error> {
    let arn = source::arn(input.policy_source_arn)?;
    let excluded = Exclusions::read(input.policy_exclusion_list)?;
    let given = Given::read(call, input.simulation)?;
    let holder = source::find(call, &arn)?;
    let mut simulation = given.simulation(given.caller_or(holder)?)?;
    simulation.identity.splice(0..0, source::identity(call, holder, &excluded)?);
    // A boundary that is passed takes the place of the one that is attached.
    if simulation.boundary.is_none() {
        simulation.boundary = source::boundary(call, holder, &excluded)?;
    }
    given.answer(&simulation)
}

pub(super) fn keys_of_custom(call: Call<'_>, input: GetContextKeysForCustomPolicy) -> Result<Answer, Error> {
    parameters::required("policyInputList", input.policy_input_list.first())?;
    let texts = given::texts("policyInputList", input.policy_input_list)?;
    call.resource(everything(call)).permit()?;
    let policies = given::compile("PolicyInputList", &texts)?;
    Ok(Answer::ContextKeys(context_keys(&policies)))
}

/// The keys of the policies that are attached, of the boundary, and of those that are passed.
pub(super) fn keys_of_principal(call: Call<'_>, input: GetContextKeysForPrincipalPolicy) -> Result<Answer, Error> {
    let arn = source::arn(input.policy_source_arn)?;
    let texts = given::texts("policyInputList", input.policy_input_list)?;
    let holder = source::find(call, &arn)?;
    let mut policies = source::identity(call, holder, &Exclusions::none())?;
    policies.extend(source::boundary(call, holder, &Exclusions::none())?);
    policies.extend(given::compile("PolicyInputList", &texts)?);
    Ok(Answer::ContextKeys(context_keys(&policies)))
}

/// What permission is asked on where nothing of the directory is looked at.
fn everything(call: Call<'_>) -> Arn {
    Arn::new("iam", "", Some(call.account()), "*")
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(Kind::InvalidInput, message)
}
