//! A refusal by policy: what its caller is told, and the trace behind it for those who may see more.
//!
//! Who may see what: the caller's account its own policies, the account that owns the resource its own policy (for a
//! role, its trust policy), nobody the other's; a role can open its trust policy to callers (`explain: caller`). What the
//! caller's side can see is made without looking at the role, so it cannot tell an absent role from one that refuses.

mod decode;
mod sealed;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use brevet_validator::identity::{AccountId, Principal};
use brevet_validator::policy::{Decision, Effect, MessagePrincipal, Step, Trace, TrustFault};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::decode::{DecodeAuthorizationMessage, decode_authorization_message};
pub use self::sealed::{ENCODED_LENGTH, encode};

/// A refusal with its trace.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Denial {
    /// As GetCallerIdentity gives it.
    principal_id: String,
    /// Of a user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    principal_name: Option<String>,
    /// What the caller's account may see.
    told: Trace,
    /// What the resource's own policy adds, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owned: Option<Owned>,
    /// Of a web identity. The trace has it among the condition keys.
    #[serde(skip)]
    subject: Option<Subject>,
}

/// What the token of a web identity says.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Subject {
    subject: String,
    audience: String,
}

/// The trace with the document of the resource's owner.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
struct Owned {
    /// Account of the owner.
    account: String,
    /// Whether the caller may see it all.
    open: bool,
    /// Whether there is no such resource, and the trace is only there to be as long as another.
    absent: bool,
    trace: Trace,
}

impl Denial {
    /// A refusal that only policies of the caller's account took part in. The trace may be of another decision than the
    /// one that the caller is told.
    pub fn new(principal: &Principal, trace: Trace, told: Decision) -> Self {
        let name = match principal {
            Principal::User { name, .. } => Some(name.clone()),
            _ => None,
        };
        Self::of(principal.user_id(), name, trace, told)
    }

    /// The same of anyone by id and name.
    pub fn of(principal_id: String, principal_name: Option<String>, mut trace: Trace, told: Decision) -> Self {
        trace.decision = told;
        // It is about a document of the other side.
        trace.detail = None;
        Self { principal_id, principal_name, told: trace, owned: None, subject: None }
    }

    /// Adds what a web identity's token says, for the sentence that its holder is told.
    pub fn with_subject(mut self, subject: &str, audience: &str) -> Self {
        self.subject = Some(Subject { subject: subject.to_owned(), audience: audience.to_owned() });
        self
    }

    /// Adds what the resource's owner may see. `open`: the caller may see it, too.
    pub fn with_owners_side(mut self, account: AccountId, trace: Trace, open: bool) -> Self {
        self.owned = Some(Owned { account: account.to_string(), open, absent: false, trace });
        self
    }

    /// Says that there is no such role in an account; for that account alone.
    pub fn with_absent_role(mut self, account: AccountId, decoy: Trace) -> Self {
        self.owned = Some(Owned { account: account.to_string(), open: false, absent: true, trace: decoy });
        self
    }

    /// The step that refused, as far as the caller may know it.
    pub fn step(&self) -> Option<Step> {
        self.told.step()
    }

    /// What was asked for.
    pub fn action(&self) -> &str {
        &self.told.query.action
    }

    /// The finer reason, if the caller may know it.
    pub fn detail(&self) -> Option<&'static str> {
        self.opened().and_then(|trace| trace.detail).map(|detail| detail.as_str())
    }

    /// The refusal in one sentence, as far as the caller may know it: `no identity-based policy allows it`
    pub fn sentence(&self) -> String {
        let mut sentence = match self.told.step() {
            None => "it was refused",
            Some(Step::TrustPolicy) if self.opened().is_some() => "the role's trust policy does not allow it",
            Some(step) => sentence(step, self.told.decision.effect),
        }
        .to_owned();
        if let Some(Subject { subject, audience }) = &self.subject {
            // Writing to a string cannot fail.
            let _ = write!(sentence, "; the token's sub is {:?}{}, its aud {audience:?}", subject, form_of(subject));
        }
        if let Some(trace) = self.opened() {
            let failure = trace.nearest_failure().map(|failure| failure.to_string());
            // Writing to a string cannot fail.
            let _ = failure.or_else(|| trace.hints.first().cloned()).map(|why| write!(sentence, "; {why}"));
        }
        sentence
    }

    /// All that is known, for the operator's own records.
    pub fn trace(&self) -> Trace {
        self.owned.as_ref().map_or_else(|| self.told.clone(), |owned| self.owners_view(owned))
    }

    /// What an account may see of it, in the form of DecodeAuthorizationMessage. `None`: nothing.
    pub fn seen_by(&self, account: AccountId) -> Option<Value> {
        let is = |number: &str| number == account.as_str();
        let is_callers = is(&self.told.query.account);
        let trace = match &self.owned {
            Some(owned) => match (is_callers, is(&owned.account)) {
                (true, owns) if owns || owned.open => self.owners_view(owned),
                (true, _) => self.told.clone(),
                (false, true) => self.owners_view(owned).without_callers_policies(),
                (false, false) => return None,
            },
            None if is_callers => self.told.clone(),
            None => return None,
        };
        let principal = MessagePrincipal { id: &self.principal_id, name: self.principal_name.as_deref() };
        Some(trace.authorization_message(principal))
    }

    fn owners_view(&self, owned: &Owned) -> Trace {
        if owned.absent {
            return Trace { detail: Some(TrustFault::Absent), ..self.told.clone() };
        }
        owned.trace.clone()
    }

    fn opened(&self) -> Option<&Trace> {
        self.owned.as_ref().filter(|owned| owned.open).map(|owned| &owned.trace)
    }
}

/// GitHub writes subjects in two forms, and a policy in one does not match the other.
fn form_of(subject: &str) -> &'static str {
    let owner = subject.strip_prefix("repo:").and_then(|rest| rest.split_once('/')).map(|(owner, _)| owner);
    match owner {
        Some(owner) if owner.contains('@') => " (GitHub's form with ids)",
        Some(_) => " (GitHub's form without ids)",
        None => "",
    }
}

fn sentence(step: Step, effect: Effect) -> &'static str {
    match (step, effect) {
        (Step::Credentials, _) => "credentials of this kind cannot make this call",
        (Step::TrustPolicy, _) => "the role's trust policy does not allow it, or there is no such role",
        (Step::IdentityPolicy, Effect::ExplicitDeny) => "an identity-based policy denies it explicitly",
        (Step::IdentityPolicy, _) => "no identity-based policy allows it",
        (Step::PermissionsBoundary, Effect::ExplicitDeny) => "the permissions boundary denies it explicitly",
        (Step::PermissionsBoundary, _) => "the permissions boundary does not allow it",
        (Step::SessionPolicy, Effect::ExplicitDeny) => "a session policy denies it explicitly",
        (Step::SessionPolicy, _) => "no session policy allows it",
        (Step::ResourcePolicy, Effect::ExplicitDeny) => "the policy of the resource denies it explicitly",
        (Step::ResourcePolicy, _) => "no policy of the resource allows it",
    }
}
