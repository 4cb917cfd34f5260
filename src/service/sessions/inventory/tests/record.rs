//! Records of sessions, there and back; and that they know enough to tell what is revoked.

use brevet_validator::credential::{KeyKind, SecretKey};
use brevet_validator::token::{Revocation, RevocationSet, Session, SessionSecret};
use proptest::prelude::*;

use super::*;
use crate::service::sessions::inventory::entry::session;
use crate::service::sessions::inventory::record::{decode, encode};
use crate::store::{MAX_VALUE, records};

fn key(n: u8) -> AccessKeyId {
    AccessKeyId::from_bytes(KeyKind::LongLived, [n; 10])
}

fn any_account() -> impl Strategy<Value = AccountId> {
    prop::sample::select(vec![account(), OTHER_ACCOUNT.parse().unwrap()])
}

fn any_principal() -> impl Strategy<Value = Principal> {
    (any_account(), 0..3u8, 0..5u8).prop_map(|(account, n, kind)| {
        let name = "guest".parse().unwrap();
        match kind {
            0 => Principal::Root { account },
            1 => Principal::User { account, path: "/".into(), name: "u".into(), id: user_id(n) },
            2 => role(account, n),
            3 => Principal::FederatedUser { account, name, user: None },
            _ => Principal::FederatedUser { account, name, user: Some(user_id(n)) },
        }
    })
}

prop_compose! {
    fn any_claims()(
        principal in any_principal(),
        ancestors in prop::collection::vec(0..6u32, 0..3),
        user in prop::option::of(0..3u8),
        key_number in prop::option::of(0..3u8),
        provider in prop::option::of("[pq]"),
        directory_revision in 0..4u64,
        source_identity in prop::option::of("[a-b]{2,3}"),
    ) -> Claims {
        let mut claims = Claims {
            principal,
            ancestors: ancestors.into_iter().map(id).collect(),
            source_user: user.map(user_id),
            source_access_key: key_number.map(key),
            directory_revision,
            source_identity,
            ..Issued::sample().claims
        };
        if let Some(provider) = provider {
            of_provider(&mut claims, &provider);
        }
        claims
    }
}

fn any_subject() -> impl Strategy<Value = Subject> {
    let role = |n| Subject::Role(UniqueId::from_random(UniqueIdKind::Role, [n; 17]));
    prop_oneof![
        (any_account(), 0..6u32).prop_map(|(account, n)| session(account, id(n).access_key_id())),
        any_account().prop_map(Subject::Root),
        (0..3u8).prop_map(|n| Subject::User(user_id(n))),
        (0..3u8).prop_map(role),
        "[pq]".prop_map(|id| Subject::Provider(id.into())),
        (0..3u8).prop_map(|n| Subject::AccessKey(key(n))),
        (any_account(), -3..3i64).prop_map(|(account, seconds)| Subject::IssuedBefore { account, at: at(seconds) }),
    ]
}

/// The session as a token gives it, and what the list keeps of it.
fn both(n: u32, issued_at: i64, claims: &Claims) -> (Session, Entry) {
    let session = Session {
        id: id(n),
        access_key_id: id(n).access_key_id(),
        lifetime: Lifetime { issued_at: at(issued_at), expires_at: at(100) },
        claims: claims.clone(),
        secret: SessionSecret::SecretKey(SecretKey::new("s".repeat(40))),
    };
    (session, with(n, issued_at, 100, |own| *own = claims.clone()))
}

proptest! {
    #[test]
    fn the_list_says_revoked_exactly_where_a_validator_refuses_also_after_a_restart(
        sessions in prop::collection::vec((any_claims(), -3..3i64), 1..6),
        revocations in prop::collection::vec((any_subject(), 0..5u64), 0..4),
    ) {
        let mut set = RevocationSet::default();
        for (subject, revision) in revocations {
            set.insert(Revocation { subject, revision, until: at(1000) });
        }
        for (n, (claims, issued_at)) in (0..).zip(&sessions) {
            let (session, entry) = both(n, *issued_at, claims);
            let expected = set.refuses(&session);
            prop_assert_eq!(set.refuses_what(&entry.revocable()), expected.clone());
            let [again] = <[Entry; 1]>::try_from(decode(&encode(&[Arc::new(entry)]).content).unwrap()).unwrap();
            prop_assert_eq!(set.refuses_what(&again.revocable()), expected);
        }
    }

    #[test]
    fn a_filter_finds_exactly_what_its_revocation_would_end(
        sessions in prop::collection::vec((any_claims(), -3..3i64), 1..6),
        subject in any_subject(),
    ) {
        // No filters are a key or a time.
        prop_assume!(!matches!(subject, Subject::AccessKey(_) | Subject::IssuedBefore { .. }));
        let inventory = Inventory::new(100);
        let mut set = RevocationSet::default();
        set.insert(Revocation { subject: subject.clone(), revision: u64::MAX, until: at(1000) });
        let mut expected = Vec::new();
        for (n, (claims, issued_at)) in (0..).zip(&sessions) {
            let (session, entry) = both(n, *issued_at, claims);
            if claims.account() == account() && set.refuses(&session).is_some() {
                expected.push(n);
            }
            inventory.enter(entry);
        }
        let mut found = listed(&inventory, &[subject]);
        found.sort_unstable();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn what_is_written_is_read_again(sessions in prop::collection::vec((any_claims(), -3..3i64), 1..20)) {
        let entry = |(n, (claims, issued_at)): (u32, &(Claims, i64))| Arc::new(both(n, *issued_at, claims).1);
        let entries: Vec<_> = (0..).zip(&sessions).map(entry).collect();
        let batch = encode(&entries);
        prop_assert_eq!((batch.count, batch.until), (entries.len(), at(100)));
        let again: Vec<_> = decode(&batch.content).unwrap().into_iter().map(Arc::new).collect();
        prop_assert_eq!(again, entries);
    }

    #[test]
    fn bytes_that_are_no_record_are_refused_and_break_nothing(
        cut in 0..400usize, change in 0..400usize, by in 1..=255u8,
    ) {
        let mut content = encode(&[Arc::new(with(1, 0, 100, |claims| claims.ancestors = vec![id(2)]))]).content;
        let length = content.len();
        content[change % length] ^= by;
        content.truncate(length - cut % length);
        // Whatever it says, it says it without a panic.
        if let Ok(entries) = decode(&content) {
            let known = Inventory::new(10);
            entries.into_iter().for_each(|entry| known.enter(entry));
        }
    }
}

#[test]
fn a_place_that_is_not_there_and_a_wrong_length_are_refused() {
    let good = encode(&[Arc::new(entry(1, 0, 100))]).content;
    let changed = |change: fn(&mut records::IssuedSession)| {
        let mut batch: records::SessionBatch = records::decode(&good).unwrap();
        change(&mut batch.sessions[0]);
        decode(&records::encode(&batch))
    };
    assert_eq!(changed(|_| ()).unwrap(), [entry(1, 0, 100)]);
    let faults: [fn(&mut records::IssuedSession); 8] = [
        |session| session.user_agent = 99,
        |session| session.account = 0,
        |session| session.account = session.arn,
        |session| session.holder_id = session.arn,
        |session| session.ancestors = vec![0; 17],
        |session| session.id = vec![0; 15],
        |session| session.source_ip = vec![0; 5],
        |session| session.expires_at = -1,
    ];
    for (n, fault) in faults.into_iter().enumerate() {
        assert!(changed(fault).is_err(), "{n}");
    }
}

#[test]
fn a_record_is_never_larger_than_the_store_takes_and_common_texts_cost_little() {
    let long = |n: u32| {
        let mut entry = entry(n, 0, 100);
        entry.issued_to = format!("{n}{}", "\u{1F600}".repeat(500)).into();
        entry.user_agent = Some(format!("{n}{}", "\u{1F600}".repeat(250)).into());
        entry.arn = format!("{n}{}", "x".repeat(2000)).into();
        Arc::new(entry)
    };
    let entries: Vec<_> = (0..BATCH as u32).map(long).collect();
    let mut rest = &entries[..];
    while !rest.is_empty() {
        let batch = encode(rest);
        assert!(batch.count > 50 && batch.content.len() < MAX_VALUE * 3 / 4, "{} {}", batch.count, batch.content.len());
        rest = &rest[batch.count..];
    }
    let alike: Vec<_> = (0..1000).map(|n| Arc::new(entry(n, 0, 100))).collect();
    let batch = encode(&alike);
    assert!(batch.count == 1000 && batch.content.len() < 70_000, "{} bytes for a thousand", batch.content.len());
}
