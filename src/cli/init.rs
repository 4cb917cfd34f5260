//! `brevet init`: a data directory with a store, a master key, an account and its first administrator.

use std::path::PathBuf;

use anyhow::bail;
use clap::Args;

use super::data_dir::DataDir;
use super::store::{self, StoreArguments};
use super::{Exit, run};
use crate::adapters::clock::SystemClock;
use crate::adapters::random::SystemRandomness;
use crate::config::StoreLocation;
use crate::service::deployment::Founding;

/// Create a data directory: store, master key, account, first administrator
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  brevet init --data-dir /var/lib/brevet\n  brevet init --data-dir /var/lib/brevet --store etcd://10.0.0.1:2379,10.0.0.2:2379"
)]
pub(super) struct Init {
    /// Directory to create or fill
    #[arg(long, env = "BREVET_DATA_DIR")]
    data_dir: PathBuf,
    #[command(flatten)]
    store: StoreArguments,
}

impl Init {
    /// Runs the command. Either everything is there when it ends, or it can be run again.
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let (_, location) = self.store.read(&self.data_dir)?;
        let dir = DataDir::create(&self.data_dir)?;
        run::block_on(found(dir, self.data_dir, location))
    }
}

async fn found(dir: DataDir, data_dir: PathBuf, location: StoreLocation) -> anyhow::Result<()> {
    if store::is_initialised(&location).await? {
        bail!("{location} is already initialised");
    }
    let random = SystemRandomness::default();
    let (master, key_is_new) = dir.master_key_or_new(&random)?;
    let founding = Founding { account: None, administrator: "admin", roles: &[], provider: None };
    let (first, founded) = founding.first_transaction(&master, &random, &SystemClock)?;
    dir.write_credentials(founded.administrator, &founded.credentials)?;
    // The store appears whole, and last: without it nothing is initialised.
    if !store::create(&location, first).await? {
        dir.give_up(key_is_new)?;
        bail!("{location} is already initialised");
    }

    println!("account         {}", founded.account);
    println!("administrator   {}", founded.administrator);
    println!("first key       {}  (its secret is never shown again)", dir.credentials().display());
    println!("master key      {}  (back it up apart from the store)", data_dir.join("master.key").display());
    let elsewhere = match &location {
        StoreLocation::Redb(path) if *path == data_dir => String::new(),
        StoreLocation::Redb(path) => format!(" --store redb:{}", path.display()),
        StoreLocation::Etcd(_) => format!(" --store {location}"),
    };
    println!("next            brevet serve --data-dir {}{elsewhere}", data_dir.display());
    Ok(())
}
