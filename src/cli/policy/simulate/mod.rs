//! `brevet policy simulate`: what policies would decide, of files here or of a principal at the service.

mod result;
mod service;

use brevet_validator::identity::{AccountId, Arn};
use clap::Args;

use self::result::Row;
use crate::cli::client::{Connection, settle};
use crate::cli::output::Output;
use crate::cli::pair::{Pair, pair};
use crate::cli::{Exit, files};
use crate::service::error::Error;
use crate::service::policy::simulate::{PolicyText, Scenario, WebIdentity};
use crate::service::simulation::{ContextEntry, ContextKeyType};

/// Answers that are computed at a time.
const PIECE: usize = 1000;
/// Whose files are simulated that name no account.
const SOME_ACCOUNT: &str = "000000000000";

/// Tells what policies would decide of actions on resources. Needs no server, but for the policies of a principal.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  brevet policy simulate --policy reader.json --action s3:GetObject --resource arn:aws:s3:::bucket/key
  brevet policy simulate --trust-policy trust.json --action sts:AssumeRoleWithWebIdentity \\
      --web-identity token.actions.githubusercontent.com --claim sub=repo:acme/shop:ref:refs/heads/main
  brevet policy simulate --principal arn:aws:iam::000000000001:user/developer --action iam:CreateUser

Exit codes: 0 if all is allowed, 6 if anything is denied, else as of all commands")]
pub(in crate::cli) struct Simulate {
    /// Identity policies as JSON; `-` is standard input
    #[arg(long = "policy", value_name = "FILE", num_args = 1..)]
    policies: Vec<String>,
    /// A user or role of the account whose own policies are simulated, at the service
    #[arg(long, value_name = "ARN")]
    principal: Option<String>,
    /// Permissions boundary; takes the place of the principal's
    #[arg(long, value_name = "FILE")]
    boundary: Option<String>,
    /// Session policies
    #[arg(long = "session-policy", value_name = "FILE", num_args = 1..)]
    session_policies: Vec<String>,
    /// The policy of the resources
    #[arg(long, value_name = "FILE", conflicts_with = "trust_policy")]
    resource_policy: Option<String>,
    /// The trust policy of the role that is asked for
    #[arg(long, value_name = "FILE")]
    trust_policy: Option<String>,
    /// The account of resources whose ARN names none
    #[arg(long, value_name = "ACCOUNT")]
    resource_owner: Option<String>,
    /// Who asks (default: the principal)
    #[arg(long, value_name = "ARN", conflicts_with = "web_identity")]
    caller: Option<String>,
    /// Who asks: someone with a token of this provider, named by its ARN or the issuer without https://
    #[arg(long, value_name = "PROVIDER")]
    web_identity: Option<String>,
    /// A claim of the token
    #[arg(long = "claim", value_name = "KEY=VALUE[,VALUE...]", value_parser = pair, requires = "web_identity")]
    claims: Vec<Pair>,
    /// What is asked for
    #[arg(long = "action", value_name = "ACTION", num_args = 1.., required = true)]
    actions: Vec<String>,
    /// On what (default: anything)
    #[arg(long = "resource", value_name = "ARN", num_args = 1..)]
    resources: Vec<String>,
    /// A condition key of the request; without a value, one that it does not have
    #[arg(long = "context", value_name = "KEY=VALUE[,VALUE...]", value_parser = pair)]
    context: Vec<Pair>,
    /// How to write the results
    #[arg(long, short, default_value = "human")]
    output: Output,
    #[command(flatten)]
    connection: Connection,
}

impl Simulate {
    /// Runs the command.
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let scenario = self.scenario()?;
        let rows = match &self.principal {
            Some(principal) => match settle(service::simulate(&self.connection, principal.clone(), scenario))? {
                Ok(rows) => rows,
                Err(exit) => return Ok(exit),
            },
            None => match simulate(scenario) {
                Ok(rows) => rows,
                Err(error) => anyhow::bail!("{error}"),
            },
        };
        match self.output {
            Output::Human => print!("{}", result::human(&rows)?),
            Output::Json => println!("{:#}", result::as_json(&rows)),
        }
        Ok(if rows.iter().all(Row::allowed) { Exit::Ok } else { Exit::Found })
    }

    fn scenario(&self) -> anyhow::Result<Scenario> {
        let text = |file: &String| Ok(PolicyText { name: file.clone(), text: files::read(file)? });
        let texts = |files: &[String]| files.iter().map(text).collect::<anyhow::Result<Vec<_>>>();
        let one = |file: &Option<String>| file.as_ref().map(text).transpose();
        let web_identity = |provider: &String| WebIdentity { provider: provider.clone(), claims: self.claims.clone() };
        let entry = |(key, values): &Pair| ContextEntry {
            key: key.clone(),
            of: ContextKeyType::text(values.len()),
            values: values.clone(),
        };
        Ok(Scenario {
            policies: texts(&self.policies)?,
            boundary: one(&self.boundary)?,
            session_policies: texts(&self.session_policies)?,
            resource_policy: one(&self.resource_policy)?,
            trust_policy: one(&self.trust_policy)?,
            resource_owner: self.resource_owner.clone(),
            caller_arn: self.caller.clone(),
            web_identity: self.web_identity.as_ref().map(web_identity),
            actions: self.actions.clone(),
            resources: self.resources.clone(),
            context: self.context.iter().map(entry).collect(),
        })
    }
}

/// Decides here.
fn simulate(scenario: Scenario) -> Result<Vec<Row>, Error> {
    let account = account(&scenario)?;
    let simulation = scenario.stage()?.simulation(account, None)?;
    let (mut rows, mut next) = (Vec::new(), Some(0));
    while let Some(from) = next {
        let piece = simulation.piece(from, PIECE, Row::of)?;
        rows.extend(piece.items);
        next = piece.next;
    }
    Ok(rows)
}

/// The account in which all this would happen, as far as the names tell.
fn account(scenario: &Scenario) -> Result<AccountId, Error> {
    let names = scenario.caller_arn.iter().chain(&scenario.resources);
    let mut named = names.filter_map(|name| name.parse::<Arn>().ok()?.account().parse().ok());
    named.next().map_or_else(|| SOME_ACCOUNT.parse().map_err(Error::internal), Ok)
}
