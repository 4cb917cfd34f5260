//! `brevet session list`.

use brevet_client::SessionClient;
use brevet_client::proto::admin::{ListSessionsRequest, Session};
use brevet_validator::timestamp::Timestamp;
use clap::Args;
use serde_json::json;

use crate::adapters::clock::SystemClock;
use crate::cli::Exit;
use crate::cli::client::{Connection, finish};
use crate::cli::output::{Output, shown};
use crate::service::clock::Clock as _;

/// Sessions that are asked for at once.
const PAGE: i32 = 1000;
/// What the table's columns say, and how wide they are at least.
const HEADINGS: [&str; 7] = ["ACCESS KEY", "ENDS IN", "WHO", "ISSUED TO", "FROM", "LAST USED", ""];

/// Lists the sessions of the account that are not over, the last issued first. All filters that are given must be true.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  brevet session list\n  brevet session list --principal arn:aws:iam::123456789012:user/ada\n  brevet session list --session \"$AWS_ACCESS_KEY_ID\" -o json"
)]
pub(in crate::cli) struct List {
    /// Sessions that a user, role or root acts with, and those that the user started
    #[arg(long, value_name = "ARN")]
    principal: Option<String>,
    /// Sessions that tokens of an identity provider started
    #[arg(long, value_name = "ARN")]
    provider: Option<String>,
    /// A session, and those that were made from it
    #[arg(long, value_name = "ACCESS_KEY_ID")]
    session: Option<String>,
    /// How to write them
    #[arg(long, short, default_value = "human")]
    output: Output,
    #[command(flatten)]
    connection: Connection,
}

impl List {
    pub(in crate::cli) fn run(self) -> anyhow::Result<Exit> {
        finish(async {
            let mut client = SessionClient::new(self.connection.channel().await?);
            let mut request = ListSessionsRequest {
                principal_arn: self.principal.unwrap_or_default(),
                provider_arn: self.provider.unwrap_or_default(),
                access_key_id: self.session.unwrap_or_default(),
                page_size: PAGE,
                page_token: String::new(),
            };
            let (mut sessions, mut incomplete_before) = (Vec::new(), None);
            loop {
                let page = client.list_sessions(request.clone()).await?.into_inner();
                sessions.extend(page.sessions);
                incomplete_before = incomplete_before.max(time(page.incomplete_before));
                request.page_token = page.next_page_token;
                if request.page_token.is_empty() {
                    break;
                }
            }
            Ok(match self.output {
                Output::Json => as_json(&sessions, incomplete_before),
                Output::Human => {
                    if let Some(at) = incomplete_before {
                        eprintln!("There are too many to keep: of those issued until {at} some are missing.");
                    }
                    table(&sessions, SystemClock.now())
                }
            })
        })
    }
}

fn as_json(sessions: &[Session], incomplete_before: Option<Timestamp>) -> String {
    let sessions: Vec<_> = sessions.iter().map(session).collect();
    let incomplete_before = incomplete_before.map(|at| at.to_string());
    format!("{:#}", json!({ "sessions": sessions, "incomplete_before": incomplete_before }))
}

fn session(session: &Session) -> serde_json::Value {
    let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let at = |at: Option<prost_types::Timestamp>| time(at).map(|at| at.to_string());
    json!({
        "access_key_id": session.access_key_id,
        "arn": session.arn,
        "role_arn": given(&session.role_arn),
        "issued_to": session.issued_to,
        "provider_arn": given(&session.provider_arn),
        "parent_access_key_id": given(&session.parent_access_key_id),
        "source_access_key_id": given(&session.source_access_key_id),
        "source_identity": given(&session.source_identity),
        "source_ip": session.source_ip,
        "user_agent": given(&session.user_agent),
        "issue_time": at(session.issue_time),
        "expire_time": at(session.expire_time),
        "last_used_time": at(session.last_used_time),
        "last_used_service": given(&session.last_used_service),
        "revoked": session.revoked,
    })
}

/// Columns as wide as they must be. Nothing at all without a session.
fn table(sessions: &[Session], now: Timestamp) -> String {
    if sessions.is_empty() {
        return String::new();
    }
    let rows: Vec<_> = [HEADINGS.map(str::to_owned)].into_iter().chain(sessions.iter().map(|s| row(s, now))).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 7] = std::array::from_fn(width);
    let line = |row: &[String; 7]| {
        let cells: Vec<_> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn row(session: &Session, now: Timestamp) -> [String; 7] {
    let ends_in = time(session.expire_time).map(|end| span((end - now).max(0))).unwrap_or_default();
    let last_used = match time(session.last_used_time) {
        Some(at) => format!("{} ago, {}", span((now - at).max(0)), shown(&session.last_used_service)),
        None => "-".to_owned(),
    };
    let revoked = if session.revoked { "revoked" } else { "" };
    [
        shown(&session.access_key_id),
        ends_in,
        shown(name(&session.arn)),
        shown(name(&session.issued_to)),
        shown(&session.source_ip),
        last_used,
        revoked.to_owned(),
    ]
}

/// What an ARN names; text that is none as it is.
fn name(text: &str) -> &str {
    match text.strip_prefix("arn:") {
        Some(rest) => rest.splitn(5, ':').nth(4).unwrap_or(text),
        None => text,
    }
}

/// In the two largest units: `11h 59m`.
fn span(seconds: i64) -> String {
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, seconds) => format!("{minutes}m {seconds:02}s"),
        (hours, minutes, _) => format!("{hours}h {minutes:02}m"),
    }
}

fn time(at: Option<prost_types::Timestamp>) -> Option<Timestamp> {
    at.and_then(|at| Timestamp::from_unix(at.seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Option<prost_types::Timestamp> {
        Some(prost_types::Timestamp { seconds, nanos: 0 })
    }

    #[test]
    fn a_table_says_when_each_ends_who_has_it_and_whether_it_is_revoked() {
        let sessions = [
            Session {
                access_key_id: "ASIA2222222222222222".into(),
                arn: "arn:aws:sts::123456789012:assumed-role/deploy/ci".into(),
                issued_to: "repo:acme/app:ref:refs/heads/\u{1b}[31mmain".into(),
                source_ip: "203.0.113.9".into(),
                expire_time: at(1000 + 43_199),
                last_used_time: at(995),
                last_used_service: "s3".into(),
                ..Default::default()
            },
            Session {
                access_key_id: "ASIA3333333333333333".into(),
                arn: "arn:aws:iam::123456789012:user/team/ada".into(),
                issued_to: "arn:aws:iam::123456789012:user/team/ada".into(),
                source_ip: "::1".into(),
                expire_time: at(1000 + 61),
                revoked: true,
                ..Default::default()
            },
        ];
        let table = table(&sessions, Timestamp::from_unix(1000).unwrap());
        let lines: Vec<Vec<&str>> = table
            .lines()
            .map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect())
            .collect();
        assert_eq!(lines[0], ["ACCESS KEY", "ENDS IN", "WHO", "ISSUED TO", "FROM", "LAST USED"]);
        let subject = "repo:acme/app:ref:refs/heads/\\u{1b}[31mmain";
        assert_eq!(
            lines[1],
            ["ASIA2222222222222222", "11h 59m", "assumed-role/deploy/ci", subject, "203.0.113.9", "5s ago, s3"]
        );
        assert_eq!(
            lines[2],
            ["ASIA3333333333333333", "1m 01s", "user/team/ada", "user/team/ada", "::1", "-", "revoked"]
        );
    }
}
