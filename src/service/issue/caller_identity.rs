//! GetCallerIdentity: who asks. Needs no permission, and no policy can deny it.

use super::Issuer;
use super::answer::CallerIdentity;
use crate::service::caller::Caller;

impl Issuer {
    /// <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html>
    pub fn caller_identity(&self, caller: &Caller) -> CallerIdentity {
        let principal = caller.principal();
        CallerIdentity { account: principal.account(), arn: principal.arn(), user_id: principal.user_id() }
    }
}
