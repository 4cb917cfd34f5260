//! Why a copy on disk cannot be used.

use std::io;
use std::path::{Path, PathBuf};

use crate::token::InvalidBundle;
use crate::validator::BundleFileError;

/// A copy that cannot be used, or not by this process.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CopyError {
    /// Unreadable, exposed to others or no genuine bundle.
    #[error(transparent)]
    File(#[from] BundleFileError),
    /// Another process has it.
    #[error("another process uses {}: give each its own", .0.display())]
    InUse(PathBuf),
    /// For other services.
    #[error("the trust bundle {} is of zone {got:?}, and {asked:?} is asked for", path.display())]
    Zone {
        /// The bundle's.
        path: PathBuf,
        /// Which is wanted.
        asked: String,
        /// Whose it is.
        got: String,
    },
    /// Someone put an old bundle in its place.
    #[error(
        "the trust bundle {} has sequence {got}, but {seen} was there already: it may hold keys that were withdrawn. \
         Remove it to begin with what the service says",
        path.display()
    )]
    Rollback {
        /// The bundle's.
        path: PathBuf,
        /// The highest seen.
        seen: u64,
        /// The bundle's.
        got: u64,
    },
}

impl CopyError {
    pub(super) fn read(path: &Path, source: io::Error) -> Self {
        Self::File(BundleFileError::Read { path: path.to_owned(), source })
    }
}

impl From<InvalidBundle> for CopyError {
    fn from(cause: InvalidBundle) -> Self {
        Self::File(cause.into())
    }
}
