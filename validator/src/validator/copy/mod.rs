//! The copy on disk of what a validator knows: with it a service starts while the token service is down.
//!
//! `FILE` is the trust bundle, as `brevet bundle` writes it. `FILE.revocations` holds the log of revocations, its signed heads
//! and the highest sequence of a bundle ([`sidecar`]). Both are for their owner alone. One process at a time has a copy.

mod error;
mod file;
mod frame;
mod sidecar;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

pub use self::error::CopyError;

use self::sidecar::{Contents, Sidecar};
use super::bundle;
use super::trust::{Changes, Trust};
use crate::token::TrustBundle;

/// The files, and what has still to be written to them.
#[derive(Debug)]
pub struct TrustCopy {
    path: PathBuf,
    sidecar: Sidecar,
    unsaved: Changes,
    /// Locked while this lives.
    _lock: File,
}

/// What a copy said.
#[derive(Debug)]
pub struct Loaded {
    /// What is known.
    pub trust: Trust,
    /// Why nothing is known of revocations, if so.
    pub doubt: Option<String>,
}

impl TrustCopy {
    /// Takes the copy at this path, where there need not be one yet.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, CopyError> {
        let path = path.into();
        let lock = file::lock(&file::beside(&path, ".lock"))?;
        let sidecar = Sidecar::at(file::beside(&path, ".revocations"));
        Ok(Self { path, sidecar, unsaved: Changes::default(), _lock: lock })
    }

    /// What the copy says of a zone; `None` if there is no bundle. Then whatever lies beside it does not count.
    pub fn load(&mut self, zone: &str) -> Result<Option<Loaded>, CopyError> {
        if !self.path.try_exists().map_err(|source| CopyError::read(&self.path, source))? {
            return Ok(None);
        }
        let bundle = TrustBundle::decode(bundle::read(&self.path)?.expose(), None).map_err(CopyError::from)?;
        if bundle.zone != zone {
            return Err(CopyError::Zone { path: self.path.clone(), asked: zone.to_owned(), got: bundle.zone });
        }
        let (log, doubt) = match self.sidecar.load(&bundle)? {
            Contents::Known { sequence, .. } if sequence > bundle.sequence => {
                return Err(CopyError::Rollback { path: self.path.clone(), seen: sequence, got: bundle.sequence });
            }
            Contents::Known { log, confirmed_at, .. } => (Some((log, confirmed_at)), None),
            Contents::Unknown(doubt) => (None, Some(doubt)),
        };
        Ok(Some(Loaded { trust: Trust::restored(bundle, log), doubt }))
    }

    /// Writes what took effect. What cannot be written is tried again with the next changes.
    ///
    /// Bundles and entries are on disk when this returns; a head alone is written now and then.
    pub fn save(&mut self, changes: Changes, trust: &Trust) -> io::Result<()> {
        self.unsaved.merge(changes);
        if let Some(bundle) = &self.unsaved.bundle {
            file::replace(&self.path, bundle.expose())?;
        }
        self.sidecar.save(&self.unsaved, trust)?;
        self.unsaved = Changes::default();
        self.sidecar.compact(trust)
    }

    /// Writes the latest head, because none may come for a while.
    pub fn flush(&mut self) -> io::Result<()> {
        self.sidecar.flush()
    }

    /// Where the bundle is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Changes {
    /// Adds changes that came later.
    fn merge(&mut self, later: Self) {
        if later.new_log {
            self.new_log = true;
            self.entries.clear();
        }
        self.entries.extend(later.entries);
        self.bundle = later.bundle.or(self.bundle.take());
        self.head = later.head;
    }
}
