//! The outcome of a check that passed.

use std::sync::Arc;

use super::CallerPolicies;
use crate::credential::AccessKeyId;
use crate::identity::Principal;
use crate::timestamp::Timestamp;
use crate::token::Session;

/// Who signed. No public constructor: only a passed check makes it.
#[derive(Clone, Debug)]
pub struct Verified(Who);

#[derive(Clone, Debug)]
pub(super) enum Who {
    Session(Arc<Session>),
    LongLived {
        access_key_id: AccessKeyId,
        principal: Principal,
    },
    Online {
        access_key_id: AccessKeyId,
        caller: Arc<CallerPolicies>,
        /// Revision of the last withdrawal that was heard of.
        withdrawn: Option<u64>,
    },
}

impl Verified {
    pub(super) fn by_session(session: Arc<Session>) -> Self {
        Self(Who::Session(session))
    }

    pub(super) fn by_long_lived_key(access_key_id: AccessKeyId, principal: Principal) -> Self {
        Self(Who::LongLived { access_key_id, principal })
    }

    pub(super) fn by_online_key(
        access_key_id: AccessKeyId,
        caller: Arc<CallerPolicies>,
        withdrawn: Option<u64>,
    ) -> Self {
        Self(Who::Online { access_key_id, caller, withdrawn })
    }

    pub(super) fn who(&self) -> &Who {
        &self.0
    }

    /// Who acts.
    pub fn principal(&self) -> &Principal {
        match &self.0 {
            Who::Session(session) => &session.claims.principal,
            Who::LongLived { principal, .. } => principal,
            Who::Online { caller, .. } => caller.principal(),
        }
    }

    /// The key that signed.
    pub fn access_key_id(&self) -> AccessKeyId {
        match &self.0 {
            Who::Session(session) => session.access_key_id,
            Who::LongLived { access_key_id, .. } | Who::Online { access_key_id, .. } => *access_key_id,
        }
    }

    /// The session, if the key is temporary.
    pub fn session(&self) -> Option<&Session> {
        match &self.0 {
            Who::Session(session) => Some(session),
            Who::LongLived { .. } | Who::Online { .. } => None,
        }
    }

    /// What the caller may do, if the key is a long-lived one that was asked for online.
    pub fn policies(&self) -> Option<&CallerPolicies> {
        match &self.0 {
            Who::Online { caller, .. } => Some(caller),
            Who::Session(_) | Who::LongLived { .. } => None,
        }
    }

    /// When the credentials die; `None` for long-lived keys.
    pub fn expiration(&self) -> Option<Timestamp> {
        self.session().map(|session| session.lifetime.expires_at)
    }
}
