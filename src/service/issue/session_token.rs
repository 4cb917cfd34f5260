//! GetSessionToken: temporary credentials with the caller's own permissions. No permission is needed to ask.

use brevet_validator::policy::Reason;
use brevet_validator::token::Origin;

use super::answer::{Holder, Issued};
use super::input::GetSessionToken;
use super::lineage::Lineage;
use super::second_factor::SecondFactor;
use super::{Issuer, duration};
use crate::service::caller::{Caller, forbidden};
use crate::service::error::Error;

impl Issuer {
    /// <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html>
    pub fn session_token(&self, caller: &Caller, input: &GetSessionToken) -> Result<Issued, Error> {
        let asked = duration::USER_SESSION.read(&input.duration_seconds)?;
        let second_factor = SecondFactor::read(&input.serial_number, &input.token_code)?;

        if !caller.may_call("sts:GetSessionToken") {
            return Err(forbidden(Reason::ExplicitDeny, "Cannot call GetSessionToken with session credentials"));
        }
        second_factor.verify()?;

        let principal = caller.principal().clone();
        let seconds = duration::limit_by_principal(asked, &principal);
        let claims = Lineage::of(caller)?.into_claims(caller, principal, caller.generation(), Origin::SessionToken);
        self.mint(caller.snapshot(), claims, Holder::Caller, None, caller.now(), seconds)
    }
}
