//! Signing keys that are asked for: of long-lived keys and of sessions in an online zone.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use brevet_validator::credential::{AccessKeyId, Credentials, KeyKind, SecretKey};
use brevet_validator::identity::Principal;
use brevet_validator::layer::signed_request;
use brevet_validator::signature::{Refusal, Rules, SigningKey};
use brevet_validator::timestamp::Timestamp;
use brevet_validator::token::{Revocation, RevocationSet, ScopedZone, Subject, Zone, ZoneScope};
use brevet_validator::validator::{
    CallerPolicies, CurrentRevocations, Fetching, Lookup, OnlineKey, Rejection, SigningKeySource, Validator, Verified,
    WantedKey,
};
use http::Request;

use layer_support::{HOUR, REGION, Sts, get, noon, sign, verify};

mod layer_support;

const SERVICE: &str = "s3";

/// Knows secrets, tells their keys when asked, and remembers what it told if it is to.
#[derive(Default)]
struct Source {
    secrets: Mutex<HashMap<AccessKeyId, SecretKey>>,
    told: Mutex<HashMap<String, Lookup>>,
    forgetful: bool,
    unreachable: bool,
    /// Done while a key is on its way.
    meanwhile: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    asked: Mutex<Vec<String>>,
}

fn named(wanted: WantedKey<'_>) -> String {
    format!("{} {} {}", wanted.access_key_id, wanted.scope, wanted.security_token.is_some())
}

impl SigningKeySource for Source {
    fn find(&self, wanted: WantedKey<'_>, _: Timestamp) -> Lookup {
        self.told.lock().unwrap().get(&named(wanted)).cloned().unwrap_or(Lookup::Unknown)
    }

    fn fetch<'a>(&'a self, wanted: WantedKey<'a>, _: Timestamp) -> Fetching<'a> {
        self.asked.lock().unwrap().push(named(wanted));
        if let Some(meanwhile) = self.meanwhile.lock().unwrap().take() {
            meanwhile();
        }
        let secret = self.secrets.lock().unwrap().get(&wanted.access_key_id).cloned();
        let lookup = match secret {
            _ if self.unreachable => Lookup::Unknown,
            None => Lookup::Absent,
            Some(secret) => Lookup::Found(OnlineKey {
                signing_key: Arc::new(SigningKey::derive(&secret, wanted.scope)),
                caller: (wanted.access_key_id.kind() == KeyKind::LongLived).then(root),
            }),
        };
        if !self.forgetful && !self.unreachable {
            self.told.lock().unwrap().insert(named(wanted), lookup.clone());
        }
        Box::pin(std::future::ready(lookup))
    }
}

impl Source {
    fn with(keys: &[&Credentials]) -> Self {
        let secrets = keys.iter().map(|key| (key.access_key_id, key.secret_access_key.clone())).collect();
        Self { secrets: Mutex::new(secrets), ..Self::default() }
    }

    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

fn root() -> Arc<CallerPolicies> {
    let account = "123456789012".parse().unwrap();
    Arc::new(CallerPolicies::new(Principal::Root { account }, vec![], &[], None).unwrap())
}

fn long_lived() -> Credentials {
    Credentials {
        access_key_id: AccessKeyId::from_bytes(KeyKind::LongLived, [5; 10]),
        secret_access_key: SecretKey::new("a".repeat(40)),
        security_token: None,
        expiration: None,
    }
}

fn storage() -> ScopedZone {
    let scope = ZoneScope::new(REGION.into(), vec![SERVICE.into()]).unwrap();
    ScopedZone::new("storage".into(), [1; 16], scope).unwrap().online(true)
}

/// A validator of the online zone, without a source.
fn online(sts: &Sts) -> Validator {
    let bundle = brevet_validator::token::TrustBundle { online: true, ..sts.bundle_of(&storage()) };
    Validator::from_bundle(Rules::of_service(SERVICE), &bundle, 100).unwrap()
}

/// A session whose token has no box for the zone.
fn session(sts: &Sts) -> Credentials {
    sts.session_for(&[Zone::Default], "alice", noon(), HOUR)
}

fn signed(key: &Credentials) -> Request<Vec<u8>> {
    sign(get("/k"), b"", key, SERVICE, noon())
}

async fn fetching(validator: &Validator, request: &Request<Vec<u8>>, now: Timestamp) -> Result<Verified, Rejection> {
    let (parts, body) = request.clone().into_parts();
    validator.begin_fetching(signed_request(&parts, "http"), now).await?.finish(&body)
}

#[tokio::test]
async fn a_long_lived_key_is_asked_for_once_and_comes_with_its_owner() {
    let sts = Sts::new(1);
    let source = Arc::new(Source::with(&[&long_lived()]));
    let validator = Validator::new(Rules::of_service(SERVICE), sts.ring(), 100).with_signing_keys(source.clone());
    let request = signed(&long_lived());
    assert_eq!(verify(&validator, &request, noon()).unwrap_err(), Rejection::KeysUnavailable);
    let verified = fetching(&validator, &request, noon()).await.unwrap();
    assert_eq!(verified.access_key_id(), long_lived().access_key_id);
    assert_eq!(verified.principal().arn().as_str(), "arn:aws:iam::123456789012:root");
    assert!(verified.policies().is_some() && verified.session().is_none() && verified.expiration().is_none());
    assert!(verify(&validator, &request, noon()).is_ok(), "it is remembered");
    fetching(&validator, &request, noon()).await.unwrap();
    assert_eq!(source.asked(), 1);
}

#[tokio::test]
async fn a_session_of_an_online_zone_is_opened_here_and_its_key_asked_for() {
    let sts = Sts::new(1);
    let alice = session(&sts);
    let source = Arc::new(Source::with(&[&alice]));
    let validator = online(&sts).with_signing_keys(source.clone());
    let verified = fetching(&validator, &signed(&alice), noon()).await.unwrap();
    assert_eq!(verified.principal().arn().as_str(), "arn:aws:sts::123456789012:assumed-role/deploy/alice");
    assert!(verified.policies().is_none());
    assert!(verify(&validator, &signed(&alice), noon()).is_ok());
    assert_eq!(source.asked(), 1);
    // Its source lets it go in time, so it is remembered nowhere else.
    source.told.lock().unwrap().clear();
    assert_eq!(verify(&validator, &signed(&alice), noon()).unwrap_err(), Rejection::KeysUnavailable);
}

#[tokio::test]
async fn without_a_source_sessions_of_an_online_zone_are_unavailable_and_long_lived_keys_unknown() {
    let sts = Sts::new(1);
    for validator in [online(&sts), Validator::new(Rules::of_service(SERVICE), sts.ring(), 100)] {
        let refused = fetching(&validator, &signed(&long_lived()), noon()).await.unwrap_err();
        assert_eq!(refused, Rejection::InvalidToken);
    }
    let refused = fetching(&online(&sts), &signed(&session(&sts)), noon()).await.unwrap_err();
    assert_eq!(refused, Rejection::KeysUnavailable);
}

#[tokio::test]
async fn an_absent_key_is_like_an_unknown_one_and_an_unreachable_source_is_not() {
    let sts = Sts::new(1);
    let alice = session(&sts);
    for (unreachable, expected) in [(false, Rejection::InvalidToken), (true, Rejection::KeysUnavailable)] {
        for forgetful in [false, true] {
            let source = Arc::new(Source { unreachable, forgetful, ..Source::default() });
            let validator = online(&sts).with_signing_keys(source);
            for request in [signed(&alice), signed(&long_lived())] {
                for _ in 0..2 {
                    assert_eq!(fetching(&validator, &request, noon()).await.unwrap_err(), expected);
                }
            }
        }
    }
}

#[tokio::test]
async fn a_key_that_its_source_does_not_remember_is_good_for_the_request_that_asked() {
    let sts = Sts::new(1);
    let alice = session(&sts);
    let source = Arc::new(Source { forgetful: true, ..Source::with(&[&alice, &long_lived()]) });
    let validator = online(&sts).with_signing_keys(source.clone());
    for request in [signed(&alice), signed(&long_lived()), signed(&alice)] {
        assert!(fetching(&validator, &request, noon()).await.is_ok());
    }
    assert_eq!(source.asked(), 3);
}

/// Nobody is asked for what is refused anyhow, so that nothing that a stranger sends makes calls but a long-lived key's id.
#[tokio::test]
async fn the_order_of_refusal_stays_and_only_genuine_tokens_are_asked_about() {
    let sts = Sts::new(1);
    let alice = session(&sts);
    let source = Arc::new(Source::with(&[&alice, &long_lived()]));
    let revocations = Arc::new(CurrentRevocations::default());
    let validator = online(&sts).with_signing_keys(source.clone()).with_revocations(revocations.clone());
    let foreign = session(&Sts::new(2));
    let with_token = Credentials { security_token: alice.security_token.clone(), ..long_lived() };
    let without_token = Credentials { security_token: None, ..alice.clone() };
    let late = noon() + HOUR;
    for (request, now, expected) in [
        (signed(&foreign), noon(), "InvalidClientTokenId"),
        (signed(&with_token), noon(), "InvalidClientTokenId"),
        (signed(&without_token), noon(), "InvalidClientTokenId"),
        (sign(get("/k"), b"", &alice, "queue", noon()), noon(), "SignatureDoesNotMatch"),
        (sign(get("/k"), b"", &alice, SERVICE, noon()), late, "SignatureDoesNotMatch"),
        (sign(get("/k"), b"", &alice, SERVICE, late), late, "ExpiredToken"),
    ] {
        assert_eq!(fetching(&validator, &request, now).await.unwrap_err().code(), expected);
    }
    // By its rules it takes `queue`; its zone has no such service.
    let bundle = brevet_validator::token::TrustBundle { online: true, ..sts.bundle_of(&storage()) };
    let misplaced = Validator::from_bundle(Rules::of_service("queue"), &bundle, 100).unwrap();
    let misplaced = misplaced.with_signing_keys(source.clone());
    let refused = fetching(&misplaced, &sign(get("/k"), b"", &alice, "queue", noon()), noon()).await.unwrap_err();
    assert!(matches!(refused, Rejection::Signature(Refusal::Scope(_))), "{refused}");

    let account = "123456789012".parse().unwrap();
    let fresh = sts.session_for(&[Zone::Default], "bob", noon(), HOUR);
    let subject = Subject::Session { account, access_key_id: fresh.access_key_id };
    revocations.replace(revoked(subject));
    assert_eq!(fetching(&validator, &signed(&fresh), noon()).await.unwrap_err(), Rejection::InvalidToken);
    assert_eq!(source.asked(), 0);
}

#[tokio::test]
async fn d11_a_session_that_is_revoked_while_its_key_is_on_its_way_is_refused() {
    let sts = Sts::new(1);
    let alice = session(&sts);
    let revocations = Arc::new(CurrentRevocations::default());
    let source = Arc::new(Source::with(&[&alice]));
    let subject = Subject::Session { account: "123456789012".parse().unwrap(), access_key_id: alice.access_key_id };
    let set = revocations.clone();
    *source.meanwhile.lock().unwrap() = Some(Box::new(move || set.replace(revoked(subject))));
    let validator = online(&sts).with_signing_keys(source.clone()).with_revocations(revocations);
    assert_eq!(fetching(&validator, &signed(&alice), noon()).await.unwrap_err(), Rejection::InvalidToken);
    assert_eq!(source.asked(), 1);
}

#[tokio::test]
async fn a_wrong_signature_is_a_mismatch_and_does_not_hide_the_good_key() {
    let sts = Sts::new(1);
    let source = Arc::new(Source::with(&[&long_lived()]));
    let validator = Validator::new(Rules::of_service(SERVICE), sts.ring(), 100).with_signing_keys(source);
    let wrong = Credentials { secret_access_key: SecretKey::new("b".repeat(40)), ..long_lived() };
    let refused = fetching(&validator, &signed(&wrong), noon()).await.unwrap_err();
    assert_eq!(refused, Rejection::Signature(Refusal::Mismatch));
    assert!(fetching(&validator, &signed(&long_lived()), noon()).await.is_ok());
}

#[test]
fn a_body_of_which_only_the_hash_is_at_hand_must_have_the_declared_one() {
    use sha2::{Digest, Sha256};

    let sts = Sts::new(1);
    let alice = session(&sts);
    let validator = Validator::new(Rules::of_service(SERVICE), sts.ring(), 100);
    let request = sign(layer_support::put("/k", b"body"), b"body", &alice, SERVICE, noon());
    let (parts, _) = request.into_parts();
    let finish = |body: &[u8]| {
        let pending = validator.begin(signed_request(&parts, "http"), noon()).unwrap();
        pending.finish_hashed(Sha256::digest(body).into()).map(|verified| verified.access_key_id())
    };
    assert_eq!(finish(b"body"), Ok(alice.access_key_id));
    assert_eq!(finish(b"other"), Err(Rejection::Signature(Refusal::Payload)));
}

fn revoked(subject: Subject) -> RevocationSet {
    let mut set = RevocationSet::default();
    set.insert(Revocation { subject, revision: 9, until: noon() + 40 * HOUR });
    set
}

#[test]
fn d10_a_long_lived_key_is_refused_as_a_session_is_once_the_bundle_is_over() {
    let (sts, key) = (Sts::new(1), long_lived());
    let over = noon() + 60;
    let told = Lookup::Found(OnlineKey {
        signing_key: Arc::new(SigningKey::derive(
            &key.secret_access_key,
            brevet_validator::signature::Scope::parse("20260101/us-east-1/s3/aws4_request").unwrap(),
        )),
        caller: Some(root()),
    });
    let source = Source::default();
    source.told.lock().unwrap().insert(format!("{} 20260101/us-east-1/s3/aws4_request false", key.access_key_id), told);
    let validator = Validator::from_bundle(Rules::of_service(SERVICE), &sts.bundle(over), 100).unwrap();
    let validator = validator.with_signing_keys(Arc::new(source));
    let at = |now| verify(&validator, &sign(get("/k"), b"", &key, SERVICE, now), now).map(drop);
    assert_eq!(at(over + -1), Ok(()));
    assert_eq!(at(over), Err(Rejection::KeysUnavailable));
}
