//! The condition keys of every request. All of them are the server's own knowledge: no header or parameter fills one.

use brevet_validator::identity::Principal;
use brevet_validator::policy::{Context, Subject};
use brevet_validator::timestamp::Timestamp;
use brevet_validator::token::Session;

use super::Envelope;
use super::standing::Standing;
use crate::service::directory::Snapshot;

/// AWS's [global condition keys][1], as far as they have a meaning here.
///
/// [1]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
pub(super) fn of_caller(
    standing: &Standing,
    subject: &Subject,
    session: Option<&Session>,
    snapshot: &Snapshot,
    envelope: &Envelope,
    region: &str,
    now: Timestamp,
) -> Context {
    let mut context = of_request(envelope, region, now);
    add_principal(&mut context, standing.principal(), subject);
    for tag in standing.tags(snapshot) {
        context.set(&principal_tag(&tag.key), tag.value.as_str());
    }
    if let Some(session) = session {
        add_session(&mut context, session, now);
    }
    context
}

/// The keys that need no caller.
pub(super) fn of_request(envelope: &Envelope, region: &str, now: Timestamp) -> Context {
    let mut context = Context::default();
    add_request(&mut context, envelope, region, now);
    context
}

fn add_request(context: &mut Context, envelope: &Envelope, region: &str, now: Timestamp) {
    context.set("aws:CurrentTime", now.to_string());
    context.set("aws:EpochTime", now.unix().to_string());
    context.set("aws:RequestedRegion", region);
    context.set("aws:SecureTransport", envelope.tls.to_string());
    // A policy that names an IPv4 network means its hosts, however the socket writes them.
    context.set("aws:SourceIp", envelope.source_ip.to_canonical().to_string());
    if let Some(user_agent) = &envelope.user_agent {
        context.set("aws:UserAgent", user_agent.as_str());
    }
}

fn add_principal(context: &mut Context, principal: &Principal, subject: &Subject) {
    context.set("aws:PrincipalAccount", subject.account.as_str());
    context.set("aws:userid", principal.user_id());
    let (kind, arn) = match principal {
        Principal::Root { .. } => ("Account", &subject.arn),
        Principal::User { .. } => ("User", &subject.arn),
        Principal::RoleSession { .. } => ("AssumedRole", subject.role_or_user_arn.as_ref().unwrap_or(&subject.arn)),
        Principal::FederatedUser { .. } => ("FederatedUser", &subject.arn),
    };
    context.set("aws:PrincipalType", kind);
    context.set("aws:PrincipalArn", arn.as_str());
    if let Principal::User { name, .. } = principal {
        context.set("aws:username", name.as_str());
    }
}

fn add_session(context: &mut Context, session: &Session, now: Timestamp) {
    let claims = &session.claims;
    context.set("aws:TokenIssueTime", session.lifetime.issued_at.to_string());
    context.set("aws:MultiFactorAuthPresent", claims.mfa_at.is_some().to_string());
    if let Some(mfa_at) = claims.mfa_at {
        context.set("aws:MultiFactorAuthAge", (now - mfa_at).max(0).to_string());
    }
    if let Some(source_identity) = &claims.source_identity {
        context.set("aws:SourceIdentity", source_identity.as_str());
    }
    if let Some(provider) = federated_provider(session) {
        context.set("aws:FederatedProvider", provider);
    }
    // A session's tags go over those of its user or role.
    for tag in &claims.tags {
        context.set(&principal_tag(&tag.key), tag.value.as_str());
    }
}

/// Chained sessions carry whom they come from for the sake of revocation; the key is for the first one alone.
pub(super) fn federated_provider(session: &Session) -> Option<String> {
    let claims = &session.claims;
    let (Some(federation), []) = (&claims.federation, claims.ancestors.as_slice()) else { return None };
    let host = federation.issuer.split_once("://").map_or(federation.issuer.as_str(), |(_, host)| host);
    Some(format!("arn:aws:iam::{}:oidc-provider/{host}", claims.account()))
}

fn principal_tag(key: &str) -> String {
    format!("aws:PrincipalTag/{key}")
}
