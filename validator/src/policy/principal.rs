//! The `Principal` and `NotPrincipal` elements: whom a statement speaks of.
//!
//! See [AWS JSON policy elements: Principal][1].
//!
//! [1]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html

use super::document::{PrincipalKind, Principals, Verb};
use super::element::Element;
use super::error::{Fault, quote};
use super::json::Text;
use super::query::Subject;
use crate::identity::{AccountId, Arn, UniqueId, UniqueIdKind};

/// How directly a statement names the caller, from the least to the most.
///
/// In one account this decides what else must allow; see [Policy evaluation logic][1], "Resource-based policies".
///
/// [1]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Naming {
    /// The account: it delegates, and the caller's own policies must allow.
    Account,
    /// The role or user behind a session: its boundary and session policies still narrow.
    Entity,
    /// The caller itself, or everyone: nothing narrows but an explicit deny.
    Caller,
}

/// A compiled `Principal` or `NotPrincipal`.
#[derive(Clone, Debug)]
pub(super) struct PrincipalElement {
    pub(super) negated: bool,
    principals: Vec<Principal>,
}

#[derive(Clone, Debug)]
enum Principal {
    Everyone,
    /// An account, and the partition if it was written as an ARN.
    Account {
        id: AccountId,
        arn: Option<Arn>,
    },
    Arn {
        arn: Arn,
        /// Whom the ARN meant when the policy was written, if that is known: see [`PrincipalElement::bind`].
        id: Option<UniqueId>,
    },
    UniqueId(UniqueId),
    Federated(String),
    /// AWS services and S3's canonical users: none of them calls a Brevet service.
    Stranger,
}

impl PrincipalElement {
    pub(super) fn compile(element: &Element<Principals>) -> Result<Self, Fault> {
        let principals = match &element.value {
            Principals::Everyone => vec![Principal::Everyone],
            Principals::Listed(listed) => {
                listed.iter().map(|(kind, text)| Principal::parse(*kind, text)).collect::<Result<_, _>>()?
            }
        };
        Ok(Self { negated: element.negated, principals })
    }

    /// How the element names the subject; `None` if it does not.
    ///
    /// `NotPrincipal` names everyone whom none of its principals names: in an Allow in any way, in a Deny by a name of
    /// the caller's own. For an account that is listed beside one of its users, as [AWS advises][1], spares none of its
    /// others.
    ///
    /// [1]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
    pub(super) fn names(&self, subject: &Subject, verb: Verb) -> Option<Naming> {
        let strongest = self.principals.iter().filter_map(|principal| principal.names(subject)).max();
        match (self.negated, strongest) {
            (false, naming) => naming,
            (true, None) => Some(Naming::Caller),
            (true, Some(Naming::Account)) if verb == Verb::Deny && !subject.is_root() => Some(Naming::Caller),
            (true, Some(_)) => None,
        }
    }
}

impl PrincipalElement {
    /// Binds ARNs of users, roles and sessions to the unique ids of whom they mean now.
    pub(super) fn bind(&mut self, find: &impl Fn(&Arn) -> Option<UniqueId>) {
        for principal in &mut self.principals {
            if let Principal::Arn { arn, id } = principal {
                *id = find(arn);
            }
        }
    }

    /// The ARNs that are bound, and to whom.
    pub(super) fn bindings(&self) -> impl Iterator<Item = (&Arn, UniqueId)> {
        self.principals.iter().filter_map(|principal| match principal {
            Principal::Arn { arn, id: Some(id) } => Some((arn, *id)),
            _ => None,
        })
    }
}

impl Principal {
    fn parse(kind: PrincipalKind, text: &Text) -> Result<Self, Fault> {
        let name = text.value.as_str();
        let fault = |message: String| Err(Fault::new(text.at, message));
        if kind == PrincipalKind::Aws && name == "*" {
            return Ok(Self::Everyone);
        }
        if name.contains(['*', '?']) {
            return fault(format!("{} has a wildcard: a principal is named in full, or is `*`", quote(name)));
        }
        if name.is_empty() || name.contains("${") || name.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return fault(format!("{} is not a principal", quote(name)));
        }
        match kind {
            PrincipalKind::Federated => Ok(Self::Federated(name.to_owned())),
            PrincipalKind::Service | PrincipalKind::CanonicalUser => Ok(Self::Stranger),
            PrincipalKind::Aws => match Self::parse_aws(name) {
                Some(principal) => Ok(principal),
                None => fault(format!(
                    "{} is not a principal: an account id, the ARN of an account's root, user, role or session, a user's \
                     or role's unique id, or `*` is expected",
                    quote(name)
                )),
            },
        }
    }

    fn parse_aws(name: &str) -> Option<Self> {
        if let Ok(id) = name.parse::<AccountId>() {
            return Some(Self::Account { id, arn: None });
        }
        if let Ok(id) = name.parse::<UniqueId>() {
            return matches!(id.kind(), UniqueIdKind::User | UniqueIdKind::Role).then_some(Self::UniqueId(id));
        }
        let arn: Arn = name.parse().ok()?;
        let id: AccountId = arn.account().parse().ok()?;
        let (kind, rest) = arn.resource().split_once('/').unwrap_or((arn.resource(), ""));
        match (arn.service(), kind) {
            _ if !arn.region().is_empty() => None,
            ("iam", "root") if rest.is_empty() && arn.resource() == "root" => {
                Some(Self::Account { id, arn: Some(arn) })
            }
            ("iam", "user" | "role") | ("sts", "federated-user") if !rest.is_empty() => {
                Some(Self::Arn { arn, id: None })
            }
            ("sts", "assumed-role")
                if rest.split_once('/').is_some_and(|(role, s)| !role.is_empty() && !s.is_empty()) =>
            {
                Some(Self::Arn { arn, id: None })
            }
            _ => None,
        }
    }

    fn names(&self, subject: &Subject) -> Option<Naming> {
        if let Some(provider) = &subject.federated {
            // A web identity has proved its provider's word and nothing else.
            let named = match self {
                Self::Everyone => true,
                Self::Federated(name) => name == provider,
                Self::Account { .. } | Self::Arn { .. } | Self::UniqueId(_) | Self::Stranger => false,
            };
            return named.then_some(Naming::Caller);
        }
        match self {
            Self::Everyone => Some(Naming::Caller),
            Self::Account { arn: Some(root), .. } if *root == subject.arn => Some(Naming::Caller),
            Self::Account { id, arn } => {
                let same_partition = arn.as_ref().is_none_or(|arn| arn.partition() == subject.arn.partition());
                (*id == subject.account && same_partition).then_some(Naming::Account)
            }
            // A session is named by name, and only of the role that had it.
            Self::Arn { arn, id } if arn.service() == "sts" => {
                let same = id.is_none() || *id == subject.unique_id;
                (*arn == subject.arn && same).then_some(Naming::Caller)
            }
            Self::Arn { arn, id: None } if *arn == subject.arn => Some(Naming::Caller),
            Self::Arn { arn, id: None } => (subject.role_or_user_arn.as_ref() == Some(arn)).then_some(Naming::Entity),
            Self::UniqueId(id) | Self::Arn { id: Some(id), .. } if subject.unique_id.as_ref() == Some(id) => {
                Some(if subject.role_or_user_arn.is_some() { Naming::Entity } else { Naming::Caller })
            }
            Self::UniqueId(_) | Self::Arn { .. } | Self::Federated(_) | Self::Stranger => None,
        }
    }
}
