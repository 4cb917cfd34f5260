//! `brevet policy test`: cases written in YAML, asked of policies without a server.
//!
//! From text to report, one file a step: `files` finds and reads; `yaml` and `node` turn text into values that know their
//! places; `documents` and `inline` load the policies, `settings` and `caller` what a case says; `suite` puts a test file
//! together; `run` asks; `report` tells.

mod caller;
mod documents;
mod fault;
mod files;
mod inline;
mod node;
mod report;
mod run;
#[cfg(test)]
mod schema_tests;
mod settings;
mod suite;
mod yaml;

use std::path::PathBuf;

use clap::Args;

use self::documents::Documents;
use self::report::Report;
use self::suite::Suite;
use crate::cli::Exit;
use crate::cli::output::Output;

/// Runs test files: cases of what policies should allow and deny. Needs no server.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  brevet policy test tests/policies\n  brevet policy test --min-coverage 90 -o json ci.yaml > report.json"
)]
pub(in crate::cli) struct Test {
    /// Test files, and folders to search for *.yaml and *.yml
    #[arg(required = true, value_name = "DIR|FILE")]
    paths: Vec<PathBuf>,
    /// Fail if a smaller share of all statements was exercised
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    min_coverage: Option<f64>,
    /// How to write the report
    #[arg(long, short, default_value = "human")]
    output: Output,
    /// Tell failures only
    #[arg(long, short)]
    quiet: bool,
}

impl Test {
    /// Runs the command. If one file is broken, none is run: what it exercises would be missing.
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let files = match files::find(&self.paths) {
            Ok(files) => files,
            Err(fault) => {
                eprintln!("{fault}");
                return Ok(Exit::Failure);
            }
        };
        let mut documents = Documents::default();
        let mut suites = Vec::new();
        let mut is_broken = false;
        for file in files {
            match Suite::load(file, &mut documents) {
                Ok(suite) => suites.push(suite),
                Err(fault) => {
                    eprintln!("{fault}");
                    is_broken = true;
                }
            }
        }
        if is_broken {
            return Ok(Exit::Failure);
        }
        let (outcomes, coverage) = run::run(&suites, &documents);
        let Self { min_coverage, quiet, .. } = self;
        let report = Report { outcomes: &outcomes, coverage: &coverage, min_coverage, quiet };
        match self.output {
            Output::Human => print!("{}", report.human()?),
            Output::Json => println!("{:#}", report.json()),
        }
        Ok(if report.is_good() { Exit::Ok } else { Exit::Found })
    }
}

fn percent(text: &str) -> Result<f64, String> {
    let percent = text.strip_suffix('%').unwrap_or(text).trim().parse().ok();
    percent.filter(|percent| (0.0..=100.0).contains(percent)).ok_or_else(|| "a number from 0 to 100".to_owned())
}
