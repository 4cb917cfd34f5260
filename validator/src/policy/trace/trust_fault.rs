//! What in a trust policy stood in the way: for those who may know more than `TRUST_NOT_SATISFIED`.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::super::evaluate::Reason;
use super::super::query::Subject;
use super::{StatementEffect, StatementTrace, Trace, Verdict};

/// The finer codes of [`Reason::TrustNotSatisfied`].
///
/// They tell whether a role exists and what its trust policy holds. So they are for the account that owns the role, and
/// for the caller only where the role says so.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub enum TrustFault {
    /// `TRUST_ABSENT`: there is no trust policy to ask.
    #[serde(rename = "TRUST_ABSENT")]
    Absent,
    /// `TRUST_EXPLICIT_DENY`: a statement of the trust policy denies it.
    #[serde(rename = "TRUST_EXPLICIT_DENY")]
    ExplicitDeny,
    /// `TRUST_PRINCIPAL_MISMATCH`: no statement that allows names the caller.
    #[serde(rename = "TRUST_PRINCIPAL_MISMATCH")]
    PrincipalMismatch,
    /// `TRUST_ACTION_MISMATCH`: statements that name the caller allow other actions.
    #[serde(rename = "TRUST_ACTION_MISMATCH")]
    ActionMismatch,
    /// `TRUST_CLAIM_MISMATCH`: a condition on a web identity's claims, or on the request, does not hold.
    #[serde(rename = "TRUST_CLAIM_MISMATCH")]
    ClaimMismatch,
    /// `TRUST_CONDITION_MISMATCH`: a condition on the caller or the request does not hold.
    #[serde(rename = "TRUST_CONDITION_MISMATCH")]
    ConditionMismatch,
}

impl TrustFault {
    /// The code as the wires carry it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Absent => "TRUST_ABSENT",
            Self::ExplicitDeny => "TRUST_EXPLICIT_DENY",
            Self::PrincipalMismatch => "TRUST_PRINCIPAL_MISMATCH",
            Self::ActionMismatch => "TRUST_ACTION_MISMATCH",
            Self::ClaimMismatch => "TRUST_CLAIM_MISMATCH",
            Self::ConditionMismatch => "TRUST_CONDITION_MISMATCH",
        }
    }

    /// What came nearest to an allow tells the fault.
    pub(super) fn of(trace: &Trace, subject: &Subject) -> Option<Self> {
        if trace.decision.reason != Reason::TrustNotSatisfied {
            return None;
        }
        let Some(trust) = &trace.resource else { return Some(Self::Absent) };
        if trust.verdict == Verdict::Deny {
            return Some(Self::ExplicitDeny);
        }
        let allows = || trust.statements.iter().filter(|statement| statement.effect == StatementEffect::Allow);
        let is_named = |statement: &&StatementTrace| statement.named_as.is_some();
        Some(if allows().any(|statement| is_named(&statement) && statement.elements.iter().all(|e| e.matched)) {
            if subject.federated.is_some() { Self::ClaimMismatch } else { Self::ConditionMismatch }
        } else if allows().any(|statement| is_named(&statement)) {
            Self::ActionMismatch
        } else {
            Self::PrincipalMismatch
        })
    }
}

impl fmt::Display for TrustFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
