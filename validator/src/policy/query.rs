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
    /// Whoever has an ARN of this form, as far as the ARN tells: a user, root, a session of a role, a federated user; the
    /// ARN of a role stands for a session of it. `None` for any other.
    ///
    /// What an ARN does not tell is left out: unique ids, the path of a session's role, the user behind a federated one.
    pub fn named(arn: &Arn) -> Option<Self> {
        let account: AccountId = arn.account().parse().ok()?;
        let session_of = |role: &str| Arn::new("sts", "", Some(account), &format!("assumed-role/{role}/session"));
        let role = |name: &str| Arn::new("iam", "", Some(account), &format!("role/{name}"));
        let (kind, rest) = arn.resource().split_once('/').unwrap_or((arn.resource(), ""));
        let (arn, role_or_user_arn) = match (arn.service(), kind, rest) {
            ("iam", "root", "") => (arn.clone(), None),
            ("iam", "user", name) if !name.is_empty() => (arn.clone(), None),
            ("iam", "role", name) if !name.is_empty() => {
                (session_of(name.rsplit('/').next().unwrap_or(name)), Some(arn.clone()))
            }
            ("sts", "assumed-role", rest) => {
                let (name, session) = rest.split_once('/')?;
                (!name.is_empty() && !session.is_empty()).then(|| (arn.clone(), Some(role(name))))?
            }
            ("sts", "federated-user", name) if !name.is_empty() => (arn.clone(), None),
            _ => return None,
        };
        Some(Self { account, arn, role_or_user_arn, unique_id: None, federated: None })
    }

    /// The user, role or root whose policies are the caller's.
    pub(super) fn entity(&self) -> &Arn {
        self.role_or_user_arn.as_ref().unwrap_or(&self.arn)
    }

    /// Whether all that the caller may do is root's to give.
    pub fn is_root(&self) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn named(arn: &str) -> Option<(String, Option<String>)> {
        let subject = Subject::named(&arn.parse().unwrap())?;
        Some((subject.arn.to_string(), subject.role_or_user_arn.map(|arn| arn.to_string())))
    }

    #[test]
    fn an_arn_tells_who_acts() {
        for itself in ["iam::123456789012:user/ops/ada", "iam::123456789012:root", "sts::123456789012:federated-user/f"]
        {
            assert_eq!(named(&format!("arn:aws:{itself}")), Some((format!("arn:aws:{itself}"), None)));
        }
        let session = "arn:aws:sts::123456789012:assumed-role/ci/run-7".to_owned();
        assert_eq!(named(&session), Some((session, Some("arn:aws:iam::123456789012:role/ci".to_owned()))));
        let role = "arn:aws:iam::123456789012:role/team/ci".to_owned();
        assert_eq!(named(&role), Some(("arn:aws:sts::123456789012:assumed-role/ci/session".to_owned(), Some(role))));
        for other in ["iam::123456789012:policy/p", "s3:::bucket", "sts::123456789012:assumed-role/ci", "iam::1:user/a"]
        {
            assert_eq!(named(&format!("arn:aws:{other}")), None, "{other}");
        }
    }
}
