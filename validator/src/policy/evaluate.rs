//! The combination: what the policies that bear on a query decide together.
//!
//! All policies are asked first ([`Findings`]); the two kinds of decision are then plain functions of the answers. Each
//! rule names the page of AWS's [Policy evaluation logic][1] that it is from.
//!
//! [1]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html

use std::fmt;

use serde::{Deserialize, Serialize};

use super::compiled::{Policy, ResourceVerdict, Verdict};
use super::principal::Naming;
use super::query::{Policies, Query};

/// Outcome.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Effect {
    /// Allowed, and denied by nothing.
    Allow,
    /// A statement denies it.
    ExplicitDeny,
    /// Nothing allows it.
    ImplicitDeny,
}

/// Stable reason codes of denials; part of the public contract.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum Reason {
    /// Allowed.
    Allowed,
    /// `EXPLICIT_DENY`
    ExplicitDeny,
    /// `NO_MATCHING_ALLOW`: no identity (or resource) policy allows it.
    NoMatchingAllow,
    /// `BOUNDARY`: the permission boundary does not allow it.
    Boundary,
    /// `SESSION_POLICY`: the session policies do not allow it.
    SessionPolicy,
    /// `TRUST_NOT_SATISFIED`: the trust policy does not allow it.
    TrustNotSatisfied,
}

impl Reason {
    /// The code as the wires carry it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "ALLOWED",
            Self::ExplicitDeny => "EXPLICIT_DENY",
            Self::NoMatchingAllow => "NO_MATCHING_ALLOW",
            Self::Boundary => "BOUNDARY",
            Self::SessionPolicy => "SESSION_POLICY",
            Self::TrustNotSatisfied => "TRUST_NOT_SATISFIED",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A decision.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Decision {
    /// Allow or deny.
    pub effect: Effect,
    /// Why.
    pub reason: Reason,
}

impl Decision {
    const ALLOW: Self = Self { effect: Effect::Allow, reason: Reason::Allowed };

    fn explicit(reason: Reason) -> Self {
        Self { effect: Effect::ExplicitDeny, reason }
    }

    fn implicit(reason: Reason) -> Self {
        Self { effect: Effect::ImplicitDeny, reason }
    }
}

/// Decides by identity, resource, boundary and session policies, as AWS documents for one and for two accounts.
///
/// 1. An explicit deny anywhere denies ([enforcement][deny]).
/// 2. In one account, an identity policy or the resource's policy must allow ([one account][one]).
/// 3. What the [boundary][boundary] and the [session policies][session] do not allow is denied, unless the resource's
///    policy names the caller itself (its [user][user], [session][role-session] or [federated-user][federated-user] ARN) or
///    everyone. If it names the [role][role] or user behind a session, they still narrow.
/// 4. If the resource's policy names only the [account][account], the caller's own policies must allow.
/// 5. [Across accounts][across], the resource's policy must allow, and so must the caller's identity policies, boundary and
///    session policies.
/// 6. [Root][default]'s own policies allow everything, for it can have none.
/// 7. A federated user [without session policies][federation] has no permissions but those that a resource's policy gives
///    it.
///
/// [deny]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
/// [one]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics.html
/// [boundary]: https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html#access_policies_boundaries-eval-logic
/// [session]: https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session
/// [user]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-users
/// [role-session]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-role-session
/// [federated-user]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#sts-session-principals
/// [role]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-roles
/// [account]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-accounts
/// [across]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html#policy-eval-cross-account
/// [default]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
/// [federation]: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_getfederationtoken.html
pub fn evaluate(policies: &Policies<'_>, query: &Query<'_>) -> Decision {
    let findings = Findings::of(policies, query);
    if findings.caller_denied || findings.resource == ResourceVerdict::Deny {
        return Decision::explicit(Reason::ExplicitDeny);
    }
    let same_account = match policies.resource_account {
        Some(account) => account == query.subject.account,
        None => policies.resource.is_none(),
    };
    match (same_account, findings.resource) {
        (true, ResourceVerdict::Allow(Naming::Caller)) => Decision::ALLOW,
        (true, ResourceVerdict::Allow(Naming::Entity)) => findings.narrow(true),
        (true, _) | (false, ResourceVerdict::Allow(_)) => findings.narrow(findings.identity_allows),
        (false, _) => Decision::implicit(Reason::NoMatchingAllow),
    }
}

/// Decides `sts:AssumeRole…` and its companions (`sts:TagSession`, `sts:SetSourceIdentity`): the trust policy must
/// allow; where it names only the caller's account, or the caller is of another account, the caller's own
/// policies must allow too. `policies.resource` is the trust policy.
///
/// 1. An explicit deny of the caller's policies denies ([enforcement][deny]).
/// 2. The [trust policy][trust] must allow and not deny, or the reason is [`Reason::TrustNotSatisfied`], whichever it was. No
///    trust policy at all gives the same answer, so that a caller cannot tell an absent role from one that refuses.
/// 3. A [web identity][web] needs nothing else.
/// 4. In the role's account (`policies.resource_account`), the trust policy acts as a [resource's policy][assume]: one that
///    names the caller itself or everyone suffices; one that names the caller's role or user is narrowed by its
///    [boundary][boundary] and [session policies][session]; one that names the [account][account] leaves it to the caller's
///    own policies.
/// 5. [Across accounts][across], the caller's own policies must allow.
///
/// [deny]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
/// [trust]: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_terms-and-concepts.html
/// [web]: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
/// [assume]: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
/// [boundary]: https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html#access_policies_boundaries-eval-logic
/// [session]: https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session
/// [account]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-accounts
/// [across]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html#policy-eval-cross-account
pub fn evaluate_trust(policies: &Policies<'_>, query: &Query<'_>) -> Decision {
    let findings = Findings::of(policies, query);
    if findings.caller_denied {
        return Decision::explicit(Reason::ExplicitDeny);
    }
    let naming = match findings.resource {
        ResourceVerdict::Allow(naming) => naming,
        ResourceVerdict::Deny => return Decision::explicit(Reason::TrustNotSatisfied),
        ResourceVerdict::Silent => return Decision::implicit(Reason::TrustNotSatisfied),
    };
    if query.subject.federated.is_some() {
        return Decision::ALLOW;
    }
    match (policies.resource_account == Some(query.subject.account), naming) {
        (true, Naming::Caller) => Decision::ALLOW,
        (true, Naming::Entity) => findings.narrow(true),
        (true, Naming::Account) | (false, _) => findings.narrow(findings.identity_allows),
    }
}

/// What each policy says of one query.
struct Findings {
    /// An identity policy, the boundary or a session policy denies.
    caller_denied: bool,
    identity_allows: bool,
    /// True without a boundary.
    boundary_allows: bool,
    /// True without session policies.
    session_allows: bool,
    resource: ResourceVerdict,
}

impl Findings {
    fn of(policies: &Policies<'_>, query: &Query<'_>) -> Self {
        let identity = any(policies.identity, query);
        let boundary = policies.boundary.map(|policy| policy.verdict(query));
        let session = policies.session.map(|session| any(session, query));
        let resource = policies
            .resource
            .map_or(ResourceVerdict::Silent, |policy| policy.resource_verdict(query, policies.boundary.is_some()));
        Self {
            caller_denied: [Some(identity), boundary, session].contains(&Some(Verdict::Deny)),
            identity_allows: identity == Verdict::Allow || query.subject.is_root(),
            boundary_allows: boundary.is_none_or(|verdict| verdict == Verdict::Allow),
            session_allows: match session {
                Some(verdict) => verdict == Verdict::Allow,
                None => !query.subject.is_federated_user(),
            },
            resource,
        }
    }

    /// Lets the boundary and the session policies narrow what was granted.
    fn narrow(&self, granted: bool) -> Decision {
        if !granted {
            Decision::implicit(Reason::NoMatchingAllow)
        } else if !self.boundary_allows {
            Decision::implicit(Reason::Boundary)
        } else if !self.session_allows {
            Decision::implicit(Reason::SessionPolicy)
        } else {
            Decision::ALLOW
        }
    }
}

/// What several policies of one type say together: any deny denies, else any allow allows.
fn any(policies: &[&Policy], query: &Query<'_>) -> Verdict {
    let mut together = Verdict::Silent;
    for policy in policies {
        match policy.verdict(query) {
            Verdict::Deny => return Verdict::Deny,
            Verdict::Allow => together = Verdict::Allow,
            Verdict::Silent => {}
        }
    }
    together
}
