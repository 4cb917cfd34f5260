//! What of the directory stands behind a caller: found by unique id, so that a name made again is someone else.

use brevet_validator::credential::AccessKeyId;
use brevet_validator::identity::{AccountId, Arn, Principal, UniqueId};
use brevet_validator::policy::Subject;
use brevet_validator::timestamp::Timestamp;
use brevet_validator::token::Session;
use brevet_validator::validator::{LongLivedKey, Verified};

use crate::service::directory::{Grants, KeyOwner, KeyStatus, Role, Snapshot, Tag, User};

/// A principal, and whose policies are its own.
#[derive(Clone, Debug)]
pub(super) struct Standing {
    principal: Principal,
    entity: Entity,
}

/// What holds the caller's policies, by its name of today.
#[derive(Clone, Debug)]
enum Entity {
    Root,
    User(String),
    Role(String),
}

/// A long-lived key that is good at `now` and whose owner exists, with its owner as the directory has it now. Unknown,
/// disabled, expired and orphaned keys are one answer.
pub fn long_lived_key(snapshot: &Snapshot, id: AccessKeyId, now: Timestamp) -> Option<LongLivedKey> {
    let key = snapshot.access_key(id).filter(|key| key.status(now) == KeyStatus::Active)?;
    let principal = match &key.owner {
        KeyOwner::Root => Principal::Root { account: snapshot.account(key.account)?.id },
        KeyOwner::User { name, id } => find_user(snapshot, key.account, name, *id)?.principal(),
    };
    Some(LongLivedKey { secret: key.secret.clone(), principal })
}

/// Who acts in a session, as the directory has them now: `None` if the session is revoked, or its principal gone.
pub fn session_principal(snapshot: &Snapshot, session: &Session) -> Option<Principal> {
    if snapshot.revocations().refuses(session).is_some() {
        return None;
    }
    Standing::of_session(session, snapshot).map(|standing| standing.principal)
}

/// Who signed a request, as the directory has them now: `None` as with [`session_principal`], or if the key is gone.
pub fn principal_of(snapshot: &Snapshot, verified: &Verified, now: Timestamp) -> Option<Principal> {
    match verified.session() {
        Some(session) => session_principal(snapshot, session),
        None => long_lived_key(snapshot, verified.access_key_id(), now).map(|key| key.principal),
    }
}

impl Standing {
    /// `None` if the key, the user, the role or the account is gone, or is another one by now, or has outlawed its
    /// earlier sessions.
    pub(super) fn of(verified: &Verified, snapshot: &Snapshot, now: Timestamp) -> Option<Self> {
        if let Some(session) = verified.session() {
            return Self::of_session(session, snapshot);
        }
        let principal = long_lived_key(snapshot, verified.access_key_id(), now)?.principal;
        let entity = match &principal {
            Principal::User { name, .. } => Entity::User(name.clone()),
            _ => Entity::Root,
        };
        Some(Self { principal, entity })
    }

    fn of_session(session: &Session, snapshot: &Snapshot) -> Option<Self> {
        let generation = session.claims.generation;
        match &session.claims.principal {
            principal @ (Principal::Root { account } | Principal::FederatedUser { account, user: None, .. }) => {
                snapshot.account(*account)?;
                Some(Self { principal: principal.clone(), entity: Entity::Root })
            }
            Principal::User { account, name, id, .. } => {
                let user = find_user(snapshot, *account, name, *id).filter(|user| user.generation <= generation)?;
                Some(Self { principal: user.principal(), entity: Entity::User(user.name.clone()) })
            }
            principal @ Principal::FederatedUser { account, user: Some(id), .. } => {
                let user = snapshot.user_by_id(*account, *id).filter(|user| user.generation <= generation)?;
                Some(Self { principal: principal.clone(), entity: Entity::User(user.name.clone()) })
            }
            principal @ Principal::RoleSession { account, role_name, role_id, .. } => {
                let same = |role: &&Role| role.id == *role_id && role.generation <= generation;
                let role = snapshot.role(*account, role_name).filter(same)?;
                Some(Self { principal: principal.clone(), entity: Entity::Role(role.name.clone()) })
            }
        }
    }

    pub(super) fn principal(&self) -> &Principal {
        &self.principal
    }

    /// `None` for root, which can have no policies.
    pub(super) fn grants<'a>(&self, snapshot: &'a Snapshot) -> Option<&'a Grants> {
        self.user(snapshot).map(|user| &user.grants).or_else(|| self.role(snapshot).map(|role| &role.grants))
    }

    pub(super) fn generation(&self, snapshot: &Snapshot) -> u64 {
        let user = self.user(snapshot).map(|user| user.generation);
        user.or_else(|| self.role(snapshot).map(|role| role.generation)).unwrap_or(0)
    }

    pub(super) fn tags<'a>(&self, snapshot: &'a Snapshot) -> &'a [Tag] {
        self.grants(snapshot).map_or(&[], |grants| &grants.tags)
    }

    pub(super) fn subject(&self, snapshot: &Snapshot) -> Subject {
        let user = self.user(snapshot);
        let role = self.role(snapshot);
        Subject {
            account: self.principal.account(),
            arn: self.principal.arn(),
            role_or_user_arn: match &self.principal {
                Principal::Root { .. } | Principal::User { .. } => None,
                Principal::RoleSession { .. } => role.map(Role::arn),
                Principal::FederatedUser { account, .. } => Some(user.map_or_else(|| root_arn(*account), User::arn)),
            },
            unique_id: user.map(|user| user.id).or(role.map(|role| role.id)),
            federated: None,
        }
    }

    fn user<'a>(&self, snapshot: &'a Snapshot) -> Option<&'a User> {
        match &self.entity {
            Entity::User(name) => snapshot.user(self.principal.account(), name),
            Entity::Root | Entity::Role(_) => None,
        }
    }

    fn role<'a>(&self, snapshot: &'a Snapshot) -> Option<&'a Role> {
        match &self.entity {
            Entity::Role(name) => snapshot.role(self.principal.account(), name),
            Entity::Root | Entity::User(_) => None,
        }
    }
}

/// By the name it had, else by the name it may have been given since.
fn find_user<'a>(snapshot: &'a Snapshot, account: AccountId, name: &str, id: UniqueId) -> Option<&'a User> {
    snapshot.same_user(account, name, id).or_else(|| snapshot.user_by_id(account, id))
}

fn root_arn(account: AccountId) -> Arn {
    Principal::Root { account }.arn()
}
