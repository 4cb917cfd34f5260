//! What users and roles have in common, for the operations that exist for both.

use brevet_validator::identity::{AccountId, Arn, UniqueId};

use crate::service::directory::{Edit, Grants, ManagedPolicy, OidcProvider, Role, Snapshot, Tag, User};
use crate::service::error::{Error, Kind};

/// A user or a role.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum OwnerKind {
    /// A user.
    User,
    /// A role.
    Role,
}

impl OwnerKind {
    /// `userName` or `roleName`, as messages and the audit log have it.
    pub(super) fn parameter(self) -> &'static str {
        match self {
            Self::User => "userName",
            Self::Role => "roleName",
        }
    }

    /// `user` or `role`, as messages have it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Role => "role",
        }
    }
}

/// Something with an ARN and tags.
pub(super) trait Entity {
    fn arn(&self) -> Arn;
    fn tags(&self) -> &[Tag];
}

/// A user or role: an entity with a name and grants.
pub(super) trait Owner: Clone + Entity + Sized {
    const KIND: OwnerKind;
    /// Characters of all inline policies together, without white space.
    const INLINE_QUOTA: usize;
    /// AWS's name of the quota of attached policies.
    const ATTACHED_QUOTA_NAME: &'static str;
    /// AWS's name of the quota of tags.
    const TAG_QUOTA_NAME: &'static str;

    fn find<'a>(snapshot: &'a Snapshot, account: AccountId, name: &str) -> Option<&'a Self>;
    fn name(&self) -> &str;
    fn path(&self) -> &str;
    fn id(&self) -> UniqueId;
    fn grants(&self) -> &Grants;
    fn grants_mut(&mut self) -> &mut Grants;
    fn put(self, edit: &mut Edit);

    /// The ARN that is shown where it must not tell whether the owner exists, nor its path.
    fn arn_of_name(account: AccountId, name: &str) -> Arn {
        Arn::new("iam", "", Some(account), &format!("{}/{name}", Self::KIND.word()))
    }

    /// `The user with name X cannot be found.`
    fn not_found(name: &str) -> Error {
        Error::new(Kind::NoSuchEntity, format!("The {} with name {name} cannot be found.", Self::KIND.word()))
    }

    /// The same owner with other grants.
    fn with_grants(&self, change: impl FnOnce(&mut Grants)) -> Self {
        let mut changed = self.clone();
        change(changed.grants_mut());
        changed
    }
}

macro_rules! owner {
    ($type:ident, $find:ident, $inline:literal) => {
        impl Entity for $type {
            fn arn(&self) -> Arn {
                $type::arn(self)
            }
            fn tags(&self) -> &[Tag] {
                &self.grants.tags
            }
        }

        impl Owner for $type {
            const KIND: OwnerKind = OwnerKind::$type;
            const INLINE_QUOTA: usize = $inline;
            const ATTACHED_QUOTA_NAME: &'static str = concat!("PoliciesPer", stringify!($type));
            const TAG_QUOTA_NAME: &'static str = concat!("TagsPer", stringify!($type));

            fn find<'a>(snapshot: &'a Snapshot, account: AccountId, name: &str) -> Option<&'a Self> {
                snapshot.$find(account, name)
            }
            fn name(&self) -> &str {
                &self.name
            }
            fn path(&self) -> &str {
                &self.path
            }
            fn id(&self) -> UniqueId {
                self.id
            }
            fn grants(&self) -> &Grants {
                &self.grants
            }
            fn grants_mut(&mut self) -> &mut Grants {
                &mut self.grants
            }
            fn put(self, edit: &mut Edit) {
                edit.put(self);
            }
        }
    };
}

// The quotas of https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html.
owner!(User, user, 2048);
owner!(Role, role, 10_240);

impl Entity for OidcProvider {
    fn arn(&self) -> Arn {
        OidcProvider::arn(self)
    }
    fn tags(&self) -> &[Tag] {
        &self.tags
    }
}

impl Entity for ManagedPolicy {
    fn arn(&self) -> Arn {
        ManagedPolicy::arn(self)
    }
    fn tags(&self) -> &[Tag] {
        &self.tags
    }
}
