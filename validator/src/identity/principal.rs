//! Those who act.

use super::{AccountId, Arn, SessionName, UniqueId, UniqueIdKind};

/// Who acts.
///
/// Names and paths are those of the directory when the credentials were made; the unique ids say whether
/// what now bears the name is still the same thing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Principal {
    /// The account itself.
    Root {
        /// The account.
        account: AccountId,
    },
    /// A user, by a long-lived key or by a session of GetSessionToken.
    User {
        /// The account that owns the user.
        account: AccountId,
        /// Begins and ends with `/`.
        path: String,
        /// The user's name.
        name: String,
        /// `AIDA…`
        id: UniqueId,
    },
    /// Someone who took on a role.
    RoleSession {
        /// The account that owns the role.
        account: AccountId,
        /// The role's path; begins and ends with `/`.
        role_path: String,
        /// The role's name.
        role_name: String,
        /// `AROA…`
        role_id: UniqueId,
        /// The name given to the session.
        session_name: SessionName,
    },
    /// A session of GetFederationToken.
    FederatedUser {
        /// The account of the user who asked for it.
        account: AccountId,
        /// The name given to the session.
        name: SessionName,
        /// The user who asked for it, `None` if the account itself did.
        user: Option<UniqueId>,
    },
}

impl Principal {
    /// Who has a long-lived key: the root or the user of this ARN and id, as [`Principal::arn`] and [`Principal::user_id`]
    /// write them. `None` for all others.
    pub fn with_long_lived_key(arn: &Arn, id: &str) -> Option<Self> {
        let account = arn.account().parse().ok()?;
        let principal = match arn.resource().strip_prefix("user") {
            None => Self::Root { account },
            Some(path_and_name) => {
                let (path, name) = path_and_name.split_at(path_and_name.rfind('/')? + 1);
                let id: UniqueId = id.parse().ok().filter(|id: &UniqueId| id.kind() == UniqueIdKind::User)?;
                Self::User { account, path: path.to_owned(), name: name.to_owned(), id }
            }
        };
        (principal.arn() == *arn && principal.user_id() == id).then_some(principal)
    }

    /// The account that the principal belongs to.
    pub fn account(&self) -> AccountId {
        match self {
            Self::Root { account }
            | Self::User { account, .. }
            | Self::RoleSession { account, .. }
            | Self::FederatedUser { account, .. } => *account,
        }
    }

    /// What GetCallerIdentity answers as `Arn`. A role's path is not part of it.
    pub fn arn(&self) -> Arn {
        let account = Some(self.account());
        match self {
            Self::Root { .. } => Arn::new("iam", "", account, "root"),
            Self::User { path, name, .. } => Arn::new("iam", "", account, &format!("user{path}{name}")),
            Self::RoleSession { role_name, session_name, .. } => {
                Arn::new("sts", "", account, &format!("assumed-role/{role_name}/{session_name}"))
            }
            Self::FederatedUser { name, .. } => Arn::new("sts", "", account, &format!("federated-user/{name}")),
        }
    }

    /// What GetCallerIdentity answers as `UserId`, and the value of `aws:userid`.
    pub fn user_id(&self) -> String {
        match self {
            Self::Root { account } => account.to_string(),
            Self::User { id, .. } => id.to_string(),
            Self::RoleSession { role_id, session_name, .. } => format!("{role_id}:{session_name}"),
            Self::FederatedUser { account, name, .. } => format!("{account}:{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account() -> AccountId {
        "123456789012".parse().unwrap()
    }

    #[test]
    fn caller_identity_has_the_forms_of_aws() {
        let role_id = UniqueId::from_random(UniqueIdKind::Role, [7; 17]);
        let session = Principal::RoleSession {
            account: account(),
            role_path: "/ops/".into(),
            role_name: "deploy".into(),
            role_id,
            session_name: "ci".parse().unwrap(),
        };
        assert_eq!(session.arn().as_str(), "arn:aws:sts::123456789012:assumed-role/deploy/ci");
        assert_eq!(session.user_id(), format!("{role_id}:ci"));

        let root = Principal::Root { account: account() };
        assert_eq!((root.arn().as_str(), root.user_id().as_str()), ("arn:aws:iam::123456789012:root", "123456789012"));

        let id = UniqueId::from_random(UniqueIdKind::User, [1; 17]);
        let user = Principal::User { account: account(), path: "/".into(), name: "ada".into(), id };
        assert_eq!(user.arn().as_str(), "arn:aws:iam::123456789012:user/ada");
    }

    #[test]
    fn the_owners_of_long_lived_keys_are_read_back() {
        let id = UniqueId::from_random(UniqueIdKind::User, [1; 17]);
        let user = |path: &str| Principal::User { account: account(), path: path.into(), name: "ada".into(), id };
        for owner in [Principal::Root { account: account() }, user("/"), user("/ops/eu/")] {
            assert_eq!(Principal::with_long_lived_key(&owner.arn(), &owner.user_id()), Some(owner));
        }
        let role = UniqueId::from_random(UniqueIdKind::Role, [1; 17]).to_string();
        for (resource, id) in [
            ("iam::123456789012:user/ada", role.as_str()),
            ("iam::123456789012:root", role.as_str()),
            ("iam::123456789012:userada", id.as_str()),
            ("iam::123456789012:role/ada", id.as_str()),
            ("sts::123456789012:root", "123456789012"),
        ] {
            let arn = format!("arn:aws:{resource}").parse().unwrap();
            assert_eq!(Principal::with_long_lived_key(&arn, id), None, "{resource}");
        }
    }
}
