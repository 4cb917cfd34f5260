//! Zones and their records.

use brevet_validator::token::{ScopedZone, Zone, ZoneScope};

use super::{Read, time};
use crate::service::directory::entity::ZoneEntry;
use crate::store::records;

pub(in crate::service::directory) fn zone(content: &[u8]) -> Read<ZoneEntry> {
    let r: records::Zone = records::decode(content)?;
    let zone = match r.name.as_str() {
        "default" if r.id.is_empty() && r.region.is_empty() && r.services.is_empty() && !r.online => Zone::Default,
        _ => {
            let id = r.id.try_into().map_err(|_| "bad zone id".to_owned())?;
            let scope = ZoneScope::new(r.region, r.services).map_err(|error| error.to_string())?;
            let zone = ScopedZone::new(r.name, id, scope).map_err(|error| error.to_string())?;
            Zone::Scoped(zone.online(r.online))
        }
    };
    Ok(ZoneEntry { zone, created_at: time(r.created_at)?, disabled: r.disabled })
}

pub(in crate::service::directory) fn zone_record(entry: &ZoneEntry) -> records::Zone {
    let scoped = match &entry.zone {
        Zone::Sts | Zone::Default => None,
        Zone::Scoped(scoped) => Some(scoped),
    };
    records::Zone {
        name: entry.zone.name().to_owned(),
        id: scoped.map(|zone| zone.id().to_vec()).unwrap_or_default(),
        region: scoped.map(|zone| zone.scope().region().to_owned()).unwrap_or_default(),
        services: scoped.map(|zone| zone.scope().services().to_vec()).unwrap_or_default(),
        created_at: entry.created_at.unix(),
        disabled: entry.disabled,
        online: scoped.is_some_and(ScopedZone::is_online),
    }
}
