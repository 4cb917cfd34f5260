//! GetAccessKeyInfo: which account a key belongs to, told to that account alone.

use brevet_validator::identity::{AccountId, Arn};
use brevet_validator::policy::{Decision, Effect, Reason};

use super::Issuer;
use super::input::GetAccessKeyInfo;
use super::parameters::ACCESS_KEY_ID;
use crate::service::caller::{Asked, Caller};
use crate::service::error::Error;

impl Issuer {
    /// <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetAccessKeyInfo.html>
    ///
    /// Another account's key, an unknown key and a temporary key, of which there is no record, are one answer: that
    /// of a caller without permission. A key's state is not told.
    pub fn access_key_info(&self, caller: &Caller, input: &GetAccessKeyInfo) -> Result<AccountId, Error> {
        let id = ACCESS_KEY_ID.required(&input.access_key_id, "accessKeyId")?;
        let account = caller.principal().account();
        let resource = Arn::new("sts", "", Some(account), &format!("access-key/{id}"));
        let context = caller.context();
        let asked = Asked { action: "sts:GetAccessKeyInfo", resource: &resource, context: &context };
        caller.demand(&asked)?;

        let key = id.parse().ok().and_then(|id| caller.snapshot().access_key(id));
        match key {
            Some(key) if key.account == account => Ok(account),
            _ => {
                let refusal = Decision { effect: Effect::ImplicitDeny, reason: Reason::NoMatchingAllow };
                Err(caller.refuse(&asked, refusal))
            }
        }
    }
}
