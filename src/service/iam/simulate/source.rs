//! `PolicySourceArn`: the user or role whose policies are simulated.

use brevet_validator::identity::Arn;

use super::exclusion::Exclusions;
use crate::service::directory::NamedPolicy;
use crate::service::error::{Error, Kind};
use crate::service::iam::call::Call;
use crate::service::iam::owner::OwnerKind;
use crate::service::iam::parameters;
use crate::service::parameters::shown;
use crate::service::simulation::{Holder, SimulatedPolicy};

/// The ARN of a user, group or role. There are no groups, and so none is found.
pub(super) fn arn(value: Option<String>) -> Result<Arn, Error> {
    let arn = parameters::arn("policySourceArn", value)?;
    let kind = arn.resource().split_once('/').filter(|(_, name)| !name.is_empty()).map(|(kind, _)| kind);
    match kind {
        Some("user" | "group" | "role") if arn.service() == "iam" && arn.region().is_empty() => Ok(arn),
        _ => Err(parameters::invalid_arn(arn.as_str())),
    }
}

/// Finds it in the caller's account, once the caller may.
pub(super) fn find<'a>(call: Call<'a>, arn: &Arn) -> Result<Holder<'a>, Error> {
    let snapshot = call.caller.snapshot();
    match arn.resource().split_once('/') {
        Some(("user", _)) => call.owner_of_arn(snapshot, arn).permit().map(Holder::User),
        Some(("role", _)) => call.owner_of_arn(snapshot, arn).permit().map(Holder::Role),
        _ => {
            call.resource(arn.clone()).permit()?;
            let name = arn.resource().rsplit('/').next().unwrap_or_default();
            Err(Error::new(Kind::NoSuchEntity, format!("The group with name {} cannot be found.", shown(name))))
        }
    }
}

/// Its inline and attached policies, under AWS's names in simulations: `user_NAME_POLICY` for inline ones.
pub(super) fn identity(
    call: Call<'_>,
    holder: Holder<'_>,
    excluded: &Exclusions,
) -> Result<Vec<SimulatedPolicy>, Error> {
    let (kind, owner) = match holder {
        Holder::User(user) => (OwnerKind::User, &user.name),
        Holder::Role(role) => (OwnerKind::Role, &role.name),
    };
    holder.identity(call.caller.snapshot(), |named| match named.managed {
        true => (!excluded.managed(named.name)).then(|| managed_name(named)),
        false => {
            let is_excluded = excluded.inline(kind, owner, named.name);
            (!is_excluded).then(|| format!("{}_{owner}_{}", kind.word(), named.name))
        }
    })
}

/// Its boundary.
pub(super) fn boundary(
    call: Call<'_>,
    holder: Holder<'_>,
    excluded: &Exclusions,
) -> Result<Option<SimulatedPolicy>, Error> {
    if excluded.boundary() {
        return Ok(None);
    }
    holder.boundary(call.caller.snapshot(), managed_name)
}

/// The name of a managed policy, which its ARN ends with.
fn managed_name(named: &NamedPolicy<'_>) -> String {
    named.name.rsplit('/').next().unwrap_or_default().to_owned()
}
