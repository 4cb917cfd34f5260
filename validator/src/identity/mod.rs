//! Names that parse or do not exist: accounts, ARNs, unique ids, sessions, principals.

mod account;
mod arn;
mod principal;
mod session_name;
mod unique_id;

pub use self::account::AccountId;
pub use self::arn::Arn;
pub use self::principal::Principal;
pub use self::session_name::{SessionName, is_name};
pub use self::unique_id::{UniqueId, UniqueIdKind};

/// A name that does not have the form its type demands.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not a valid {what}")]
pub struct InvalidName {
    what: &'static str,
}
