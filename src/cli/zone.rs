//! `brevet zone`: which groups of resource services sessions are good in.

use brevet_client::ZoneClient;
use brevet_client::proto::admin::{
    CreateZoneRequest, DeleteZoneRequest, DisableZoneRequest, EnableZoneRequest, ListZonesRequest, Zone,
};
use clap::{Args, Subcommand};
use serde_json::json;

use super::Exit;
use super::client::{Connection, finish};
use super::output::{Output, shown};

#[derive(Debug, Subcommand)]
pub(super) enum ZoneVerb {
    /// Make a zone of services that share one key
    Create(Create),
    /// List the zones
    List(List),
    /// Make no session good in a zone from now on
    Disable(Disable),
    /// Make sessions good in a disabled zone again
    Enable(Enable),
    /// Forget a zone
    Delete(Delete),
}

impl ZoneVerb {
    /// Runs the command.
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        match self {
            Self::Create(create) => create.run(),
            Self::List(list) => list.run(),
            Self::Disable(disable) => disable.run(),
            Self::Enable(enable) => enable.run(),
            Self::Delete(delete) => delete.run(),
        }
    }
}

/// Makes a zone. Its validators can check signatures for these services in this region, and make none for any other.
/// Sessions made from now on are good in it. The default zone goes on beside it until it is disabled. The zone's region is the
/// one that this call is signed for.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  brevet zone create storage --service s3 --service queue --region eu-west-1")]
pub(super) struct Create {
    /// 1 to 64 characters of a-z, 0-9 and -
    name: String,
    /// Service of the zone, as requests to it are signed for; repeat for more
    #[arg(long = "service", value_name = "SERVICE", required = true)]
    services: Vec<String>,
    /// Give security tokens no box for the zone: its validators ask for the keys of each session
    #[arg(long)]
    online: bool,
    #[command(flatten)]
    connection: Connection,
}

impl Create {
    fn run(self) -> anyhow::Result<Exit> {
        let region = self.connection.region().to_owned();
        let request = CreateZoneRequest { name: self.name, region, services: self.services, online: self.online };
        finish(async {
            let mut zones = ZoneClient::new(self.connection.channel().await?);
            let made = zones.create_zone(request).await?.into_inner().zone;
            Ok(made.unwrap_or_default().arn)
        })
    }
}

/// Lists the zones, the default one first.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  brevet zone list")]
pub(super) struct List {
    /// How to write them
    #[arg(long, short, default_value = "human")]
    output: Output,
    #[command(flatten)]
    connection: Connection,
}

impl List {
    fn run(self) -> anyhow::Result<Exit> {
        finish(async {
            let mut zones = ZoneClient::new(self.connection.channel().await?);
            let zones = zones.list_zones(ListZonesRequest {}).await?.into_inner().zones;
            Ok(match self.output {
                Output::Json => format!("{:#}", json!({ "zones": zones.iter().map(as_json).collect::<Vec<_>>() })),
                Output::Human => zones.iter().map(human).collect::<Vec<_>>().join("\n"),
            })
        })
    }
}

fn as_json(zone: &Zone) -> serde_json::Value {
    json!({
        "name": zone.name,
        "arn": zone.arn,
        "region": Some(&zone.region).filter(|region| !region.is_empty()),
        "services": zone.services,
        "disabled": zone.disabled,
        "online": zone.online,
    })
}

fn human(zone: &Zone) -> String {
    let disabled = if zone.disabled { "  (disabled)" } else { "" };
    let online = if zone.online { "  (online)" } else { "" };
    let scope = match zone.services.is_empty() {
        true => "any service and region".to_owned(),
        false => format!("{} in {}", shown(&zone.services.join(", ")), shown(&zone.region)),
    };
    format!("{:<16}  {scope}{online}{disabled}", shown(&zone.name))
}

/// Makes no session good in a zone from now on. Sessions that exist stay good in it until they end.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  brevet zone disable default")]
pub(super) struct Disable {
    /// `default`, or the name of a scoped zone
    name: String,
    #[command(flatten)]
    connection: Connection,
}

impl Disable {
    fn run(self) -> anyhow::Result<Exit> {
        finish(async {
            let mut zones = ZoneClient::new(self.connection.channel().await?);
            zones.disable_zone(DisableZoneRequest { name: self.name }).await?;
            Ok(String::new())
        })
    }
}

/// Makes sessions good in a disabled zone again.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  brevet zone enable storage")]
pub(super) struct Enable {
    /// `default`, or the name of a scoped zone
    name: String,
    #[command(flatten)]
    connection: Connection,
}

impl Enable {
    fn run(self) -> anyhow::Result<Exit> {
        finish(async {
            let mut zones = ZoneClient::new(self.connection.channel().await?);
            zones.enable_zone(EnableZoneRequest { name: self.name }).await?;
            Ok(String::new())
        })
    }
}

/// Forgets a zone. One made again under its name has other keys, so bundles of this one are of no use to it.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  brevet zone delete storage")]
pub(super) struct Delete {
    /// Name of a scoped zone
    name: String,
    #[command(flatten)]
    connection: Connection,
}

impl Delete {
    fn run(self) -> anyhow::Result<Exit> {
        finish(async {
            let mut zones = ZoneClient::new(self.connection.channel().await?);
            zones.delete_zone(DeleteZoneRequest { name: self.name }).await?;
            Ok(String::new())
        })
    }
}
