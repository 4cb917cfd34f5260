//! The messages of Lint.

use brevet_validator::policy::{Finding, Kind, Severity};

use super::proto;
use super::shared::number;
use crate::service::error::Error;
use crate::service::operation::{Answer, Operation};
use crate::service::policy::lint::{Document, Lint, Linted};

pub(super) fn read(message: proto::LintRequest) -> Result<Operation, Error> {
    let documents = message.documents.into_iter().map(document).collect::<Result<_, _>>()?;
    Ok(Operation::Lint(Lint { documents }))
}

pub(super) fn write(answer: Answer) -> Option<proto::LintResponse> {
    let Answer::Linted(documents) = answer else { return None };
    Some(proto::LintResponse { documents: documents.into_iter().map(linted).collect() })
}

fn document(document: proto::LintDocument) -> Result<Document, Error> {
    let kind = match proto::PolicyKind::try_from(document.kind) {
        Ok(proto::PolicyKind::Unspecified) => None,
        Ok(proto::PolicyKind::Identity) => Some(Kind::Identity),
        Ok(proto::PolicyKind::Trust) => Some(Kind::Trust),
        Ok(proto::PolicyKind::Session) => Some(Kind::Session),
        Ok(proto::PolicyKind::Resource) => Some(Kind::Resource),
        Err(_) => return Err(Error::validation(format!("{} is no kind of policy.", document.kind))),
    };
    Ok(Document { name: document.name, text: document.text, kind })
}

fn linted(linted: Linted) -> proto::LintedDocument {
    let kind = match linted.kind {
        Kind::Identity => proto::PolicyKind::Identity,
        Kind::Trust => proto::PolicyKind::Trust,
        Kind::Session => proto::PolicyKind::Session,
        Kind::Resource => proto::PolicyKind::Resource,
    };
    let findings = linted.findings.into_iter().map(finding).collect();
    proto::LintedDocument { name: linted.name, kind: kind.into(), findings }
}

pub(in crate::transport::grpc) fn finding(finding: Finding) -> proto::LintFinding {
    let severity = match finding.severity {
        Severity::Dangerous => proto::LintSeverity::Dangerous,
        Severity::Warning => proto::LintSeverity::Warning,
    };
    proto::LintFinding {
        code: finding.code.as_str().to_owned(),
        severity: severity.into(),
        line: number(finding.line),
        column: number(finding.column),
        message: finding.message,
        suggestion: finding.suggestion.unwrap_or_default(),
    }
}
