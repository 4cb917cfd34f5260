//! `PolicySourceArn`: the user or role whose policies are simulated.

use brevet_validator::identity::Arn;
use brevet_validator::policy::{Kind as PolicyKind, Subject};

use super::exclusion::Exclusions;
use crate::service::directory::{Role, Snapshot, User};
use crate::service::error::{Error, Kind};
use crate::service::iam::call::Call;
use crate::service::iam::owner::Owner;
use crate::service::iam::parameters;
use crate::service::parameters::shown;
use crate::service::simulation::{PolicySource, SimulatedPolicy};

/// What a boundary allows whose policy is gone.
const NOTHING: &str = r#"{"Version":"2012-10-17","Statement":[]}"#;

/// A user or role of the caller's account.
pub(super) enum Source<'a> {
    User(&'a User),
    Role(&'a Role),
}

/// The ARN of a user, group or role. There are no groups, and so none is found.
pub(super) fn arn(value: Option<String>) -> Result<Arn, Error> {
    let arn = parameters::arn("policySourceArn", value)?;
    let kind = arn.resource().split_once('/').filter(|(_, name)| !name.is_empty()).map(|(kind, _)| kind);
    match kind {
        Some("user" | "group" | "role") if arn.service() == "iam" && arn.region().is_empty() => Ok(arn),
        _ => Err(parameters::invalid_arn(arn.as_str())),
    }
}

impl<'a> Source<'a> {
    /// Finds it, once the caller may.
    pub(super) fn find(call: Call<'a>, arn: &Arn) -> Result<Self, Error> {
        let snapshot = call.caller.snapshot();
        match arn.resource().split_once('/') {
            Some(("user", _)) => call.owner_of_arn(snapshot, arn).permit().map(Self::User),
            Some(("role", _)) => call.owner_of_arn(snapshot, arn).permit().map(Self::Role),
            _ => {
                call.resource(arn.clone()).permit()?;
                let name = arn.resource().rsplit('/').next().unwrap_or_default();
                Err(Error::new(Kind::NoSuchEntity, format!("The group with name {} cannot be found.", shown(name))))
            }
        }
    }

    pub(super) fn is_user(&self) -> bool {
        matches!(self, Self::User(_))
    }

    /// The user, or some session of the role.
    pub(super) fn subject(&self) -> Subject {
        let (account, arn, id) = match self {
            Self::User(user) => (user.account, user.arn(), user.id),
            Self::Role(role) => (role.account, role.arn(), role.id),
        };
        let named = Subject::named(&arn);
        let plain = Subject { account, arn, role_or_user_arn: None, unique_id: None, federated: None };
        Subject { unique_id: Some(id), ..named.unwrap_or(plain) }
    }

    /// Inline and attached policies, as they are in force.
    pub(super) fn identity(&self, snapshot: &Snapshot, excluded: &Exclusions) -> Result<Vec<SimulatedPolicy>, Error> {
        match self {
            Self::User(user) => identity(*user, PolicySource::User, snapshot, excluded),
            Self::Role(role) => identity(*role, PolicySource::Role, snapshot, excluded),
        }
    }

    /// The boundary. One whose policy is gone allows nothing, as in a real decision.
    pub(super) fn boundary(
        &self,
        snapshot: &Snapshot,
        excluded: &Exclusions,
    ) -> Result<Option<SimulatedPolicy>, Error> {
        let grants = match self {
            Self::User(user) => &user.grants,
            Self::Role(role) => &role.grants,
        };
        let Some(arn) = grants.boundary.as_ref().filter(|_| !excluded.boundary()) else { return Ok(None) };
        let found = snapshot.policy_by_arn(arn).and_then(|policy| Some((&policy.name, policy.default_document()?)));
        match found {
            Some((name, document)) => SimulatedPolicy::new(name, PolicySource::UserManaged, document.clone()).map(Some),
            None => SimulatedPolicy::parse(arn, PolicySource::UserManaged, NOTHING, PolicyKind::Session).map(Some),
        }
    }
}

/// Inline policies are named as AWS names them in simulations: `user_NAME_POLICY`.
fn identity<O: Owner>(
    owner: &O,
    source: PolicySource,
    snapshot: &Snapshot,
    excluded: &Exclusions,
) -> Result<Vec<SimulatedPolicy>, Error> {
    let name = owner.name();
    let inline = owner.grants().inline.iter().filter(|policy| !excluded.inline(O::KIND, name, &policy.name));
    let inline = inline.map(|policy| {
        let id = format!("{}_{name}_{}", O::KIND.word(), policy.name);
        SimulatedPolicy::new(id, source, policy.document.clone())
    });
    let attached = owner.grants().attached.iter().filter(|arn| !excluded.managed(arn));
    let attached = attached.filter_map(|arn| {
        let policy = snapshot.policy_by_arn(arn)?;
        Some(SimulatedPolicy::new(&policy.name, PolicySource::UserManaged, policy.default_document()?.clone()))
    });
    inline.chain(attached).collect()
}
