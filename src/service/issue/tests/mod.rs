//! The operations over a directory in memory, with callers who really signed.

mod assume_role;
mod audit;
mod chaining;
mod denials;
mod user_sessions;
mod uses;
mod web_identity;
mod web_identity_token;

use brevet_validator::credential::Credentials;
use brevet_validator::policy::{Effect, Reason};
use brevet_validator::token::Session;

use crate::service::caller::Asked;
use crate::service::error::{Error, Kind};
use crate::service::issue::{AssumeRole, Issued, TagInput};
use crate::service::test_world::{World, now};

/// The session as the STS will see it when its credentials come back.
fn session(world: &World, credentials: &Credentials) -> Session {
    world.verified(credentials, now()).unwrap().session().unwrap().clone()
}

fn text(value: &str) -> Option<String> {
    Some(value.to_owned())
}

fn tag(key: &str, value: &str) -> TagInput {
    TagInput { key: text(key), value: text(value) }
}

#[track_caller]
fn invalid(result: Result<Issued, Error>, part: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), Kind::ValidationError, "{error}");
    assert!(error.message().contains(part), "{error}");
}

#[track_caller]
fn denied(result: Result<Issued, Error>, reason: Reason) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), Kind::AccessDenied(reason), "{error}");
    error.message().to_owned()
}
