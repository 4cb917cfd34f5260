//! `brevet.admin.v1.PolicyService`: questions about policies.

use brevet_validator::policy::{Finding, Kind, Severity};
use tonic::{Request, Response, Status};

use super::counter;
use super::proto::admin as proto;
use crate::service::error::Error;
use crate::service::lint::{Document, Lint, Linted};
use crate::service::operation::{Answer, Operation};
use crate::transport::desk::{Desk, Handler};

/// The service at its desk.
#[derive(Debug)]
pub struct PolicyDesk<H> {
    desk: Desk<H>,
}

impl<H: Handler> PolicyDesk<H> {
    /// Hands its calls in at this desk.
    pub fn new(desk: Desk<H>) -> Self {
        Self { desk }
    }
}

#[tonic::async_trait]
impl<H: Handler> proto::policy_service_server::PolicyService for PolicyDesk<H> {
    async fn lint(&self, request: Request<proto::LintRequest>) -> Result<Response<proto::LintResponse>, Status> {
        let read = |message: proto::LintRequest| {
            let documents = message.documents.into_iter().map(document).collect::<Result<_, _>>()?;
            Ok(Operation::Lint(Lint { documents }))
        };
        let write = |answer| match answer {
            Answer::Linted(documents) => {
                Some(proto::LintResponse { documents: documents.into_iter().map(linted).collect() })
            }
            _ => None,
        };
        counter::take(&self.desk, request, read, write).await
    }
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

pub(super) fn finding(finding: Finding) -> proto::LintFinding {
    let severity = match finding.severity {
        Severity::Dangerous => proto::LintSeverity::Dangerous,
        Severity::Warning => proto::LintSeverity::Warning,
    };
    let number = |number| u32::try_from(number).unwrap_or(u32::MAX);
    proto::LintFinding {
        code: finding.code.as_str().to_owned(),
        severity: severity.into(),
        line: number(finding.line),
        column: number(finding.column),
        message: finding.message,
        suggestion: finding.suggestion.unwrap_or_default(),
    }
}
