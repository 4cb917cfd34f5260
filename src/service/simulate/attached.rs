//! The policies of a user or role, as they are in force.

use brevet_validator::identity::Arn;
use brevet_validator::policy::{Kind as PolicyKind, Subject};

use super::scenario::invalid;
use crate::service::caller::{Asked, Caller};
use crate::service::directory::NamedPolicy;
use crate::service::error::{Error, Kind};
use crate::service::parameters::shown;
use crate::service::simulation::{PolicySource, SimulatedPolicy};

/// What a boundary allows whose policy is gone.
const NOTHING: &str = r#"{"Version":"2012-10-17","Statement":[]}"#;

/// What a principal brings into a simulation.
#[derive(Debug)]
pub struct Attached {
    /// Who it is.
    pub(super) subject: Subject,
    /// Inline policies, then managed ones.
    pub(super) identity: Vec<SimulatedPolicy>,
    pub(super) boundary: Option<SimulatedPolicy>,
}

/// `iam:SimulatePrincipalPolicy` on the principal, and then its policies.
pub(super) fn find(caller: &Caller, principal: &str) -> Result<Attached, Error> {
    let account = caller.principal().account();
    let arn: Arn = principal.parse().map_err(|_| not_a_principal(principal))?;
    let kind = arn.resource().split_once('/').filter(|(_, name)| !name.is_empty()).map(|(kind, _)| kind);
    let name = arn.resource().rsplit('/').next().unwrap_or_default();
    let snapshot = caller.snapshot();
    let found = match kind.filter(|_| arn.service() == "iam" && arn.region().is_empty()) {
        Some("user") => snapshot
            .user(account, name)
            .filter(|user| user.arn() == arn)
            .map(|user| (user.id, &user.grants, PolicySource::User)),
        Some("role") => snapshot
            .role(account, name)
            .filter(|role| role.arn() == arn)
            .map(|role| (role.id, &role.grants, PolicySource::Role)),
        _ => return Err(not_a_principal(principal)),
    };
    let mut context = caller.context();
    for tag in found.iter().flat_map(|(_, grants, _)| &grants.tags) {
        context.set(&format!("aws:ResourceTag/{}", tag.key), tag.value.as_str());
        context.set(&format!("iam:ResourceTag/{}", tag.key), tag.value.as_str());
    }
    caller.demand(&Asked { action: "iam:SimulatePrincipalPolicy", resource: &arn, context: &context })?;

    let gone = || Error::new(Kind::NoSuchEntity, format!("{} cannot be found.", shown(principal)));
    let (id, grants, source) = found.ok_or_else(gone)?;
    let subject = Subject::named(&arn).ok_or_else(gone)?;
    let named = |named: NamedPolicy<'_>| {
        let source = if named.managed { PolicySource::UserManaged } else { source };
        SimulatedPolicy::new(named.name, source, named.document.clone())
    };
    Ok(Attached {
        subject: Subject { unique_id: Some(id), ..subject },
        identity: snapshot.named_policies(grants).map(named).collect::<Result<_, _>>()?,
        boundary: boundary(snapshot.boundary(grants))?,
    })
}

/// One that is gone allows nothing, as in a real decision.
fn boundary(found: Result<Option<NamedPolicy<'_>>, &str>) -> Result<Option<SimulatedPolicy>, Error> {
    let source = PolicySource::UserManaged;
    match found {
        Ok(named) => named.map(|named| SimulatedPolicy::new(named.name, source, named.document.clone())).transpose(),
        Err(arn) => SimulatedPolicy::parse(arn, source, NOTHING, PolicyKind::Session).map(Some),
    }
}

fn not_a_principal(text: &str) -> Error {
    invalid(format!("'{}' is not the ARN of a user or role.", shown(text)))
}
