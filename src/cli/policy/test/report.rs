//! What a run came to, for people and for programs.

use std::fmt::{self, Write as _};

use brevet_validator::policy::{Decision, Effect};
use serde_json::{Value, json};

use super::documents::{Document, Statement};
use super::fault::quoted;
use super::run::{Coverage, Failure, Outcome, percent};
use super::suite::Expected;

/// All that is told of a run.
#[derive(Debug)]
pub(super) struct Report<'a> {
    pub(super) outcomes: &'a [Outcome<'a>],
    pub(super) coverage: &'a [Coverage<'a>],
    pub(super) min_coverage: Option<f64>,
    /// Leaves out what is as it should be.
    pub(super) quiet: bool,
}

impl Report<'_> {
    /// Whether all is as it should be.
    pub(super) fn is_good(&self) -> bool {
        self.failed() == 0 && !self.is_below()
    }

    fn failed(&self) -> usize {
        self.outcomes.iter().filter(|outcome| !outcome.failures.is_empty()).count()
    }

    fn is_below(&self) -> bool {
        self.min_coverage.is_some_and(|min| percent(self.coverage) < min)
    }

    pub(super) fn human(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        for outcome in self.outcomes {
            outcome_lines(&mut text, outcome)?;
        }
        let (failed, is_below) = (self.failed(), self.is_below());
        if !self.quiet {
            writeln!(text, "cases: {} passed, {failed} failed", self.outcomes.len() - failed)?;
            for coverage in self.coverage {
                coverage_line(&mut text, coverage)?;
            }
        }
        match self.min_coverage {
            Some(min) if is_below => {
                writeln!(text, "FAIL: {:.1} % of all statements exercised, {min} % wanted", self.rounded_percent())?;
            }
            _ if !self.quiet => writeln!(text, "{:.1} % of all statements exercised", self.rounded_percent())?,
            _ => {}
        }
        Ok(text)
    }

    pub(super) fn json(&self) -> Value {
        let failed = self.failed();
        let cases = self.outcomes.iter().filter(|outcome| !self.quiet || !outcome.failures.is_empty());
        json!({
            "passed": self.outcomes.len() - failed,
            "failed": failed,
            "cases": cases.map(outcome_json).collect::<Vec<_>>(),
            "policies": self.coverage.iter().map(coverage_json).collect::<Vec<_>>(),
            "coverage": {
                "statements": self.coverage.iter().map(|coverage| coverage.exercised.len()).sum::<usize>(),
                "exercised": self.coverage.iter().map(Coverage::count).sum::<usize>(),
                "percent": self.rounded_percent(),
                "min_percent": self.min_coverage,
                "passed": !self.is_below(),
            },
        })
    }

    /// Rounded down, so that what is below a bound never looks as if it were not.
    fn rounded_percent(&self) -> f64 {
        (percent(self.coverage) * 10.0).floor() / 10.0
    }
}

fn outcome_lines(text: &mut String, Outcome { suite, case, failures }: &Outcome<'_>) -> fmt::Result {
    let Some((first, others)) = failures.split_first() else { return Ok(()) };
    write!(text, "{}:{}:{}: FAIL", suite.file, case.at.line, case.at.column)?;
    if let Some(name) = &case.name {
        write!(text, " {}", quoted(name))?;
    }
    let expected = expected(case.expected);
    writeln!(text, ": expected {expected}, got {}: {} by {}", got(first.decision), asked(first), case.caller.shown())?;
    failure_lines(text, first)?;
    for failure in others {
        writeln!(text, "    also {}: {}", got(failure.decision), asked(failure))?;
        failure_lines(text, failure)?;
    }
    Ok(())
}

fn failure_lines(text: &mut String, failure: &Failure<'_>) -> fmt::Result {
    for (document, statement) in &failure.statements {
        let Statement { at, .. } = statement;
        writeln!(text, "    by {}:{}:{} ({})", document.file, at.line, at.column, label(statement))?;
    }
    for hint in &failure.hints {
        writeln!(text, "    hint: {hint}")?;
    }
    Ok(())
}

fn coverage_line(text: &mut String, coverage: &Coverage<'_>) -> fmt::Result {
    let Document { file, inline_at, attachment, .. } = coverage.document;
    write!(text, "{file}")?;
    if let Some(at) = inline_at {
        write!(text, ":{}", at.line)?;
    }
    let (count, all) = (coverage.count(), coverage.exercised.len());
    write!(text, " ({}): statements exercised {count} of {all}", attachment.as_str())?;
    if count < all {
        let missing = coverage.not_exercised().map(|it| format!("{} at line {}", label(it), it.at.line));
        write!(text, " (not exercised: {})", missing.collect::<Vec<_>>().join(", "))?;
    }
    writeln!(text)
}

fn expected(expected: Expected) -> String {
    match expected {
        Expected::Allow => "allow".to_owned(),
        Expected::Deny(None) => "deny".to_owned(),
        Expected::Deny(Some(reason)) => format!("deny {reason}"),
    }
}

fn got(decision: Decision) -> String {
    match decision.effect {
        Effect::Allow => format!("allow {}", decision.reason),
        Effect::ExplicitDeny | Effect::ImplicitDeny => format!("deny {}", decision.reason),
    }
}

fn asked(failure: &Failure<'_>) -> String {
    format!("{} on {}", failure.action, failure.resource)
}

/// Its `Sid`, or its number in the document.
fn label(statement: &Statement) -> String {
    match &statement.sid {
        // That of a resource's policy may have any characters.
        Some(sid) => sid.escape_debug().to_string(),
        None => format!("statement {}", statement.number),
    }
}

fn outcome_json(Outcome { suite, case, failures }: &Outcome<'_>) -> Value {
    let (expected, reason) = match case.expected {
        Expected::Allow => ("allow", None),
        Expected::Deny(reason) => ("deny", reason),
    };
    json!({
        "file": suite.file,
        "line": case.at.line,
        "column": case.at.column,
        "name": case.name,
        "principal": case.caller.shown(),
        "expected": expected,
        "expected_reason": reason,
        "passed": failures.is_empty(),
        "failures": failures.iter().map(failure_json).collect::<Vec<_>>(),
    })
}

fn failure_json(failure: &Failure<'_>) -> Value {
    let statements = failure.statements.iter().map(|(document, statement)| {
        let mut place = statement_json(statement);
        place["file"] = document.file.as_str().into();
        place
    });
    json!({
        "action": failure.action,
        "resource": failure.resource,
        "effect": failure.decision.effect,
        "reason": failure.decision.reason,
        "statements": statements.collect::<Vec<_>>(),
        "hints": failure.hints,
    })
}

fn coverage_json(coverage: &Coverage<'_>) -> Value {
    json!({
        "file": coverage.document.file,
        "line": coverage.document.inline_at.map(|at| at.line),
        "attached_as": coverage.document.attachment.as_str(),
        "statements": coverage.exercised.len(),
        "exercised": coverage.count(),
        "not_exercised": coverage.not_exercised().map(statement_json).collect::<Vec<_>>(),
    })
}

fn statement_json(Statement { number, sid, at }: &Statement) -> Value {
    json!({ "number": number, "sid": sid, "line": at.line, "column": at.column })
}
