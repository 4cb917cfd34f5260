//! `brevet.admin.v1.ZoneService`: zones of resource services.

use brevet_validator::token::Zone;
use prost_types::Timestamp;
use tonic::{Request, Response, Status};

use super::counter;
use super::proto::admin as proto;
use crate::service::operation::{Answer, Operation};
use crate::service::zones::{self, CreateZone, ZoneDetail};
use crate::transport::desk::{Desk, Handler};

/// The service at its desk.
#[derive(Debug)]
pub struct ZoneDesk<H> {
    desk: Desk<H>,
}

impl<H: Handler> ZoneDesk<H> {
    /// Hands its calls in at this desk.
    pub fn new(desk: Desk<H>) -> Self {
        Self { desk }
    }
}

#[tonic::async_trait]
impl<H: Handler> proto::zone_service_server::ZoneService for ZoneDesk<H> {
    async fn create_zone(
        &self,
        request: Request<proto::CreateZoneRequest>,
    ) -> Result<Response<proto::CreateZoneResponse>, Status> {
        let read = |proto::CreateZoneRequest { name, region, services, online }| {
            Ok(Operation::Zones(zones::Request::Create(CreateZone { name, region, services, online })))
        };
        let write = |answer| Some(proto::CreateZoneResponse { zone: Some(one(answer)?) });
        counter::take(&self.desk, request, read, write).await
    }

    async fn list_zones(
        &self,
        request: Request<proto::ListZonesRequest>,
    ) -> Result<Response<proto::ListZonesResponse>, Status> {
        let read = |_| Ok(Operation::Zones(zones::Request::List));
        let write = |answer| match answer {
            Answer::Zones(zones::Answer::Zones(zones)) => {
                Some(proto::ListZonesResponse { zones: zones.into_iter().map(zone).collect() })
            }
            _ => None,
        };
        counter::take(&self.desk, request, read, write).await
    }

    async fn disable_zone(
        &self,
        request: Request<proto::DisableZoneRequest>,
    ) -> Result<Response<proto::DisableZoneResponse>, Status> {
        let read = |message: proto::DisableZoneRequest| Ok(Operation::Zones(zones::Request::Disable(message.name)));
        let write = |answer| Some(proto::DisableZoneResponse { zone: Some(one(answer)?) });
        counter::take(&self.desk, request, read, write).await
    }

    async fn enable_zone(
        &self,
        request: Request<proto::EnableZoneRequest>,
    ) -> Result<Response<proto::EnableZoneResponse>, Status> {
        let read = |message: proto::EnableZoneRequest| Ok(Operation::Zones(zones::Request::Enable(message.name)));
        let write = |answer| Some(proto::EnableZoneResponse { zone: Some(one(answer)?) });
        counter::take(&self.desk, request, read, write).await
    }

    async fn delete_zone(
        &self,
        request: Request<proto::DeleteZoneRequest>,
    ) -> Result<Response<proto::DeleteZoneResponse>, Status> {
        let read = |message: proto::DeleteZoneRequest| Ok(Operation::Zones(zones::Request::Delete(message.name)));
        let write = |answer| match answer {
            Answer::Zones(zones::Answer::Deleted) => Some(proto::DeleteZoneResponse {}),
            _ => None,
        };
        counter::take(&self.desk, request, read, write).await
    }
}

fn one(answer: Answer) -> Option<proto::Zone> {
    match answer {
        Answer::Zones(zones::Answer::Zone(detail)) => Some(zone(detail)),
        _ => None,
    }
}

fn zone(ZoneDetail { arn, entry }: ZoneDetail) -> proto::Zone {
    let name = entry.zone.name().to_owned();
    let bare = proto::Zone { name, arn: arn.to_string(), disabled: entry.disabled, ..Default::default() };
    match entry.zone {
        Zone::Sts | Zone::Default => bare,
        Zone::Scoped(scoped) => proto::Zone {
            region: scoped.scope().region().to_owned(),
            services: scoped.scope().services().to_vec(),
            create_time: Some(Timestamp { seconds: entry.created_at.unix(), nanos: 0 }),
            online: scoped.is_online(),
            ..bare
        },
    }
}
