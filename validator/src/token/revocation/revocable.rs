//! What revocations look at in a session.

use std::iter;

use super::Subject;
use crate::credential::AccessKeyId;
use crate::identity::{AccountId, Principal, UniqueId};
use crate::timestamp::Timestamp;
use crate::token::{Session, SessionId};

/// What of a session decides whether it is refused. Who keeps this much can ask later, without the token.
#[derive(Clone, Copy, Debug)]
pub struct Revocable<'a> {
    /// Names the session.
    pub id: SessionId,
    /// Sessions that it was made from, oldest first.
    pub ancestors: &'a [SessionId],
    /// The account that it belongs to.
    pub account: AccountId,
    /// Whose permissions it has.
    pub holder: SessionHolder,
    /// The user who started it all.
    pub source_user: Option<UniqueId>,
    /// The long-lived key that started it all.
    pub source_access_key: Option<AccessKeyId>,
    /// Unique id of the identity provider whose token started it all.
    pub provider_id: Option<&'a str>,
    /// When it was made.
    pub issued_at: Timestamp,
    /// Revision of the directory that decided.
    pub directory_revision: u64,
}

/// Whose permissions a session has.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum SessionHolder {
    /// The root of the session's account.
    Root,
    /// A user: also one who vouches for a federated user.
    User(UniqueId),
    /// A role.
    Role(UniqueId),
}

impl SessionHolder {
    /// Of the sessions of a principal.
    pub fn of(principal: &Principal) -> Self {
        match principal {
            Principal::Root { .. } | Principal::FederatedUser { user: None, .. } => Self::Root,
            Principal::User { id, .. } | Principal::FederatedUser { user: Some(id), .. } => Self::User(*id),
            Principal::RoleSession { role_id, .. } => Self::Role(*role_id),
        }
    }

    /// Its revocation, for a session of this account.
    pub fn subject(self, account: AccountId) -> Subject {
        match self {
            Self::Root => Subject::Root(account),
            Self::User(id) => Subject::User(id),
            Self::Role(id) => Subject::Role(id),
        }
    }
}

impl Revocable<'_> {
    /// The session, then those that it was made from.
    pub(super) fn line(&self) -> impl Iterator<Item = &SessionId> {
        iter::once(&self.id).chain(self.ancestors)
    }
}

impl<'a> From<&'a Session> for Revocable<'a> {
    fn from(session: &'a Session) -> Self {
        let claims = &session.claims;
        Self {
            id: session.id,
            ancestors: &claims.ancestors,
            account: claims.account(),
            holder: SessionHolder::of(&claims.principal),
            source_user: claims.source_user,
            source_access_key: claims.source_access_key,
            provider_id: claims.federation.as_ref().map(|federation| &*federation.provider_id),
            issued_at: session.lifetime.issued_at,
            directory_revision: claims.directory_revision,
        }
    }
}
