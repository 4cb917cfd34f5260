//! `brevet policy`: what policies allow, before anybody depends on it.

mod lint;
mod simulate;
mod test;
mod who_can;

use clap::Subcommand;

use super::Exit;

#[derive(Debug, Subcommand)]
pub(super) enum PolicyVerb {
    /// Tell what is dangerous or doubtful in policies
    Lint(lint::Lint),
    /// Tell what policies would decide
    Simulate(Box<simulate::Simulate>),
    /// Tell who can do something
    WhoCan(who_can::WhoCan),
    /// Run files of cases that policies should allow and deny
    Test(test::Test),
}

impl PolicyVerb {
    /// Runs the command.
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        match self {
            Self::Lint(lint) => lint.run(),
            Self::Simulate(simulate) => simulate.run(),
            Self::WhoCan(who_can) => who_can.run(),
            Self::Test(test) => test.run(),
        }
    }
}
