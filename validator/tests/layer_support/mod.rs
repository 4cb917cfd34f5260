//! A token service in a box: mints sessions, signs requests, keeps the time.
#![allow(dead_code, reason = "every test file uses its own part")]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use brevet_validator::credential::{Credentials, Lifetime, SecretKey};
use brevet_validator::identity::{Principal, UniqueId, UniqueIdKind};
use brevet_validator::layer::signed_request;
use brevet_validator::secret::Secret;
use brevet_validator::signature::{self, PathStyle, Rules};
use brevet_validator::timestamp::Timestamp;
use brevet_validator::token::{
    Claims, KeyRing, KeyState, Minter, Origin, ScopedZone, TrustBundle, VerifyingKey, Zone, ZoneKey,
};
use brevet_validator::validator::{Rejection, Validator, Verified};
use http::{HeaderValue, Request};
use ring::signature::{Ed25519KeyPair, KeyPair};
use sha2::{Digest, Sha256};

pub(crate) const REGION: &str = "us-east-1";
pub(crate) const HOUR: i64 = 3600;
pub(crate) const ANCHOR_SEED: [u8; 32] = [9; 32];

/// 2026-01-01T12:00:00Z
pub(crate) fn noon() -> Timestamp {
    Timestamp::from_unix(1_767_268_800).unwrap()
}

/// Mints. Two with different seeds share nothing.
pub(crate) struct Sts {
    minter: Minter,
    seed: u8,
    key_id: u32,
}

impl Sts {
    pub(crate) fn new(seed: u8) -> Self {
        Self::of_epoch(seed, 1)
    }

    /// Another epoch of the same deployment has other keys.
    pub(crate) fn of_epoch(seed: u8, epoch: u32) -> Self {
        let of_epoch = u8::try_from(epoch).unwrap().wrapping_mul(31);
        let secret = |n: u8| Secret::new([seed.wrapping_mul(7).wrapping_add(of_epoch).wrapping_add(n); 32]);
        let key_id = u32::from(seed) + 256 * (epoch - 1);
        let minter = Minter::new([seed; 16], epoch, &secret(1), key_id, &secret(2), secret(3)).unwrap();
        Self { minter, seed, key_id }
    }

    pub(crate) fn zone_key(&self, zone: &Zone) -> ZoneKey {
        self.minter.zone_key(zone)
    }

    pub(crate) fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey {
            id: self.key_id,
            public: self.minter.public_key(),
            not_before: noon() + -7 * 24 * HOUR,
            not_after: noon() + 7 * 24 * HOUR,
            max_lifetime: 36 * HOUR,
            state: KeyState::Active,
        }
    }

    /// The ring of the default zone.
    pub(crate) fn ring(&self) -> KeyRing {
        self.ring_with(vec![self.verifying_key()])
    }

    pub(crate) fn ring_with(&self, keys: Vec<VerifyingKey>) -> KeyRing {
        KeyRing::new([self.seed; 16], keys, vec![self.minter.zone_key(&Zone::Default)]).unwrap()
    }

    pub(crate) fn bundle(&self, expires_at: Timestamp) -> TrustBundle {
        TrustBundle {
            trust_domain: [self.seed; 16],
            sequence: 1,
            issued_at: noon() + -HOUR,
            expires_at,
            verifying_keys: vec![self.verifying_key()],
            zone: Zone::Default.name().to_owned(),
            scope: None,
            zone_keys: vec![self.minter.zone_key(&Zone::Default)],
            online: false,
            revocation_head: Vec::new(),
            anchor: Ed25519KeyPair::from_seed_unchecked(&ANCHOR_SEED)
                .unwrap()
                .public_key()
                .as_ref()
                .try_into()
                .unwrap(),
        }
    }

    /// The bundle of a scoped zone.
    pub(crate) fn bundle_of(&self, zone: &ScopedZone) -> TrustBundle {
        let zone_keys = vec![self.minter.zone_key(&Zone::Scoped(zone.clone()))];
        let name = Zone::Scoped(zone.clone()).name().to_owned();
        TrustBundle { zone: name, scope: Some(zone.scope().clone()), zone_keys, ..self.bundle(noon() + 40 * HOUR) }
    }

    /// A session of `deploy/NAME` from `from` on, for the default zone.
    pub(crate) fn session(&self, name: &str, from: Timestamp, seconds: i64) -> Credentials {
        self.session_for(&[Zone::Default], name, from, seconds)
    }

    /// A session for these zones.
    pub(crate) fn session_for(&self, zones: &[Zone], name: &str, from: Timestamp, seconds: i64) -> Credentials {
        let claims = Claims {
            principal: Principal::RoleSession {
                account: "123456789012".parse().unwrap(),
                role_path: "/".to_owned(),
                role_name: "deploy".to_owned(),
                role_id: UniqueId::from_random(UniqueIdKind::Role, [3; 17]),
                session_name: name.parse().unwrap(),
            },
            generation: 0,
            source_identity: None,
            tags: Vec::new(),
            session_policy: None,
            session_policy_arns: Vec::new(),
            federation: None,
            mfa_at: None,
            ancestors: Vec::new(),
            root_expires_at: None,
            ends_with_root: false,
            source_access_key: None,
            source_user: None,
            directory_revision: 1,
            audience: Vec::new(),
            region: REGION.to_owned(),
            origin: Origin::AssumeRole,
        };
        let lifetime = Lifetime { issued_at: from, expires_at: from + seconds };
        let random: [u8; 32] = Sha256::digest(name).into();
        let secret = SecretKey::from_random(&[random, random].concat()).unwrap();
        let minted = self.minter.mint(&claims, lifetime, zones, secret, random, 0).unwrap();
        Credentials {
            access_key_id: minted.access_key_id,
            secret_access_key: minted.secret_access_key,
            security_token: Some(minted.security_token),
            expiration: Some(lifetime.expires_at),
        }
    }
}

pub(crate) fn style(service: &str) -> PathStyle {
    Rules::of_service(service).path_style
}

/// Signs in the header form, over everything the request has.
pub(crate) fn sign<B>(
    request: Request<B>,
    body: &[u8],
    credentials: &Credentials,
    service: &str,
    now: Timestamp,
) -> Request<B> {
    sign_hash(request, Sha256::digest(body).into(), credentials, service, now)
}

pub(crate) fn sign_hash<B>(
    request: Request<B>,
    sha256: [u8; 32],
    credentials: &Credentials,
    service: &str,
    now: Timestamp,
) -> Request<B> {
    let (mut parts, body) = request.into_parts();
    let added =
        signature::sign(signed_request(&parts, "http"), sha256, credentials, REGION, service, style(service), now)
            .unwrap();
    parts.headers.extend(added);
    Request::from_parts(parts, body)
}

/// Signs in the query form.
pub(crate) fn presign<B>(
    request: Request<B>,
    credentials: &Credentials,
    service: &str,
    expires: u32,
    now: Timestamp,
) -> Request<B> {
    let (mut parts, body) = request.into_parts();
    let query =
        signature::presign(signed_request(&parts, "http"), credentials, REGION, service, style(service), expires, now)
            .unwrap();
    parts.uri = format!("{}?{query}", parts.uri.path()).parse().unwrap();
    Request::from_parts(parts, body)
}

pub(crate) fn get(path: &str) -> Request<Vec<u8>> {
    Request::get(path).header("host", "files.example").body(Vec::new()).unwrap()
}

pub(crate) fn put(path: &str, body: &[u8]) -> Request<Vec<u8>> {
    Request::put(path).header("host", "files.example").body(body.to_vec()).unwrap()
}

pub(crate) fn header(value: &str) -> HeaderValue {
    HeaderValue::from_str(value).unwrap()
}

/// What the validator says of a request as it stands.
pub(crate) fn verify(validator: &Validator, request: &Request<Vec<u8>>, now: Timestamp) -> Result<Verified, Rejection> {
    let (parts, body) = request.clone().into_parts();
    validator.verify(signed_request(&parts, "http"), &body, now)
}

/// A clock that tests set.
#[derive(Clone)]
pub(crate) struct TestClock(Arc<AtomicI64>);

impl TestClock {
    pub(crate) fn at(time: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(time.unix())))
    }

    pub(crate) fn set(&self, time: Timestamp) {
        self.0.store(time.unix(), Ordering::SeqCst);
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_unix(self.0.load(Ordering::SeqCst)).unwrap()
    }
}
