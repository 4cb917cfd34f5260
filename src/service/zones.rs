//! Zones: which groups of resource services get a box in the tokens of new sessions.
//!
//! They belong to the operator account. No resource policy opens them, so the engine refuses callers of other accounts
//! whatever their own policies say.

mod coverage;
mod request;
#[cfg(test)]
mod tests;

pub(super) use coverage::covers;
pub use request::{Answer, CreateZone, Request, ZoneDetail};

use std::sync::Arc;

use brevet_validator::identity::Arn;
use brevet_validator::timestamp::Timestamp;
use brevet_validator::token::{ScopedZone, Zone, ZoneScope};

use super::caller::{Asked, Caller};
use super::directory::{Account, Directory, Snapshot, ZoneEntry};
use super::error::{Error, Kind};
use super::keys::Keys;
use super::parameters::{Text, check_count};
use super::random::Random;

/// Zones of a deployment, besides the default one.
const MOST_ZONES: usize = 1_000;
/// Boxes of a token, without those of the STS and the default zone.
const MOST_BOXES: usize = 14;
/// What all zones' boxes may take of the longest-lived token, in bytes: as much as the most zones with one service each. Beside
/// them more than a kilobyte is left for the claims.
const MOST_BOX_BYTES: usize = MOST_BOXES * box_bytes(1);

/// Bytes of a box with a key for each service and each of the three dates that a session of 36 hours touches.
const fn box_bytes(services: usize) -> usize {
    4 + 1 + 1 + services * 3 * 32 + 16
}

/// Names of zones, regions and services.
pub(super) const NAME: Text = Text { min: 1, max: 64, pattern: "[a-z0-9-]+", matches: is_word, shown: true };

/// The zones of a deployment.
#[derive(Clone, Debug)]
pub struct Zones {
    directory: Arc<Directory>,
    keys: Arc<Keys>,
    random: Arc<dyn Random>,
}

impl Zones {
    /// Changes `directory`; `keys` tell zones apart.
    pub fn new(directory: Arc<Directory>, keys: Arc<Keys>, random: Arc<dyn Random>) -> Self {
        Self { directory, keys, random }
    }

    /// Does what is asked, if the caller may. When a change returns `Ok`, it is durable, and holds for every session made
    /// afterwards.
    pub async fn call(&self, caller: &Caller, request: Request) -> Result<Answer, Error> {
        let operation = request.name();
        match request {
            Request::Create(input) => self.create(caller, operation, input).await,
            Request::List => {
                permit(caller, operation, "*")?;
                let entries = all(caller.snapshot());
                entries.map(|entry| detail(caller, entry)).collect::<Result<_, _>>().map(Answer::Zones)
            }
            Request::Disable(name) => self.switch(caller, operation, &name, true).await,
            Request::Enable(name) => self.switch(caller, operation, &name, false).await,
            Request::Delete(name) => self.delete(caller, operation, &name).await,
        }
    }

    async fn create(&self, caller: &Caller, operation: &str, input: CreateZone) -> Result<Answer, Error> {
        NAME.check(&input.name, "name")?;
        NAME.check(&input.region, "region")?;
        check_count(input.services.len(), ZoneScope::MAX_SERVICES, "services")?;
        input.services.iter().try_for_each(|service| NAME.check(service, "services").map(drop))?;
        permit(caller, operation, &input.name)?;
        let invalid = |error| Error::new(Kind::InvalidInput, format!("The zone is refused: {error}."));
        let scope = ZoneScope::new(input.region, input.services).map_err(invalid)?;
        let named = |id| {
            let zone = ScopedZone::new(input.name.clone(), id, scope.clone())?;
            Ok(Zone::Scoped(zone.online(input.online)))
        };
        named([0; 16]).map_err(invalid)?;

        self.directory
            .change(|edit| {
                let before = edit.before();
                if before.zone(&input.name).is_some() {
                    let text = format!("Zone with name {} already exists.", input.name);
                    return Err(Error::new(Kind::EntityAlreadyExists, text));
                }
                check_overlap(&before, &scope)?;
                check_number(&before)?;
                if !input.online {
                    check_room(&before, &scope)?;
                }
                let zone = self.with_fresh_id(&before, |id| named(id).map_err(invalid))?;
                let entry = ZoneEntry { zone, created_at: caller.now(), disabled: false };
                edit.put(entry.clone());
                // Two zones made at once both write this record, so one of them fails and the limits hold.
                edit.put(operator(&before)?.clone());
                detail(caller, entry).map(Answer::Zone)
            })
            .await
    }

    async fn switch(&self, caller: &Caller, operation: &str, name: &str, disabled: bool) -> Result<Answer, Error> {
        NAME.check(name, "name")?;
        permit(caller, operation, name)?;
        self.directory
            .change(|edit| {
                let before = edit.before();
                let entry = all(&before).find(|entry| entry.zone.name() == name).ok_or_else(|| absent(name))?;
                let made_now = before.zone(name).is_none();
                let created_at = if made_now { caller.now() } else { entry.created_at };
                let switched = ZoneEntry { created_at, disabled, ..entry.clone() };
                if entry.disabled != disabled {
                    edit.put(switched.clone());
                }
                detail(caller, switched).map(Answer::Zone)
            })
            .await
    }

    async fn delete(&self, caller: &Caller, operation: &str, name: &str) -> Result<Answer, Error> {
        NAME.check(name, "name")?;
        permit(caller, operation, name)?;
        if name == Zone::Default.name() {
            let text = "The default zone cannot be deleted. Disable it.";
            return Err(Error::new(Kind::InvalidInput, text));
        }
        self.directory
            .change(|edit| {
                let before = edit.before();
                edit.delete(before.zone(name).ok_or_else(|| absent(name))?);
                Ok(Answer::Deleted)
            })
            .await
    }

    /// A zone whose ids in tokens are no other zone's. They are short, so one draw in some hundred millions fails.
    fn with_fresh_id(&self, before: &Snapshot, make: impl Fn([u8; 16]) -> Result<Zone, Error>) -> Result<Zone, Error> {
        let others: Vec<Zone> = before.zones().map(|entry| entry.zone.clone()).collect();
        for _ in 0..8 {
            let mut id = [0; 16];
            self.random.fill(&mut id).map_err(Error::unavailable)?;
            let zone = make(id)?;
            if self.keys.tell_apart(&[&others[..], std::slice::from_ref(&zone)].concat()) {
                return Ok(zone);
            }
        }
        Err(Error::internal("eight random zone ids in a row were taken"))
    }
}

/// The zone of this name, if it is enabled: what has to do with its validators has to do with no other.
pub(super) fn exported(directory: &Snapshot, name: &str) -> Result<Zone, Error> {
    let entry = all(directory).find(|entry| entry.zone.name() == name).ok_or_else(|| absent(name))?;
    if entry.disabled {
        let text = format!("The zone {name} is disabled: no session made now is good in it. Enable it first.");
        return Err(Error::new(Kind::InvalidInput, text));
    }
    Ok(entry.zone)
}

/// The default zone, and those that were made, by name.
fn all(directory: &Snapshot) -> impl Iterator<Item = ZoneEntry> {
    let default = directory.zone(Zone::Default.name()).cloned();
    let default = default.unwrap_or(ZoneEntry { zone: Zone::Default, created_at: Timestamp::EPOCH, disabled: false });
    let scoped = directory.zones().filter(|entry| entry.zone != Zone::Default).cloned();
    std::iter::once(default).chain(scoped)
}

fn check_overlap(before: &Snapshot, scope: &ZoneScope) -> Result<(), Error> {
    for entry in before.zones() {
        let Zone::Scoped(other) = &entry.zone else { continue };
        let both = scope.services().iter().find(|service| other.scope().services().contains(service));
        if let (Some(service), true) = (both, other.scope().region() == scope.region()) {
            let text =
                format!("The service {service} in {} is already in the zone {}.", scope.region(), entry.zone.name());
            return Err(Error::new(Kind::EntityAlreadyExists, text));
        }
    }
    Ok(())
}

fn check_number(before: &Snapshot) -> Result<(), Error> {
    if before.zones().filter(|entry| entry.zone != Zone::Default).count() < MOST_ZONES {
        return Ok(());
    }
    Err(Error::new(Kind::LimitExceeded, format!("Cannot exceed quota for Zones: {MOST_ZONES}")))
}

/// Disabled zones count: they can be enabled again. Online ones have no box.
fn check_room(before: &Snapshot, scope: &ZoneScope) -> Result<(), Error> {
    let services = before.zones().filter_map(|entry| match &entry.zone {
        Zone::Scoped(zone) if !zone.is_online() => Some(zone.scope().services().len()),
        Zone::Sts | Zone::Default | Zone::Scoped(_) => None,
    });
    let sizes: Vec<usize> = services.chain([scope.services().len()]).map(box_bytes).collect();
    if sizes.len() > MOST_BOXES {
        let text = format!(
            "Cannot exceed quota for Zones with a box in security tokens: {MOST_BOXES}. An online zone (--online) needs none."
        );
        return Err(Error::new(Kind::LimitExceeded, text));
    }
    if sizes.iter().sum::<usize>() > MOST_BOX_BYTES {
        let text = "The keys for the services of all zones would take too much room in security tokens. Use fewer \
                    services, or an online zone (--online), which needs no room.";
        return Err(Error::new(Kind::LimitExceeded, text));
    }
    Ok(())
}

/// Asks whether the caller may do something with a zone, be there one of this name or not.
pub(super) fn permit(caller: &Caller, operation: &str, name: &str) -> Result<(), Error> {
    let resource = arn(caller, name)?;
    caller.demand(&Asked { action: &format!("brevet:{operation}"), resource: &resource, context: &caller.context() })
}

fn detail(caller: &Caller, entry: ZoneEntry) -> Result<ZoneDetail, Error> {
    Ok(ZoneDetail { arn: arn(caller, entry.zone.name())?, entry })
}

fn arn(caller: &Caller, name: &str) -> Result<Arn, Error> {
    let account = operator(caller.snapshot())?.id;
    Ok(Arn::new("brevet", caller.region(), Some(account), &format!("zone/{name}")))
}

fn operator(directory: &Snapshot) -> Result<&Account, Error> {
    directory.operator().ok_or_else(|| Error::internal("there is no operator account"))
}

fn absent(name: &str) -> Error {
    Error::new(Kind::NoSuchEntity, format!("The zone with name {name} cannot be found."))
}

fn is_word(text: &str) -> bool {
    text.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-')
}
