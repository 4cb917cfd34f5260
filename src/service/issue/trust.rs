//! What a role's account may see of a refusal to take the role on.

use std::sync::LazyLock;

use brevet_validator::identity::Arn;
use brevet_validator::policy::{Kind as PolicyKind, Policy, Trace};

use crate::service::denial::Denial;
use crate::service::directory::Role;

/// Adds the side of the role's owner to a refusal. For an absent role the same work is done, on a trust policy that is
/// nobody's, so that the time of an answer tells little of which it was. `explain` asks a trust policy why.
pub(super) fn with_owners_side(
    denial: Denial,
    role: Option<&Role>,
    arn: &Arn,
    explain: impl Fn(Option<&Policy>) -> Trace,
) -> Denial {
    match (role, arn.account().parse()) {
        (Some(role), _) => {
            let trace = explain(Some(&role.trust.policy));
            denial.with_owners_side(role.account, trace, role.explain_to_caller)
        }
        (None, Ok(account)) => denial.with_absent_role(account, explain(DECOY.as_ref())),
        (None, Err(_)) => denial,
    }
}

/// As trust policies commonly are; it trusts nobody who exists.
static DECOY: LazyLock<Option<Policy>> = LazyLock::new(|| {
    let text = r#"{"Version": "2012-10-17", "Statement": [{"Sid": "Decoy", "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": ["sts:AssumeRole", "sts:TagSession"],
        "Condition": {"StringEquals": {"sts:ExternalId": "decoy"}}}]}"#;
    Policy::parse(text, PolicyKind::Trust).ok()
});
