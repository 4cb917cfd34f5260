//! Rings and sessions as JSON. Bytes are hexadecimal, times seconds since 1970, what is absent is null.

use serde_json::{Value, json};

use brevet_validator::identity::Principal;
use brevet_validator::secret::Secret;
use brevet_validator::signature::Scope;
use brevet_validator::timestamp::Timestamp;
use brevet_validator::token::{Claims, KeyRing, KeyState, Session, SessionSecret, VerifyingKey, Zone, ZoneKey};

use crate::samples::*;

/// The rings that vectors are opened with.
pub(super) fn rings() -> Vec<(&'static str, Value)> {
    let later = VerifyingKey { not_before: at(NOW + 1), ..verifying_key() };
    let earlier = VerifyingKey { not_after: at(NOW), ..verifying_key() };
    let distrusted = VerifyingKey { state: KeyState::Distrusted, ..verifying_key() };
    vec![
        ("sts", ring_to_json(&verifying_key(), &Zone::Sts)),
        ("default", ring_to_json(&verifying_key(), &Zone::Default)),
        ("later", ring_to_json(&later, &Zone::Sts)),
        ("earlier", ring_to_json(&earlier, &Zone::Sts)),
        ("distrusted", ring_to_json(&distrusted, &Zone::Sts)),
        ("storage", ring_to_json(&verifying_key(), &storage())),
        ("compute", ring_to_json(&verifying_key(), &compute())),
    ]
}

fn ring_to_json(key: &VerifyingKey, zone: &Zone) -> Value {
    let zone_key = minter().zone_key(zone);
    let mut ring = json!({
        "trust_domain": hex(&TRUST_DOMAIN),
        "verifying_keys": [{
            "id": key.id,
            "public": hex(&key.public),
            "not_before": key.not_before.unix(),
            "not_after": key.not_after.unix(),
            "max_lifetime": key.max_lifetime,
            "distrusted": key.state == KeyState::Distrusted,
        }],
        "zone_keys": [{
            "epoch": zone_key.epoch,
            "seal": hex(zone_key.seal.expose()),
            "zone": hex(zone_key.zone.expose()),
        }],
    });
    if let Zone::Scoped(scoped) = zone {
        ring["region"] = scoped.scope().region().into();
        ring["services"] = scoped.scope().services().into();
    }
    ring
}

pub(super) fn ring_from_json(ring: &Value) -> KeyRing {
    let number = |value: &Value| value.as_u64().and_then(|n| n.try_into().ok()).unwrap();
    let time = |value: &Value| at(value.as_i64().unwrap());
    let verifying_keys = ring["verifying_keys"].as_array().unwrap().iter().map(|key| VerifyingKey {
        id: number(&key["id"]),
        public: bytes(&key["public"]),
        not_before: time(&key["not_before"]),
        not_after: time(&key["not_after"]),
        max_lifetime: key["max_lifetime"].as_i64().unwrap(),
        state: if key["distrusted"] == true { KeyState::Distrusted } else { KeyState::Active },
    });
    let zone_keys = ring["zone_keys"].as_array().unwrap().iter().map(|key| ZoneKey {
        epoch: number(&key["epoch"]),
        seal: Secret::new(bytes(&key["seal"])),
        zone: Secret::new(bytes(&key["zone"])),
    });
    let made = KeyRing::new(bytes(&ring["trust_domain"]), verifying_keys.collect(), zone_keys.collect()).unwrap();
    match ring["services"].as_array() {
        None => made,
        Some(services) => {
            let services: Vec<_> = services.iter().map(|service| service.as_str().unwrap()).collect();
            made.scoped(scope(ring["region"].as_str().unwrap(), &services))
        }
    }
}

pub(super) fn session_to_json(session: &Session) -> Value {
    let mut written = json!({
        "session_id": hex(&session.id.0),
        "issued_at": session.lifetime.issued_at.unix(),
        "expires_at": session.lifetime.expires_at.unix(),
        "claims": claims_to_json(&session.claims),
    });
    match &session.secret {
        SessionSecret::SecretKey(secret) => written["secret_access_key"] = secret.expose().into(),
        keys => written["signing_keys"] = signing_keys_to_json(session, keys),
    }
    written
}

/// The keys for all services of the samples and every day from the one before the session to the one after it.
fn signing_keys_to_json(session: &Session, keys: &SessionSecret) -> Value {
    let days = session.lifetime.issued_at.unix() / 86_400 - 1..=session.lifetime.expires_at.unix() / 86_400 + 1;
    let dates = days.filter_map(|day| Timestamp::from_unix(day * 86_400)).map(Timestamp::to_scope_date);
    let scopes = dates
        .flat_map(|date| ["store", "queue", "batch"].map(|service| format!("{date}/{REGION}/{service}/aws4_request")));
    let found = scopes.filter_map(|scope| {
        let key = keys.signing_key(Scope::parse(&scope).unwrap())?;
        Some((scope, hex(key.expose()).into()))
    });
    Value::Object(found.collect())
}

fn claims_to_json(claims: &Claims) -> Value {
    let tags = claims.tags.iter().map(|t| json!({"key": t.key, "value": t.value, "transitive": t.transitive}));
    let federation = claims
        .federation
        .as_ref()
        .map(|f| json!({"issuer": f.issuer, "subject": f.subject, "provider_id": f.provider_id}));
    json!({
        "principal": principal_to_json(&claims.principal),
        "origin": format!("{:?}", claims.origin),
        "generation": claims.generation,
        "source_identity": claims.source_identity,
        "tags": tags.collect::<Vec<_>>(),
        "session_policy": claims.session_policy,
        "session_policy_arns": claims.session_policy_arns,
        "federation": federation,
        "mfa_at": claims.mfa_at.map(Timestamp::unix),
        "ancestors": claims.ancestors.iter().map(|id| hex(&id.0)).collect::<Vec<_>>(),
        "root_expires_at": claims.root_expires_at.map(Timestamp::unix),
        "ends_with_root": claims.ends_with_root,
        "source_access_key": claims.source_access_key.map(|id| id.to_string()),
        "source_user": claims.source_user.map(|id| id.to_string()),
        "directory_revision": claims.directory_revision,
        "audience": claims.audience,
        "region": claims.region,
    })
}

fn principal_to_json(principal: &Principal) -> Value {
    let account = principal.account().to_string();
    match principal {
        Principal::Root { .. } => json!({"root": {"account": account}}),
        Principal::User { path, name, id, .. } => {
            json!({"user": {"account": account, "path": path, "name": name, "id": id.as_str()}})
        }
        Principal::RoleSession { role_path, role_name, role_id, session_name, .. } => json!({"role_session": {
            "account": account, "role_path": role_path, "role_name": role_name,
            "role_id": role_id.as_str(), "session_name": session_name.as_str(),
        }}),
        Principal::FederatedUser { name, user, .. } => json!({"federated_user": {
            "account": account, "name": name.as_str(), "user": user.map(|id| id.to_string()),
        }}),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes<const N: usize>(hex: &Value) -> [u8; N] {
    let hex = hex.as_str().unwrap();
    assert_eq!(hex.len(), 2 * N);
    std::array::from_fn(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap())
}
