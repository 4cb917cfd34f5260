//! What the owner of a long-lived key may do, by the policies that came with its signing key.

use crate::identity::{AccountId, Arn, Principal};
use crate::policy::{self, Context, Decision, InvalidDocument, Kind, Policies, Policy, Query, Subject};

/// A user or an account's root, with the policies that were in force when the key was asked for.
#[derive(Clone, Debug)]
pub struct CallerPolicies {
    principal: Principal,
    subject: Subject,
    tags: Vec<(String, String)>,
    identity: Vec<Policy>,
    boundary: Option<Policy>,
}

/// What came with a key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidCaller {
    /// Sessions have no long-lived keys.
    #[error("a long-lived key belongs to a user or to root")]
    Session,
    /// A policy that is none, or of a later version.
    #[error(transparent)]
    Policy(#[from] InvalidDocument),
}

impl CallerPolicies {
    /// Compiles the documents of a user, or none for root. `tags` are those of the user.
    pub fn new(
        principal: Principal,
        tags: Vec<(String, String)>,
        identity: &[String],
        boundary: Option<&str>,
    ) -> Result<Self, InvalidCaller> {
        let unique_id = match &principal {
            Principal::Root { .. } => None,
            Principal::User { id, .. } => Some(*id),
            Principal::RoleSession { .. } | Principal::FederatedUser { .. } => return Err(InvalidCaller::Session),
        };
        let (account, arn) = (principal.account(), principal.arn());
        Ok(Self {
            subject: Subject { account, arn, role_or_user_arn: None, unique_id, federated: None },
            principal,
            tags,
            identity: identity.iter().map(|text| Policy::parse(text, Kind::Identity)).collect::<Result<_, _>>()?,
            boundary: boundary.map(|text| Policy::parse(text, Kind::Identity)).transpose()?,
        })
    }

    /// Whose they are.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// The condition keys of the caller, such as `aws:username`, `aws:PrincipalArn` and `aws:PrincipalTag/…`. The service
    /// adds those of the request: `aws:SourceIp`, `aws:CurrentTime` and its own.
    pub fn context(&self) -> Context {
        let mut context = Context::default();
        self.complete(&mut context);
        context
    }

    /// Sets the caller's keys, whatever was there.
    fn complete(&self, context: &mut Context) {
        context.set("aws:PrincipalAccount", self.subject.account.as_str());
        context.set("aws:PrincipalArn", self.subject.arn.as_str());
        context.set("aws:userid", self.principal.user_id());
        match &self.principal {
            Principal::User { name, .. } => {
                context.set("aws:PrincipalType", "User");
                context.set("aws:username", name.as_str());
            }
            _ => context.set("aws:PrincipalType", "Account"),
        }
        for (key, value) in &self.tags {
            context.set(&format!("aws:PrincipalTag/{key}"), value.as_str());
        }
    }

    /// Whether the caller's own policies allow an action on a resource: identity policies within the boundary, and
    /// everything for root. A resource whose ARN names another account is denied, for its owner has to allow that, too. Of
    /// one that names none, as S3's, the caller's account is taken to be the owner: ask whose it is first. The caller's own
    /// keys are set over those in `context`.
    pub fn decide(&self, action: &str, resource: &Arn, context: &Context) -> Decision {
        let identity: Vec<&Policy> = self.identity.iter().collect();
        let mut context = context.clone();
        self.complete(&mut context);
        let policies = Policies {
            identity: &identity,
            boundary: self.boundary.as_ref(),
            resource_account: owner(resource),
            ..Policies::default()
        };
        policy::evaluate(
            &policies,
            &Query { subject: &self.subject, action, resource: resource.as_str(), context: &context },
        )
    }
}

/// Whose a resource is, if its ARN says so. An account that cannot be is nobody's, and not the caller's.
fn owner(resource: &Arn) -> Option<AccountId> {
    let account = resource.account();
    if account.is_empty() { None } else { account.parse().ok().or_else(|| AccountId::from_number(0)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::{UniqueId, UniqueIdKind};
    use crate::policy::Effect;

    fn account() -> AccountId {
        "123456789012".parse().unwrap()
    }

    fn user() -> Principal {
        let id = UniqueId::from_random(UniqueIdKind::User, [1; 17]);
        Principal::User { account: account(), path: "/".into(), name: "ada".into(), id }
    }

    fn allow(action: &str, more: &str) -> String {
        let statement = format!(r#"{{"Effect":"Allow","Action":"{action}","Resource":"*"{more}}}"#);
        format!(r#"{{"Version":"2012-10-17","Statement":{statement}}}"#)
    }

    fn effect(caller: &CallerPolicies, action: &str, resource: &str) -> Effect {
        caller.decide(action, &resource.parse().unwrap(), &caller.context()).effect
    }

    #[test]
    fn a_user_may_do_what_identity_policies_and_boundary_both_allow() {
        let policies = [allow("queue:*", ""), allow("s3:Get*", "")];
        let free = CallerPolicies::new(user(), vec![], &policies, None).unwrap();
        let bound = CallerPolicies::new(user(), vec![], &policies, Some(&allow("s3:*", ""))).unwrap();
        let bucket = "arn:aws:s3:::bucket/key";
        assert_eq!(effect(&free, "s3:GetObject", bucket), Effect::Allow);
        assert_eq!(effect(&free, "queue:Send", bucket), Effect::Allow);
        assert_eq!(effect(&free, "s3:PutObject", bucket), Effect::ImplicitDeny);
        assert_eq!(effect(&bound, "s3:GetObject", bucket), Effect::Allow);
        assert_eq!(effect(&bound, "queue:Send", bucket), Effect::ImplicitDeny);
        assert_eq!(effect(&free, "queue:Send", "arn:aws:queue:r:123456789012:q"), Effect::Allow);
        for foreign in ["210987654321", "12345678901", "*"] {
            let queue = format!("arn:aws:queue:r:{foreign}:q");
            assert_eq!(effect(&free, "queue:Send", &queue), Effect::ImplicitDeny, "{queue}");
        }
    }

    #[test]
    fn what_the_service_gives_of_the_caller_or_forgets_to_changes_nothing() {
        let denied =
            r#"{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:username":"ada"}}}"#;
        let policies = [allow("s3:*", ""), format!(r#"{{"Version":"2012-10-17","Statement":{denied}}}"#)];
        let caller = CallerPolicies::new(user(), vec![], &policies, None).unwrap();
        let mut other = Context::default();
        other.set("aws:username", "eve");
        for context in [Context::default(), other] {
            let decision = caller.decide("s3:GetObject", &"arn:aws:s3:::b".parse().unwrap(), &context);
            assert_eq!(decision.effect, Effect::ExplicitDeny);
        }
    }

    #[test]
    fn root_may_do_everything_and_a_user_without_policies_nothing() {
        let root = CallerPolicies::new(Principal::Root { account: account() }, vec![], &[], None).unwrap();
        assert_eq!(effect(&root, "s3:PutObject", "arn:aws:s3:::bucket"), Effect::Allow);
        let bare = CallerPolicies::new(user(), vec![], &[], None).unwrap();
        assert_eq!(effect(&bare, "s3:PutObject", "arn:aws:s3:::bucket"), Effect::ImplicitDeny);
    }

    #[test]
    fn conditions_see_the_caller_and_its_tags() {
        let condition = r#","Condition":{"StringEquals":{"aws:PrincipalTag/team":"red","aws:username":"ada"}}"#;
        let policies = [allow("s3:*", condition)];
        let tagged = |team: &str| {
            let tags = vec![("Team".to_owned(), team.to_owned())];
            CallerPolicies::new(user(), tags, &policies, None).unwrap()
        };
        assert_eq!(effect(&tagged("red"), "s3:GetObject", "arn:aws:s3:::b"), Effect::Allow);
        assert_eq!(effect(&tagged("blue"), "s3:GetObject", "arn:aws:s3:::b"), Effect::ImplicitDeny);
    }

    #[test]
    fn what_is_no_policy_or_no_owner_is_refused() {
        let bad = CallerPolicies::new(user(), vec![], &["{}".to_owned()], None);
        assert!(matches!(bad, Err(InvalidCaller::Policy(_))));
        let boundary = CallerPolicies::new(user(), vec![], &[], Some(""));
        assert!(matches!(boundary, Err(InvalidCaller::Policy(_))));
        let federated = Principal::FederatedUser { account: account(), name: "bob".parse().unwrap(), user: None };
        assert!(matches!(CallerPolicies::new(federated, vec![], &[], None), Err(InvalidCaller::Session)));
    }
}
