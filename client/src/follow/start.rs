//! From the copy on disk, or else from the first contact, to a validator that is followed.

use std::sync::{Arc, Mutex};

use brevet_validator::signature::Rules;
use brevet_validator::validator::{Loaded, Trust, TrustCopy, TrustFollower, Validator};
use ring::rand::{SecureRandom, SystemRandom};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::acknowledge::{InForce, acknowledge};
use super::backoff::Backoff;
use super::connection::Watch;
use super::run::Run;
use super::status::Shared;
use super::{FollowError, FollowedValidator, Follower, alarm, withdrawn};
use crate::OnlineKeys;

/// No bundle is good for longer.
const LONGEST_STALENESS: u64 = 30 * 86_400;

impl Follower {
    /// Starts to follow. With a copy on disk the validator is there at once, whether or not the service is; otherwise when the
    /// service was reached for the first time.
    pub async fn start(self, rules: Rules) -> Result<FollowedValidator, FollowError> {
        if !self.allow_plaintext && self.endpoint.is_exposed() {
            return Err(FollowError::Plaintext(self.endpoint.to_string()));
        }
        if !(1..=LONGEST_STALENESS).contains(&self.staleness.max.as_secs()) {
            return Err(FollowError::Staleness);
        }
        let validator_id = self.validator_id.map_or_else(draw_id, checked_id)?;
        let started = crate::signed::now().map_err(|_| FollowError::System)?;
        let (copy, known) = load(self.copy.clone(), self.zone.clone()).await?;

        let status = Arc::new(Shared::new(self.zone.clone()));
        let watch = Watch { zone: self.zone.clone(), validator_id, staleness: self.staleness };
        let mut run = Run {
            endpoint: self.endpoint,
            source: self.source,
            watch: watch.clone(),
            follower: TrustFollower::new(self.zone.clone(), known.map(|known| known.trust)),
            copy: Arc::new(Mutex::new(copy)),
            status: Arc::clone(&status),
            connection: None,
            backoff: Backoff::default(),
            from_nothing: false,
        };
        if run.follower.in_force().is_none() {
            let contact = timeout(self.first_contact, first_contact(&mut run)).await;
            contact.map_err(|_| FollowError::NoContact {
                copy: self.copy,
                waited: self.first_contact,
                reason: status.last_error().unwrap_or_else(|| "the service does not answer".to_owned()),
            })?;
        }
        let Some(trust) = run.follower.in_force() else { return Err(FollowError::System) };
        let mut validator = Validator::following(rules, trust, self.staleness, self.max_cached)?;
        let (tell, told) = watch::channel(None);
        let keys = self.online_keys.then(|| Arc::new(online_keys(told.clone(), &watch)));
        if let Some(keys) = keys.clone() {
            validator = validator.with_signing_keys(keys);
        }
        let validator = Arc::new((self.prepare)(validator));

        let mut tasks = JoinSet::new();
        tasks.spawn(acknowledge(told, watch, Arc::clone(&validator), started));
        tasks.spawn(alarm::watch(Arc::clone(&validator), self.zone));
        let copy = Arc::clone(&run.copy);
        tasks.spawn(follow(run, Arc::clone(&validator), keys, tell));
        Ok(FollowedValidator::new(validator, status, copy, tasks))
    }
}

/// Until something is known that is fresh: a service that has just started says nothing of how things stand until it has looked.
async fn first_contact(run: &mut Run) {
    loop {
        let changes = run.next().await;
        run.save(changes).await;
        let confirmed_at = run.follower.in_force().and_then(Trust::confirmed_at);
        if crate::signed::now().is_ok_and(|now| !run.watch.staleness.is_over(confirmed_at, now)) {
            return;
        }
    }
}

/// Each change: in force, on disk, acknowledged.
async fn follow(
    mut run: Run,
    validator: Arc<Validator>,
    keys: Option<Arc<OnlineKeys>>,
    tell: watch::Sender<Option<InForce>>,
) {
    loop {
        announce(&run, &tell);
        let changes = run.next().await;
        if let Some(keys) = &keys {
            withdrawn::forget(keys, &changes);
        }
        if let Some(Err(fault)) = run.follower.in_force().map(|trust| validator.follow(trust)) {
            // Cannot be: a bundle is decoded only if its keys make a ring.
            tracing::error!("the keys of the trust bundle cannot be used: {fault}");
        }
        run.save(changes).await;
    }
}

/// Keys that are asked for by the connection that follows, or by the last one, which may be had again.
fn online_keys(told: watch::Receiver<Option<InForce>>, watch: &Watch) -> OnlineKeys {
    let client = move || told.borrow().as_ref().map(|in_force| in_force.client.clone());
    OnlineKeys::over(client, watch.zone.clone()).max_staleness(watch.staleness.max)
}

/// What came by the connection that is open, if nobody was told of it.
fn announce(run: &Run, tell: &watch::Sender<Option<InForce>>) {
    let Some((trust, client)) = run.in_force() else { return };
    let Some(log) = trust.log() else { return };
    let in_force = InForce {
        client: client.clone(),
        connection: run.status.connections(),
        bundle_sequence: trust.bundle().sequence,
        position: log.position(),
    };
    tell.send_if_modified(|told| {
        let news = told.as_ref().is_none_or(|told| !told.is_told_by(&in_force));
        if news {
            *told = Some(in_force);
        }
        news
    });
}

async fn load(path: std::path::PathBuf, zone: String) -> Result<(TrustCopy, Option<Loaded>), FollowError> {
    let read = tokio::task::spawn_blocking(move || {
        let mut copy = TrustCopy::open(path)?;
        let loaded = copy.load(&zone)?;
        Ok((copy, loaded))
    });
    let (copy, loaded) = read.await.unwrap_or(Err(FollowError::System))?;
    if let Some(doubt) = loaded.as_ref().and_then(|loaded| loaded.doubt.as_ref()) {
        tracing::warn!("nothing is known of revocations until the token service is reached: {doubt}");
    }
    Ok((copy, loaded))
}

fn draw_id() -> Result<String, FollowError> {
    let mut random = [0; 8];
    SystemRandom::new().fill(&mut random).map_err(|_| FollowError::System)?;
    Ok(format!("validator-{:016x}", u64::from_be_bytes(random)))
}

fn checked_id(id: String) -> Result<String, FollowError> {
    let fits = (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    if fits { Ok(id) } else { Err(FollowError::ValidatorId(id)) }
}
