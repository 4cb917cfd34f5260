//! What each kind of temporary credentials may call at all, whatever policies say.

use brevet_validator::token::{Origin, Session};

/// AWS's [comparison of the STS operations][1], as a table. Long-lived keys may call everything. What
/// administers Brevet is held to what holds for IAM.
///
/// [1]: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_sts-comparison.html
pub(super) fn may_call(session: Option<&Session>, action: &str) -> bool {
    session.is_none_or(|Session { claims, .. }| may_call_as(claims.origin, claims.mfa_at.is_some(), action))
}

/// The same for sessions of one kind, with or without a second factor.
pub fn may_call_as(origin: Origin, second_factor: bool, action: &str) -> bool {
    match (origin, action.split_once(':')) {
        (Origin::AssumeRole, Some(("sts", operation))) => {
            !matches!(operation, "GetSessionToken" | "GetFederationToken")
        }
        (Origin::SessionToken, Some(("sts", operation))) => {
            matches!(operation, "AssumeRole" | "TagSession" | "SetSourceIdentity" | "GetCallerIdentity")
        }
        (Origin::SessionToken, Some(("iam" | "brevet", _))) => second_factor,
        (Origin::FederationToken, Some(("sts", operation))) => operation == "GetCallerIdentity",
        (Origin::FederationToken, Some(("iam" | "brevet", _))) => false,
        _ => true,
    }
}
