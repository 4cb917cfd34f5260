//! `brevet role update`: settings of a role that the IAM API has no words for.

use brevet_client::DirectoryClient;
use brevet_client::proto::admin::{self, UpdateRoleRequest};
use clap::{Args, ValueEnum};

use super::super::Exit;
use super::super::client::{Connection, finish};

/// Changes settings of a role. What is not given stays.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  brevet role update deploy --explain caller")]
pub(in crate::cli) struct Update {
    /// Name of the role
    name: String,
    /// Who may see why the role's trust policy refuses: the account that owns the role, or callers, too
    #[arg(long, required = true)]
    explain: Explain,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Explain {
    Owner,
    Caller,
}

impl Update {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        finish(async {
            let mut directory = DirectoryClient::new(self.connection.channel().await?);
            let explain = match self.explain {
                Explain::Owner => admin::Explain::Owner,
                Explain::Caller => admin::Explain::Caller,
            };
            let request = UpdateRoleRequest { role_name: self.name, explain: explain.into() };
            directory.update_role(request).await?;
            Ok(String::new())
        })
    }
}
