//! Zones: groups of resource services that share one key for the boxes of tokens.

use std::collections::HashSet;

/// Whose box a token carries.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Zone {
    /// Reserved: the STS itself. Its key never leaves it.
    Sts,
    /// The zone that names no services: its box holds the secret key.
    Default,
    /// A zone that names its services: its box holds their signing keys, and nothing else can be made of them.
    Scoped(ScopedZone),
}

/// A zone with a region and services of its own.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct ScopedZone {
    name: String,
    id: [u8; 16],
    scope: ZoneScope,
    online: bool,
}

/// The region and the services that a scoped zone checks signatures for.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct ZoneScope {
    region: String,
    services: Vec<String>,
}

/// A zone that must not be.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidZone {
    /// Not 1 to 64 of `[a-z0-9-]`.
    #[error("the name of a zone has 1 to 64 characters of a-z, 0-9 and -")]
    Name,
    /// `sts` or `default`.
    #[error("the zones sts and default are reserved")]
    ReservedName,
    /// Not 1 to 64 of `[a-z0-9-]`.
    #[error("a region has 1 to 64 characters of a-z, 0-9 and -")]
    Region,
    /// None, too many, or one twice.
    #[error("a zone has 1 to 64 services, each once")]
    Services,
    /// Not 1 to 64 of `[a-z0-9-]`.
    #[error("a service has 1 to 64 characters of a-z, 0-9 and -")]
    Service,
    /// A key for one of these would be good at the STS.
    #[error("no zone can have the services sts, iam and brevet")]
    ReservedService,
}

impl Zone {
    /// What bundles call the zone.
    pub fn name(&self) -> &str {
        match self {
            Self::Sts => "sts",
            Self::Default => "default",
            Self::Scoped(zone) => &zone.name,
        }
    }
}

impl ScopedZone {
    /// `id` is random, so that a zone made again under the same name has other keys.
    pub fn new(name: String, id: [u8; 16], scope: ZoneScope) -> Result<Self, InvalidZone> {
        check_name(&name)?;
        Ok(Self { name, id, scope, online: false })
    }

    /// Makes it a zone for which tokens have no box: its validators ask for the keys of each session.
    #[must_use]
    pub fn online(self, online: bool) -> Self {
        Self { online, ..self }
    }

    /// Never given twice.
    pub fn id(&self) -> &[u8; 16] {
        &self.id
    }

    /// Whether tokens have no box for it.
    pub fn is_online(&self) -> bool {
        self.online
    }

    /// What it checks.
    pub fn scope(&self) -> &ZoneScope {
        &self.scope
    }
}

impl ZoneScope {
    /// Services of one zone.
    pub const MAX_SERVICES: usize = 64;

    /// A region and its services. Their order is that of the keys in a box.
    pub fn new(region: String, services: Vec<String>) -> Result<Self, InvalidZone> {
        if !is_word(&region) {
            return Err(InvalidZone::Region);
        }
        if !services.iter().all(|service| is_word(service)) {
            return Err(InvalidZone::Service);
        }
        if services.iter().any(|service| matches!(service.as_str(), "sts" | "iam" | "brevet")) {
            return Err(InvalidZone::ReservedService);
        }
        let distinct: HashSet<_> = services.iter().collect();
        if !(1..=Self::MAX_SERVICES).contains(&services.len()) || distinct.len() < services.len() {
            return Err(InvalidZone::Services);
        }
        Ok(Self { region, services })
    }

    /// For example `eu-west-1`.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// In the order of the keys in a box.
    pub fn services(&self) -> &[String] {
        &self.services
    }
}

/// Refuses a name that no scoped zone can have.
pub(super) fn check_name(name: &str) -> Result<(), InvalidZone> {
    match name {
        "sts" | "default" => Err(InvalidZone::ReservedName),
        _ if is_word(name) => Ok(()),
        _ => Err(InvalidZone::Name),
    }
}

/// Short enough for its length to be one byte in a derivation.
fn is_word(text: &str) -> bool {
    let of_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=64).contains(&text.len()) && text.bytes().all(of_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(region: &str, services: &[&str]) -> Result<ZoneScope, InvalidZone> {
        ZoneScope::new(region.into(), services.iter().map(|&service| service.to_owned()).collect())
    }

    #[test]
    fn a_scope_names_a_region_and_distinct_services_that_are_not_the_sts() {
        let good = scope("eu-west-1", &["s3", "queue"]).unwrap();
        assert_eq!((good.region(), good.services()), ("eu-west-1", &["s3".to_owned(), "queue".to_owned()][..]));
        for (region, services, refusal) in [
            ("", &["s3"][..], InvalidZone::Region),
            ("EU", &["s3"], InvalidZone::Region),
            ("eu/west", &["s3"], InvalidZone::Region),
            ("eu", &[], InvalidZone::Services),
            ("eu", &["s3", "s3"], InvalidZone::Services),
            ("eu", &["S3"], InvalidZone::Service),
            ("eu", &["s3", ""], InvalidZone::Service),
            ("eu", &["sts"], InvalidZone::ReservedService),
            ("eu", &["s3", "iam"], InvalidZone::ReservedService),
            ("eu", &["brevet"], InvalidZone::ReservedService),
        ] {
            assert_eq!(scope(region, services), Err(refusal), "{region} {services:?}");
        }
        let many: Vec<_> = (0..=ZoneScope::MAX_SERVICES).map(|n| format!("s{n}")).collect();
        assert_eq!(ZoneScope::new("eu".into(), many), Err(InvalidZone::Services));
    }

    #[test]
    fn a_scoped_zone_cannot_take_a_reserved_name() {
        let named = |name: &str| ScopedZone::new(name.into(), [1; 16], scope("eu", &["s3"]).unwrap()).map(drop);
        assert_eq!(named("storage"), Ok(()));
        for name in ["sts", "default"] {
            assert_eq!(named(name), Err(InvalidZone::ReservedName));
        }
        for name in ["", "Storage", "a/b", &"a".repeat(65)] {
            assert_eq!(named(name), Err(InvalidZone::Name));
        }
    }
}
