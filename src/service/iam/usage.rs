//! Who uses a managed policy. Counted when asked for: one pass over the account's users and roles.

use std::collections::HashMap;

use brevet_validator::identity::AccountId;

use super::owner::Owner;
use crate::service::directory::{Grants, Role, Snapshot, User};

/// How a managed policy is used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Use {
    Attached,
    Boundary,
}

/// `PolicyUsageFilter`
pub(super) const FILTERS: [(&str, Use); 2] =
    [("PermissionsPolicy", Use::Attached), ("PermissionsBoundary", Use::Boundary)];

/// How often a policy is used in each way.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Count {
    pub(super) attached: usize,
    pub(super) boundary: usize,
}

impl Count {
    /// Whether the policy is used: in this way, or in any.
    pub(super) fn has(self, way: Option<Use>) -> bool {
        match way {
            Some(Use::Attached) => self.attached > 0,
            Some(Use::Boundary) => self.boundary > 0,
            None => self.attached + self.boundary > 0,
        }
    }
}

/// Of every policy that is used in the account, by ARN.
pub(super) fn counts(snapshot: &Snapshot, account: AccountId) -> HashMap<&str, Count> {
    let mut counts: HashMap<&str, Count> = HashMap::new();
    for grants in all_grants(snapshot, account) {
        for arn in &grants.attached {
            counts.entry(arn).or_default().attached += 1;
        }
        if let Some(arn) = &grants.boundary {
            counts.entry(arn).or_default().boundary += 1;
        }
    }
    counts
}

/// Of one policy.
pub(super) fn count(snapshot: &Snapshot, account: AccountId, arn: &str) -> Count {
    let mut count = Count::default();
    for grants in all_grants(snapshot, account) {
        count.attached += usize::from(uses(grants, arn, Some(Use::Attached)));
        count.boundary += usize::from(uses(grants, arn, Some(Use::Boundary)));
    }
    count
}

/// Whether an owner of grants uses a policy: in this way, or in any.
pub(super) fn uses(grants: &Grants, arn: &str, way: Option<Use>) -> bool {
    let attached = || grants.attached.iter().any(|attached| attached == arn);
    let boundary = || grants.boundary.as_deref() == Some(arn);
    match way {
        Some(Use::Attached) => attached(),
        Some(Use::Boundary) => boundary(),
        None => attached() || boundary(),
    }
}

fn all_grants(snapshot: &Snapshot, account: AccountId) -> impl Iterator<Item = &Grants> {
    let users = snapshot.users(account).map(<User as Owner>::grants);
    users.chain(snapshot.roles(account).map(<Role as Owner>::grants))
}
