//! `brevet serve`: the service on a data directory.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::Exit;
use super::data_dir::DataDir;
use super::run::{self, Assembly};
use super::store::{self, StoreArguments};
use crate::adapters::audit_file::AuditFiles;
use crate::adapters::clock::SystemClock;
use crate::adapters::random::SystemRandomness;
use crate::config::Flags;
use crate::service::deployment::Deployment;
use crate::service::federation::Plaintext;

/// Run the service on a data directory
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  brevet serve --data-dir /var/lib/brevet")]
pub(super) struct Serve {
    /// Directory that `brevet init` made
    #[arg(long, env = "BREVET_DATA_DIR")]
    data_dir: PathBuf,
    #[command(flatten)]
    store: StoreArguments,
    /// Address and port of the service (default: 127.0.0.1:8731)
    #[arg(long)]
    listen: Option<String>,
    /// Address and port of health and metrics (default: 127.0.0.1:8732)
    #[arg(long)]
    admin_listen: Option<String>,
    /// Issue identity tokens under this https URL (GetWebIdentityToken), at which relying parties reach the service
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// PEM file with the certificate chain: serves TLS instead of plaintext
    #[arg(long)]
    tls_cert: Option<PathBuf>,
    /// PEM file with the certificate's private key
    #[arg(long)]
    tls_key: Option<PathBuf>,
    /// Serve without TLS on other addresses than loopback, because something in front of it ends TLS
    #[arg(long)]
    allow_plaintext: bool,
}

impl Serve {
    /// Runs until a signal ends it.
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        run::start_logging("info")?;
        let (config, location) = self.store.read(&self.data_dir)?;
        let settings = config.resolve(Flags {
            listen: self.listen,
            admin_listen: self.admin_listen,
            issuer: self.issuer,
            tls_cert: self.tls_cert,
            tls_key: self.tls_key,
            allow_plaintext: self.allow_plaintext,
        })?;
        let dir = DataDir::open(&self.data_dir, &location)?;
        let master = dir.master_key()?;
        if dir.credentials().exists() {
            tracing::warn!(
                "{} still lies there: put the first key into a safe place and remove the file",
                dir.credentials().display()
            );
        }
        let audit = Arc::new(AuditFiles::open(&dir.audit(), settings.audit_sync, Arc::new(SystemClock))?);
        run::block_on(async {
            let store = store::open(&location).await?;
            let deployment = Deployment::start(store, &master, Arc::new(SystemRandomness::default())).await?;
            let assembly = Assembly {
                settings,
                deployment: Arc::new(deployment),
                audit,
                control: Some(dir.control_socket()),
                only_local_hosts: false,
                issuer_is_endpoint: false,
                plaintext: Plaintext::Refused,
            };
            run::serve(assembly, |ready| {
                println!("listening on {} (admin: {})", ready.endpoint, ready.admin_endpoint);
                Ok(())
            })
            .await
        })
    }
}
