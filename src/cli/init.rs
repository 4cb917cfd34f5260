//! `brevet init`: a data directory with a store, a master key, an account and its first administrator.

use std::path::PathBuf;

use anyhow::bail;
use clap::Args;

use super::Exit;
use super::data_dir::DataDir;
use crate::adapters::clock::SystemClock;
use crate::adapters::random::SystemRandomness;
use crate::service::deployment::Founding;

/// Create a data directory: store, master key, account, first administrator
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  brevet init --data-dir /var/lib/brevet")]
pub(super) struct Init {
    /// Directory to create or fill
    #[arg(long, env = "BREVET_DATA_DIR")]
    data_dir: PathBuf,
}

impl Init {
    /// Runs the command. Either everything is there when it ends, or it can be run again.
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let dir = DataDir::create(&self.data_dir)?;
        if dir.is_initialised() {
            bail!("{} is already initialised", self.data_dir.display());
        }
        let random = SystemRandomness::default();
        let master = dir.master_key_or_new(&random)?;
        let founding = Founding { account: None, administrator: "admin", roles: &[], provider: None };
        let (first, founded) = founding.first_transaction(&master, &random, &SystemClock)?;
        dir.write_credentials(founded.administrator, &founded.credentials)?;
        // The store appears whole, and last: without it nothing is initialised.
        drop(dir.create_store(&first)?);

        println!("account         {}", founded.account);
        println!("administrator   {}", founded.administrator);
        println!("first key       {}  (its secret is never shown again)", dir.credentials().display());
        println!("master key      {}  (back it up apart from the store)", self.data_dir.join("master.key").display());
        println!("next            brevet serve --data-dir {}", self.data_dir.display());
        Ok(Exit::Ok)
    }
}
