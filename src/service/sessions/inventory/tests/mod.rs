//! What the list keeps, for how long, and what survives.

mod index;
mod persistence;
mod record;

use brevet_validator::credential::Lifetime;
use brevet_validator::identity::{Principal, UniqueId, UniqueIdKind};
use brevet_validator::token::{Claims, Federation, SessionId};

use super::*;
use crate::service::issue::Issued;
use crate::service::test_world::*;

/// The id of a session, made of a number.
fn id(n: u32) -> SessionId {
    let mut id = [7; 16];
    id[..4].copy_from_slice(&n.to_be_bytes());
    SessionId(id)
}

fn at(seconds: i64) -> Timestamp {
    now() + seconds
}

fn user_id(n: u8) -> UniqueId {
    UniqueId::from_random(UniqueIdKind::User, [n; 17])
}

fn user(n: u8) -> Principal {
    Principal::User { account: account(), path: "/".into(), name: format!("u{n}"), id: user_id(n) }
}

fn role(account: AccountId, n: u8) -> Principal {
    Principal::RoleSession {
        account,
        role_path: "/team/".into(),
        role_name: format!("r{n}"),
        role_id: UniqueId::from_random(UniqueIdKind::Role, [n; 17]),
        session_name: "ci".parse().unwrap(),
    }
}

/// A session of these claims that begins and ends so many seconds from now.
fn with(n: u32, begin: i64, end: i64, change: impl FnOnce(&mut Claims)) -> Entry {
    let mut issued = Issued {
        session_id: id(n),
        lifetime: Lifetime { issued_at: at(begin), expires_at: at(end) },
        ..Issued::sample()
    };
    issued.claims.principal = role(account(), 1);
    change(&mut issued.claims);
    let requester = Requester { name: "arn:aws:iam::111111111111:user/ada".into(), provider_arn: None };
    Entry::new(&issued, requester, &envelope())
}

fn entry(n: u32, begin: i64, end: i64) -> Entry {
    with(n, begin, end, |_| ())
}

fn of_provider(claims: &mut Claims, id: &str) {
    claims.federation =
        Some(Federation { issuer: "https://id.test".into(), subject: "s".into(), provider_id: id.into() });
}

/// The numbers of the sessions in the list, the last issued first.
fn numbers(sessions: &[Known]) -> Vec<u32> {
    let number = |known: &Known| u32::from_be_bytes(known.entry.id.0[..4].try_into().unwrap());
    sessions.iter().map(number).collect()
}

fn listed(inventory: &Inventory, subjects: &[Subject]) -> Vec<u32> {
    numbers(&inventory.list(account(), subjects, None, 10_000, now()).sessions)
}

fn all(inventory: &Inventory) -> Vec<u32> {
    listed(inventory, &[])
}
