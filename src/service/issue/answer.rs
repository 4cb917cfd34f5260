//! What the operations answer, and what the audit record keeps of it.

use brevet_validator::credential::{Credentials, Lifetime};
use brevet_validator::identity::{AccountId, Arn};
use brevet_validator::token::{Claims, SessionId};
use serde_json::{Value, json};

use crate::service::hex::hex;

/// Credentials that were made for a caller. An audit record is due before they may leave.
#[derive(Debug)]
pub struct Issued {
    /// The credentials; token and expiration are always there.
    pub credentials: Credentials,
    /// Whom they are for.
    pub holder: Holder,
    /// Share of the budget for session policies and tags, in per cent; `None` if there were none.
    pub packed_policy_size: Option<u32>,
    /// Names the session.
    pub session_id: SessionId,
    /// From when to when.
    pub lifetime: Lifetime,
    /// What the token says.
    pub claims: Claims,
}

/// Whom issued credentials are for.
#[derive(Clone, Debug)]
pub enum Holder {
    /// `AssumedRoleUser`
    AssumedRole {
        /// `AROA…:session`
        id: String,
        /// `arn:aws:sts::…:assumed-role/…`
        arn: Arn,
    },
    /// `AssumedRoleUser`, and what of its identity token AWS tells.
    WebIdentity {
        /// `AROA…:session`
        id: String,
        /// `arn:aws:sts::…:assumed-role/…`
        arn: Arn,
        /// `sub`
        subject: String,
        /// `iss`
        provider: String,
        /// The client id that the token was for.
        audience: String,
    },
    /// `FederatedUser`
    FederatedUser {
        /// `account:name`
        id: String,
        /// `arn:aws:sts::…:federated-user/…`
        arn: Arn,
    },
    /// The caller itself (GetSessionToken).
    Caller,
}

/// What GetCallerIdentity answers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CallerIdentity {
    /// Twelve digits.
    pub account: AccountId,
    /// ARN of the caller.
    pub arn: Arn,
    /// Unique id of the caller.
    pub user_id: String,
}

impl Issued {
    /// In force for the session.
    pub fn source_identity(&self) -> Option<&str> {
        self.claims.source_identity.as_deref()
    }

    /// The session that asked, if one did.
    pub fn parent(&self) -> Option<SessionId> {
        self.claims.ancestors.last().copied()
    }

    /// `responseElements` of the audit record: neither secret nor token.
    pub fn audit_elements(&self) -> Value {
        let mut elements = json!({
            "credentials": {
                "accessKeyId": self.credentials.access_key_id.as_str(),
                "expiration": self.lifetime.expires_at.to_string(),
            },
        });
        match &self.holder {
            Holder::AssumedRole { id, arn } | Holder::WebIdentity { id, arn, .. } => {
                elements["assumedRoleUser"] = json!({ "assumedRoleId": id, "arn": arn.as_str() });
            }
            Holder::FederatedUser { id, arn } => {
                elements["federatedUser"] = json!({ "federatedUserId": id, "arn": arn.as_str() });
            }
            Holder::Caller => {}
        }
        if let Some(size) = self.packed_policy_size {
            elements["packedPolicySize"] = json!(size);
        }
        if let Some(source_identity) = self.source_identity() {
            elements["sourceIdentity"] = json!(source_identity);
        }
        elements
    }

    /// The session and its parent, as the audit record's `sts` member names them.
    pub fn audit_session(&self) -> Value {
        json!({ "sessionId": hex(&self.session_id.0), "parentSessionId": self.parent().map(|id| hex(&id.0)) })
    }
}

#[cfg(test)]
impl Issued {
    /// One of a role, for tests of what becomes of it.
    pub(crate) fn sample() -> Self {
        use brevet_validator::credential::SecretKey;
        use brevet_validator::identity::{Principal, UniqueId, UniqueIdKind};
        use brevet_validator::secret::Secret;
        use brevet_validator::timestamp::Timestamp;
        use brevet_validator::token::Origin;

        let lifetime = Lifetime { issued_at: Timestamp::EPOCH, expires_at: Timestamp::EPOCH + 900 };
        let role_id = UniqueId::from_random(UniqueIdKind::Role, [0; 17]);
        let principal = Principal::RoleSession {
            account: AccountId::from_number(1).unwrap(),
            role_path: "/".into(),
            role_name: "demo".into(),
            role_id,
            session_name: "ci".parse().unwrap(),
        };
        let session_id = SessionId([0; 16]);
        Self {
            credentials: Credentials {
                access_key_id: session_id.access_key_id(),
                secret_access_key: SecretKey::new("secret".into()),
                security_token: Some(Secret::new("token".into())),
                expiration: Some(lifetime.expires_at),
            },
            holder: Holder::AssumedRole { id: format!("{role_id}:ci"), arn: principal.arn() },
            packed_policy_size: None,
            session_id,
            lifetime,
            claims: Claims {
                principal,
                generation: 0,
                source_identity: None,
                tags: Vec::new(),
                session_policy: None,
                session_policy_arns: Vec::new(),
                federation: None,
                mfa_at: None,
                ancestors: Vec::new(),
                root_expires_at: None,
                ends_with_root: false,
                source_access_key: None,
                source_user: None,
                directory_revision: 0,
                audience: Vec::new(),
                region: "us-east-1".into(),
                origin: Origin::AssumeRole,
            },
        }
    }
}
