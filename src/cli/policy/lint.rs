//! `brevet policy lint`: what policies allow that their authors probably did not mean.

use std::fmt::Write as _;

use brevet_validator::policy::{self, Code, Finding, Severity};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::cli::{Exit, files};

/// Reads policies and tells what is dangerous or doubtful in them. Needs no server.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  brevet policy lint trust.json\n  brevet policy lint -o sarif policies/*.json > lint.sarif"
)]
pub(in crate::cli) struct Lint {
    /// Policies as JSON; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    /// What the policies are for (default: trust if they name principals, resource if they name resources too, else identity)
    #[arg(long)]
    kind: Option<Kind>,
    /// How to write the findings
    #[arg(long, short, default_value = "human")]
    output: Output,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    Trust,
    Identity,
    Session,
    Resource,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Output {
    Human,
    Json,
    Sarif,
}

/// A file and what was found in it.
struct Linted<'a> {
    file: &'a str,
    findings: Vec<Finding>,
}

impl Lint {
    /// Runs the command.
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let linted = self.files.iter().map(|file| self.lint(file)).collect::<anyhow::Result<Vec<_>>>()?;
        match self.output {
            Output::Human => print!("{}", human(&linted)?),
            Output::Json => println!("{:#}", as_json(&linted)),
            Output::Sarif => println!("{:#}", sarif(&linted)),
        }
        Ok(if linted.iter().all(|linted| linted.findings.is_empty()) { Exit::Ok } else { Exit::Found })
    }

    fn lint<'a>(&self, file: &'a str) -> anyhow::Result<Linted<'a>> {
        let text = files::read(file)?;
        let kind = self.kind.map_or_else(|| policy::guess_kind(&text), Into::into);
        Ok(Linted { file, findings: policy::lint(&text, kind) })
    }
}

impl From<Kind> for policy::Kind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Trust => Self::Trust,
            Kind::Identity => Self::Identity,
            Kind::Session => Self::Session,
            Kind::Resource => Self::Resource,
        }
    }
}

fn human(linted: &[Linted<'_>]) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    for Linted { file, findings } in linted {
        for Finding { code, severity, line, column, message, suggestion } in findings {
            writeln!(text, "{file}:{line}:{column}: {} {}: {message}", severity.as_str(), code.as_str())?;
            if let Some(suggestion) = suggestion {
                writeln!(text, "    try: {suggestion}")?;
            }
        }
    }
    Ok(text)
}

fn as_json(linted: &[Linted<'_>]) -> Value {
    let findings = linted.iter().flat_map(|Linted { file, findings }| {
        findings.iter().map(move |finding| {
            json!({
                "file": file,
                "line": finding.line,
                "column": finding.column,
                "code": finding.code.as_str(),
                "severity": finding.severity.as_str(),
                "message": finding.message,
                "suggestion": finding.suggestion,
            })
        })
    });
    json!({ "findings": findings.collect::<Vec<_>>() })
}

/// [SARIF 2.1.0][1], which code hosts show beside the lines it speaks of.
///
/// [1]: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
fn sarif(linted: &[Linted<'_>]) -> Value {
    let rules = Code::ALL.map(|code| {
        json!({
            "id": code.as_str(),
            "shortDescription": { "text": code.title() },
        })
    });
    let results = linted.iter().flat_map(|Linted { file, findings }| findings.iter().map(move |f| result(file, f)));
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "brevet", "version": env!("CARGO_PKG_VERSION"), "rules": rules } },
            // Columns are counted in characters, not in UTF-16 units.
            "columnKind": "unicodeCodePoints",
            "results": results.collect::<Vec<_>>(),
        }],
    })
}

fn result(file: &str, finding: &Finding) -> Value {
    let level = match finding.severity {
        Severity::Dangerous => "error",
        Severity::Warning => "warning",
    };
    let message = match &finding.suggestion {
        Some(suggestion) => format!("{}; try: {suggestion}", finding.message),
        None => finding.message.clone(),
    };
    json!({
        "ruleId": finding.code.as_str(),
        "level": level,
        "message": { "text": message },
        "locations": [{
            "physicalLocation": {
                "artifactLocation": { "uri": uri(file) },
                "region": { "startLine": finding.line, "startColumn": finding.column },
            },
        }],
    })
}

/// A path as a relative or absolute URI reference.
fn uri(file: &str) -> String {
    if file == "-" {
        return "stdin".to_owned();
    }
    const KEPT: &percent_encoding::AsciiSet =
        &percent_encoding::NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    percent_encoding::utf8_percent_encode(file, KEPT).to_string()
}
