//! Tells the service how far the validator has come: one call at a time, and always of the newest.

use std::sync::Arc;
use std::time::Duration;

use brevet_validator::timestamp::Timestamp;
use brevet_validator::token::LogPosition;
use brevet_validator::validator::{Activity, Validator};
use prost_types::Timestamp as ProtoTimestamp;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tonic::{Code, Status};

use super::connection::Watch;
use super::run::DENIED;
use crate::ValidationClient;
use crate::proto::validation::{AcknowledgeTrustRequest, SessionActivity};

/// A sign of life, and when sessions were last used.
const INTERVAL: Duration = Duration::from_secs(20);

const PATIENCE: Duration = Duration::from_secs(10);

/// After an acknowledgement that failed.
const PAUSE: Duration = Duration::from_secs(1);

/// As many as a request may tell of.
const MAX_ACTIVITIES: usize = 1_000;

/// What is in force.
#[derive(Clone, Debug)]
pub(super) struct InForce {
    pub(super) client: ValidationClient,
    /// Tells one connection from the next: each is told once.
    pub(super) connection: u64,
    pub(super) bundle_sequence: u64,
    pub(super) position: LogPosition,
}

impl InForce {
    /// Whether nobody needs to be told of it again.
    pub(super) fn is_told_by(&self, other: &Self) -> bool {
        (self.connection, self.bundle_sequence, self.position)
            == (other.connection, other.bundle_sequence, other.position)
    }
}

/// Runs until nobody follows any more.
pub(super) async fn acknowledge(
    mut latest: watch::Receiver<Option<InForce>>,
    watch: Watch,
    validator: Arc<Validator>,
    started: Timestamp,
) {
    let mut since = started;
    let mut next_activities = Instant::now() + INTERVAL;
    loop {
        tokio::select! {
            changed = latest.changed() => if changed.is_err() { return },
            () = tokio::time::sleep_until(next_activities) => {}
        }
        let mut activities = Vec::new();
        let now = crate::signed::now();
        let due = Instant::now() >= next_activities;
        if due {
            activities = validator.activities(since);
            next_activities = Instant::now() + INTERVAL;
        }
        let Some(in_force) = latest.borrow_and_update().clone() else { continue };
        match tell(in_force, &watch, &activities).await {
            Ok(()) if due => since = now.unwrap_or(since),
            Ok(()) => {}
            Err(status) => {
                tracing::debug!("an acknowledgement failed: {:?}: {}", status.code(), status.message());
                let denied = matches!(status.code(), Code::PermissionDenied | Code::Unauthenticated);
                sleep(if denied { DENIED } else { PAUSE }).await;
                latest.mark_changed();
            }
        }
    }
}

async fn tell(mut in_force: InForce, watch: &Watch, activities: &[Activity]) -> Result<(), Status> {
    let mut parts = activities.chunks(MAX_ACTIVITIES);
    let mut part = parts.next().unwrap_or_default();
    loop {
        let request = request(&in_force, watch, part);
        match timeout(PATIENCE, in_force.client.acknowledge_trust(request)).await {
            Err(_) => return Err(Status::deadline_exceeded("no answer")),
            Ok(Err(status)) => return Err(status),
            Ok(Ok(_)) => {}
        }
        let Some(next) = parts.next() else { return Ok(()) };
        part = next;
    }
}

fn request(in_force: &InForce, watch: &Watch, activities: &[Activity]) -> AcknowledgeTrustRequest {
    AcknowledgeTrustRequest {
        zone: watch.zone.clone(),
        validator_id: watch.validator_id.clone(),
        bundle_sequence: in_force.bundle_sequence,
        log: in_force.position.log.to_vec(),
        count: in_force.position.count,
        activities: activities
            .iter()
            .map(|activity| SessionActivity {
                access_key_id: activity.access_key_id.to_string(),
                last_used_time: Some(ProtoTimestamp { seconds: activity.last_used.unix(), nanos: 0 }),
                service: activity.service.clone(),
            })
            .collect(),
    }
}
