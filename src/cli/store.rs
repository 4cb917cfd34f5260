//! Which store a command works on, and how it is made and opened.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::Args;

use crate::adapters::clock::SystemClock;
use crate::config::{Config, StoreLocation};
use crate::service::clock::Clock as _;
use crate::store::{CommitError, EtcdStore, RedbStore, Store, Transaction};

/// What the commands that work on a store take.
#[derive(Args, Debug)]
pub(super) struct StoreArguments {
    /// Where records are kept: redb:DIRECTORY or etcd://HOST:PORT,…/PREFIX (default: in the data directory)
    #[arg(long, env = "BREVET_STORE", value_name = "STORE")]
    store: Option<String>,
    /// Configuration file (TOML); flags win over it
    #[arg(long, env = "BREVET_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
}

impl StoreArguments {
    /// The configuration, and where the store is.
    pub(super) fn read(self, data_dir: &Path) -> anyhow::Result<(Config, StoreLocation)> {
        let config = match &self.config {
            Some(path) => Config::read(path)?,
            None => Config::default(),
        };
        let location = config.clone().store(self.store, data_dir, |name| std::env::var(name).ok())?;
        Ok((config, location))
    }
}

/// Whether `init` has been here, and come to its end.
pub(super) async fn is_initialised(location: &StoreLocation) -> anyhow::Result<bool> {
    match location {
        StoreLocation::Redb(path) => Ok(path.join(RedbStore::FILE).exists()),
        StoreLocation::Etcd(settings) => Ok(EtcdStore::connect(settings).await?.latest().await?.0 > 0),
    }
}

/// Opens a store.
pub(super) async fn open(location: &StoreLocation) -> anyhow::Result<Arc<dyn Store>> {
    Ok(match location {
        StoreLocation::Redb(path) => Arc::new(RedbStore::open(path, || SystemClock.now())?),
        StoreLocation::Etcd(settings) => Arc::new(EtcdStore::connect(settings).await?),
    })
}

/// Makes a store: the last step of `init`. `false` if another was faster.
pub(super) async fn create(location: &StoreLocation, first: Transaction) -> anyhow::Result<bool> {
    let settings = match location {
        StoreLocation::Redb(path) => {
            RedbStore::create(path, &first, || SystemClock.now())?;
            return Ok(true);
        }
        StoreLocation::Etcd(settings) => settings,
    };
    let store = EtcdStore::connect(settings).await?;
    let id = first.id;
    match store.commit(first).await {
        Ok(_) => Ok(true),
        Err(CommitError::Conflict) => Ok(false),
        Err(CommitError::NotDone(cause)) => bail!("{location} was not initialised: {cause}"),
        Err(error @ CommitError::Unknown(_)) => match store.outcome(id).await {
            Ok(Some(_)) => Ok(true),
            Ok(None) => Err(error).with_context(|| format!("{location} was not initialised")),
            Err(_) => Err(error).with_context(|| format!("it is not known whether {location} was initialised")),
        },
    }
}
