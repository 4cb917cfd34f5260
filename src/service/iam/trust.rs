//! Trust policies: the users and roles that one names must exist when it is written, and it goes on to mean these.

use std::sync::Arc;

use brevet_validator::identity::{AccountId, Arn, UniqueId};
use brevet_validator::policy::{Finding, Kind as PolicyKind, Severity, lint};
use serde_json::Value;

use super::documents;
use crate::service::directory::{Document, Snapshot};
use crate::service::error::Error;

/// Findings that a refusal names.
const MOST_TOLD: usize = 5;
/// Characters without white space; AWS's default quota is half of it and can be raised to this.
const QUOTA: usize = 4096;

/// Compiles a trust policy and says what is doubtful in it.
///
/// One that names a user or role which is not there is refused, for it would trust whoever takes that name later; and so is
/// one that lets someone in whom its author hardly meant, unless `allow_dangerous`.
pub(super) fn compile(
    text: &str,
    snapshot: &Snapshot,
    allow_dangerous: bool,
) -> Result<(Document, Vec<Finding>), Error> {
    let mut policy = documents::parse(text, PolicyKind::Trust)?;
    documents::within_quota(text, "ACLSizePerRole", QUOTA)?;
    for principal in aws_principals(text)? {
        if principal.parse().is_ok_and(|arn| find(&arn, snapshot) == Found::Nobody) {
            return Err(documents::malformed(format!("Invalid principal in policy: \"AWS\":\"{principal}\"")));
        }
    }
    policy.bind(|arn| match find(arn, snapshot) {
        Found::Entity(id) => Some(id),
        Found::Nobody | Found::NotBound => None,
    });
    let document = Document { text: Arc::from(text), policy: Arc::new(policy) };
    let findings = lint(text, PolicyKind::Trust);
    let dangerous: Vec<&Finding> = findings.iter().filter(|f| f.severity == Severity::Dangerous).collect();
    if !dangerous.is_empty() && !allow_dangerous {
        return Err(refused(&dangerous));
    }
    Ok((document, findings))
}

fn refused(dangerous: &[&Finding]) -> Error {
    let told = dangerous.iter().take(MOST_TOLD).map(|Finding { code, line, column, message, .. }| {
        format!("{} (line {line}, column {column}): {message}", code.as_str())
    });
    let told = told.collect::<Vec<_>>().join("; ");
    documents::malformed(format!(
        "The trust policy is refused for what it would allow: {told}. Mend it, or put it with `brevet role put-trust NAME \
         FILE --allow-dangerous`."
    ))
}

/// The values of `AWS` in every `Principal` and `NotPrincipal` of a document that compiles.
fn aws_principals(text: &str) -> Result<Vec<String>, Error> {
    let document: Value = serde_json::from_str(text).map_err(Error::internal)?;
    let statements = one_or_many(&document["Statement"]);
    let elements = statements.flat_map(|statement| [&statement["Principal"], &statement["NotPrincipal"]]);
    let names = elements.flat_map(|element| one_or_many(&element["AWS"]));
    Ok(names.filter_map(|name| name.as_str().map(str::to_owned)).collect())
}

fn one_or_many(value: &Value) -> impl Iterator<Item = &Value> {
    match value {
        Value::Array(values) => values.iter(),
        one => std::slice::from_ref(one).iter(),
    }
}

/// Whom an ARN means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Found {
    /// A user, a role, or sessions of a role: who comes and goes, and whose name can be given again.
    Entity(UniqueId),
    /// It could mean such a one, and there is none.
    Nobody,
    /// An account, or a name that is checked when it is used.
    NotBound,
}

fn find(arn: &Arn, snapshot: &Snapshot) -> Found {
    let Ok(account) = arn.account().parse::<AccountId>() else {
        return Found::NotBound;
    };
    let (kind, rest) = arn.resource().split_once('/').unwrap_or((arn.resource(), ""));
    let last = rest.rsplit('/').next().unwrap_or_default();
    let id = match (arn.service(), kind) {
        ("iam", "user") => snapshot.user(account, last).filter(|user| user.arn() == *arn).map(|user| user.id),
        ("iam", "role") => snapshot.role_by_arn(arn).map(|role| role.id),
        ("sts", "assumed-role") => {
            let name = rest.split('/').next().unwrap_or_default();
            snapshot.role(account, name).filter(|role| role.name == name).map(|role| role.id)
        }
        _ => return Found::NotBound,
    };
    id.map_or(Found::Nobody, Found::Entity)
}
