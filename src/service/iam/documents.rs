//! Policy documents: what compiles, and how AWS counts size.

use std::sync::Arc;

use brevet_validator::policy::{Kind as PolicyKind, Policy};

use crate::service::directory::Document;
use crate::service::error::{Error, Kind};

/// A document that compiles.
pub(super) fn compile(text: &str, kind: PolicyKind) -> Result<Document, Error> {
    Ok(Document { text: Arc::from(text), policy: Arc::new(parse(text, kind)?) })
}

/// Compiles, or says where the document is wrong and what may have been meant.
pub(super) fn parse(text: &str, kind: PolicyKind) -> Result<Policy, Error> {
    Policy::parse(text, kind).map_err(|invalid| {
        let mut message = format!("Syntax errors in policy: {invalid}.");
        if let Some(suggestion) = &invalid.suggestion {
            message.push_str(&format!(" Did you mean {suggestion}?"));
        }
        malformed(message)
    })
}

pub(super) fn malformed(message: impl Into<String>) -> Error {
    Error::new(Kind::MalformedPolicyDocument, message)
}

/// Characters that count against a quota: white space does not.
pub(super) fn size(text: &str) -> usize {
    text.chars().filter(|c| !c.is_whitespace()).count()
}

/// `Cannot exceed quota for X: n`
pub(super) fn within_quota(text: &str, quota: &str, limit: usize) -> Result<(), Error> {
    if size(text) <= limit {
        return Ok(());
    }
    Err(Error::new(Kind::LimitExceeded, format!("Cannot exceed quota for {quota}: {limit}")))
}
