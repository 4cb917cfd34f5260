//! Each kind of revocation, what it refuses, and above all what it leaves alone.

use super::*;
use crate::credential::{KeyKind, Lifetime, SecretKey};
use crate::identity::{Principal, UniqueIdKind};
use crate::token::{Claims, Federation, Origin, SessionSecret};

const NOW: i64 = 1_795_392_000;
/// Of the directory that the sessions were decided on.
const REVISION: u64 = 42;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(NOW + seconds).unwrap()
}

fn account() -> AccountId {
    "123456789012".parse().unwrap()
}

fn other_account() -> AccountId {
    "210987654321".parse().unwrap()
}

fn user_id(n: u8) -> UniqueId {
    UniqueId::from_random(UniqueIdKind::User, [n; 17])
}

fn role_id(n: u8) -> UniqueId {
    UniqueId::from_random(UniqueIdKind::Role, [n; 17])
}

fn key_id(n: u8) -> AccessKeyId {
    AccessKeyId::from_bytes(KeyKind::LongLived, [n; 10])
}

fn root() -> Principal {
    Principal::Root { account: account() }
}

fn user(n: u8) -> Principal {
    Principal::User { account: account(), path: "/".into(), name: "ada".into(), id: user_id(n) }
}

fn guest(user: Option<UniqueId>) -> Principal {
    Principal::FederatedUser { account: account(), name: "guest".parse().unwrap(), user }
}

fn role(n: u8) -> Principal {
    Principal::RoleSession {
        account: account(),
        role_path: "/".into(),
        role_name: "deploy".into(),
        role_id: role_id(n),
        session_name: "ci".parse().unwrap(),
    }
}

fn session(principal: Principal) -> Session {
    let id = SessionId(*b"the session's id");
    Session {
        id,
        access_key_id: id.access_key_id(),
        lifetime: Lifetime { issued_at: at(0), expires_at: at(3600) },
        claims: Claims {
            principal,
            generation: 0,
            source_identity: None,
            tags: vec![],
            session_policy: None,
            session_policy_arns: vec![],
            federation: None,
            mfa_at: None,
            ancestors: vec![],
            root_expires_at: None,
            ends_with_root: false,
            source_access_key: None,
            source_user: None,
            directory_revision: REVISION,
            audience: vec![],
            region: "us-east-1".into(),
            origin: Origin::AssumeRole,
        },
        secret: SessionSecret::SecretKey(SecretKey::new("s".repeat(40))),
    }
}

fn with(principal: Principal, change: impl FnOnce(&mut Claims)) -> Session {
    let mut session = session(principal);
    change(&mut session.claims);
    session
}

fn set(subject: Subject, revision: u64) -> RevocationSet {
    let mut set = RevocationSet::default();
    set.insert(Revocation { subject, revision, until: at(129_600) });
    set
}

fn refuses(subject: &Subject, session: &Session) -> bool {
    let refused = set(subject.clone(), REVISION + 1).refuses(session);
    assert!(refused.is_none() || refused.as_ref() == Some(subject), "{refused:?}");
    refused.is_some()
}

#[test]
fn an_empty_set_refuses_nobody() {
    for principal in [root(), user(1), role(1), guest(None)] {
        assert_eq!(RevocationSet::default().refuses(&session(principal)), None);
    }
}

#[test]
fn a_session_is_refused_with_all_that_were_made_from_it_and_no_other() {
    let id = SessionId(*b"the session's id");
    let subject = Subject::Session { account: account(), access_key_id: id.access_key_id() };
    assert!(refuses(&subject, &session(role(1))));
    let other = SessionId(*b"another session.");
    for (ancestors, expected) in
        [(vec![other], false), (vec![id], true), (vec![other, id], true), (vec![id, other], true)]
    {
        let mut child = with(role(2), |claims| claims.ancestors = ancestors.clone());
        child.id = SessionId([7; 16]);
        assert_eq!(refuses(&subject, &child), expected, "{ancestors:?}");
    }
    // Whatever the directory knew: the session itself is meant.
    let late = with(role(1), |claims| claims.directory_revision = u64::MAX);
    assert!(refuses(&subject, &late));
}

#[test]
fn d2_a_session_is_told_by_the_bytes_of_its_access_key_id() {
    let id = SessionId(*b"the session's id");
    let subject = Subject::Session { account: account(), access_key_id: id.access_key_id() };
    let mut alike = session(role(1));
    alike.id.0[15] ^= 1;
    assert!(refuses(&subject, &alike), "the last six bytes are not in the access key id");
    alike.id.0[9] ^= 1;
    assert!(!refuses(&subject, &alike));
}

#[test]
fn a_session_that_another_account_named_is_left_alone() {
    let own = session(role(1));
    let subject = Subject::Session { account: other_account(), access_key_id: own.access_key_id };
    assert!(!refuses(&subject, &own));
    let child = with(role(1), |claims| claims.ancestors = vec![own.id]);
    assert!(!refuses(&subject, &child));
    // Nor can it keep the owner from revoking it, or undo that.
    let mut both = set(subject.clone(), REVISION + 1);
    let rightful = Subject::Session { account: account(), access_key_id: own.access_key_id };
    both.insert(Revocation { subject: rightful.clone(), revision: REVISION + 2, until: at(10) });
    both.remove(&subject);
    assert_eq!(both.refuses(&own), Some(rightful));
}

#[test]
fn a_principal_is_refused_in_each_form_that_it_acts_in() {
    for (subject, covered, left) in [
        (Subject::Root(account()), vec![root(), guest(None)], vec![user(1), role(1), guest(Some(user_id(1)))]),
        (
            Subject::User(user_id(1)),
            vec![user(1), guest(Some(user_id(1)))],
            vec![root(), user(2), role(1), guest(None), guest(Some(user_id(2)))],
        ),
        (Subject::Role(role_id(1)), vec![role(1)], vec![root(), user(1), role(2), guest(None)]),
    ] {
        for principal in covered {
            assert!(refuses(&subject, &session(principal.clone())), "{subject:?}: {principal:?}");
        }
        for principal in left {
            assert!(!refuses(&subject, &session(principal.clone())), "{subject:?}: {principal:?}");
        }
    }
    assert!(!refuses(&Subject::Root(other_account()), &session(root())));
}

#[test]
fn what_a_user_a_key_or_a_provider_started_is_refused_with_it() {
    let started = |federation: &str| {
        with(role(1), |claims| {
            claims.source_user = Some(user_id(1));
            claims.source_access_key = Some(key_id(1));
            claims.federation = Some(Federation {
                issuer: "https://id.test".into(),
                subject: "s".into(),
                provider_id: federation.into(),
            });
        })
    };
    for (subject, expected) in [
        (Subject::User(user_id(1)), true),
        (Subject::User(user_id(2)), false),
        (Subject::AccessKey(key_id(1)), true),
        (Subject::AccessKey(key_id(2)), false),
        (Subject::Provider("p".repeat(32).into()), true),
        (Subject::Provider("q".repeat(32).into()), false),
        (Subject::Provider("".into()), false),
    ] {
        assert_eq!(refuses(&subject, &started(&"p".repeat(32))), expected, "{subject:?}");
        assert!(!refuses(&subject, &session(role(1))), "{subject:?}");
    }
}

#[test]
fn d13_d14_what_was_decided_on_an_older_directory_is_refused_whatever_the_clocks_say() {
    for subject in [
        Subject::Role(role_id(1)),
        Subject::IssuedBefore { account: account(), at: Timestamp::MAX },
        Subject::IssuedBefore { account: account(), at: at(0) },
    ] {
        for (minted_at, refused) in [(REVISION - 1, true), (REVISION, false), (REVISION + 1, false)] {
            let set = set(subject.clone(), REVISION);
            let session = with(role(1), |claims| claims.directory_revision = minted_at);
            assert_eq!(set.refuses(&session).is_some(), refused, "{subject:?} at {minted_at}");
        }
    }
}

#[test]
fn d13_a_time_concerns_what_was_issued_then_or_before() {
    for (seconds, refused) in [(-1, false), (0, true), (1, true), (100_000, true)] {
        let subject = Subject::IssuedBefore { account: account(), at: at(seconds) };
        for principal in [root(), user(1), role(1), guest(None)] {
            assert_eq!(refuses(&subject, &session(principal)), refused, "{seconds}");
        }
        let elsewhere = Subject::IssuedBefore { account: other_account(), at: at(seconds) };
        assert!(!refuses(&elsewhere, &session(role(1))));
    }
}

#[test]
fn times_that_were_revoked_one_after_the_other_each_hold() {
    let subject = |seconds| Subject::IssuedBefore { account: account(), at: at(seconds) };
    let mut set = set(subject(100), 10);
    set.insert(Revocation { subject: subject(-100), revision: 50, until: at(1000) });
    for (issued, decided_on, refused) in
        [(-200, 9, true), (-200, 49, true), (-200, 50, false), (0, 9, true), (0, 10, false), (200, 9, false)]
    {
        let mut session = with(role(1), |claims| claims.directory_revision = decided_on);
        session.lifetime.issued_at = at(issued);
        assert_eq!(set.refuses(&session).is_some(), refused, "issued at {issued} on {decided_on}");
    }
}

#[test]
fn d15_entries_leave_when_the_last_session_that_they_concern_is_over() {
    let subjects = [
        Subject::Session { account: account(), access_key_id: session(root()).access_key_id },
        Subject::Role(role_id(1)),
        Subject::IssuedBefore { account: account(), at: at(0) },
    ];
    for subject in subjects {
        let mut set = RevocationSet::default();
        set.insert(Revocation { subject: subject.clone(), revision: REVISION + 1, until: at(10) });
        set.prune(at(9));
        assert_eq!((set.len(), set.refuses(&session(role(1)))), (1, Some(subject)));
        set.prune(at(10));
        assert!(set.is_empty());
        assert_eq!(set.refuses(&session(role(1))), None);
    }
}

#[test]
fn d15_a_second_revocation_of_the_same_subject_takes_the_place_of_the_first() {
    let mut set = set(Subject::Role(role_id(1)), 10);
    set.insert(Revocation { subject: Subject::Role(role_id(1)), revision: REVISION + 1, until: at(20) });
    assert_eq!(set.len(), 1);
    assert!(set.refuses(&session(role(1))).is_some());
    set.remove(&Subject::Role(role_id(1)));
    set.remove(&Subject::Role(role_id(1)));
    assert!(set.is_empty());
}

#[test]
fn a_copy_is_not_changed_with_the_original() {
    let mut set = RevocationSet::default();
    let id = |n: u32| {
        AccessKeyId::from_bytes(KeyKind::Temporary, (u128::from(n) << 96).to_be_bytes()[..10].try_into().unwrap())
    };
    for n in 0..1000 {
        let subject = Subject::Session { account: account(), access_key_id: id(n << 20) };
        set.insert(Revocation { subject, revision: 1, until: at(i64::from(n)) });
    }
    let before = set.clone();
    set.insert(Revocation { subject: Subject::Role(role_id(1)), revision: 1, until: at(1) });
    set.prune(at(500));
    assert_eq!((before.len(), set.len()), (1000, 499));
}

#[test]
fn what_is_raised_or_absorbed_never_makes_less_of_what_was_known() {
    let subject = || Subject::User(user_id(1));
    let revocation = |revision, seconds| Revocation { subject: subject(), revision, until: at(seconds) };
    let (newer, older) = (revocation(REVISION + 1, 10), revocation(REVISION, 20));
    let with = |revocations: [&Revocation; 1]| {
        let mut set = RevocationSet::default();
        revocations.into_iter().cloned().for_each(|revocation| set.insert(revocation));
        set
    };
    let mut raised = with([&newer]);
    raised.raise(older.clone());
    let mut absorbed = with([&older]);
    absorbed.absorb(&with([&newer]));
    let session = session(user(1));
    for mut set in [raised, absorbed] {
        assert_eq!(set.refuses(&session), Some(subject()), "by the later revision");
        set.prune(at(15));
        assert_eq!(set.refuses(&session), Some(subject()), "until the later end");
        set.prune(at(20));
        assert_eq!(set.refuses(&session), None);
    }

    let mut all = RevocationSet::default();
    let one = Subject::Session { account: account(), access_key_id: session.access_key_id };
    let times = Subject::IssuedBefore { account: account(), at: at(0) };
    for subject in [one, times, subject()] {
        let mut other = RevocationSet::default();
        other.insert(Revocation { subject, revision: REVISION + 1, until: at(30) });
        assert!(other.refuses(&session).is_some());
        all.absorb(&other);
    }
    assert_eq!(all.len(), 3);
}
