//! Key sets from issuers of all kinds, most of them bad: real sockets, a clock that is set by hand.

mod addresses;
mod cache;
mod hostile;
mod issuer;
mod rollover;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use brevet_validator::timestamp::Timestamp;

use super::FetchedKeySets;
use super::fetch::{HttpFetch, Patience};
use crate::service::clock::Clock;
use crate::service::federation::key_sets::{KeySetSource, Published};
use crate::service::federation::{Issuer, KeySet, Plaintext};

/// A set of one good key under many names.
pub(super) fn key_set(kids: &[&str]) -> KeySet {
    KeySet::parse(jwks(kids).as_bytes()).unwrap()
}

fn jwks(kids: &[&str]) -> String {
    // The base point of P-256.
    let (x, y) = ("axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY", "T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU");
    let key = |kid: &&str| serde_json::json!({"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": kid, "x": x, "y": y});
    serde_json::json!({"keys": kids.iter().map(key).collect::<Vec<_>>()}).to_string()
}

/// Shows the time it was set to.
#[derive(Debug)]
struct SetClock(AtomicI64);

impl SetClock {
    fn new() -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(1_768_478_400)))
    }

    fn pass(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix(self.0.load(Ordering::SeqCst)).unwrap()
    }

    fn now_nanos(&self) -> u128 {
        unreachable!("for records only")
    }
}

/// A provider as a record has it.
fn published(issuer: &str) -> Published {
    Published {
        issuer: Issuer::parse(issuer, Plaintext::OnLoopback).unwrap(),
        discovery_url: None,
        ca_certificates: None,
        allow_private: false,
    }
}

fn source(published: Published) -> KeySetSource {
    KeySetSource::Published(Arc::new(published))
}

/// Long enough for a busy machine, where time is not what is tested.
fn patient() -> HttpFetch {
    let patience = Patience { connect: Duration::from_secs(10), whole: Duration::from_secs(20) };
    HttpFetch { patience, ..HttpFetch::default() }
}

fn key_sets(fetch: HttpFetch) -> (FetchedKeySets, Arc<SetClock>) {
    let clock = SetClock::new();
    (FetchedKeySets::with(clock.clone(), Arc::new(fetch), 16), clock)
}
