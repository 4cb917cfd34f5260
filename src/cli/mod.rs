//! The command line: what each verb takes, and which function answers it.

mod access_key;
mod bundle;
mod client;
mod data_dir;
mod debug_signature;
mod dev;
mod explain;
mod files;
mod init;
mod output;
mod pair;
mod policy;
mod provider;
mod receipts;
mod role;
mod run;
mod serve;
mod session;
mod store;
mod toy_issuer;
mod zone;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A security token service that anyone can run: signed requests in, temporary credentials out.
#[derive(Debug, Parser)]
#[command(
    name = "brevet",
    version,
    about,
    after_help = "Example:\n  brevet dev\n\nExit codes: 0 ok, 1 failure, 2 usage, 3 denied, 4 no credentials, 5 server unreachable, 6 problems found or denied in a simulation"
)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run everything on loopback and in memory, for development
    Dev(dev::Dev),
    /// Create a data directory: store, master key, account, first administrator
    Init(init::Init),
    /// Run the service on a data directory
    Serve(serve::Serve),
    /// Export the trust bundle that validators need
    Bundle(bundle::Bundle),
    /// Say who the credentials at hand belong to
    Whoami(client::Whoami),
    /// Take on a role and print its temporary credentials
    Creds(client::Creds),
    /// Say what a code means, or why a request was refused
    Explain(explain::Explain),
    /// Work with policies
    #[command(subcommand)]
    Policy(policy::PolicyVerb),
    /// Work with identity providers
    #[command(subcommand)]
    Provider(provider::ProviderVerb),
    /// Work with roles
    #[command(subcommand)]
    Role(role::RoleVerb),
    /// Work with long-lived access keys
    #[command(subcommand)]
    AccessKey(access_key::AccessKeyVerb),
    /// List sessions, and end them before their time
    #[command(subcommand)]
    Session(session::SessionVerb),
    /// Work with zones of resource services
    #[command(subcommand)]
    Zone(zone::ZoneVerb),
    /// Run the identity provider of `dev` alone, as a fixture for the tests of other projects
    ToyIssuer(toy_issuer::Toy),
    /// Find out what is wrong with something
    #[command(subcommand)]
    Debug(DebugVerb),
}

#[derive(Debug, Subcommand)]
enum DebugVerb {
    /// Show what a request's signature should be made of, and where it went wrong
    Signature(debug_signature::DebugSignature),
}

/// How a command ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Exit {
    /// Everything went well.
    Ok = 0,
    /// Something failed.
    Failure = 1,
    /// The service refused.
    Denied = 3,
    /// No credentials to sign with.
    NoCredentials = 4,
    /// Nobody answers.
    Unreachable = 5,
    /// A check found problems, or a simulation denials.
    Found = 6,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Runs the command that the arguments name. Data goes to standard output, everything else to standard error.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are answers, usage errors are not: clap knows which stream and code each gets.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let result = match cli.verb {
        Verb::Dev(dev) => dev.run(),
        Verb::Init(init) => init.run(),
        Verb::Serve(serve) => serve.run(),
        Verb::Bundle(bundle) => bundle.run(),
        Verb::Whoami(whoami) => whoami.run(),
        Verb::Creds(creds) => creds.run(),
        Verb::Explain(explain) => explain.run(),
        Verb::Policy(policy) => policy.run(),
        Verb::Provider(provider) => provider.run(),
        Verb::Role(role) => role.run(),
        Verb::AccessKey(access_key) => access_key.run(),
        Verb::Session(session) => session.run(),
        Verb::Zone(zone) => zone.run(),
        Verb::ToyIssuer(toy) => toy.run(),
        Verb::Debug(DebugVerb::Signature(debug)) => debug.run(),
    };
    match result {
        Ok(exit) => exit.into(),
        Err(error) => {
            eprintln!("brevet: {error:#}");
            Exit::Failure.into()
        }
    }
}
