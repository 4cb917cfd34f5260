//! The policies of a user or role of the caller's account.

use brevet_validator::identity::Arn;
use brevet_validator::policy::Subject;

use super::scenario::invalid;
use crate::service::caller::{Asked, Caller};
use crate::service::directory::NamedPolicy;
use crate::service::error::{Error, Kind};
use crate::service::parameters::shown;
use crate::service::simulation::{Holder, SimulatedPolicy};

/// What a principal brings into a simulation.
#[derive(Debug)]
pub struct Attached {
    /// Who it is.
    pub(super) subject: Subject,
    /// Inline policies, then managed ones.
    pub(super) identity: Vec<SimulatedPolicy>,
    pub(super) boundary: Option<SimulatedPolicy>,
}

/// `iam:SimulatePrincipalPolicy` on the principal, and then its policies, by name or ARN.
pub(super) fn find(caller: &Caller, principal: &str) -> Result<Attached, Error> {
    let account = caller.principal().account();
    let arn: Arn = principal.parse().map_err(|_| not_a_principal(principal))?;
    let kind = arn.resource().split_once('/').filter(|(_, name)| !name.is_empty()).map(|(kind, _)| kind);
    let name = arn.resource().rsplit('/').next().unwrap_or_default();
    let snapshot = caller.snapshot();
    let holder = match kind.filter(|_| arn.service() == "iam" && arn.region().is_empty()) {
        Some("user") => snapshot.user(account, name).filter(|user| user.arn() == arn).map(Holder::User),
        Some("role") => snapshot.role(account, name).filter(|role| role.arn() == arn).map(Holder::Role),
        _ => return Err(not_a_principal(principal)),
    };
    let mut context = caller.context();
    for tag in holder.iter().flat_map(|holder| &holder.grants().tags) {
        context.set(&format!("aws:ResourceTag/{}", tag.key), tag.value.as_str());
        context.set(&format!("iam:ResourceTag/{}", tag.key), tag.value.as_str());
    }
    caller.demand(&Asked { action: "iam:SimulatePrincipalPolicy", resource: &arn, context: &context })?;

    let gone = || Error::new(Kind::NoSuchEntity, format!("{} cannot be found.", shown(principal)));
    let holder = holder.ok_or_else(gone)?;
    let id = |named: &NamedPolicy<'_>| named.name.to_owned();
    Ok(Attached {
        subject: holder.subject(),
        identity: holder.identity(snapshot, |named| Some(id(named)))?,
        boundary: holder.boundary(snapshot, id)?,
    })
}

fn not_a_principal(text: &str) -> Error {
    invalid(format!("'{}' is not the ARN of a user or role.", shown(text)))
}
