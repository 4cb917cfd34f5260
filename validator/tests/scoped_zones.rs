//! Validators of scoped zones: what they accept, what they refuse and in which order, and what each has in memory.

use brevet_validator::credential::{Credentials, SecretKey};
use brevet_validator::signature::{Refusal, Rules};
use brevet_validator::token::{ScopedZone, Zone, ZoneScope};
use brevet_validator::validator::{Rejection, Validator};

use layer_support::{HOUR, REGION, Sts, get, noon, presign, sign, verify};

mod layer_support;

fn zone(name: &str, id: u8, services: &[&str]) -> ScopedZone {
    let services = services.iter().map(|&service| service.to_owned()).collect();
    ScopedZone::new(name.into(), [id; 16], ZoneScope::new(REGION.into(), services).unwrap()).unwrap()
}

fn storage() -> ScopedZone {
    zone("storage", 1, &["s3", "queue"])
}

fn compute() -> ScopedZone {
    zone("compute", 2, &["batch"])
}

fn validator(sts: &Sts, zone: &ScopedZone, service: &str) -> Validator {
    Validator::from_bundle(Rules::of_service(service), &sts.bundle_of(zone), 100).unwrap()
}

fn session(sts: &Sts, seconds: i64) -> Credentials {
    let zones = [Zone::Default, Zone::Scoped(storage()), Zone::Scoped(compute())];
    sts.session_for(&zones, "alice", noon(), seconds)
}

fn is_scope_refusal(rejection: &Rejection) -> bool {
    matches!(rejection, Rejection::Signature(Refusal::Scope(_)))
}

#[test]
fn one_session_is_accepted_at_every_zone_first_and_again() {
    let sts = Sts::new(1);
    let alice = session(&sts, HOUR);
    for (zone, service) in [(storage(), "s3"), (storage(), "queue"), (compute(), "batch")] {
        let validator = validator(&sts, &zone, service);
        for request in [sign(get("/k"), b"", &alice, service, noon()), presign(get("/k"), &alice, service, 300, noon())]
        {
            for _ in 0..3 {
                assert_eq!(verify(&validator, &request, noon()).unwrap().access_key_id(), alice.access_key_id);
            }
        }
    }
}

#[test]
fn d6_a_service_of_another_zone_or_region_is_a_scope_that_is_not_covered() {
    let sts = Sts::new(1);
    let alice = session(&sts, HOUR);
    // By its rules it takes `batch`; its bundle has no key for it.
    let misplaced = validator(&sts, &storage(), "batch");
    let signed = sign(get("/k"), b"", &alice, "batch", noon());
    let refused = verify(&misplaced, &signed, noon()).unwrap_err();
    assert!(is_scope_refusal(&refused), "{refused}");
    assert_eq!(refused.code(), "SignatureDoesNotMatch");

    let elsewhere =
        ScopedZone::new("elsewhere".into(), [3; 16], ZoneScope::new("eu-west-1".into(), vec!["s3".into()]).unwrap());
    let elsewhere = elsewhere.unwrap();
    let bob = sts.session_for(&[Zone::Scoped(elsewhere.clone())], "bob", noon(), HOUR);
    let signed = sign(get("/k"), b"", &bob, "s3", noon());
    assert!(is_scope_refusal(&verify(&validator(&sts, &elsewhere, "s3"), &signed, noon()).unwrap_err()));
}

#[test]
fn a_session_of_36_hours_signs_on_each_of_its_days() {
    let sts = Sts::new(1);
    let alice = session(&sts, 36 * HOUR);
    let validator = validator(&sts, &storage(), "s3");
    for hours in [0, 11, 13, 30, 35] {
        let now = noon() + hours * HOUR;
        assert!(verify(&validator, &sign(get("/k"), b"", &alice, "s3", now), now).is_ok(), "{hours}");
    }
    let over = noon() + 36 * HOUR;
    let refused = verify(&validator, &sign(get("/k"), b"", &alice, "s3", over), over).unwrap_err();
    assert_eq!(refused, Rejection::ExpiredToken);
}

#[test]
fn a_token_without_the_box_of_the_zone_is_refused_before_its_scope_is_looked_at() {
    let sts = Sts::new(1);
    let other = sts.session_for(&[Zone::Default, Zone::Scoped(compute())], "alice", noon(), HOUR);
    for service in ["s3", "batch"] {
        let refused =
            verify(&validator(&sts, &storage(), service), &sign(get("/k"), b"", &other, service, noon()), noon());
        assert_eq!(refused.unwrap_err(), Rejection::InvalidToken);
    }
    // What the rules refuse is refused before the token is.
    let refused = verify(&validator(&sts, &storage(), "s3"), &sign(get("/k"), b"", &other, "batch", noon()), noon());
    assert!(is_scope_refusal(&refused.unwrap_err()));
}

#[test]
fn a_wrong_secret_is_a_mismatch() {
    let sts = Sts::new(1);
    let wrong = Credentials { secret_access_key: SecretKey::new("0".repeat(40)), ..session(&sts, HOUR) };
    let refused = verify(&validator(&sts, &storage(), "s3"), &sign(get("/k"), b"", &wrong, "s3", noon()), noon());
    assert_eq!(refused.unwrap_err(), Rejection::Signature(Refusal::Mismatch));
}

#[test]
fn the_default_zone_refuses_tokens_that_were_made_without_its_box() {
    let sts = Sts::new(1);
    let scoped_only = sts.session_for(&[Zone::Scoped(storage())], "alice", noon(), HOUR);
    let default = Validator::new(Rules::of_service("s3"), sts.ring(), 100);
    let signed = sign(get("/k"), b"", &scoped_only, "s3", noon());
    assert_eq!(verify(&default, &signed, noon()).unwrap_err(), Rejection::InvalidToken);
    assert!(verify(&validator(&sts, &storage(), "s3"), &signed, noon()).is_ok());
}
