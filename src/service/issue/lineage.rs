//! What a session takes over from the one that asked for it: by role chaining, or from GetSessionToken.

use brevet_validator::credential::AccessKeyId;
use brevet_validator::identity::{Principal, UniqueId};
use brevet_validator::policy::Reason;
use brevet_validator::timestamp::Timestamp;
use brevet_validator::token::{Claims, Federation, Origin, SessionId, SessionTag};

use crate::service::caller::{Caller, WebIdentity, forbidden};
use crate::service::error::Error;

/// Where a session comes from.
#[derive(Clone, Debug)]
pub(super) struct Lineage {
    ancestors: Vec<SessionId>,
    root_expires_at: Option<Timestamp>,
    ends_with_root: bool,
    source_access_key: Option<AccessKeyId>,
    source_user: Option<UniqueId>,
    federation: Option<Federation>,
    inherited_tags: Vec<SessionTag>,
    source_identity: Option<String>,
    by_role: bool,
}

impl Lineage {
    /// The first session of a web identity.
    pub(super) fn of_web_identity(visitor: &WebIdentity) -> Self {
        Self {
            ancestors: Vec::new(),
            root_expires_at: None,
            ends_with_root: false,
            source_access_key: None,
            source_user: None,
            federation: Some(visitor.federation()),
            inherited_tags: Vec::new(),
            source_identity: None,
            by_role: false,
        }
    }

    /// Refuses chains that are longer than a token can tell.
    pub(super) fn of(caller: &Caller) -> Result<Self, Error> {
        let Some(session) = caller.session() else {
            return Ok(Self {
                ancestors: Vec::new(),
                root_expires_at: None,
                ends_with_root: false,
                source_access_key: Some(caller.verified().access_key_id()),
                source_user: user_id(caller.principal()),
                federation: None,
                inherited_tags: Vec::new(),
                source_identity: None,
                by_role: false,
            });
        };
        let claims = &session.claims;
        if claims.ancestors.len() >= Claims::MAX_ANCESTORS {
            return Err(forbidden(
                Reason::ExplicitDeny,
                format_args!("A chain of sessions has at most {} links.", Claims::MAX_ANCESTORS),
            ));
        }
        Ok(Self {
            ancestors: claims.ancestors.iter().copied().chain([session.id]).collect(),
            root_expires_at: claims.root_expires_at.or(Some(session.lifetime.expires_at)),
            ends_with_root: claims.ends_with_root,
            source_access_key: claims.source_access_key,
            source_user: claims.source_user,
            federation: claims.federation.clone(),
            inherited_tags: claims.tags.iter().filter(|tag| tag.transitive).cloned().collect(),
            source_identity: claims.source_identity.clone(),
            by_role: claims.origin == Origin::AssumeRole,
        })
    }

    /// Whether a role is asking: role chaining.
    pub(super) fn by_role(&self) -> bool {
        self.by_role
    }

    /// Seconds that are left to the session to be, if it must end with the first of the chain.
    pub(super) fn seconds_left(&self, now: Timestamp) -> Option<u32> {
        let end = self.root_expires_at.filter(|_| self.ends_with_root)?;
        Some(u32::try_from(end - now).unwrap_or(0))
    }

    /// Tags that the session has whether the request wants them or not.
    pub(super) fn inherited_tags(&self) -> Vec<SessionTag> {
        self.inherited_tags.clone()
    }

    /// The source identity of the session to be. It is set when the first role is taken on, and kept from there.
    pub(super) fn source_identity(&self, asked: Option<&str>) -> Result<Option<String>, Error> {
        match asked {
            Some(asked) if self.by_role && self.source_identity.as_deref() != Some(asked) => Err(forbidden(
                Reason::ExplicitDeny,
                "The source identity of a role session can neither be set nor changed by role chaining.",
            )),
            Some(asked) => Ok(Some(asked.to_owned())),
            None => Ok(self.source_identity.clone()),
        }
    }

    /// The claims of a session of `principal`: all that does not depend on the request.
    pub(super) fn into_claims(self, caller: &Caller, principal: Principal, generation: u64, origin: Origin) -> Claims {
        self.into_claims_at(caller.snapshot().revision.0, caller.region(), principal, generation, origin)
    }

    /// The same for whoever is no caller: of the directory's revision that decided, in a region.
    pub(super) fn into_claims_at(
        self,
        directory_revision: u64,
        region: &str,
        principal: Principal,
        generation: u64,
        origin: Origin,
    ) -> Claims {
        Claims {
            principal,
            generation,
            source_identity: None,
            tags: Vec::new(),
            session_policy: None,
            session_policy_arns: Vec::new(),
            federation: self.federation,
            mfa_at: None,
            ancestors: self.ancestors,
            root_expires_at: self.root_expires_at,
            ends_with_root: self.ends_with_root,
            source_access_key: self.source_access_key,
            source_user: self.source_user,
            directory_revision,
            audience: Vec::new(),
            region: region.to_owned(),
            origin,
        }
    }
}

fn user_id(principal: &Principal) -> Option<UniqueId> {
    match principal {
        Principal::User { id, .. } => Some(*id),
        Principal::Root { .. } | Principal::RoleSession { .. } | Principal::FederatedUser { .. } => None,
    }
}
