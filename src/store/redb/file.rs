//! Opening and making the file, and what can be wrong with it.

use std::fmt::Display;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use redb::backends::FileBackend;
use redb::{Builder, Database, DatabaseError, StorageError};
use rustix::fs::{FlockOperation, OFlags};

/// Memory for pages. Requests never read the file, so that little is enough.
const CACHE: usize = 32 * 1024 * 1024;

/// Why a store could not be opened or made.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Nothing there.
    #[error("{} does not exist: run `brevet init`", .0.display())]
    Missing(PathBuf),
    /// Would have to be overwritten.
    #[error("{} exists already", .0.display())]
    Exists(PathBuf),
    /// One process at a time.
    #[error("another brevet is using {}", .0.display())]
    InUse(PathBuf),
    /// Not a store, or not whole. It is never repaired by throwing something away.
    #[error("{} is damaged or not a brevet store ({cause}): restore it from a backup", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        cause: String,
    },
    /// The first transaction of a new store failed.
    #[error("{} was not made: {cause}", .path.display())]
    NotMade {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: String,
    },
    /// The system refused.
    #[error("{}: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl OpenError {
    pub(super) fn damaged(path: &Path, cause: impl Display) -> Self {
        Self::Damaged { path: path.to_owned(), cause: cause.to_string() }
    }

    fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }

    fn from_redb(path: &Path, error: DatabaseError) -> Self {
        match error {
            DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => Self::InUse(path.to_owned()),
            DatabaseError::Storage(StorageError::Io(source)) if source.kind() != io::ErrorKind::InvalidData => {
                Self::io(path, source)
            }
            damaged => Self::damaged(path, damaged),
        }
    }
}

/// Opens an existing store and checks every page of it.
pub(super) fn open(path: &Path) -> Result<Database, OpenError> {
    let file = open_file(path)?;
    if file.metadata().map_err(|source| OpenError::io(path, source))?.len() == 0 {
        // redb would make a new store of it.
        return Err(OpenError::damaged(path, "it is empty"));
    }
    build(path, file)
}

/// Opens the store again after it failed.
pub(super) fn reopen(path: &Path) -> Result<Database, OpenError> {
    // Pages that could not be written stay in the system's cache as if they had been: see what is on the disk.
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::fs::fadvise(open_file(path)?, 0, None, rustix::fs::Advice::DontNeed) {
        tracing::debug!(%error, "the system's cache of the store was not dropped");
    }
    open(path)
}

/// Makes a new store under another name, fills it, and gives it its name.
pub(super) fn create(
    dir: &Path,
    path: &Path,
    fill: impl FnOnce(&Database) -> Result<(), String>,
) -> Result<Database, OpenError> {
    // Holds off others that create here, until it is dropped.
    let lock = File::open(dir).map_err(|source| OpenError::io(dir, source))?;
    match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(rustix::io::Errno::WOULDBLOCK) => return Err(OpenError::InUse(dir.to_owned())),
        Err(error) => return Err(OpenError::io(dir, error.into())),
    }
    if fs::symlink_metadata(path).is_ok() {
        return Err(OpenError::Exists(path.to_owned()));
    }
    let draft = path.with_extension("new");
    match fs::remove_file(&draft) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => return Err(OpenError::io(&draft, source)),
        _ => {}
    }
    let made = make(&draft, fill).and_then(|database| {
        let named = fs::rename(&draft, path).and_then(|()| lock.sync_all());
        named.map(|()| database).map_err(|source| OpenError::io(path, source))
    });
    if made.is_err() {
        // The next attempt removes it where this one cannot.
        let _ = fs::remove_file(&draft);
    }
    made
}

fn make(draft: &Path, fill: impl FnOnce(&Database) -> Result<(), String>) -> Result<Database, OpenError> {
    let file = options().create_new(true).open(draft).map_err(|source| OpenError::io(draft, source))?;
    let database = build(draft, file)?;
    fill(&database).map_err(|cause| OpenError::NotMade { path: draft.to_owned(), cause })?;
    Ok(database)
}

fn open_file(path: &Path) -> Result<File, OpenError> {
    options().open(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => OpenError::Missing(path.to_owned()),
        _ => OpenError::io(path, source),
    })
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600).custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
    options
}

fn build(path: &Path, file: File) -> Result<Database, OpenError> {
    let backend = FileBackend::new(file).map_err(|error| OpenError::from_redb(path, error))?;
    builder().create_with_backend(backend).map_err(|error| OpenError::from_redb(path, error))
}

/// A damaged page must be an error of the opening, not a panic later.
pub(super) fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE).set_check_integrity_on_open(true);
    builder
}
