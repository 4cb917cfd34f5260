//! AssumeRole: the caller takes on a role that trusts it.

use brevet_validator::identity::{AccountId, Arn, Principal, SessionName};
use brevet_validator::policy::{Context, Decision, Effect, Reason};
use brevet_validator::token::Origin;

use super::answer::{Holder, Issued};
use super::input::AssumeRole;
use super::lineage::Lineage;
use super::parameters::{EXTERNAL_ID, ROLE_ARN, SESSION_NAME, SOURCE_IDENTITY, shown};
use super::second_factor::SecondFactor;
use super::session_policy::{SessionPolicies, packed_size};
use super::tags::SessionTags;
use super::trust::with_owners_side;
use super::{Issuer, duration};
use crate::service::caller::{Asked, Caller, add_resource_tags, forbidden};
use crate::service::denial::Denial;
use crate::service::directory::Role;
use crate::service::error::Error;

const ASSUME_ROLE: &str = "sts:AssumeRole";

impl Issuer {
    /// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>
    pub fn assume_role(&self, caller: &Caller, input: &AssumeRole) -> Result<Issued, Error> {
        let role_arn = role_arn(&input.role_arn)?;
        let session_name: SessionName =
            SESSION_NAME.required(&input.role_session_name, "roleSessionName")?.parse().map_err(Error::internal)?;
        let policies = SessionPolicies::read(&input.policy, &input.policy_arns)?;
        let external_id = EXTERNAL_ID.optional(&input.external_id, "externalId")?;
        let source_identity = SOURCE_IDENTITY.optional(&input.source_identity, "sourceIdentity")?;
        let second_factor = SecondFactor::read(&input.serial_number, &input.token_code)?;
        let lineage = Lineage::of(caller)?;
        let left = lineage.seconds_left(caller.now());
        let asked = duration::ROLE_SESSION.read_within(&input.duration_seconds, left)?;
        let tags = SessionTags::read(&input.tags, &input.transitive_tag_keys, lineage.inherited_tags())?;

        if matches!(caller.principal(), Principal::Root { .. }) {
            return Err(forbidden(Reason::ExplicitDeny, "Roles may not be assumed by root accounts."));
        }
        second_factor.verify()?;
        let source_identity = lineage.source_identity(source_identity)?;

        let mut context = caller.context();
        context.set("sts:RoleSessionName", session_name.as_str());
        context.set("sts:DurationSeconds", asked.to_string());
        set_optional(&mut context, "sts:ExternalId", external_id);
        set_optional(&mut context, "sts:SourceIdentity", source_identity.as_deref());
        tags.add_to(&mut context);
        let mut companions = Vec::new();
        if !tags.is_empty() {
            companions.push("sts:TagSession");
        }
        if source_identity.is_some() {
            companions.push("sts:SetSourceIdentity");
        }
        let role = trusting_role(caller, &role_arn, &companions, &context)?;

        let seconds = duration::limit_by_role(asked, role.max_session_duration, lineage.by_role())?;
        let seconds = duration::limit_by_chain(seconds, left)?;
        policies.check(caller.snapshot(), role.account)?;
        let packed = packed_size(&policies, &tags)?;

        let principal = Principal::RoleSession {
            account: role.account,
            role_path: role.path.clone(),
            role_name: role.name.clone(),
            role_id: role.id,
            session_name,
        };
        let holder = Holder::AssumedRole { id: principal.user_id(), arn: principal.arn() };
        let mut claims = lineage.into_claims(caller, principal, role.generation, Origin::AssumeRole);
        (claims.session_policy, claims.session_policy_arns) = policies.into_claims();
        claims.tags = tags.into_claims();
        claims.source_identity = source_identity;
        self.mint(caller.snapshot(), claims, holder, packed, caller.now(), seconds)
    }
}

/// `arn:aws:iam::ACCOUNT:role/…`
pub(super) fn role_arn(text: &Option<String>) -> Result<Arn, Error> {
    let text = ROLE_ARN.required(text, "roleArn")?;
    let is_role = |arn: &Arn| {
        arn.partition() == "aws"
            && arn.service() == "iam"
            && arn.region().is_empty()
            && arn.resource().starts_with("role/")
            && arn.account().parse::<AccountId>().is_ok()
    };
    text.parse().ok().filter(is_role).ok_or_else(|| Error::validation(format!("{} is invalid", shown(text))))
}

pub(super) fn set_optional(context: &mut Context, key: &str, value: Option<&str>) {
    if let Some(value) = value {
        context.set(key, value);
    }
}

/// The role, if it exists and lets the caller have it.
///
/// A caller must not learn which roles exist where it may have none. So whatever stands in the way of
/// `sts:AssumeRole`, in the trust policy or among the caller's own policies, the answer depends on the request and on
/// the caller alone: an explicit deny in the caller's own policies, as they stand without looking at any role, is
/// called that; everything else is `TRUST_NOT_SATISFIED`. The companions are asked only once the caller could have
/// the role without them, so their refusal may name its reason.
fn trusting_role<'a>(caller: &'a Caller, arn: &Arn, companions: &[&str], context: &Context) -> Result<&'a Role, Error> {
    let role = caller.snapshot().role_by_arn(arn);
    let mut about_role = context.clone();
    if let Some(role) = role {
        add_resource_tags(&mut about_role, role);
    }
    let refused = |action, decision: Decision| {
        let told = caller.explain_trust(None, &Asked { action, resource: arn, context });
        let known = Asked { action, resource: arn, context: &about_role };
        let denial = Denial::new(caller.principal(), told, decision);
        let denial = with_owners_side(denial, role, arn, |trust| caller.explain_trust(trust, &known));
        caller.denied(action, arn, decision.reason, denial)
    };
    let refused_role = || match caller.decide(&Asked { action: ASSUME_ROLE, resource: arn, context }) {
        denied @ Decision { effect: Effect::ExplicitDeny, .. } => refused(ASSUME_ROLE, denied),
        Decision { effect: Effect::Allow | Effect::ImplicitDeny, .. } => {
            let untrusted = Decision { effect: Effect::ImplicitDeny, reason: Reason::TrustNotSatisfied };
            refused(ASSUME_ROLE, untrusted)
        }
    };
    let role = role.ok_or_else(refused_role)?;
    let decide =
        |action| caller.decide_trust(&role.trust.policy, &Asked { action, resource: arn, context: &about_role });
    if decide(ASSUME_ROLE).effect != Effect::Allow {
        return Err(refused_role());
    }
    for action in companions {
        let decision = decide(action);
        if decision.effect != Effect::Allow {
            return Err(refused(action, decision));
        }
    }
    Ok(role)
}
