//! A small deployment: fixed keys, a minter, rings, claims of each kind.

use brevet_validator::credential::{AccessKeyId, KeyKind, Lifetime, SecretKey};
use brevet_validator::identity::{Principal, UniqueId, UniqueIdKind};
use brevet_validator::secret::Secret;
use brevet_validator::timestamp::Timestamp;
use brevet_validator::token::{
    Claims, Federation, KeyRing, KeyState, Minted, Minter, Origin, ScopedZone, SessionId, SessionTag, VerifyingKey,
    Zone, ZoneScope,
};

pub(crate) const TRUST_DOMAIN: [u8; 16] = *b"a deployment 16B";
pub(crate) const EPOCH: u32 = 7;
pub(crate) const ROOT: [u8; 32] = [0x11; 32];
pub(crate) const SIGN_KEY_ID: u32 = 0xc0ff_ee01;
pub(crate) const SEED: [u8; 32] = [0x22; 32];
pub(crate) const SECRET: &str = "abcdefghijKLMNOPQRST0123456789uvwxyzABCD";
pub(crate) const MAX_LIFETIME: i64 = 129_600;
pub(crate) const REGION: &str = "eu-west-1";

/// 2026-11-23T00:00:00Z
pub(crate) const NOW: i64 = 1_795_392_000;

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(seconds).unwrap()
}

pub(crate) fn an_hour() -> Lifetime {
    Lifetime { issued_at: at(NOW), expires_at: at(NOW + 3600) }
}

pub(crate) fn minter() -> Minter {
    minter_of(TRUST_DOMAIN, ROOT, SEED)
}

pub(crate) fn minter_of(trust_domain: [u8; 16], root: [u8; 32], seed: [u8; 32]) -> Minter {
    let session_id_key = Secret::new([0x33; 32]);
    Minter::new(trust_domain, EPOCH, &Secret::new(root), SIGN_KEY_ID, &Secret::new(seed), session_id_key).unwrap()
}

pub(crate) fn verifying_key() -> VerifyingKey {
    VerifyingKey {
        id: SIGN_KEY_ID,
        public: minter().public_key(),
        not_before: Timestamp::EPOCH,
        not_after: Timestamp::MAX,
        max_lifetime: MAX_LIFETIME,
        state: KeyState::Active,
    }
}

pub(crate) fn ring(zone: &Zone) -> KeyRing {
    ring_with(verifying_key(), zone)
}

pub(crate) fn ring_with(key: VerifyingKey, zone: &Zone) -> KeyRing {
    let ring = KeyRing::new(TRUST_DOMAIN, vec![key], vec![minter().zone_key(zone)]).unwrap();
    match zone {
        Zone::Sts | Zone::Default => ring,
        Zone::Scoped(scoped) => ring.scoped(scoped.scope().clone()),
    }
}

pub(crate) fn scope(region: &str, services: &[&str]) -> ZoneScope {
    ZoneScope::new(region.into(), services.iter().map(|&service| service.to_owned()).collect()).unwrap()
}

pub(crate) fn scoped(name: &str, id: u8, services: &[&str]) -> Zone {
    Zone::Scoped(ScopedZone::new(name.into(), [id; 16], scope(REGION, services)).unwrap())
}

/// Two services, in an order that is not that of their names.
pub(crate) fn storage() -> Zone {
    scoped("storage", 0x51, &["store", "queue"])
}

/// A zone of another service in the same region.
pub(crate) fn compute() -> Zone {
    scoped("compute", 0x52, &["batch"])
}

/// A token with boxes for these zones besides that of the STS.
pub(crate) fn mint_for(zones: &[Zone], lifetime: Lifetime) -> Minted {
    minter().mint(&user_claims(), lifetime, zones, SecretKey::new(SECRET.into()), [1; 32], 1).unwrap()
}

/// A token of `claims` with boxes for the STS and the default zone. `nonce` makes it another one.
pub(crate) fn mint(claims: &Claims, lifetime: Lifetime, nonce: u8) -> Minted {
    minter().mint(claims, lifetime, &[Zone::Default], SecretKey::new(SECRET.into()), [nonce; 32], 1).unwrap()
}

pub(crate) fn user_id() -> UniqueId {
    UniqueId::from_random(UniqueIdKind::User, *b"user with an id !")
}

pub(crate) fn claims(principal: Principal, origin: Origin) -> Claims {
    Claims {
        principal,
        generation: 1,
        source_identity: None,
        tags: vec![],
        session_policy: None,
        session_policy_arns: vec![],
        federation: None,
        mfa_at: None,
        ancestors: vec![],
        root_expires_at: None,
        ends_with_root: false,
        source_access_key: Some(AccessKeyId::from_bytes(KeyKind::LongLived, *b"source key")),
        source_user: Some(user_id()),
        directory_revision: 42,
        audience: vec![],
        region: "us-east-1".into(),
        origin,
    }
}

pub(crate) fn root_claims() -> Claims {
    let root = Principal::Root { account: "123456789012".parse().unwrap() };
    Claims { source_user: None, ..claims(root, Origin::SessionToken) }
}

pub(crate) fn user_claims() -> Claims {
    let account = "123456789012".parse().unwrap();
    let user = Principal::User { account, path: "/ops/".into(), name: "ada".into(), id: user_id() };
    claims(user, Origin::SessionToken)
}

pub(crate) fn federated_claims() -> Claims {
    let account = "123456789012".parse().unwrap();
    let federated = Principal::FederatedUser { account, name: "guest".parse().unwrap(), user: Some(user_id()) };
    claims(federated, Origin::FederationToken)
}

pub(crate) fn role_claims() -> Claims {
    let role = Principal::RoleSession {
        account: "123456789012".parse().unwrap(),
        role_path: "/ci/".into(),
        role_name: "deploy".into(),
        role_id: UniqueId::from_random(UniqueIdKind::Role, *b"role with an id !"),
        session_name: "build-1042@main".parse().unwrap(),
    };
    Claims {
        source_identity: Some("ada".into()),
        tags: vec![tag("team", "shop", true), tag("Ключ", "", false)],
        session_policy: Some(r#"{"Version":"2012-10-17","Statement":[]}"#.into()),
        session_policy_arns: vec!["arn:aws:iam::aws:policy/ReadOnlyAccess".into()],
        audience: vec!["storage".into()],
        mfa_at: Some(at(NOW - 60)),
        ..claims(role, Origin::AssumeRole)
    }
}

pub(crate) fn web_identity_claims() -> Claims {
    Claims {
        federation: Some(Federation {
            issuer: "https://token.actions.githubusercontent.com".into(),
            subject: "repo:acme/shop:ref:refs/heads/main".into(),
            provider_id: "provider-1".into(),
        }),
        source_access_key: None,
        source_user: None,
        ..role_claims()
    }
}

pub(crate) fn chained_claims() -> Claims {
    Claims {
        ancestors: (1..=8).map(|i| SessionId([i; 16])).collect(),
        root_expires_at: Some(at(NOW + 1800)),
        ..role_claims()
    }
}

pub(crate) fn tag(key: &str, value: &str, transitive: bool) -> SessionTag {
    SessionTag { key: key.into(), value: value.into(), transitive }
}
