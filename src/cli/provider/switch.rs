//! `brevet provider disable|enable`: whether tokens of an identity provider are accepted at all.

use brevet_client::DirectoryClient;
use brevet_client::proto::admin::{DisableOidcProviderRequest, EnableOidcProviderRequest};
use clap::Args;

use super::super::Exit;
use super::super::client::{Connection, finish};

/// Turns an identity provider off: its tokens are refused from now on, as if it were not registered. Sessions that were
/// issued go on until they end, or until `brevet session revoke --provider`.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  brevet provider disable https://token.actions.githubusercontent.com")]
pub(in super::super) struct Disable {
    /// The issuer's URL
    issuer: String,
    #[command(flatten)]
    connection: Connection,
}

impl Disable {
    /// Runs the command.
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        finish(async {
            let mut directory = DirectoryClient::new(self.connection.channel().await?);
            directory.disable_oidc_provider(DisableOidcProviderRequest { issuer: self.issuer }).await?;
            Ok(String::new())
        })
    }
}

/// Turns an identity provider on again.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  brevet provider enable https://token.actions.githubusercontent.com")]
pub(in super::super) struct Enable {
    /// The issuer's URL
    issuer: String,
    #[command(flatten)]
    connection: Connection,
}

impl Enable {
    /// Runs the command.
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        finish(async {
            let mut directory = DirectoryClient::new(self.connection.channel().await?);
            directory.enable_oidc_provider(EnableOidcProviderRequest { issuer: self.issuer }).await?;
            Ok(String::new())
        })
    }
}
