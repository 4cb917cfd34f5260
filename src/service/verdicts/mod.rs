//! Verdicts on requests that services received which check nothing themselves.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use brevet_validator::identity::Principal;
use brevet_validator::layer::check_spelling;
use brevet_validator::signature::{self, DeclaredPayload, NotARequest, ReceivedRequest, Refusal, Rules};
use brevet_validator::token::{KeyRing, Zone};
use brevet_validator::validator::{Rejection, Validator, Verified};
use serde_json::{Value, json};

use super::caller::{Caller, principal_of};
use super::directory::Directory;
use super::error::Error;
use super::key_source::DirectoryKeys;
use super::parameters::shown;
use super::sessions::RevokedSessions;
use super::zones;

/// A request to be checked, as it came off the wire.
#[derive(Clone, Debug)]
pub struct VerifyRequest {
    /// The zone that its scope is in.
    pub zone: String,
    /// As it was received, if it can be one.
    pub request: Result<ReceivedRequest, NotARequest>,
    /// Of the body as received.
    pub payload_sha256: Vec<u8>,
}

impl VerifyRequest {
    /// What the audit record keeps, of calls that are refused.
    pub fn audit_parameters(&self) -> Value {
        json!({ "zone": shown(&self.zone) })
    }
}

/// What to make of a request.
#[derive(Debug)]
pub enum Verdict {
    /// It is genuine.
    Accepted(Box<Accepted>),
    /// It is refused.
    Refused(Rejection),
}

/// Who signed.
#[derive(Debug)]
pub struct Accepted {
    /// The check that was passed.
    pub verified: Verified,
    /// By the name and path of today.
    pub principal: Principal,
    /// Whether nothing says that the body is the one sent.
    pub unsigned_payload: bool,
}

/// Checks requests as a resource service does, with all keys at hand.
#[derive(Debug)]
pub struct Verdicts {
    validator: Validator,
}

impl Verdicts {
    /// `ring` is that of the STS; long-lived keys and revocations are those of the directory.
    pub fn new(ring: KeyRing, directory: &Arc<Directory>, max_cached: u64) -> Self {
        // Each request is checked by the rules of its own service.
        let validator = Validator::new(Rules::of_service(""), ring, max_cached)
            .with_key_source(Arc::new(DirectoryKeys::new(Arc::clone(directory))))
            .with_revocations(Arc::new(RevokedSessions::new(Arc::clone(directory))));
        Self { validator }
    }

    /// The verdict on a request to a service of a zone.
    pub fn verify(&self, caller: &Caller, input: &VerifyRequest) -> Result<Verdict, Error> {
        zones::NAME.check(&input.zone, "zone")?;
        let not_a_request = |error| Error::validation(format!("This is not a request: {error}."));
        let request = input.request.as_ref().map_err(not_a_request)?;
        let no_hash = |_| Error::validation("The SHA-256 of the payload has 32 bytes.");
        let payload_sha256 = input.payload_sha256.as_slice().try_into().map_err(no_hash)?;
        zones::permit(caller, "VerifyRequest", &input.zone)?;
        let zone = zones::exported(caller.snapshot(), &input.zone)?;
        Ok(match self.check(caller, &zone, request, payload_sha256) {
            Ok(accepted) => Verdict::Accepted(Box::new(accepted)),
            Err(rejection) => Verdict::Refused(rejection),
        })
    }

    fn check(
        &self,
        caller: &Caller,
        zone: &Zone,
        received: &ReceivedRequest,
        payload_sha256: [u8; 32],
    ) -> Result<Accepted, Rejection> {
        let (request, now) = (received.as_request(), caller.now());
        let (region, service) = received.claimed_scope().unwrap_or_default();
        let rules = Rules { regions: Some(vec![region.clone()]), ..Rules::of_service(&service) };
        if !zones::covers(caller.snapshot(), zone, &region, &service) {
            signature::read(request, &rules, now)?;
            let text = format!("Credential should be scoped to a region and service of the zone '{}'.", zone.name());
            return Err(Refusal::Scope(text).into());
        }
        let pending = self.validator.begin_under(&rules, request, now)?;
        check_spelling(request.path, rules.path_style)?;
        let unsigned_payload = pending.payload() == DeclaredPayload::Unsigned;
        let verified = pending.finish_hashed(payload_sha256)?;
        let principal = principal_of(caller.snapshot(), &verified, caller.now()).ok_or(Rejection::InvalidToken)?;
        Ok(Accepted { verified, principal, unsigned_payload })
    }
}
