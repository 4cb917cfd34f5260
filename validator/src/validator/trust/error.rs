//! What a validator refuses to believe.

use crate::timestamp::Timestamp;
use crate::token::{InvalidBundle, InvalidEntry, InvalidHead};

/// Why a message changes nothing.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// Not a genuine bundle, or of another anchor.
    #[error(transparent)]
    Bundle(#[from] InvalidBundle),
    /// Of another deployment under the same anchor.
    #[error("the trust bundle is of another trust domain")]
    TrustDomain,
    /// For other services.
    #[error("the trust bundle is of zone {got:?}, and {asked:?} is followed")]
    Zone {
        /// Which is followed.
        asked: String,
        /// Whose it is.
        got: String,
    },
    /// Older than one that was seen: it may hold what was withdrawn since.
    #[error("the trust bundle has sequence {got}, and {seen} was seen already")]
    Rollback {
        /// The highest seen.
        seen: u64,
        /// The bundle's.
        got: u64,
    },
    /// It is over.
    #[error("the trust bundle expired at {0}")]
    Expired(Timestamp),
    /// There is no bundle yet that could say who signs.
    #[error("no trust bundle has come")]
    NoBundle,
    /// There is no log yet that this could belong to.
    #[error("no log of revocations has been begun")]
    NoLog,
    /// The id of a log has 16 bytes.
    #[error("this is no id of a log of revocations")]
    LogId,
    /// Not an entry.
    #[error(transparent)]
    Entry(#[from] InvalidEntry),
    /// Not a genuine head.
    #[error(transparent)]
    Head(#[from] InvalidHead),
    /// The head is of another log, or after other entries.
    #[error("the head does not follow from the entries that came")]
    Position,
}
