//! Sessions that were issued: the list of them, and their end before their time. No request of a session needs the list; what
//! decides is that it was revoked.

pub(in crate::service) mod activity;
mod inventory;
mod list;
mod revoke;
mod revoked;
mod target;
#[cfg(test)]
mod tests;

pub use self::activity::{Activity, ToldActivity};
pub use self::inventory::{Entry, Inventory, InventoryState, Known, MOST_SESSIONS, Requester, Use};
pub use self::list::{ListSessions, ListedSession, ListedSessions, list};
pub use self::revoke::{Revoked, revoke};
pub use self::revoked::RevokedSessions;
pub use self::target::{RevokeSession, Which};
