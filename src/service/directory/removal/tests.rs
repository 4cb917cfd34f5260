//! Every kind of record goes by its key, and leaves nothing behind.

use brevet_validator::credential::KeyKind;
use brevet_validator::identity::{UniqueId, UniqueIdKind};
use brevet_validator::token::Zone;

use super::super::{UsedToken, ZoneEntry};
use super::*;
use crate::service::test_world::{ACCOUNT, ALLOW_ALL, World, account, now, trust};
use crate::store::records;

fn world() -> Snapshot {
    let mut world = World::new();
    world.user("ada", ALLOW_ALL);
    world.role("deploy", &trust("arn:aws:iam::111111111111:root"), ALLOW_ALL);
    world.policy(ACCOUNT, "all", ALLOW_ALL);
    let provider = records::OidcProvider {
        account: ACCOUNT.into(),
        issuer: "https://ci.example.com/a/b".into(),
        unique_id: "p1".into(),
        ..Default::default()
    };
    world.put("providers/111111111111/ci.example.com/a/b", records::encode(&provider));
    world.snapshot
}

/// Puts an entity into a snapshot, takes it out by its key alone, and looks whether it is gone.
fn goes<T: Stored + Clone>(snapshot: &mut Snapshot, entity: T) {
    entity.clone().insert(1, snapshot);
    let key = entity.key();
    snapshot.remove_record(&key).unwrap();
    assert_eq!(entity.version(snapshot), None, "{key}");
}

#[test]
fn every_kind_of_record_is_found_by_its_key_alone() {
    let snapshot = &mut world();
    let user = snapshot.user(account(), "ada").unwrap().clone();
    let role = snapshot.role(account(), "deploy").unwrap().clone();
    let policy = snapshot.policy(account(), "all").unwrap().clone();
    let provider = snapshot.providers(account()).next().unwrap().clone();
    let key = snapshot.access_keys.values().next().unwrap().entity.as_ref().clone();
    let owner = snapshot.account(account()).unwrap().clone();
    goes(snapshot, user.clone());
    assert_eq!(snapshot.user_by_id(account(), user.id).map(|user| &user.name), None);
    goes(snapshot, role.clone());
    goes(snapshot, policy);
    goes(snapshot, provider);
    goes(snapshot, key);
    goes(snapshot, owner);
    goes(snapshot, ZoneEntry { zone: Zone::Default, created_at: now(), disabled: true });
    let token = UsedTokenKey { role: role.id, provider: "p1".into(), token: [0xa7; 32] };
    goes(snapshot, UsedToken { key: token, uses: 1, until: now() });
    assert!(snapshot.used_tokens_by_end.is_empty());
}

#[test]
fn records_of_sessions_and_of_uses_of_keys_go_by_their_keys_alone() {
    let snapshot = &mut world();
    let sessions = format!("sessions/{:012}/{:032x}", now().unix(), 7);
    let uses = records::KeyUses::default();
    for (key, content) in [(sessions.as_str(), Vec::new()), ("key-uses/a7f", records::encode(&uses))] {
        assert!(snapshot.insert_record(key, 1, snapshot.revision, &content).unwrap(), "{key}");
    }
    assert_eq!((snapshot.session_batches.len(), snapshot.key_uses.len()), (1, 1));
    snapshot.remove_record(&sessions).unwrap();
    snapshot.remove_record("key-uses/a7f").unwrap();
    assert_eq!((snapshot.session_batches.len(), snapshot.key_uses.len()), (0, 0));
    for bad in ["sessions/x/y", "key-uses/xyz"] {
        assert!(snapshot.remove_record(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_revocation_of_every_kind_is_lifted_by_its_key_alone() {
    let snapshot = &mut world();
    let id = AccessKeyId::from_bytes(KeyKind::Temporary, [7; 10]);
    let unique = |kind| UniqueId::from_random(kind, [7; 17]);
    for subject in [
        Subject::Session { account: account(), access_key_id: id },
        Subject::Root(account()),
        Subject::User(unique(UniqueIdKind::User)),
        Subject::Role(unique(UniqueIdKind::Role)),
        Subject::Provider("p1".into()),
        Subject::AccessKey(id),
        Subject::IssuedBefore { account: account(), at: now() },
    ] {
        goes(snapshot, Revocation { subject, revision: 3, until: now() });
    }
    assert!(snapshot.revocations_by_end.is_empty());
}

#[test]
fn an_absent_record_is_no_error_and_a_key_of_no_known_form_is_one() {
    let snapshot = &mut world();
    for absent in ["users/111111111111/bob", "revocations/root/222222222222"] {
        snapshot.remove_record(absent).unwrap();
    }
    snapshot.others.insert("epochs/9".into(), 1);
    snapshot.remove_record("epochs/9").unwrap();
    assert!(!snapshot.has_other("epochs/9"));
    for odd in
        ["users", "epochs/9", "users/ada", "accounts/x", "revocations/everyone/1", "used-tokens/a/b/c", "access-keys/x"]
    {
        assert!(snapshot.remove_record(odd).is_err(), "{odd}");
    }
}
