//! Accounts, users, keys, roles and policies: one immutable snapshot to read, one door to change it.

mod change;
mod convert;
mod difference;
mod entity;
mod key_use;
mod removal;
mod revocation;
mod session_batch;
mod snapshot;
mod stored;
mod used_token;

pub use change::{Directory, Edit};
pub use entity::{
    AccessKey, Account, Document, Grants, InlinePolicy, KeyOwner, KeyStatus, ManagedPolicy, OidcProvider,
    PolicyVersion, Reach, Role, Tag, User, ZoneEntry, oidc_provider_arn, role_arn,
};
pub use key_use::{KeyUse, KeyUses, UsePlace};
pub use session_batch::{SessionBatch, SessionBatchKey, SessionBatches};
pub use snapshot::{NameKey, NamedPolicy, ProviderKey, Snapshot, Versioned};
pub use stored::{InvalidRecord, OtherRecord, Stored};
pub use used_token::{UsedToken, UsedTokenKey};
