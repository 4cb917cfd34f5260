//! `brevet access-key`: the life of long-lived keys.

mod change;
mod csv;
mod expires;
mod new;
mod show;

use clap::Subcommand;

use super::Exit;

#[derive(Debug, Subcommand)]
pub(super) enum AccessKeyVerb {
    /// Make a key
    Create(new::Create),
    /// List the keys of a user
    List(show::List),
    /// Show a key: whose it is, whether it is good, when it was last used
    Show(show::Show),
    /// Change the description of a key
    Describe(change::Describe),
    /// Let a disabled key sign again
    Enable(change::Enable),
    /// Refuse a key from now on
    Disable(change::Disable),
    /// Make a key in the place of another one, which is good a while longer
    Rotate(new::Rotate),
    /// Disable a key that leaked, and end the sessions that it started
    Quarantine(change::Quarantine),
    /// Forget a key
    Delete(change::Delete),
}

impl AccessKeyVerb {
    /// Runs the command.
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        match self {
            Self::Create(create) => create.run(),
            Self::List(list) => list.run(),
            Self::Show(show) => show.run(),
            Self::Describe(describe) => describe.run(),
            Self::Enable(enable) => enable.run(),
            Self::Disable(disable) => disable.run(),
            Self::Rotate(rotate) => rotate.run(),
            Self::Quarantine(quarantine) => quarantine.run(),
            Self::Delete(delete) => delete.run(),
        }
    }
}
