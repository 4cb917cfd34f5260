//! What the box of a scoped zone holds: the last rung of the key ladder, for each of its services and each UTC date that
//! the session can touch. From it no other service's, region's or date's key can be made.

use std::mem;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::credential::{Lifetime, SecretKey};
use crate::secret::Secret;
use crate::signature::{DateKey, Scope, SigningKey};
use crate::timestamp::Timestamp;

use super::zone::ZoneScope;

/// How far a request's date may be from now, in seconds: a session can sign for a day that it does not reach itself.
const REQUEST_WINDOW: i64 = 15 * 60;
const DAY: i64 = 86_400;
const KEY: usize = 32;

/// The scopes that a session can sign for in one zone.
#[derive(Clone, Debug)]
pub struct CoveredScopes {
    zone: Arc<ZoneScope>,
    dates: Vec<String>,
}

impl CoveredScopes {
    pub(super) fn new(zone: &Arc<ZoneScope>, lifetime: Lifetime) -> Self {
        Self { zone: Arc::clone(zone), dates: session_dates(lifetime) }
    }

    /// Whether the zone has the region and service of a scope, and the session its date.
    pub fn contains(&self, scope: Scope<'_>) -> bool {
        self.index(scope).is_some()
    }

    /// Services in the zone's order, and for each the dates, earliest first.
    fn index(&self, scope: Scope<'_>) -> Option<usize> {
        if scope.region() != self.zone.region() {
            return None;
        }
        let service = self.zone.services().iter().position(|service| service == scope.service())?;
        let date = self.dates.iter().position(|date| date == scope.date())?;
        Some(service * self.dates.len() + date)
    }
}

/// The signing keys of one session in one zone.
#[derive(Clone, Debug)]
pub struct SigningKeys {
    covered: CoveredScopes,
    /// In the order of the covered scopes.
    keys: Secret<Vec<u8>>,
}

impl SigningKeys {
    /// From the content of a box, which has a key for each pair.
    pub(super) fn new(scope: &Arc<ZoneScope>, lifetime: Lifetime, mut keys: Zeroizing<Vec<u8>>) -> Option<Self> {
        let covered = CoveredScopes::new(scope, lifetime);
        let whole = keys.len() == scope.services().len() * covered.dates.len() * KEY;
        whole.then(|| Self { covered, keys: Secret::new(mem::take(&mut *keys)) })
    }

    /// The key for a scope, if the zone has its region and service, and the session its date.
    pub(super) fn find(&self, scope: Scope<'_>) -> Option<SigningKey> {
        let (keys, _) = self.keys.expose().as_chunks::<KEY>();
        keys.get(self.covered.index(scope)?).map(|key| SigningKey::from_bytes(*key))
    }
}

/// The content of a box: every key of a session in a zone.
pub(super) fn derive(scope: &ZoneScope, dates: &[DateKey]) -> Zeroizing<Vec<u8>> {
    // The full capacity at once: a buffer that grew would leave its old self behind.
    let mut keys = Zeroizing::new(Vec::with_capacity(scope.services().len() * dates.len() * KEY));
    let regions: Vec<_> = dates.iter().map(|date| date.region(scope.region())).collect();
    for service in scope.services() {
        for region in &regions {
            keys.extend_from_slice(region.service(service).signing().expose());
        }
    }
    keys
}

/// The tops of the ladders of a session.
pub(super) fn date_keys(secret: &SecretKey, lifetime: Lifetime) -> Vec<DateKey> {
    session_dates(lifetime).iter().map(|date| DateKey::derive(secret, date)).collect()
}

/// `YYYYMMDD` of every UTC date that requests of a session can bear: from a quarter of an hour before its issue to as long
/// after its end, earliest first.
pub fn session_dates(lifetime: Lifetime) -> Vec<String> {
    let first = lifetime.issued_at.saturating_add(-REQUEST_WINDOW).unix() / DAY;
    let last = lifetime.expires_at.saturating_add(REQUEST_WINDOW).unix() / DAY;
    (first..=last).filter_map(|day| Timestamp::from_unix(day * DAY)).map(Timestamp::to_scope_date).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn between(issued_at: &str, expires_at: &str) -> Vec<String> {
        let time = |text| Timestamp::parse_iso(text).unwrap();
        session_dates(Lifetime { issued_at: time(issued_at), expires_at: time(expires_at) })
    }

    #[test]
    fn a_session_has_the_dates_that_its_requests_can_bear() {
        assert_eq!(between("2026-01-15T12:00:00Z", "2026-01-15T13:00:00Z"), ["20260115"]);
        assert_eq!(between("2026-01-15T00:14:59Z", "2026-01-15T01:00:00Z"), ["20260114", "20260115"]);
        assert_eq!(between("2026-01-15T00:15:00Z", "2026-01-15T23:44:59Z"), ["20260115"]);
        assert_eq!(between("2026-12-31T12:00:00Z", "2026-12-31T23:45:00Z"), ["20261231", "20270101"]);
        assert_eq!(between("2026-01-15T22:00:00Z", "2026-01-17T10:00:00Z"), ["20260115", "20260116", "20260117"]);
        assert_eq!(between("1970-01-01T00:00:00Z", "1970-01-01T00:15:00Z"), ["19700101"]);
        assert_eq!(between("9999-12-31T12:00:00Z", "9999-12-31T23:59:59Z"), ["99991231"]);
    }
}
