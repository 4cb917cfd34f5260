//! What is asked of zones, and what is answered.

use brevet_validator::identity::Arn;
use brevet_validator::token::ZoneScope;
use serde_json::{Value, json};

use crate::service::directory::ZoneEntry;
use crate::service::parameters::shown;

/// What is asked of zones, as it came off the wire.
#[derive(Clone, Debug)]
pub enum Request {
    /// `brevet:CreateZone`
    Create(CreateZone),
    /// `brevet:ListZones`
    List,
    /// `brevet:DisableZone`
    Disable(String),
    /// `brevet:EnableZone`
    Enable(String),
    /// `brevet:DeleteZone`
    Delete(String),
}

/// A zone to be made.
#[derive(Clone, Debug)]
pub struct CreateZone {
    /// Unique in the deployment.
    pub name: String,
    /// Of all its services.
    pub region: String,
    /// Those whose validators share its key.
    pub services: Vec<String>,
    /// Whether tokens get no box for it.
    pub online: bool,
}

/// A zone as it is shown.
#[derive(Clone, Debug)]
pub struct ZoneDetail {
    /// `arn:aws:brevet:REGION:ACCOUNT:zone/NAME`
    pub arn: Arn,
    /// As the directory has it.
    pub entry: ZoneEntry,
}

/// The outcome.
#[derive(Clone, Debug)]
pub enum Answer {
    /// A zone was made or changed.
    Zone(ZoneDetail),
    /// All of them, the default one first.
    Zones(Vec<ZoneDetail>),
    /// It is gone.
    Deleted,
}

impl Request {
    /// Without `brevet:`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Create(_) => "CreateZone",
            Self::List => "ListZones",
            Self::Disable(_) => "DisableZone",
            Self::Enable(_) => "EnableZone",
            Self::Delete(_) => "DeleteZone",
        }
    }

    /// Whether it changes anything.
    pub fn is_change(&self) -> bool {
        !matches!(self, Self::List)
    }

    /// What the audit record keeps.
    pub fn audit_parameters(&self) -> Value {
        match self {
            Self::Create(CreateZone { name, region, services, online }) => {
                let services: Vec<_> = services.iter().take(ZoneScope::MAX_SERVICES).map(|text| shown(text)).collect();
                json!({ "name": shown(name), "region": shown(region), "services": services, "online": online })
            }
            Self::List => Value::Null,
            Self::Disable(name) | Self::Enable(name) | Self::Delete(name) => json!({ "name": shown(name) }),
        }
    }
}

impl Answer {
    /// What the audit record keeps.
    pub fn audit_elements(&self) -> Value {
        match self {
            Self::Zone(ZoneDetail { arn, entry }) => json!({ "arn": arn.as_str(), "disabled": entry.disabled }),
            Self::Zones(_) | Self::Deleted => Value::Null,
        }
    }
}
