//! `brevet role update`: settings of a role that the IAM API has no words for.

use brevet_client::DirectoryClient;
use brevet_client::proto::admin::{self, UpdateRoleRequest};
use clap::{ArgGroup, Args, ValueEnum};

use super::super::Exit;
use super::super::client::{Connection, finish};

/// Changes settings of a role. What is not given stays.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  brevet role update deploy --explain caller\n  brevet role update deploy --max-uses 1",
    group = ArgGroup::new("setting").args(["explain", "max_uses"]).required(true).multiple(true)
)]
pub(in crate::cli) struct Update {
    /// Name of the role
    name: String,
    /// Who may see why the role's trust policy refuses: the account that owns the role, or callers, too
    #[arg(long)]
    explain: Option<Explain>,
    /// How many sessions of the role one identity token may have, at most 1000; 0 takes the limit away
    #[arg(long, value_name = "N")]
    max_uses: Option<u32>,
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
                None => admin::Explain::Unspecified,
                Some(Explain::Owner) => admin::Explain::Owner,
                Some(Explain::Caller) => admin::Explain::Caller,
            };
            let request = UpdateRoleRequest { role_name: self.name, explain: explain.into(), max_uses: self.max_uses };
            directory.update_role(request).await?;
            Ok(String::new())
        })
    }
}
