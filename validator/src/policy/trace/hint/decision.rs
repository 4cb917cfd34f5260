//! Mistakes that show in the decision as a whole: a side that is missing, or that was taken for a grant.

use super::super::super::evaluate::Reason;
use super::super::{NamedAs, StatementEffect, StatementTrace, Trace, Verdict};

pub(super) const TABLE: [fn(&Trace) -> Option<String>; 4] = [account_alone, both_accounts, boundary, session];

fn account_alone(trace: &Trace) -> Option<String> {
    let resource = trace.resource.as_ref().filter(|_| trace.decision.reason == Reason::NoMatchingAllow)?;
    let allows = |s: &&StatementTrace| s.matched && s.effect == StatementEffect::Allow;
    let by_account = resource.statements.iter().filter(allows).any(|s| s.named_as == Some(NamedAs::Account));
    let account = Some(&trace.query.account);
    (by_account && trace.query.resource_account.as_ref() == account).then(|| {
        format!(
            "The resource's policy names only the account {}, which leaves it to the caller's own policies, and none of \
             them allows {}.",
            trace.query.account, trace.query.action
        )
    })
}

fn both_accounts(trace: &Trace) -> Option<String> {
    let owner = trace.query.resource_account.as_ref().filter(|owner| **owner != trace.query.account)?;
    let lacking = match &trace.resource {
        Some(policy) if policy.verdict == Verdict::Allow => "none of the caller's own policies does",
        _ => "the resource's policy does not",
    };
    (trace.decision.reason == Reason::NoMatchingAllow).then(|| {
        format!(
            "The caller is of account {} and the resource of account {owner}, so both sides must allow, and {lacking}.",
            trace.query.account
        )
    })
}

fn boundary(trace: &Trace) -> Option<String> {
    (trace.decision.reason == Reason::Boundary).then(|| {
        let action = &trace.query.action;
        format!("A permissions boundary grants nothing and only narrows, so it must allow {action} as well.")
    })
}

fn session(trace: &Trace) -> Option<String> {
    (trace.decision.reason == Reason::SessionPolicy).then(|| match trace.session.as_deref() {
        None | Some([]) => {
            "The session has no session policy that could allow anything: none was passed for a federated \
                            user, or all that were passed are gone."
                .to_owned()
        }
        Some(_) => format!(
            "A session policy grants nothing and only narrows, so one of the session's must allow {} as well.",
            trace.query.action
        ),
    })
}
