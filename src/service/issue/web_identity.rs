//! AssumeRoleWithWebIdentity: the holder of an identity token takes on a role that trusts its issuer.

use brevet_validator::identity::{AccountId, Arn, Principal, SessionName};
use brevet_validator::policy::{Context, Decision, Effect, Reason};
use brevet_validator::token::Origin;

use super::answer::Holder;
use super::assume_role::{role_arn, set_optional};
use super::input::{AssumeRoleWithWebIdentity, TagInput};
use super::lineage::Lineage;
use super::parameters::{SESSION_NAME, WEB_IDENTITY_TOKEN};
use super::session_policy::{SessionPolicies, packed_size};
use super::tags::SessionTags;
use super::trust::with_owners_side;
use super::uses::Granted;
use super::{Issuer, duration};
use crate::service::caller::{Asked, WebIdentity, add_resource_tags};
use crate::service::directory::Role;
use crate::service::error::Error;

const ACTION: &str = "sts:AssumeRoleWithWebIdentity";

/// The parameters, in form. Nothing was asked of anyone yet.
#[derive(Clone, Debug)]
pub struct WebIdentityRequest {
    role_arn: Arn,
    account: AccountId,
    session_name: SessionName,
    seconds: u32,
    policies: SessionPolicies,
}

impl AssumeRoleWithWebIdentity {
    /// Checks the form of every parameter. Returns it with the identity token.
    pub fn read(&self) -> Result<(WebIdentityRequest, &str), Error> {
        let role_arn = role_arn(&self.role_arn)?;
        let session_name = SESSION_NAME.required(&self.role_session_name, "roleSessionName")?;
        let token = WEB_IDENTITY_TOKEN.required(&self.web_identity_token, "webIdentityToken")?;
        if self.provider_id.is_some() {
            return Err(Error::validation("ProviderId is for OAuth 2.0 access tokens, which are not accepted."));
        }
        let request = WebIdentityRequest {
            account: role_arn.account().parse().map_err(Error::internal)?,
            session_name: session_name.parse().map_err(Error::internal)?,
            seconds: duration::ROLE_SESSION.read(&self.duration_seconds)?,
            policies: SessionPolicies::read(&self.policy, &self.policy_arns)?,
            role_arn,
        };
        Ok((request, token))
    }
}

impl WebIdentityRequest {
    /// The account whose identity providers count.
    pub fn account(&self) -> AccountId {
        self.account
    }
}

impl Issuer {
    /// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html>
    pub fn assume_role_with_web_identity(
        &self,
        visitor: &WebIdentity,
        request: WebIdentityRequest,
    ) -> Result<Granted, Error> {
        let WebIdentityRequest { role_arn, session_name, seconds, policies, .. } = request;
        let token = visitor.token();
        let passed: Vec<TagInput> = token.principal_tags().iter().map(tag).collect();
        let tags = SessionTags::read(&passed, token.transitive_tag_keys(), Vec::new())?;
        let source_identity = token.source_identity().map(str::to_owned);

        let mut context = visitor.context();
        context.set("sts:RoleSessionName", session_name.as_str());
        context.set("sts:DurationSeconds", seconds.to_string());
        set_optional(&mut context, "sts:SourceIdentity", source_identity.as_deref());
        tags.add_to(&mut context);
        let mut actions = vec![ACTION];
        if !tags.is_empty() {
            actions.push("sts:TagSession");
        }
        if source_identity.is_some() {
            actions.push("sts:SetSourceIdentity");
        }
        let role = trusting_role(visitor, &role_arn, &actions, &context)?;

        let seconds = duration::limit_by_role(seconds, role.max_session_duration, false)?;
        policies.check(visitor.snapshot(), role.account)?;
        let packed = packed_size(&policies, &tags)?;

        let principal = Principal::RoleSession {
            account: role.account,
            role_path: role.path.clone(),
            role_name: role.name.clone(),
            role_id: role.id,
            session_name,
        };
        let holder = Holder::WebIdentity {
            id: principal.user_id(),
            arn: principal.arn(),
            subject: token.subject().to_owned(),
            provider: token.issuer().as_str().to_owned(),
            audience: token.audience().to_owned(),
        };
        let lineage = Lineage::of_web_identity(visitor);
        let revision = visitor.snapshot().revision.0;
        let mut claims =
            lineage.into_claims_at(revision, visitor.region(), principal, role.generation, Origin::AssumeRole);
        (claims.session_policy, claims.session_policy_arns) = policies.into_claims();
        claims.tags = tags.into_claims();
        claims.source_identity = source_identity;
        claims.ends_with_root = role.max_uses.is_some();
        let issued = self.mint(visitor.snapshot(), claims, holder, packed, visitor.now(), seconds)?;
        Ok(Granted::new(issued, visitor, role))
    }
}

fn tag((key, value): &(String, String)) -> TagInput {
    TagInput { key: Some(key.clone()), value: Some(value.clone()) }
}

/// The role, if its trust policy lets the web identity have it. Absent and refusing roles are one answer, which depends on
/// the token alone; whoever may have the role learns which companion of it (tags, source identity) is refused.
fn trusting_role<'a>(
    visitor: &'a WebIdentity,
    arn: &Arn,
    actions: &[&str],
    context: &Context,
) -> Result<&'a Role, Error> {
    let role = visitor.snapshot().role_by_arn(arn);
    let mut about_role = context.clone();
    if let Some(role) = role {
        add_resource_tags(&mut about_role, role);
    }
    for action in actions {
        let asked = Asked { action, resource: arn, context: &about_role };
        let decision = role.map(|role| visitor.decide_trust(&role.trust.policy, &asked));
        if decision.is_some_and(|decision| decision.effect == Effect::Allow) {
            continue;
        }
        let told = visitor.explain_trust(None, &Asked { action, resource: arn, context });
        let refusal = Decision { effect: Effect::ImplicitDeny, reason: Reason::TrustNotSatisfied };
        let denial = visitor.denial(told, refusal);
        let denial = with_owners_side(denial, role, arn, |trust| visitor.explain_trust(trust, &asked));
        return Err(visitor.denied(action, refusal, denial));
    }
    role.ok_or_else(|| Error::internal("a role that is not there was allowed"))
}
