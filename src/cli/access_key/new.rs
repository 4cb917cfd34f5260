//! `brevet access-key create|rotate`: new keys, whose secrets are shown once.

use std::path::PathBuf;

use anyhow::Context as _;
use brevet_client::AccessKeyClient;
use brevet_client::proto::admin::{
    AccessKey, CreateAccessKeyRequest, RotateAccessKeyRequest, create_access_key_request, rotate_access_key_request,
};
use clap::Args;
use prost_types::{Duration, Timestamp};
use serde_json::json;
use zeroize::Zeroizing;

use super::csv::{Layout, NewFile};
use super::expires::{Expires, expires};
use super::show;
use crate::cli::Exit;
use crate::cli::client::{Connection, finish};
use crate::cli::output::Output;
use crate::config::seconds;

/// Makes a key and shows its secret, once. A user has at most two.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  brevet access-key create --user ada --expires 90d --description 'laptop'\n  brevet access-key create --csv accessKeys.csv"
)]
pub(in crate::cli) struct Create {
    /// Whose key (default: your own)
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// What it is for: at most 256 characters
    #[arg(long, value_name = "TEXT", default_value = "")]
    description: String,
    /// When it is over, such as 90d or 2027-01-31T12:00:00Z (default: never)
    #[arg(long, value_name = "WHEN", value_parser = expires)]
    expires: Option<Expires>,
    #[command(flatten)]
    destination: Destination,
    #[command(flatten)]
    connection: Connection,
}

impl Create {
    /// Runs the command.
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        use create_access_key_request::Expiration;
        let file = self.destination.open()?;
        let expiration = self.expires.map(|expires| match expires {
            Expires::At(at) => Expiration::ExpireTime(Timestamp { seconds: at.unix(), nanos: 0 }),
            Expires::In(seconds) => Expiration::Ttl(Duration { seconds, nanos: 0 }),
        });
        let user_name = self.user.unwrap_or_default();
        finish(async {
            let mut keys = AccessKeyClient::new(self.connection.channel().await?);
            let request = CreateAccessKeyRequest { user_name, description: self.description, expiration };
            let made = keys.create_access_key(request).await?.into_inner();
            let key = made.access_key.context("the service answered without a key")?;
            Ok(self.destination.tell(file, &key, Zeroizing::new(made.secret_access_key), None)?)
        })
    }
}

/// Makes a key in the place of another one, with its description and lifetime, and shows its secret, once. The old key is good for
/// the overlap, so that whoever has it can change over. Its owner must have no other key.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  brevet access-key rotate AKIAIOSFODNN7EXAMPLE\n  \
    brevet access-key rotate AKIAIOSFODNN7EXAMPLE --overlap 7d --csv accessKeys.csv")]
pub(in crate::cli) struct Rotate {
    /// The old key
    access_key_id: String,
    /// How long the old key is good beside the new one, at most 30d; 0: it is disabled at once
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = seconds)]
    overlap: i64,
    /// When the new key is over, such as 90d or 2027-01-31T12:00:00Z (default: it lives as long as the old one was made for)
    #[arg(long, value_name = "WHEN", value_parser = expires)]
    expires: Option<Expires>,
    #[command(flatten)]
    destination: Destination,
    #[command(flatten)]
    connection: Connection,
}

impl Rotate {
    /// Runs the command.
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        use rotate_access_key_request::Expiration;
        let file = self.destination.open()?;
        let expiration = self.expires.map(|expires| match expires {
            Expires::At(at) => Expiration::ExpireTime(Timestamp { seconds: at.unix(), nanos: 0 }),
            Expires::In(seconds) => Expiration::Ttl(Duration { seconds, nanos: 0 }),
        });
        let overlap = Some(Duration { seconds: self.overlap, nanos: 0 });
        finish(async {
            let mut keys = AccessKeyClient::new(self.connection.channel().await?);
            let request = RotateAccessKeyRequest { access_key_id: self.access_key_id, overlap, expiration };
            let made = keys.rotate_access_key(request).await?.into_inner();
            let key = made.access_key.context("the service answered without a key")?;
            Ok(self.destination.tell(file, &key, Zeroizing::new(made.secret_access_key), made.rotated.as_ref())?)
        })
    }
}

/// Where the secret goes.
#[derive(Args, Debug)]
struct Destination {
    /// How to write the key
    #[arg(long, short, default_value = "human")]
    output: Output,
    /// Write the secret into a new file, for its owner alone, and do not show it
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// As whose console writes such files
    #[arg(long, requires = "csv", default_value = "aws")]
    csv_layout: Layout,
}

impl Destination {
    /// Before there is a secret that could be lost.
    fn open(&self) -> anyhow::Result<Option<NewFile>> {
        self.csv.as_deref().map(NewFile::create).transpose()
    }

    /// Writes the secret where it belongs; returns what is printed.
    fn tell(
        &self,
        file: Option<NewFile>,
        key: &AccessKey,
        secret: Zeroizing<String>,
        rotated: Option<&AccessKey>,
    ) -> anyhow::Result<String> {
        let shown = file.is_none().then_some(secret.as_str());
        if let Some(file) = file {
            // The account itself is called as AWS's credential reports call it.
            let user = if key.user_name.is_empty() { "<root_account>" } else { &key.user_name };
            file.write(self.csv_layout, user, &key.access_key_id, &secret)?;
        }
        Ok(match self.output {
            Output::Json => {
                let mut told = show::as_json(key);
                if let Some(secret) = shown {
                    told["secret_access_key"] = json!(secret);
                }
                if let Some(rotated) = rotated {
                    told["rotated"] = show::as_json(rotated);
                }
                format!("{told:#}")
            }
            Output::Human => human(key, shown, rotated),
        })
    }
}

fn human(key: &AccessKey, secret: Option<&str>, rotated: Option<&AccessKey>) -> String {
    let mut lines = vec![format!("access key id      {}", key.access_key_id)];
    lines.extend(secret.map(|secret| format!("secret access key  {secret}")));
    lines.extend(show::time(&key.expire_time).map(|end| format!("expires            {end}")));
    if let Some(rotated) = rotated {
        let end = match show::time(&rotated.expire_time) {
            Some(end) if show::status(rotated) != "inactive" => format!("good until {end}"),
            _ => "disabled".to_owned(),
        };
        lines.push(format!("old key            {} ({end})", rotated.access_key_id));
    }
    if secret.is_some() {
        lines.push("The secret is not shown again.".to_owned());
    }
    lines.join("\n")
}
