//! Who comes with an identity token of another issuer: the proof that it was verified, and what policies see of it.

use std::sync::Arc;

use brevet_validator::identity::{AccountId, Arn};
use brevet_validator::policy::{self, Context, Decision, Policies, Policy, Query, Subject, Trace};
use brevet_validator::timestamp::Timestamp;
use brevet_validator::token::Federation;

use super::{Asked, Envelope, conditions};
use crate::service::denial::Denial;
use crate::service::directory::{OidcProvider, Snapshot};
use crate::service::error::Error;
use crate::service::federation::IdentityToken;

/// A verified web identity, in the account that trusts its issuer. Made only from a verified [`IdentityToken`].
#[derive(Clone, Debug)]
pub struct WebIdentity {
    token: IdentityToken,
    provider_id: String,
    snapshot: Arc<Snapshot>,
    subject: Subject,
    /// Keys of the request and of the token.
    context: Context,
    region: String,
    now: Timestamp,
}

impl WebIdentity {
    /// The holder of a token that was verified with the keys of `provider`, which is one of the snapshot's.
    pub fn new(
        token: IdentityToken,
        provider: &OidcProvider,
        snapshot: Arc<Snapshot>,
        envelope: &Envelope,
        region: &str,
        now: Timestamp,
    ) -> Self {
        let arn = provider.arn();
        let mut context = conditions::of_request(envelope, region, now);
        context.set("aws:FederatedProvider", arn.as_str());
        token.add_to(&mut context);
        let federated = Some(arn.to_string());
        let subject = Subject { account: provider.account, arn, role_or_user_arn: None, unique_id: None, federated };
        Self { token, provider_id: provider.id.clone(), snapshot, subject, context, region: region.to_owned(), now }
    }

    /// The token.
    pub fn token(&self) -> &IdentityToken {
        &self.token
    }

    /// Unique id of the provider whose keys verified the token.
    pub fn provider_id(&self) -> &str {
        &self.provider_id
    }

    /// The provider's ARN.
    pub fn provider_arn(&self) -> &Arn {
        &self.subject.arn
    }

    /// The account that trusts the issuer.
    pub fn account(&self) -> AccountId {
        self.subject.account
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

    /// A copy of its condition keys, to be completed with those of an operation.
    pub fn context(&self) -> Context {
        self.context.clone()
    }

    /// What a session made now carries of it.
    pub fn federation(&self) -> Federation {
        Federation {
            issuer: self.token.issuer().as_str().to_owned(),
            subject: self.token.subject().to_owned(),
            provider_id: self.provider_id.clone(),
        }
    }

    /// Whether a role's trust policy allows an action on it.
    pub fn decide_trust(&self, trust: &Policy, asked: &Asked<'_>) -> Decision {
        self.judge(policy::evaluate_trust, Some(trust), asked)
    }

    /// [`WebIdentity::decide_trust`], and why. No trust policy: there is no such role.
    pub fn explain_trust(&self, trust: Option<&Policy>, asked: &Asked<'_>) -> Trace {
        self.judge(policy::explain_trust, trust, asked)
    }

    /// `Not authorized to perform sts:AssumeRoleWithWebIdentity`. The caller's own subject and audience are told, because
    /// that is what people compare with the trust policy.
    pub fn denied(&self, action: &str, decision: Decision, denial: Denial) -> Error {
        let sentence = format!("Not authorized to perform {action}");
        Error::denied(decision.reason, sentence, denial.with_subject(self.token.subject(), self.token.audience()))
    }

    /// The refusal of a decision, as far as the holder of the token may know it.
    pub fn denial(&self, told: Trace, decision: Decision) -> Denial {
        let id = format!("{}:{}", self.token.issuer().provider_name(), self.token.subject());
        Denial::of(id, None, told, decision)
    }

    fn judge<T>(&self, rule: fn(&Policies<'_>, &Query<'_>) -> T, trust: Option<&Policy>, asked: &Asked<'_>) -> T {
        let Asked { action, resource, context } = *asked;
        let resource_account = resource.account().parse().ok();
        let policies = Policies { resource: trust, resource_account, ..Policies::default() };
        rule(&policies, &Query { subject: &self.subject, action, resource: resource.as_str(), context })
    }
}
