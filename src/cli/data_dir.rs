//! The data directory: its files, and that one process at a time owns it.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use brevet_validator::credential::Credentials;
use rustix::fs::FlockOperation;

use crate::adapters::master_key::{self, MasterKeyError};
use crate::config::StoreLocation;
use crate::service::random::Random;
use crate::store::{MasterKey, RedbStore};

/// The master key's file.
const MASTER_KEY: &str = "master.key";

/// A data directory that this process alone owns, until it is dropped.
#[derive(Debug)]
pub(super) struct DataDir {
    path: PathBuf,
    _lock: File,
}

/// The paths in a data directory that other commands look for.
pub(super) fn control_socket(path: &Path) -> PathBuf {
    path.join("control.sock")
}

impl DataDir {
    /// Makes the directory if it is not there (mode 0700) and takes it.
    pub(super) fn create(path: &Path) -> anyhow::Result<Self> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .with_context(|| format!("cannot create {}", path.display()))?;
        Self::take(path)
    }

    /// Takes a directory that is initialised. With a store elsewhere, all that it needs is the master key.
    pub(super) fn open(path: &Path, store: &StoreLocation) -> anyhow::Result<Self> {
        match store {
            StoreLocation::Redb(dir) if !dir.join(RedbStore::FILE).exists() => {
                bail!("{} is not initialised: run `brevet init --data-dir {}`", dir.display(), path.display())
            }
            StoreLocation::Etcd(_) if !path.join(MASTER_KEY).exists() => bail!(
                "{} holds no master key: run `brevet init`, or copy {MASTER_KEY} from the replica where it was run",
                path.display()
            ),
            _ => Self::take(path),
        }
    }

    fn take(path: &Path) -> anyhow::Result<Self> {
        let name = path.join("lock");
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits() as i32)
            .open(&name)
            .with_context(|| format!("cannot open {}", name.display()))?;
        match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(rustix::io::Errno::WOULDBLOCK) => bail!("another brevet is using {}", path.display()),
            Err(error) => Err(error).with_context(|| format!("cannot lock {}", name.display())),
        }
    }

    /// Where audit records go.
    pub(super) fn audit(&self) -> PathBuf {
        self.path.join("audit")
    }

    /// Where other commands ask the running service.
    pub(super) fn control_socket(&self) -> PathBuf {
        control_socket(&self.path)
    }

    /// Where `init` leaves the first key.
    pub(super) fn credentials(&self) -> PathBuf {
        self.path.join("credentials.csv")
    }

    /// The master key that is there, or a new one, and whether it is new. One without a store was left by an `init` that did
    /// not end, or put there by the operator.
    pub(super) fn master_key_or_new(&self, random: &dyn Random) -> anyhow::Result<(MasterKey, bool)> {
        match self.master_key() {
            Err(MasterKeyError::Missing(_)) => {}
            found => return Ok((found?, false)),
        }
        let mut bytes = zeroize::Zeroizing::new([0; 32]);
        random.fill(&mut *bytes)?;
        let key = MasterKey::new(*bytes);
        master_key::create(&self.path.join(MASTER_KEY), &key)?;
        Ok((key, true))
    }

    /// The master key.
    pub(super) fn master_key(&self) -> Result<MasterKey, MasterKeyError> {
        master_key::read(&self.path.join(MASTER_KEY))
    }

    /// Removes what an `init` wrote that lost against another: keys that are good for nothing.
    pub(super) fn give_up(&self, key_is_new: bool) -> io::Result<()> {
        std::fs::remove_file(self.credentials())?;
        if key_is_new { std::fs::remove_file(self.path.join(MASTER_KEY)) } else { Ok(()) }
    }

    /// Writes the first key in the layout of AWS's `credentials.csv`, for the owner alone.
    pub(super) fn write_credentials(&self, user: &str, credentials: &Credentials) -> anyhow::Result<()> {
        let path = self.credentials();
        let written = (|| -> io::Result<()> {
            // What an `init` that did not end left behind names a key that does not exist.
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
            let (id, secret) = (&credentials.access_key_id, credentials.secret_access_key.expose());
            write!(file, "User Name,Access key ID,Secret access key\n{user},{id},{secret}\n")?;
            file.sync_all()?;
            File::open(&self.path)?.sync_all()
        })();
        written.with_context(|| format!("cannot write {}", path.display()))
    }
}
