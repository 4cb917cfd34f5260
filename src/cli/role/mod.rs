//! `brevet role`: what the IAM API has no words for.

mod findings;
mod new;
mod next_step;
mod put_trust;
mod template;
mod update;

use clap::Subcommand;

use super::Exit;

#[derive(Debug, Subcommand)]
pub(super) enum RoleVerb {
    /// Make a role for the jobs of a CI system
    New(Box<new::New>),
    /// Replace a role's trust policy; dangerous ones are refused
    PutTrust(put_trust::PutTrust),
    /// Change settings of a role
    Update(update::Update),
}

impl RoleVerb {
    /// Runs the command.
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        match self {
            Self::New(new) => new.run(),
            Self::PutTrust(put) => put.run(),
            Self::Update(update) => update.run(),
        }
    }
}
