//! `brevet explain`: what a code means, or why a request was refused.

mod pages;
mod report;

use anyhow::Context as _;
use brevet_client::proto::DecodeAuthorizationMessageRequest;
use brevet_validator::policy::Trace;
use clap::Args;

use super::client::{Connection, finish};
use super::output::Output;
use super::{Exit, files};

/// Where the encoded message begins in the text of a refusal over the Query API. Elsewhere it is its last word.
const MARK: &str = "Encoded authorization failure message:";
/// No code is as long, and no message as short.
const LONGEST_CODE: usize = 64;

/// Explains a code of this service, without asking it; or the encoded message of a refusal, by asking it.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  brevet explain TRUST_NOT_SATISFIED\n  brevet explain AQAAAAHs…\n  \
    aws sts assume-role … 2>&1 | brevet explain -")]
pub(super) struct Explain {
    /// A code, an encoded message, or the text of a refusal that ends with one; `-` is standard input
    subject: String,
    #[command(flatten)]
    connection: Connection,
    /// How to write what a message holds
    #[arg(long, short, default_value = "human")]
    output: Output,
}

impl Explain {
    /// Runs the command.
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let subject = match self.subject.as_str() {
            "-" => files::read("-")?,
            given => given.to_owned(),
        };
        let subject = subject.trim();
        if let Some((_, message)) = subject.rsplit_once(MARK) {
            return self.decode(message.trim());
        }
        if subject.len() > LONGEST_CODE {
            return self.decode(subject.rsplit(char::is_whitespace).next().unwrap_or(subject));
        }
        match pages::find(subject) {
            Some(page) => {
                println!("{page}");
                Ok(Exit::Ok)
            }
            None => {
                let nearest = pages::nearest(subject).map(|code| format!("; did you mean {code}?")).unwrap_or_default();
                eprintln!("brevet: {subject:?} is no code that is known here{nearest}");
                Ok(Exit::Failure)
            }
        }
    }

    fn decode(&self, message: &str) -> anyhow::Result<Exit> {
        finish(async {
            let mut sts = self.connection.open().await?;
            let request = DecodeAuthorizationMessageRequest { encoded_message: message.to_owned() };
            let decoded = sts.decode_authorization_message(request).await?.into_inner().decoded_message;
            Ok(match self.output {
                Output::Json => decoded,
                Output::Human => report::of(&read_trace(&decoded)?),
            })
        })
    }
}

fn read_trace(decoded: &str) -> anyhow::Result<Trace> {
    #[derive(serde::Deserialize)]
    struct Message {
        trace: Trace,
    }
    let message: Message = serde_json::from_str(decoded).context("the service's answer cannot be read")?;
    Ok(message.trace)
}
