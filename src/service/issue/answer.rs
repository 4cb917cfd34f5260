//! What the operations answer, and what the audit record keeps of it.

use brevet_validator::credential::{Credentials, Lifetime};
use brevet_validator::identity::{AccountId, Arn};
use brevet_validator::token::SessionId;
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
    /// In force for the session.
    pub source_identity: Option<String>,
    /// Names the session.
    pub session_id: SessionId,
    /// The session that asked, if one did.
    pub parent: Option<SessionId>,
    /// From when to when.
    pub lifetime: Lifetime,
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
        if let Some(source_identity) = &self.source_identity {
            elements["sourceIdentity"] = json!(source_identity);
        }
        elements
    }

    /// The session and its parent, as the audit record's `sts` member names them.
    pub fn audit_session(&self) -> Value {
        json!({ "sessionId": hex(&self.session_id.0), "parentSessionId": self.parent.map(|id| hex(&id.0)) })
    }
}
