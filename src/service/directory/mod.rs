//! Accounts, users, keys, roles and policies: one immutable snapshot to read, one door to change it.

mod change;
mod convert;
mod entity;
mod snapshot;
mod stored;

pub use change::{Directory, Edit};
pub use entity::{
    AccessKey, Account, Document, Grants, InlinePolicy, KeyOwner, ManagedPolicy, PolicyVersion, Role, Tag, User,
    role_arn,
};
pub use snapshot::{NameKey, NamedPolicy, Snapshot, Versioned};
pub use stored::{InvalidRecord, OtherRecord, Stored};
