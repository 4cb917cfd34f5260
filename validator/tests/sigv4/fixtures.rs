//! Good requests to a token service and to S3, for the abuse tests to spoil, and the verdicts they expect.

use brevet_validator::signature::{PathStyle, Refusal, Rules, presign, sign};
use brevet_validator::timestamp::Timestamp;

use crate::wire::{Wire, at, credentials, rules};

pub(crate) const NOW: &str = "20260701T120000Z";

pub(crate) fn now() -> Timestamp {
    at(NOW)
}

pub(crate) fn sts() -> Rules {
    Rules { presigned_max: 900, ..rules(PathStyle::General, "sts") }
}

pub(crate) fn s3() -> Rules {
    rules(PathStyle::S3, "s3")
}

/// `POST /` signed in the header form with a temporary key.
pub(crate) fn post() -> Wire {
    let mut wire = Wire::new("POST", "/");
    wire.body = b"Action=GetCallerIdentity&Version=2011-06-15".to_vec();
    sign_at(wire, now())
}

pub(crate) fn sign_at(mut wire: Wire, time: Timestamp) -> Wire {
    let (hash, credentials) = (wire.sha256(), credentials(Some("token")));
    let added = sign(wire.request(), hash, &credentials, "us-east-1", "sts", PathStyle::General, time).unwrap();
    for (name, value) in added {
        wire.headers.insert(name, value);
    }
    wire
}

/// A presigned GET with a temporary key.
pub(crate) fn get(style: PathStyle, service: &str, target: &str, expires: u32) -> Wire {
    let mut wire = Wire::new("GET", target);
    let token = credentials(Some("token"));
    wire.query = presign(wire.request(), &token, "us-east-1", service, style, expires, now()).unwrap();
    wire
}

pub(crate) fn presigned() -> Wire {
    get(PathStyle::General, "sts", "/?Action=GetCallerIdentity", 60)
}

#[track_caller]
pub(crate) fn incomplete(wire: &Wire) {
    let verdict = wire.check(&sts(), now());
    assert!(matches!(verdict, Err(Refusal::Incomplete(_))), "{verdict:?}");
}

#[track_caller]
pub(crate) fn unsigned(wire: &Wire) {
    let verdict = wire.check(&sts(), now());
    assert!(matches!(verdict, Err(Refusal::Unsigned(_))), "{verdict:?}");
}

#[track_caller]
pub(crate) fn malformed(wire: &Wire, rules: &Rules) {
    let verdict = wire.check(rules, now());
    assert!(matches!(verdict, Err(Refusal::MalformedQuery(_))), "{verdict:?}");
}

/// A presigned request with one parameter written otherwise.
pub(crate) fn presigned_with(name: &str, value: &str) -> Wire {
    let mut wire = presigned();
    let old = wire.query.split('&').find(|pair| pair.starts_with(&format!("{name}="))).unwrap().to_owned();
    wire.query = wire.query.replace(&old, &format!("{name}={value}"));
    wire
}

pub(crate) fn authorized(authorization: &str) -> Wire {
    let mut wire = post();
    wire.set("authorization", authorization);
    wire
}
