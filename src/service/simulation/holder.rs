//! A user or role, with the policies that it has as they are in force.

use brevet_validator::policy::{Kind as PolicyKind, Subject};

use super::{PolicySource, SimulatedPolicy};
use crate::service::directory::{Grants, NamedPolicy, Role, Snapshot, User};
use crate::service::error::Error;

/// What a boundary allows whose policy is gone.
const NOTHING: &str = r#"{"Version":"2012-10-17","Statement":[]}"#;

/// A user or role whose policies are simulated.
#[derive(Clone, Copy, Debug)]
pub enum Holder<'a> {
    /// A user.
    User(&'a User),
    /// A role.
    Role(&'a Role),
}

impl Holder<'_> {
    /// Whether it is a user.
    pub fn is_user(&self) -> bool {
        matches!(self, Self::User(_))
    }

    /// The user, or some session of the role.
    pub fn subject(&self) -> Subject {
        let (account, arn, id) = match self {
            Self::User(user) => (user.account, user.arn(), user.id),
            Self::Role(role) => (role.account, role.arn(), role.id),
        };
        let named = Subject::named(&arn);
        let plain = Subject { account, arn, role_or_user_arn: None, unique_id: None, federated: None };
        Subject { unique_id: Some(id), ..named.unwrap_or(plain) }
    }

    /// Inline policies, then managed ones. `id`: how answers name each, and `None` for those that are left out.
    pub fn identity(
        &self,
        snapshot: &Snapshot,
        id: impl Fn(&NamedPolicy<'_>) -> Option<String>,
    ) -> Result<Vec<SimulatedPolicy>, Error> {
        let inline = if self.is_user() { PolicySource::User } else { PolicySource::Role };
        let simulated = |named: NamedPolicy<'_>| {
            let id = id(&named)?;
            Some(SimulatedPolicy::new(id, PolicySource::of(&named, inline), named.document.clone()))
        };
        snapshot.named_policies(self.grants()).filter_map(simulated).collect()
    }

    /// The boundary. One whose policy is gone allows nothing, as in a real decision.
    pub fn boundary(
        &self,
        snapshot: &Snapshot,
        id: impl Fn(&NamedPolicy<'_>) -> String,
    ) -> Result<Option<SimulatedPolicy>, Error> {
        let source = PolicySource::UserManaged;
        match snapshot.boundary(self.grants()) {
            Ok(None) => Ok(None),
            Ok(Some(named)) => SimulatedPolicy::new(id(&named), source, named.document.clone()).map(Some),
            Err(arn) => SimulatedPolicy::parse(arn, source, NOTHING, PolicyKind::Session).map(Some),
        }
    }

    /// Tags, policies, and what bounds them.
    pub fn grants(&self) -> &Grants {
        match self {
            Self::User(user) => &user.grants,
            Self::Role(role) => &role.grants,
        }
    }
}
