//! A validator made from a trust bundle, which may be a file.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::Validator;
use super::keys::CurrentKeys;
use crate::secret::Secret;
use crate::signature::Rules;
use crate::token::{InvalidBundle, InvalidKeyRing, TrustBundle};

/// Far above any bundle; keeps a wrong path from filling the memory.
const MAX_FILE: u64 = 1 << 20;

/// Sessions remembered unless said otherwise.
const MAX_CACHED: u64 = 100_000;

/// A bundle file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BundleFileError {
    /// The file cannot be read.
    #[error("cannot read the trust bundle {}", path.display())]
    Read {
        /// As given.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file holds keys, and others than its owner may read it.
    #[error("the trust bundle {} holds keys and others can read it (mode {mode:04o}): run `chmod 600` on it", path.display())]
    Exposed {
        /// As given.
        path: PathBuf,
        /// Permission bits.
        mode: u32,
    },
    /// Not a bundle, or not a genuine one.
    #[error(transparent)]
    Bundle(#[from] InvalidBundle),
    /// Its keys must not be used.
    #[error(transparent)]
    Keys(#[from] InvalidKeyRing),
}

impl Validator {
    /// A validator with the keys of a bundle. Once the bundle has expired, every temporary key is refused with
    /// [`Rejection::KeysUnavailable`](super::Rejection::KeysUnavailable).
    pub fn from_bundle(rules: Rules, bundle: &TrustBundle, max_cached: u64) -> Result<Self, InvalidKeyRing> {
        Ok(Self::with_keys(rules, CurrentKeys::new(bundle.key_ring()?, bundle.expires_at), max_cached))
    }

    /// [`Validator::from_bundle`] for a file, which nobody but its owner may be able to read.
    pub fn from_bundle_file(rules: Rules, path: impl AsRef<Path>) -> Result<Self, BundleFileError> {
        let bundle = TrustBundle::decode(read(path.as_ref())?.expose(), None)?;
        Ok(Self::from_bundle(rules, &bundle, MAX_CACHED)?)
    }

    /// Replaces the keys by those of a newer bundle. See [`Validator::replace_ring`].
    pub fn replace_bundle(&self, bundle: &TrustBundle) -> Result<(), InvalidKeyRing> {
        self.keys.replace(bundle.key_ring()?, bundle.expires_at);
        Ok(())
    }
}

/// The bytes of a bundle file, if nobody but its owner can read it.
pub(super) fn read(path: &Path) -> Result<Secret<Vec<u8>>, BundleFileError> {
    read_up_to(path, MAX_FILE)
}

pub(super) fn read_up_to(path: &Path, most: u64) -> Result<Secret<Vec<u8>>, BundleFileError> {
    let cannot = |source| BundleFileError::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(cannot)?;
    // Asked of the open file, so that the file looked at is the file read.
    let mode = permissions(&file).map_err(cannot)?;
    if mode & 0o077 != 0 {
        return Err(BundleFileError::Exposed { path: path.to_owned(), mode });
    }
    let mut bytes = Vec::with_capacity(16 * 1024);
    file.take(most).read_to_end(&mut bytes).map_err(cannot)?;
    Ok(Secret::new(bytes))
}

#[cfg(unix)]
fn permissions(file: &File) -> io::Result<u32> {
    use std::os::unix::fs::PermissionsExt;
    Ok(file.metadata()?.permissions().mode() & 0o7777)
}

#[cfg(not(unix))]
fn permissions(_file: &File) -> io::Result<u32> {
    Ok(0)
}
