//! `brevet toy-issuer`: the identity provider of `dev` alone, for the tests of other projects.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use super::{Exit, dev, run};
use crate::adapters::clock::SystemClock;
use crate::adapters::random::SystemRandomness;
use crate::service::federation::toy::people::CLIENT_ID;
use crate::transport::toy_issuer::{Settings, ToyIssuer};

/// Run the identity provider of `dev` alone, as a fixture for the tests of other projects
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  brevet toy-issuer --listen 127.0.0.1:0 --client-id my-app")]
pub(super) struct Toy {
    /// Address and port; port 0 takes a free one
    #[arg(long, default_value = dev::DEFAULT_ISSUER_LISTEN)]
    listen: SocketAddr,
    /// A client that people sign in with; may be repeated
    #[arg(long = "client-id", value_name = "ID", default_value = CLIENT_ID)]
    client_ids: Vec<String>,
    /// Listen on other addresses than loopback, although whoever asks gets a token of any claims
    #[arg(long)]
    expose_dev: bool,
}

impl Toy {
    /// Runs until a signal ends it. Prints one line of JSON once ready.
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        run::start_logging("warn")?;
        let Self { listen, client_ids, expose_dev } = self;
        if !expose_dev && !listen.ip().is_loopback() {
            anyhow::bail!(
                "whoever asks gets a token of any claims: {listen} would offer them to other machines. Give --expose-dev if \
                 that is meant"
            );
        }
        let client_id = client_ids.first().context("there is a client")?.clone();
        run::block_on(async {
            let settings = Settings { address: listen, clients: client_ids, only_local_hosts: !expose_dev };
            let issuer = ToyIssuer::bind(settings, Arc::new(SystemRandomness::default()), Arc::new(SystemClock))
                .await
                .with_context(|| format!("cannot listen on {listen} (--listen takes another port)"))?;
            let line = json!({
                "issuer": issuer.issuer().as_str(),
                "token_endpoint": issuer.token_endpoint(),
                "client_id": client_id,
            });
            let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
            println!("{line}");
            let stop = async {
                tokio::select! {
                    _ = interrupt.recv() => (),
                    _ = terminate.recv() => (),
                }
            };
            issuer.run(stop).await;
            Ok(())
        })
    }
}
