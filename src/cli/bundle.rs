//! `brevet bundle`: the file that a validator starts with. Asks the running service, else opens the store itself.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;

use super::Exit;
use super::data_dir::{self, DataDir};
use super::store::{self, StoreArguments};
use crate::adapters::clock::SystemClock;
use crate::adapters::random::SystemRandomness;
use crate::service::clock::Clock as _;
use crate::service::deployment::Deployment;
use crate::transport::control;

/// Export the trust bundle that validators need
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  brevet bundle --data-dir /var/lib/brevet --zone storage -o storage.bundle")]
pub(super) struct Bundle {
    /// Data directory, whether or not a service holds it
    #[arg(long, env = "BREVET_DATA_DIR")]
    data_dir: PathBuf,
    #[command(flatten)]
    store: StoreArguments,
    /// File to write, for its owner alone
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// The zone of the validators
    #[arg(long, value_name = "NAME", default_value = "default")]
    zone: String,
}

impl Bundle {
    /// Runs the command.
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let bundle = match ask(&data_dir::control_socket(&self.data_dir), &self.zone)? {
            Some(bundle) => bundle,
            None => make_from_store(self.store, &self.data_dir, &self.zone)?,
        };
        write(&self.output, &bundle)?;
        let (file, zone) = (self.output.display(), &self.zone);
        match zone.as_str() {
            "default" => eprintln!(
                "wrote {file}. It holds the key of the default zone: whoever reads it can act, at every service of the zone \
                 and at the STS, as the sessions that they see."
            ),
            _ => eprintln!(
                "wrote {file}. It holds the key of the zone {zone}: whoever reads it can act, at the services of the zone \
                 and nowhere else, as the sessions that they see."
            ),
        }
        Ok(Exit::Ok)
    }
}

fn make_from_store(store: StoreArguments, data_dir: &Path, zone: &str) -> anyhow::Result<Vec<u8>> {
    let (_, location) = store.read(data_dir)?;
    let dir = DataDir::open(data_dir, &location)?;
    let master = dir.master_key()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let store = store::open(&location).await?;
        let deployment = Deployment::start(store, &master, Arc::new(SystemRandomness::default())).await?;
        Ok(deployment.bundle(zone, SystemClock.now()).await?)
    })
}

/// Asks the service that holds the directory; `None` if there is none.
fn ask(socket: &Path, zone: &str) -> anyhow::Result<Option<Vec<u8>>> {
    let mut stream = match UnixStream::connect(socket) {
        Ok(stream) => stream,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot connect to {}", socket.display())),
    };
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(&control::bundle_request(zone))?;
    stream.shutdown(std::net::Shutdown::Write)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).context("the running service does not answer")?;
    match answer.split_first() {
        Some((&control::OK, bundle)) => Ok(Some(bundle.to_vec())),
        Some((_, reason)) => bail!("the running service refused: {}", String::from_utf8_lossy(reason)),
        None => bail!("the running service gave no answer"),
    }
}

/// Writes a file of mode 0600 that is there whole or not at all.
pub(super) fn write(path: &Path, bundle: &[u8]) -> anyhow::Result<()> {
    let name = path.file_name().with_context(|| format!("{} is not the path of a file", path.display()))?;
    let draft = path.with_file_name(format!(".{}.{}", name.to_string_lossy(), std::process::id()));
    let written = (|| -> std::io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
        file.write_all(bundle)?;
        file.sync_all()?;
        std::fs::rename(&draft, path)
    })();
    if written.is_err() {
        let _ = std::fs::remove_file(&draft);
    }
    written.with_context(|| format!("cannot write {}", path.display()))
}
