//! What is asked, by whom, and the policies that bear on it.

use super::compiled::Policy;
use super::context::Context;
use crate::identity::{AccountId, Arn, UniqueId};

/// Everything that a `Principal` element can name about who asks.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The caller's account.
    pub account: AccountId,
    /// The caller's own ARN: user, `…:root`, assumed-role session or federated-user session.
    pub arn: Arn,
    /// For a role session the role's ARN (with path); for a federated user the ARN of the user who asked (of root, if
    /// root asked). `None` for a user and for root.
    pub role_or_user_arn: Option<Arn>,
    /// Unique ids that a stored principal may name: of the user, or of the role.
    pub unique_id: Option<UniqueId>,
    /// For web identities: the provider's ARN or name (`Federated` principals). `None` for AWS principals.
    ///
    /// A web identity is named by `Federated` and by `*` alone: what it has not proved, such as an account, never
    /// matches.
    pub federated: Option<String>,
}

impl Subject {
    /// The user, role or root whose policies are the caller's.
    pub(super) fn entity(&self) -> &Arn {
        self.role_or_user_arn.as_ref().unwrap_or(&self.arn)
    }

    /// Whether all that the caller may do is root's to give.
    pub(super) fn is_root(&self) -> bool {
        self.federated.is_none() && self.entity().service() == "iam" && self.entity().resource() == "root"
    }

    /// Whether this is a session of GetFederationToken.
    pub(super) fn is_federated_user(&self) -> bool {
        self.arn.service() == "sts" && self.arn.resource().starts_with("federated-user/")
    }
}

/// One question.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// Who asks.
    pub subject: &'a Subject,
    /// `sts:AssumeRole`, …
    pub action: &'a str,
    /// ARN of what is acted on.
    pub resource: &'a str,
    /// Condition keys.
    pub context: &'a Context,
}

/// The policies that bear on a question.
#[derive(Clone, Copy, Debug, Default)]
pub struct Policies<'a> {
    /// Of the user or role: inline and managed.
    pub identity: &'a [&'a Policy],
    /// Permission boundary: can only narrow.
    pub boundary: Option<&'a Policy>,
    /// Session policies: `None` when the session has none; `Some(&[])` allows nothing. Can only narrow.
    pub session: Option<&'a [&'a Policy]>,
    /// The resource's policy, or the role's trust policy.
    pub resource: Option<&'a Policy>,
    /// The account that owns the resource. If it is not known, a resource policy cannot allow alone.
    pub resource_account: Option<AccountId>,
}
