//! `brevet role`: what the IAM API has no words for.

use brevet_client::DirectoryClient;
use brevet_client::proto::admin::{self, LintSeverity, PutRoleTrustRequest, UpdateRoleRequest};
use clap::{Args, Subcommand, ValueEnum};

use super::Exit;
use super::client::{Connection, finish};
use super::files;

#[derive(Debug, Subcommand)]
pub(super) enum RoleVerb {
    /// Replace a role's trust policy; dangerous ones are refused
    PutTrust(PutTrust),
    /// Change settings of a role
    Update(Update),
}

impl RoleVerb {
    /// Runs the command.
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        match self {
            Self::PutTrust(put) => put.run(),
            Self::Update(update) => update.run(),
        }
    }
}

/// Replaces a role's trust policy. Findings of the linter go to standard error.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  brevet role put-trust deploy trust.json")]
pub(super) struct PutTrust {
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
    fn run(self) -> anyhow::Result<Exit> {
        let text = files::read(&self.file)?;
        finish(async {
            let mut directory = DirectoryClient::new(self.connection.channel().await?);
            let request = PutRoleTrustRequest {
                role_name: self.name,
                policy_document: text,
                allow_dangerous: self.allow_dangerous,
            };
            let answer = directory.put_role_trust(request).await?.into_inner();
            for finding in &answer.findings {
                let severity = match finding.severity() {
                    LintSeverity::Dangerous => "dangerous",
                    LintSeverity::Warning | LintSeverity::Unspecified => "warning",
                };
                let (file, line, column) = (&self.file, finding.line, finding.column);
                eprintln!("{file}:{line}:{column}: {severity} {}: {}", finding.code, finding.message);
            }
            Ok(String::new())
        })
    }
}

/// Changes settings of a role. What is not given stays.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  brevet role update deploy --explain caller")]
pub(super) struct Update {
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
    fn run(self) -> anyhow::Result<Exit> {
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
