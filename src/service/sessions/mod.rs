//! Sessions that were issued, and their end before their time. Nothing is stored of a session but that it was revoked.

pub(in crate::service) mod activity;
mod revoke;
mod revoked;
mod target;
#[cfg(test)]
mod tests;

pub use self::activity::{Activity, ActivitySink, ToldActivity};
pub use self::revoke::{Revoked, revoke};
pub use self::revoked::RevokedSessions;
pub use self::target::{RevokeSession, Which};
