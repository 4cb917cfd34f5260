//! What is asked of long-lived access keys.

use brevet_validator::timestamp::Timestamp;
use serde::{Serialize, Serializer};

use super::PageInput;

parameters! {
    /// `CreateAccessKey`
    CreateAccessKey {
        user_name: Option<String>,
        /// Free text. Like all below, not on AWS's wire.
        description: Option<String>,
        /// None: it lives until it is deleted.
        expiration: Option<Expiration>,
    }
    /// `ListAccessKeys`
    ListAccessKeys {
        user_name: Option<String>,
        #[serde(flatten)]
        page: PageInput,
        /// Asks when the keys were last used, too. Not on AWS's wire.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        with_last_use: bool,
    }
    /// `UpdateAccessKey`
    UpdateAccessKey { user_name: Option<String>, access_key_id: Option<String>, status: Option<String> }
    /// `DeleteAccessKey`
    DeleteAccessKey { user_name: Option<String>, access_key_id: Option<String> }
}

/// When a new key is over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Expiration {
    /// At this time.
    At(Timestamp),
    /// So many seconds after it was made.
    After(i64),
}

impl Serialize for Expiration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::At(time) => serializer.collect_str(time),
            Self::After(seconds) => seconds.serialize(serializer),
        }
    }
}

/// An operation on a key that its id alone names, whoever in the account has it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyRequest {
    /// Required.
    pub access_key_id: Option<String>,
    /// What is asked of it.
    #[serde(flatten)]
    pub action: KeyAction,
}

/// What is asked of a key.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum KeyAction {
    /// Everything but its secret.
    Get {},
    /// `GetAccessKeyLastUsed`
    GetLastUsed {},
    /// To sign again.
    Enable {},
    /// To sign no more.
    Disable {},
    /// Another description.
    Describe {
        /// None or empty: none.
        description: Option<String>,
    },
    /// To be gone.
    Delete {},
    /// A new key in its place.
    Rotate {
        /// Seconds that it is good beside the new one; none: a day.
        overlap: Option<i64>,
        /// Of the new key; none: the lifetime of the old one.
        expiration: Option<Expiration>,
    },
    /// To sign no more, and none of the sessions that it started either.
    Quarantine {},
}

impl KeyRequest {
    /// AWS's name, where AWS has one.
    pub(super) fn name(&self) -> &'static str {
        match self.action {
            KeyAction::Get {} => "GetAccessKey",
            KeyAction::GetLastUsed {} => "GetAccessKeyLastUsed",
            KeyAction::Enable {} => "EnableAccessKey",
            KeyAction::Disable {} => "DisableAccessKey",
            KeyAction::Describe { .. } => "UpdateAccessKey",
            KeyAction::Delete {} => "DeleteAccessKey",
            KeyAction::Rotate { .. } => "RotateAccessKey",
            KeyAction::Quarantine {} => "QuarantineAccessKey",
        }
    }

    /// The IAM action that it needs on whoever has the key.
    pub(super) fn action(&self) -> &'static str {
        match self.action {
            KeyAction::Get {} => "ListAccessKeys",
            KeyAction::GetLastUsed {} => "GetAccessKeyLastUsed",
            KeyAction::Enable {} | KeyAction::Disable {} | KeyAction::Describe { .. } | KeyAction::Quarantine {} => {
                "UpdateAccessKey"
            }
            KeyAction::Delete {} => "DeleteAccessKey",
            // And to change the old one.
            KeyAction::Rotate { .. } => "CreateAccessKey",
        }
    }
}
