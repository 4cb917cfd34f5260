//! Which region and service belong to which zone.

use brevet_validator::token::{Zone, ZoneScope};

use crate::service::directory::Snapshot;

/// Whether the services of a zone are signed to with this region and service: those that a scoped zone names, and for
/// the default zone all that no scoped zone has, be that enabled or not. Those of the STS belong to no zone.
pub(in crate::service) fn covers(directory: &Snapshot, zone: &Zone, region: &str, service: &str) -> bool {
    let has = |scope: &ZoneScope| scope.region() == region && scope.services().iter().any(|own| own == service);
    match zone {
        Zone::Sts => false,
        Zone::Scoped(scoped) => has(scoped.scope()),
        Zone::Default => {
            let of_another = directory.zones().any(|entry| match &entry.zone {
                Zone::Scoped(scoped) => has(scoped.scope()),
                Zone::Sts | Zone::Default => false,
            });
            !of_another && !matches!(service, "sts" | "iam" | "brevet")
        }
    }
}
