//! `brevet debug signature`: shows what a signature should have been made of, and where it went wrong.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use brevet_validator::credential::SecretKey;
use brevet_validator::signature::{PathStyle, Payload, Presented, Request, Rules, SigningKey, read};
use brevet_validator::timestamp::Timestamp;
use clap::Args;
use http::{HeaderMap, HeaderName, HeaderValue};
use sha2::{Digest as _, Sha256};

use super::{Exit, files};
use crate::adapters::clock::SystemClock;
use crate::service::clock::Clock as _;
use crate::service::hex::hex;

/// Reads a raw HTTP request from standard input and says whether its signature is right.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  brevet debug signature --secret-key-file secret.txt < request.txt")]
pub(super) struct DebugSignature {
    /// Access key id that the request must name
    #[arg(long)]
    access_key: Option<String>,
    /// Secret key; prefer --secret-key-file, which no process list shows
    #[arg(long, conflicts_with = "secret_key_file", required_unless_present = "secret_key_file")]
    secret_key: Option<String>,
    /// File that holds the secret key
    #[arg(long)]
    secret_key_file: Option<PathBuf>,
    /// Time to check the request at, as 20260131T235959Z or 2026-01-31T23:59:59Z (default: the time it was signed at)
    #[arg(long, value_parser = parse_time)]
    at: Option<Timestamp>,
    /// The client's own canonical request (SDKs log it): says at which line ours differs
    #[arg(long, value_name = "FILE")]
    canonical_request: Option<PathBuf>,
    /// Take the request as sent over this scheme: decides which default port the host may leave out
    #[arg(long, default_value = "http", value_parser = ["http", "https"])]
    scheme: String,
}

fn parse_time(text: &str) -> Result<Timestamp, String> {
    let parsed = Timestamp::parse_basic(text).or_else(|| Timestamp::parse_iso(text));
    parsed.ok_or_else(|| "write it as 20260131T235959Z or 2026-01-31T23:59:59Z".into())
}

impl DebugSignature {
    /// Runs the command on standard input and output.
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let secret = match (&self.secret_key, &self.secret_key_file) {
            (Some(secret), _) => secret.clone(),
            (None, Some(file)) => files::read_file(file)?,
            (None, None) => bail!("give --secret-key-file or --secret-key"),
        };
        let theirs = self.canonical_request.as_deref().map(files::read_file).transpose()?;
        let mut raw = Vec::new();
        std::io::stdin().lock().read_to_end(&mut raw).context("cannot read the request from standard input")?;
        let sent = Sent::parse(&raw)?;
        let report = diagnose(&sent, &self, &SecretKey::new(secret), theirs.as_deref())?;
        print!("{}", report.text);
        Ok(if report.matches { Exit::Ok } else { Exit::Found })
    }
}

/// A request as it was captured.
struct Sent {
    method: String,
    path: String,
    query: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Sent {
    fn parse(raw: &[u8]) -> anyhow::Result<Self> {
        let mut fields = [httparse::EMPTY_HEADER; 128];
        let mut request = httparse::Request::new(&mut fields);
        // httparse takes bare line feeds too, which captured requests often have.
        let length = match request.parse(raw).context("standard input is not an HTTP request")? {
            httparse::Status::Complete(length) => length,
            httparse::Status::Partial => bail!("the request ends before the empty line that closes its headers"),
        };
        let target = request.path.unwrap_or("/");
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut headers = HeaderMap::new();
        for field in request.headers.iter() {
            headers.append(HeaderName::from_bytes(field.name.as_bytes())?, HeaderValue::from_bytes(field.value)?);
        }
        Ok(Self {
            method: request.method.unwrap_or("GET").to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers,
            body: raw[length..].to_vec(),
        })
    }

    fn request<'a>(&'a self, headers: &'a HeaderMap, scheme: &'a str) -> Request<'a> {
        Request { method: &self.method, path: &self.path, query: &self.query, authority: None, scheme, headers }
    }

    /// The part of the credential scope with this index, read leniently: 3 is the service.
    fn scope_part(&self, index: usize) -> Option<String> {
        let header = self.headers.get(http::header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let text = header.map_or_else(|| self.query.replace("%2F", "/").replace("%2f", "/"), str::to_owned);
        let credential = text.split("Credential=").nth(1)?.split([',', '&', ' ']).next()?;
        credential.split('/').nth(index).map(str::to_owned)
    }
}

struct Report {
    matches: bool,
    text: String,
}

fn diagnose(sent: &Sent, args: &DebugSignature, secret: &SecretKey, theirs: Option<&str>) -> anyhow::Result<Report> {
    let service = sent.scope_part(3).unwrap_or_else(|| "sts".into());
    let style = if service == "s3" { PathStyle::S3 } else { PathStyle::General };
    let at = args.at.or_else(|| signed_at(sent)).unwrap_or_else(|| SystemClock.now());
    let rules = rules(&service, style);
    let mut text = String::new();

    let presented = match read(sent.request(&sent.headers, &args.scheme), &rules, at) {
        Ok(presented) => presented,
        Err(refusal) => {
            writeln!(text, "REFUSED before any signature is compared: {refusal}")?;
            return Ok(Report { matches: false, text });
        }
    };
    if args.access_key.as_ref().is_some_and(|id| id != presented.access_key_id()) {
        writeln!(text, "The request names the access key {}, not the one given.", presented.access_key_id())?;
        return Ok(Report { matches: false, text });
    }

    let payload = Payload::Sha256(Sha256::digest(&sent.body).into());
    let key = SigningKey::derive(secret, presented.scope());
    let canonical = presented.canonical_request(payload);
    let verdict = presented.verify(payload, &key);
    writeln!(text, "--- canonical request\n{canonical}")?;
    writeln!(text, "--- string to sign\n{}", presented.string_to_sign(payload))?;
    writeln!(text, "--- signature\n{}", signature(&key, &presented.string_to_sign(payload)))?;
    writeln!(text, "--- verdict")?;
    match &verdict {
        Ok(()) => writeln!(text, "OK    the signature is right")?,
        Err(refusal) => {
            writeln!(text, "FAIL  {refusal}")?;
            for cause in causes(sent, args, secret, &service, style, at) {
                writeln!(text, "cause {cause}")?;
            }
        }
    }
    if let Some(theirs) = theirs {
        writeln!(text, "{}", first_difference(&canonical, theirs))?;
    }
    Ok(Report { matches: verdict.is_ok(), text })
}

fn signature(key: &SigningKey, string_to_sign: &str) -> String {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, key.expose());
    hex(ring::hmac::sign(&key, string_to_sign.as_bytes()).as_ref())
}

fn rules(service: &str, path_style: PathStyle) -> Rules {
    Rules {
        path_style,
        services: vec![service.to_owned()],
        regions: None,
        presigned_max: 604_800,
        unsigned_payload: true,
    }
}

fn signed_at(sent: &Sent) -> Option<Timestamp> {
    let header = sent.headers.get("x-amz-date").and_then(|value| value.to_str().ok());
    let query = || sent.query.split('&').find_map(|pair| pair.strip_prefix("X-Amz-Date="));
    Timestamp::parse_basic(header.or_else(query)?)
}

/// Tries the usual mistakes, one at a time, and names those under which the signature would be right.
fn causes(
    sent: &Sent,
    args: &DebugSignature,
    secret: &SecretKey,
    service: &str,
    style: PathStyle,
    at: Timestamp,
) -> Vec<String> {
    let mut found = Vec::new();
    let holds = |headers: &HeaderMap, style, body: &[u8], secret: &SecretKey| {
        let payload = Payload::Sha256(Sha256::digest(body).into());
        let check = |presented: Presented<'_>| {
            presented.verify(payload, &SigningKey::derive(secret, presented.scope())).is_ok()
        };
        read(sent.request(headers, &args.scheme), &rules(service, style), at).is_ok_and(check)
    };

    let trimmed = secret.expose().trim();
    if trimmed != secret.expose() && holds(&sent.headers, style, &sent.body, &SecretKey::new(trimmed.to_owned())) {
        found.push("the secret key has white space around it: the client signed without it".into());
    }
    let other = if style == PathStyle::S3 { PathStyle::General } else { PathStyle::S3 };
    if holds(&sent.headers, other, &sent.body, secret) {
        found.push(format!("the path is canonicalised for another kind of service ({other:?} instead of {style:?})"));
    }
    for (body, what) in [
        (&b""[..], "the client signed an empty body"),
        (sent.body.trim_ascii_end(), "the client signed the body without the line break at its end"),
    ] {
        if body != sent.body && holds(&sent.headers, style, body, secret) {
            found.push(what.into());
        }
    }
    let host = sent.headers.get("host").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    for port in ["", ":80", ":443", ":8731"] {
        let other = format!("{name}{port}");
        let mut headers = sent.headers.clone();
        if let Ok(value) = HeaderValue::from_str(&other)
            && other != host
        {
            headers.insert("host", value);
            if holds(&headers, style, &sent.body, secret) {
                found.push(format!("the client signed the host {other:?}, but {host:?} was received"));
            }
        }
    }
    if found.is_empty() {
        found.push(
            "none of the usual ones (white space in the secret, path style, body, port): compare the canonical request \
             above with the client's, or check that this secret belongs to the access key"
                .into(),
        );
    }
    found
}

fn first_difference(ours: &str, theirs: &str) -> String {
    let theirs = theirs.trim_end_matches('\n');
    for (n, pair) in ours
        .lines()
        .map(Some)
        .chain(std::iter::repeat(None))
        .zip(theirs.lines().map(Some).chain(std::iter::repeat(None)))
        .enumerate()
    {
        match pair {
            (None, None) => break,
            (ours, theirs) if ours == theirs => {}
            (ours, theirs) => {
                return format!(
                    "--- first difference, line {}\nsent  {}\nours  {}",
                    n + 1,
                    theirs.unwrap_or("(nothing)"),
                    ours.unwrap_or("(nothing)")
                );
            }
        }
    }
    "--- the canonical requests are the same".into()
}
