//! GetFederationToken: temporary credentials for someone whom the caller vouches for, with no more than the caller has.

use brevet_validator::identity::{Principal, SessionName};
use brevet_validator::policy::Reason;
use brevet_validator::token::Origin;

use super::answer::{Holder, Issued};
use super::input::GetFederationToken;
use super::lineage::Lineage;
use super::parameters::FEDERATED_NAME;
use super::session_policy::{SessionPolicies, packed_size};
use super::tags::SessionTags;
use super::{Issuer, duration};
use crate::service::caller::{Asked, Caller, forbidden};
use crate::service::error::Error;

impl Issuer {
    /// <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html>
    pub fn federation_token(&self, caller: &Caller, input: &GetFederationToken) -> Result<Issued, Error> {
        let name: SessionName = FEDERATED_NAME.required(&input.name, "name")?.parse().map_err(Error::internal)?;
        let asked = duration::USER_SESSION.read(&input.duration_seconds)?;
        let policies = SessionPolicies::read(&input.policy, &input.policy_arns)?;
        let tags = SessionTags::read(&input.tags, &[], Vec::new())?;

        let action = "sts:GetFederationToken";
        if !caller.may_call(action) {
            return Err(forbidden(Reason::ExplicitDeny, "Cannot call GetFederationToken with session credentials"));
        }
        let account = caller.principal().account();
        let user = match caller.principal() {
            Principal::User { id, .. } => Some(*id),
            _ => None,
        };
        let principal = Principal::FederatedUser { account, name, user };
        let arn = principal.arn();
        let mut context = caller.context();
        tags.add_to(&mut context);
        context.set("sts:DurationSeconds", asked.to_string());
        let question = Asked { action, resource: &arn, context: &context };
        caller.demand(&question)?;
        if !tags.is_empty() {
            caller.demand(&Asked { action: "sts:TagSession", ..question })?;
        }

        let seconds = duration::limit_by_principal(asked, caller.principal());
        policies.check(caller.snapshot(), account)?;
        let packed = packed_size(&policies, &tags)?;

        let holder = Holder::FederatedUser { id: principal.user_id(), arn };
        let mut claims =
            Lineage::of(caller)?.into_claims(caller, principal, caller.generation(), Origin::FederationToken);
        (claims.session_policy, claims.session_policy_arns) = policies.into_claims();
        claims.tags = tags.into_claims();
        self.mint(caller.snapshot(), claims, holder, packed, caller.now(), seconds)
    }
}
