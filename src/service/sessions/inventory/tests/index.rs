//! What is found, in which order, and what goes.

use super::*;
use crate::service::sessions::inventory::entry::session;

fn inventory(entries: impl IntoIterator<Item = Entry>) -> Inventory {
    let inventory = Inventory::new(100_000);
    entries.into_iter().for_each(|entry| inventory.enter(entry));
    inventory
}

#[test]
fn the_last_issued_comes_first_whatever_the_order_in_which_they_came() {
    let known = inventory([entry(2, -5, 10), entry(9, -7, 10), entry(1, 0, 10), entry(3, -5, 10)]);
    assert_eq!(all(&known), [1, 3, 2, 9]);
    known.enter(entry(9, -7, 10));
    assert_eq!(all(&known), [1, 3, 2, 9], "one session is there once");
}

#[test]
fn all_filters_must_be_true() {
    let by = |n, user: u8, provider: &str| {
        with(n, n.into(), 100, |claims| {
            claims.source_user = Some(user_id(user));
            of_provider(claims, provider);
        })
    };
    let known = inventory([
        by(1, 1, "p"),
        by(2, 1, "q"),
        by(3, 2, "p"),
        with(4, 4, 100, |claims| claims.principal = user(1)),
        with(5, 5, 100, |claims| claims.principal = Principal::Root { account: account() }),
        with(6, 6, 100, |claims| claims.principal = role(account(), 2)),
    ]);
    let provider = |id: &str| Subject::Provider(id.into());
    let role = |n| Subject::Role(UniqueId::from_random(UniqueIdKind::Role, [n; 17]));
    for (filters, expected) in [
        (vec![], vec![6, 5, 4, 3, 2, 1]),
        (vec![Subject::User(user_id(1))], vec![4, 2, 1]),
        (vec![Subject::User(user_id(3))], vec![]),
        (vec![Subject::Root(account())], vec![5]),
        (vec![role(1)], vec![3, 2, 1]),
        (vec![role(2)], vec![6]),
        (vec![provider("p")], vec![3, 1]),
        (vec![provider("p"), Subject::User(user_id(1))], vec![1]),
        (vec![provider("p"), Subject::User(user_id(1)), session(account(), id(2).access_key_id())], vec![]),
        (vec![provider("q"), Subject::User(user_id(1)), session(account(), id(2).access_key_id())], vec![2]),
    ] {
        assert_eq!(listed(&known, &filters), expected, "{filters:?}");
    }
}

#[test]
fn a_session_is_found_with_all_that_were_made_from_it_in_whatever_order_they_came() {
    let made_from = |n: u32, from: &[u32]| {
        with(n, n.into(), 100, |claims| claims.ancestors = from.iter().map(|n| id(*n)).collect())
    };
    let family = [made_from(1, &[]), made_from(2, &[1]), made_from(3, &[1, 2]), made_from(4, &[1]), made_from(5, &[])];
    for turn in 0..5 {
        let mut order = family.to_vec();
        order.rotate_left(turn);
        let known = inventory(order.clone());
        for (of, expected) in [(1, vec![4, 3, 2, 1]), (2, vec![3, 2]), (3, vec![3]), (5, vec![5]), (6, vec![])] {
            assert_eq!(listed(&known, &[session(account(), id(of).access_key_id())]), expected, "{turn}: {of}");
        }
    }
    // Of one that is not there any more the others are still found.
    let known = inventory(family[1..].to_vec());
    assert_eq!(listed(&known, &[session(account(), id(1).access_key_id())]), [4, 3, 2]);
}

#[test]
fn another_account_sees_nothing_whichever_filter_it_names() {
    let other: AccountId = OTHER_ACCOUNT.parse().unwrap();
    let theirs = with(2, 2, 100, |claims| {
        claims.principal = role(other, 2);
        claims.ancestors = vec![id(1)];
        claims.source_user = Some(user_id(1));
    });
    let known = inventory([with(1, 1, 100, |claims| claims.principal = user(1)), theirs]);
    for filters in [vec![], vec![Subject::User(user_id(1))], vec![session(account(), id(1).access_key_id())]] {
        assert_eq!(listed(&known, &filters), [1], "{filters:?}");
    }
    let in_other = |subject: Subject| numbers(&known.list(other, &[subject], None, 10, now()).sessions);
    assert_eq!(in_other(Subject::User(user_id(1))), [2]);
    assert_eq!(in_other(session(other, id(1).access_key_id())), [2]);
    assert_eq!(in_other(session(other, id(2).access_key_id())), [2]);
    assert!(in_other(session(account(), id(1).access_key_id())).is_empty());
}

#[test]
fn pages_hold_each_session_once_while_others_are_issued_and_end() {
    let known = inventory((0..3000).map(|n| entry(n, i64::from(n / 3), 5000)));
    let (mut seen, mut after) = (Vec::new(), None);
    for round in 0.. {
        let piece = known.list(account(), &[], after, 70, now());
        assert!(piece.sessions.len() <= 70);
        seen.extend(numbers(&piece.sessions));
        known.enter(entry(10_000 + round, 4000, 6000));
        after = piece.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, (0..3000).rev().collect::<Vec<_>>());
}

#[test]
fn a_rare_filter_is_found_behind_many_others() {
    let rare = |n: u32| {
        with(n, n.into(), 9000, |claims| {
            if n % 1500 == 3 {
                of_provider(claims, "p")
            }
        })
    };
    let known = inventory((0..900).map(|n| entry(n + 10_000, n.into(), 9000)));
    (0..100).for_each(|n| known.enter(rare(n)));
    let (p, r1) = (Subject::Provider("p".into()), Subject::Role(UniqueId::from_random(UniqueIdKind::Role, [1; 17])));
    assert_eq!(listed(&known, &[r1, p]), [3]);
}

#[test]
fn what_is_over_is_not_listed_and_leaves_nothing_behind() {
    let child = with(3, -1, 20, |claims| claims.ancestors = vec![id(1)]);
    let known = inventory([entry(1, -10, 0), entry(2, -10, 1), child]);
    assert_eq!(all(&known), [3, 2]);
    assert_eq!(known.state().sessions, 3);
    known.tidy(now());
    assert_eq!(known.state().sessions, 2);
    known.tidy(at(20));
    let held = known.held();
    assert!(held.index.is_bare(), "{:?}", held.index);
}

#[test]
fn of_too_many_those_issued_first_go_and_the_list_says_so_where_it_matters() {
    let known = Inventory::new(3);
    for (n, issued, end) in [(1, -30, 50), (2, -20, 60), (3, -10, 100), (4, -5, 100)] {
        known.enter(entry(n, issued, end));
    }
    let incomplete = |account, at| known.list(account, &[], None, 10, at).incomplete_before;
    assert_eq!((all(&known), incomplete(account(), now())), (vec![4, 3, 2], Some(at(-30))));
    // A late one that is older than all goes at once.
    known.enter(entry(5, -40, 55));
    assert_eq!((all(&known), incomplete(account(), now())), (vec![4, 3, 2], Some(at(-30))));
    assert_eq!(incomplete(OTHER_ACCOUNT.parse().unwrap(), now()), None, "another account lacks nothing");
    // When all that went would be over, nothing is missing.
    assert_eq!(incomplete(account(), at(54)), Some(at(-30)));
    assert_eq!(incomplete(account(), at(55)), None);
}

#[test]
fn a_use_moves_forward_and_never_beyond_now() {
    let known = inventory([entry(1, -100, 100)]);
    let last = || {
        let use_of = known.list(account(), &[], None, 1, now()).sessions[0].last_use.clone();
        use_of.map(|last| (last.at - now(), last.service.to_string()))
    };
    assert_eq!(last(), None);
    let key = id(1).access_key_id();
    for (seconds, service, expected) in [
        (-200, "s3", None),
        (-50, "s3", Some((-50, "s3"))),
        (-60, "sts", Some((-50, "s3"))),
        (-50, "iam", Some((-50, "iam"))),
        (500, "sts", Some((0, "sts"))),
        (0, "", Some((0, "sts"))),
        (0, &"x".repeat(65), Some((0, "sts"))),
    ] {
        known.used(key, at(seconds), service, now());
        assert_eq!(last(), expected.map(|(at, service): (i64, &str)| (at, service.to_owned())), "{seconds} {service}");
    }
    known.used(id(2).access_key_id(), now(), "s3", now());
    assert_eq!(known.state().sessions, 1, "a report makes no session");
}
