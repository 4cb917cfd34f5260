//! `brevet policy who-can`: which principals can do something, and on what it hangs.

use std::fmt::Write as _;

use brevet_client::PolicyClient;
use brevet_client::proto::admin as proto;
use clap::Args;
use serde_json::{Value, json};

use crate::cli::Exit;
use crate::cli::client::{Connection, Failure, settle};
use crate::cli::output::{Output, shown, statement};
use crate::cli::pair::{Pair, pair};

/// Tells which principals of the account can do something to a resource, by a signed gRPC call. For a role it also tells who
/// else can have it.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  brevet policy who-can sts:AssumeRole arn:aws:iam::000000000001:role/reader")]
pub(in crate::cli) struct WhoCan {
    /// For example s3:GetObject, without wildcards
    action: String,
    /// ARN of the resource, or `*`
    resource: String,
    /// A condition key of the request that is known; without a value, one that it does not have
    #[arg(long = "context", value_name = "KEY=VALUE[,VALUE...]", value_parser = pair)]
    context: Vec<Pair>,
    /// How to write the principals
    #[arg(long, short, default_value = "human")]
    output: Output,
    #[command(flatten)]
    connection: Connection,
}

/// The whole answer.
struct Told {
    entries: Vec<proto::WhoCanEntry>,
    resource_elsewhere: bool,
}

impl WhoCan {
    /// Runs the command.
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let told = match settle(self.ask())? {
            Ok(told) => told,
            Err(exit) => return Ok(exit),
        };
        match self.output {
            Output::Human => print!("{}", human(&told.entries)?),
            Output::Json => println!("{:#}", as_json(&told)),
        }
        if told.resource_elsewhere {
            eprintln!("brevet: the resource is of another account, whose own policies must allow too");
        }
        Ok(Exit::Ok)
    }

    async fn ask(&self) -> Result<Told, Failure> {
        let mut policies = PolicyClient::new(self.connection.channel().await?);
        let entry = |(key, values): &Pair| proto::ContextEntry {
            key: key.clone(),
            values: values.clone(),
            r#type: proto::ContextValueType::Unspecified.into(),
        };
        let mut request = proto::WhoCanRequest {
            action: self.action.clone(),
            resource: self.resource.clone(),
            context: self.context.iter().map(entry).collect(),
            page_size: 1000,
            page_token: String::new(),
        };
        let mut entries = Vec::new();
        loop {
            let answer = policies.who_can(request.clone()).await?.into_inner();
            entries.extend(answer.entries);
            if answer.next_page_token.is_empty() {
                return Ok(Told { entries, resource_elsewhere: answer.resource_elsewhere });
            }
            request.page_token = answer.next_page_token;
        }
    }
}

fn human(entries: &[proto::WhoCanEntry]) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    for entry in entries {
        let outside = if entry.external { "external " } else { "" };
        writeln!(text, "{}: {outside}{} {}", answer(entry), kind(entry), shown(&entry.principal))?;
        if !entry.condition_keys.is_empty() {
            writeln!(text, "    on {}", shown(&entry.condition_keys.join(", ")))?;
        }
        for proto::PolicyStatement { policy, sid, number, .. } in &entry.through {
            let sid = Some(sid.as_str()).filter(|sid| !sid.is_empty());
            writeln!(text, "    by {}: {}", shown(policy), statement(number, sid))?;
        }
    }
    Ok(text)
}

fn as_json(told: &Told) -> Value {
    let statement = |statement: &proto::PolicyStatement| {
        json!({
            "policy": statement.policy,
            "source": word(statement.source().as_str_name(), "POLICY_SOURCE_"),
            "sid": (!statement.sid.is_empty()).then_some(&statement.sid),
            "number": statement.number,
        })
    };
    let entries = told.entries.iter().map(|entry| {
        json!({
            "principal": entry.principal,
            "kind": kind(entry),
            "external": entry.external,
            "answer": answer(entry),
            "condition_keys": entry.condition_keys,
            "through": entry.through.iter().map(statement).collect::<Vec<_>>(),
        })
    });
    json!({ "entries": entries.collect::<Vec<_>>(), "resource_elsewhere": told.resource_elsewhere })
}

fn kind(entry: &proto::WhoCanEntry) -> String {
    word(entry.kind().as_str_name(), "PRINCIPAL_KIND_")
}

fn answer(entry: &proto::WhoCanEntry) -> String {
    word(entry.answer().as_str_name(), "WHO_CAN_ANSWER_")
}

/// `user-managed` for `POLICY_SOURCE_USER_MANAGED`
fn word(name: &str, prefix: &str) -> String {
    name.trim_start_matches(prefix).to_lowercase().replace('_', "-")
}
