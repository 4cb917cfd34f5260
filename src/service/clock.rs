//! What the service needs of time.

use brevet_validator::timestamp::Timestamp;

/// The one source of the current time.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// Now, in whole seconds.
    fn now(&self) -> Timestamp;

    /// Now, in nanoseconds since 1970: for records, not for decisions.
    fn now_nanos(&self) -> u128;
}
