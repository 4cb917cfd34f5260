//! `brevet access-key list|show`: keys without their secrets.

use brevet_client::AccessKeyClient;
use brevet_client::proto::admin::{AccessKey, AccessKeyStatus, GetAccessKeyRequest, ListAccessKeysRequest};
use brevet_validator::timestamp::Timestamp;
use clap::Args;
use serde_json::json;

use crate::cli::Exit;
use crate::cli::client::{Connection, finish};
use crate::cli::output::{Output, shown};

/// Lists the keys of a user, the oldest first.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  brevet access-key list --user ada")]
pub(in crate::cli) struct List {
    /// Whose keys (default: your own)
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// How to write them
    #[arg(long, short, default_value = "human")]
    output: Output,
    #[command(flatten)]
    connection: Connection,
}

impl List {
    /// Runs the command.
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        finish(async {
            let mut client = AccessKeyClient::new(self.connection.channel().await?);
            let user_name = self.user.unwrap_or_default();
            let mut request = ListAccessKeysRequest { user_name, ..Default::default() };
            let mut keys = Vec::new();
            loop {
                let page = client.list_access_keys(request.clone()).await?.into_inner();
                keys.extend(page.access_keys);
                if page.next_page_token.is_empty() {
                    break;
                }
                request.page_token = page.next_page_token;
            }
            Ok(match self.output {
                Output::Json => format!("{:#}", json!({ "access_keys": keys.iter().map(as_json).collect::<Vec<_>>() })),
                Output::Human => keys.iter().map(human).collect::<Vec<_>>().join("\n"),
            })
        })
    }
}

/// Shows a key: whose it is, whether it is good, when it was last used.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  brevet access-key show AKIAIOSFODNN7EXAMPLE")]
pub(in crate::cli) struct Show {
    /// The key
    access_key_id: String,
    /// How to write it
    #[arg(long, short, default_value = "human")]
    output: Output,
    #[command(flatten)]
    connection: Connection,
}

impl Show {
    /// Runs the command.
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        finish(async {
            let mut client = AccessKeyClient::new(self.connection.channel().await?);
            let request = GetAccessKeyRequest { access_key_id: self.access_key_id };
            let key = client.get_access_key(request).await?.into_inner().access_key.unwrap_or_default();
            Ok(match self.output {
                Output::Json => format!("{:#}", as_json(&key)),
                Output::Human => human(&key),
            })
        })
    }
}

pub(super) fn as_json(key: &AccessKey) -> serde_json::Value {
    let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    json!({
        "access_key_id": key.access_key_id,
        "user_name": given(&key.user_name),
        "status": status(key),
        "description": given(&key.description),
        "created_at": time(&key.create_time),
        "expires_at": time(&key.expire_time),
        "last_used": time(&key.last_used_time).map(|at| json!({
            "at": at,
            "service": key.last_used_service,
            "region": key.last_used_region,
        })),
    })
}

fn human(key: &AccessKey) -> String {
    let owner = if key.user_name.is_empty() { "root" } else { &key.user_name };
    let mut text = format!("{}  {}", key.access_key_id, status(key));
    let mut line = |name: &str, value: String| text.push_str(&format!("\n  {name:<11}  {value}"));
    line("owner", shown(owner));
    if !key.description.is_empty() {
        line("description", shown(&key.description));
    }
    line("created", time(&key.create_time).unwrap_or_default());
    line("expires", time(&key.expire_time).unwrap_or_else(|| "never".to_owned()));
    line(
        "last used",
        match time(&key.last_used_time) {
            Some(at) => format!("{at} ({} in {})", shown(&key.last_used_service), shown(&key.last_used_region)),
            None => "never".to_owned(),
        },
    );
    text
}

pub(super) fn status(key: &AccessKey) -> &'static str {
    match key.status() {
        AccessKeyStatus::Active => "active",
        AccessKeyStatus::Inactive => "inactive",
        AccessKeyStatus::Expired => "expired",
        AccessKeyStatus::Unspecified => "unknown",
    }
}

pub(super) fn time(time: &Option<prost_types::Timestamp>) -> Option<String> {
    time.as_ref().and_then(|time| Timestamp::from_unix(time.seconds)).map(|time| time.to_string())
}
