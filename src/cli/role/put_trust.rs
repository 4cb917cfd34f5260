//! `brevet role put-trust`: a new trust policy for a role, as it stands in a file.

use brevet_client::DirectoryClient;
use brevet_client::proto::admin::PutRoleTrustRequest;
use clap::Args;

use super::super::client::{Connection, finish};
use super::super::{Exit, files};
use super::findings;

/// Replaces a role's trust policy. Findings of the linter go to standard error.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  brevet role put-trust deploy trust.json")]
pub(in crate::cli) struct PutTrust {
    /// Name of the role
    name: String,
    /// The policy as JSON; `-` is standard input
    file: String,
    /// Put it even if it lets someone in whom its author hardly meant; recorded in the audit log
    #[arg(long)]
    allow_dangerous: bool,
    #[command(flatten)]
    connection: Connection,
}

impl PutTrust {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let text = files::read(&self.file)?;
        finish(async {
            let mut directory = DirectoryClient::new(self.connection.channel().await?);
            let request = PutRoleTrustRequest {
                role_name: self.name,
                policy_document: text,
                allow_dangerous: self.allow_dangerous,
            };
            let answer = directory.put_role_trust(request).await?.into_inner();
            findings::tell(&self.file, &answer.findings);
            Ok(String::new())
        })
    }
}
