//! What is told of a long-lived key, which is never its secret.

use brevet_validator::credential::AccessKeyId;
use brevet_validator::timestamp::Timestamp;
use serde_json::{Value, json};

use crate::service::directory::{AccessKey, KeyOwner, KeyStatus, KeyUse, Snapshot};
use crate::service::iam::call::Call;

/// An access key without its secret.
#[derive(Clone, Debug)]
pub struct AccessKeyDetail {
    /// `None` for keys of the account itself.
    pub user_name: Option<String>,
    /// `AKIA…`
    pub id: AccessKeyId,
    /// Whether it is good.
    pub status: KeyStatus,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it is over, if it ever is.
    pub expires_at: Option<Timestamp>,
    /// Free text; may be empty.
    pub description: String,
    /// `None`: never, as far as anyone knows.
    pub last_use: Option<KeyUse>,
}

impl AccessKeyDetail {
    /// A key at the time of a call.
    pub(super) fn new(key: &AccessKey, call: Call<'_>, snapshot: &Snapshot) -> Self {
        let user_name = match &key.owner {
            KeyOwner::Root => None,
            KeyOwner::User { name, .. } => Some(name.clone()),
        };
        Self {
            user_name,
            id: key.id,
            status: key.status(call.caller.now()),
            created_at: key.created_at,
            expires_at: key.expires_at,
            description: key.description.clone(),
            last_use: call.iam.last_uses.last_use(snapshot, key.id),
        }
    }

    /// The same in answer to a change, which needs no permission to know of uses.
    pub(super) fn without_last_use(self) -> Self {
        Self { last_use: None, ..self }
    }

    pub(in crate::service::iam) fn audit_elements(&self) -> Value {
        json!({
            "accessKeyId": self.id.as_str(),
            "userName": self.user_name,
            "expiresAt": self.expires_at.map(|end| end.to_string()),
        })
    }
}
