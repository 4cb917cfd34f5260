//! Who calls, as the directory knows them now: the proof that a request was authenticated.

mod conditions;
mod kinds;
mod standing;
#[cfg(test)]
mod tests;
mod web_identity;

use std::net::IpAddr;
use std::sync::Arc;

use brevet_validator::identity::{Arn, Principal};
use brevet_validator::policy::{
    self, Context, Decision, Effect, Kind as PolicyKind, Policies, Policy, Query, Subject, Trace,
};
use brevet_validator::timestamp::Timestamp;
use brevet_validator::token::{Origin, Session};
use brevet_validator::validator::Verified;

pub use self::kinds::may_call_as;
pub use self::standing::{long_lived_key, principal_of, session_principal};
pub use self::web_identity::WebIdentity;

use self::standing::Standing;
use super::denial::Denial;
use super::directory::{Role, Snapshot};
use super::error::{Error, Kind};

/// What a transport knows about a request besides its content.
#[derive(Clone, Debug)]
pub struct Envelope {
    /// Made by the transport; in the answer, the log and the audit record.
    pub request_id: String,
    /// Address of the peer, or what a trusted proxy says it is.
    pub source_ip: IpAddr,
    /// As sent.
    pub user_agent: Option<String>,
    /// Whether the request came over TLS.
    pub tls: bool,
    /// `grpc`, `query` or `http`.
    pub wire: &'static str,
}

/// An authenticated caller. Made only from a [`Verified`] whose principal still exists.
#[derive(Clone, Debug)]
pub struct Caller {
    verified: Verified,
    snapshot: Arc<Snapshot>,
    standing: Standing,
    subject: Subject,
    /// `None` when the session has none; an empty list allows nothing.
    session_policies: Option<Vec<Arc<Policy>>>,
    /// Keys that hold for every request of this caller.
    context: Context,
    region: String,
    now: Timestamp,
}

impl Caller {
    /// Looks the principal up in the directory. One that is gone, or made again under the same name, is refused like
    /// an unknown key, and so is a session that is revoked.
    pub fn new(
        verified: Verified,
        snapshot: Arc<Snapshot>,
        envelope: &Envelope,
        region: &str,
        now: Timestamp,
    ) -> Result<Self, Error> {
        // Once more than the validator: on the directory that decides, so that nothing is made in between.
        if verified.session().is_some_and(|session| snapshot.revocations().refuses(session).is_some()) {
            return Err(invalid_token());
        }
        let standing = Standing::of(&verified, &snapshot, now).ok_or_else(invalid_token)?;
        let session_policies = session_policies(verified.session(), &snapshot)?;
        let subject = standing.subject(&snapshot);
        let context = conditions::of_caller(&standing, &subject, verified.session(), &snapshot, envelope, region, now);
        let region = region.to_owned();
        Ok(Self { verified, snapshot, standing, subject, session_policies, context, region, now })
    }

    /// Who acts, by the name and path of today.
    pub fn principal(&self) -> &Principal {
        self.standing.principal()
    }

    /// The check that was passed.
    pub fn verified(&self) -> &Verified {
        &self.verified
    }

    /// The session, if the caller signed with temporary keys.
    pub fn session(&self) -> Option<&Session> {
        self.verified.session()
    }

    /// The directory as of this request. Everything about the request is decided on it.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// The region that the request was made to.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Time of this request.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// What `Principal` elements can name.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The tags of the user or role, and over them those of the session, whatever their case.
    pub fn tags(&self) -> Vec<(&str, &str)> {
        let session = self.session().map_or(&[][..], |session| &session.claims.tags);
        let replaced = |key: &str| session.iter().any(|tag| tag.key.to_lowercase() == key.to_lowercase());
        let own = self.standing.tags(&self.snapshot).iter().filter(|tag| !replaced(&tag.key));
        let own = own.map(|tag| (tag.key.as_str(), tag.value.as_str()));
        own.chain(session.iter().map(|tag| (tag.key.as_str(), tag.value.as_str()))).collect()
    }

    /// The ARN of the identity provider that the caller's session comes from, if it is the first one.
    pub fn federated_provider(&self) -> Option<String> {
        self.session().and_then(conditions::federated_provider)
    }

    /// A copy of the caller's condition keys, to be completed with those of an operation.
    pub fn context(&self) -> Context {
        self.context.clone()
    }

    /// Generation of the user or role that acts: what a session made now carries.
    pub(super) fn generation(&self) -> u64 {
        self.standing.generation(&self.snapshot)
    }

    /// Whether the kind of the caller's credentials lets them call an action at all, whatever policies say.
    pub fn may_call(&self, action: &str) -> bool {
        kinds::may_call(self.session(), action)
    }

    /// Whether the caller's own policies allow an action.
    pub fn decide(&self, asked: &Asked<'_>) -> Decision {
        self.judge(policy::evaluate, None, asked).unwrap_or_else(Ground::decision)
    }

    /// Whether a role's trust policy and the caller's own policies, as far as they are needed, allow an action on it.
    pub fn decide_trust(&self, trust: &Policy, asked: &Asked<'_>) -> Decision {
        self.judge(policy::evaluate_trust, Some(trust), asked).unwrap_or_else(Ground::decision)
    }

    /// [`Caller::decide`], and why.
    pub fn explain(&self, asked: &Asked<'_>) -> Trace {
        self.judge(policy::explain, None, asked).unwrap_or_else(|ground| self.without_policies(ground, asked))
    }

    /// [`Caller::decide_trust`], and why. No trust policy: there is no such role.
    pub fn explain_trust(&self, trust: Option<&Policy>, asked: &Asked<'_>) -> Trace {
        self.judge(policy::explain_trust, trust, asked).unwrap_or_else(|ground| self.without_policies(ground, asked))
    }

    /// [`Caller::decide`], with the refusal in AWS's words.
    pub fn demand(&self, asked: &Asked<'_>) -> Result<(), Error> {
        let decision = self.decide(asked);
        if decision.effect == Effect::Allow {
            return Ok(());
        }
        Err(self.refuse(asked, decision))
    }

    /// Refuses by a decision of the caller's own policies, or one that must look as if it were.
    pub fn refuse(&self, asked: &Asked<'_>, decision: Decision) -> Error {
        let denial = Denial::new(self.principal(), self.explain(asked), decision);
        self.denied(asked.action, asked.resource, decision.reason, denial)
    }

    /// `User: <arn> is not authorized to perform: <action> on resource: <arn>`. `resource` is what the refusal names.
    pub fn denied(&self, action: &str, resource: &Arn, reason: policy::Reason, denial: Denial) -> Error {
        let caller = &self.subject.arn;
        let sentence = format!("User: {caller} is not authorized to perform: {action} on resource: {resource}");
        Error::denied(reason, sentence, denial)
    }

    fn judge<T>(
        &self,
        rule: fn(&Policies<'_>, &Query<'_>) -> T,
        resource_policy: Option<&Policy>,
        asked: &Asked<'_>,
    ) -> Result<T, Ground> {
        let Asked { action, resource, context } = *asked;
        if !self.may_call(action) {
            return Err(Ground::Kind);
        }
        let grants = self.standing.grants(&self.snapshot);
        let boundary = grants.map_or(Ok(None), |grants| self.snapshot.boundary(grants));
        let boundary = boundary.map_err(|_| Ground::BoundaryGone)?;
        let identity: Vec<&Policy> = grants
            .into_iter()
            .flat_map(|grants| self.snapshot.identity_policies(grants))
            .map(|document| &*document.policy)
            .collect();
        let session: Option<Vec<&Policy>> =
            self.session_policies.as_ref().map(|policies| policies.iter().map(|policy| &**policy).collect());
        let policies = Policies {
            identity: &identity,
            boundary: boundary.map(|named| &*named.document.policy),
            session: session.as_deref(),
            resource: resource_policy,
            resource_account: resource.account().parse().ok(),
        };
        Ok(rule(&policies, &Query { subject: &self.subject, action, resource: resource.as_str(), context }))
    }

    /// The trace of a refusal that no policy took part in.
    fn without_policies(&self, ground: Ground, asked: &Asked<'_>) -> Trace {
        let Asked { action, resource, context } = *asked;
        let policies = Policies { resource_account: resource.account().parse().ok(), ..Policies::default() };
        let query = Query { subject: &self.subject, action, resource: resource.as_str(), context };
        let hints = vec![ground.hint().to_owned()];
        Trace { decision: ground.decision(), detail: None, hints, ..policy::explain(&policies, &query) }
    }
}

/// A question to the policies.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// `sts:AssumeRole`, …
    pub action: &'a str,
    /// What is acted on.
    pub resource: &'a Arn,
    /// The caller's condition keys, with those of the operation.
    pub context: &'a Context,
}

/// Why no policy was asked.
#[derive(Clone, Copy, Debug)]
enum Ground {
    /// The kind of the credentials may not make this call.
    Kind,
    /// The permissions boundary is gone.
    BoundaryGone,
}

impl Ground {
    fn decision(self) -> Decision {
        match self {
            Self::Kind => Decision { effect: Effect::ExplicitDeny, reason: policy::Reason::ExplicitDeny },
            Self::BoundaryGone => Decision { effect: Effect::ImplicitDeny, reason: policy::Reason::Boundary },
        }
    }

    fn hint(self) -> &'static str {
        match self {
            Self::Kind => {
                "Credentials of this kind cannot make this call, whatever policies say: see the comparison of the STS \
                 operations in AWS's documentation."
            }
            Self::BoundaryGone => "The managed policy that is the permissions boundary is gone, so nothing is allowed.",
        }
    }
}

/// A refusal that no policy took part in: AWS's sentence, then the reason code.
pub(super) fn forbidden(reason: policy::Reason, sentence: impl std::fmt::Display) -> Error {
    Error::new(Kind::AccessDenied(reason), format!("{sentence} ({})", reason.as_str()))
}

/// The condition keys of a role that is acted on: `aws:ResourceTag/…`.
pub(super) fn add_resource_tags(context: &mut Context, role: &Role) {
    for tag in &role.grants.tags {
        context.set(&format!("aws:ResourceTag/{}", tag.key), tag.value.as_str());
    }
}

fn invalid_token() -> Error {
    Error::new(Kind::InvalidClientTokenId, "The security token included in the request is invalid.")
}

/// The policies that narrow a session: the inline one as the token carries it, managed ones as they are now. One that
/// is gone allows nothing; an inline one that this version cannot read makes the token unusable.
///
/// A session of GetFederationToken has session policies even if none was passed: an empty set, which allows nothing.
fn session_policies(session: Option<&Session>, snapshot: &Snapshot) -> Result<Option<Vec<Arc<Policy>>>, Error> {
    let Some(Session { claims, .. }) = session else { return Ok(None) };
    if claims.session_policy.is_none() && claims.session_policy_arns.is_empty() {
        return Ok((claims.origin == Origin::FederationToken).then(Vec::new));
    }
    let managed = claims.session_policy_arns.iter().filter_map(|arn| default_version(snapshot, arn));
    let mut policies: Vec<_> = managed.map(Arc::clone).collect();
    if let Some(inline) = &claims.session_policy {
        let inline = Policy::parse(inline, PolicyKind::Session).map_err(|_| invalid_token())?;
        policies.push(Arc::new(inline));
    }
    Ok(Some(policies))
}

fn default_version<'a>(snapshot: &'a Snapshot, arn: &str) -> Option<&'a Arc<Policy>> {
    Some(&snapshot.policy_by_arn(arn)?.default_document()?.policy)
}
