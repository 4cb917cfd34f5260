//! `brevet session`: which sessions there are, and their end before their time.

mod list;

use std::time::Duration;

use brevet_client::SessionClient;
use brevet_client::proto::admin::RevokeSessionRequest;
use brevet_client::proto::admin::revoke_session_request::Which;
use brevet_validator::timestamp::Timestamp;
use clap::{Args, Subcommand};

use super::Exit;
use super::client::{Connection, finish};
use super::receipts::{self, Told};

#[derive(Debug, Subcommand)]
pub(super) enum SessionVerb {
    /// List the sessions that are not over
    List(list::List),
    /// End sessions before their time
    Revoke(Revoke),
}

impl SessionVerb {
    /// Runs the command.
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        match self {
            Self::List(list) => list.run(),
            Self::Revoke(revoke) => revoke.run(),
        }
    }
}

/// Ends sessions before their time: from the moment that this answers they are refused. Sessions that are made later are good.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  brevet session revoke \"$AWS_ACCESS_KEY_ID\"\n  brevet session revoke --principal arn:aws:iam::123456789012:user/ada\n  brevet session revoke --issued-before 2026-11-23T12:00:00Z --wait 5s"
)]
pub(super) struct Revoke {
    #[command(flatten)]
    target: Target,
    /// Wait so long, at most 30s, until every connected validator has said that it refuses them
    #[arg(long, value_name = "DURATION", value_parser = receipts::wait)]
    wait: Option<Duration>,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct Target {
    /// One session, and those that were made from it. Your own needs no permission
    access_key_id: Option<String>,
    /// The sessions of a role
    #[arg(long, value_name = "ARN")]
    role: Option<String>,
    /// The sessions of a user, with those that the user started; or of a role or root
    #[arg(long, value_name = "ARN")]
    principal: Option<String>,
    /// The sessions that tokens of an identity provider started
    #[arg(long, value_name = "ARN")]
    provider: Option<String>,
    /// The sessions of the account that were issued at this time or before, such as 2026-11-23T12:00:00Z; now: all
    #[arg(long, value_name = "TIME", value_parser = time)]
    issued_before: Option<Timestamp>,
}

impl Revoke {
    fn run(self) -> anyhow::Result<Exit> {
        finish(async {
            let mut sessions =
                SessionClient::new(self.connection.patient_channel(self.wait.unwrap_or_default()).await?);
            let (which, what) = self.target.which().ok_or_else(|| anyhow::anyhow!("it is not said which sessions"))?;
            let wait = self.wait.map(prost_types::Duration::try_from).transpose().map_err(anyhow::Error::from)?;
            let answer = sessions.revoke_session(RevokeSessionRequest { which: Some(which), wait }).await?.into_inner();
            let until = answer.kept_until.and_then(|until| Timestamp::from_unix(until.seconds));
            let until = until.ok_or_else(|| anyhow::anyhow!("the service answered without a time"))?;
            let revoked = format!("revoked: {what}. The revocation is kept until {until}, when none of them is left.");
            // The revocation stands whatever validators say, so that is no failure.
            Ok(match answer.receipts.map(|receipts| receipts::told(&receipts)) {
                None => revoked,
                Some(Told { line, warning }) => {
                    if let Some(warning) = warning {
                        eprintln!("brevet: {warning}");
                    }
                    format!("{revoked}\n{line}")
                }
            })
        })
    }
}

impl Target {
    /// The one that was given, and how to call it.
    fn which(self) -> Option<(Which, String)> {
        if let Some(id) = self.access_key_id {
            let what = format!("the session {id} and what was made from it");
            return Some((Which::AccessKeyId(id), what));
        }
        if let Some(at) = self.issued_before {
            let what = match at {
                Timestamp::MAX => "all sessions of the account that were issued until now".to_owned(),
                at => format!("the sessions of the account that were issued until {at}"),
            };
            return Some((Which::IssuedBefore(prost_types::Timestamp { seconds: at.unix(), nanos: 0 }), what));
        }
        let role = self.role.map(|arn| (what(&arn), Which::RoleArn(arn)));
        let principal = self.principal.map(|arn| (what(&arn), Which::PrincipalArn(arn)));
        let provider = self.provider.map(|arn| (what(&arn), Which::ProviderArn(arn)));
        role.or(principal).or(provider).map(|(what, which)| (which, what))
    }
}

fn what(arn: &str) -> String {
    format!("the sessions of {arn} that were issued until now")
}

/// `now` is a time that has not come, and the service says when that is: our clock may be behind.
fn time(text: &str) -> Result<Timestamp, String> {
    match text {
        "now" => Ok(Timestamp::MAX),
        _ => Timestamp::parse_iso(text).ok_or_else(|| "write it as 2026-11-23T12:00:00Z, or now".to_owned()),
    }
}
