//! What each kind of temporary credentials may call at all, whatever policies say.

use brevet_validator::token::{Origin, Session};

/// AWS's [comparison of the STS operations][1], as a table. Long-lived keys may call everything. What
/// administers Brevet is held to what holds for IAM.
///
/// [1]: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_sts-comparison.html
pub(super) fn may_call(session: Option<&Session>, action: &str) -> bool {
    let Some(Session { claims, .. }) = session else { return true };
    match (claims.origin, action.split_once(':')) {
        (Origin::AssumeRole, Some(("sts", operation))) => {
            !matches!(operation, "GetSessionToken" | "GetFederationToken")
        }
        (Origin::SessionToken, Some(("sts", operation))) => {
            matches!(operation, "AssumeRole" | "TagSession" | "SetSourceIdentity" | "GetCallerIdentity")
        }
        (Origin::SessionToken, Some(("iam" | "brevet", _))) => claims.mfa_at.is_some(),
        (Origin::FederationToken, Some(("sts", operation))) => operation == "GetCallerIdentity",
        (Origin::FederationToken, Some(("iam" | "brevet", _))) => false,
        _ => true,
    }
}
