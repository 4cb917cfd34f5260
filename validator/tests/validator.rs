//! The validator by itself: order of refusal, binding of token and key, what the caches may and may not do.

use std::sync::{Arc, Mutex};

use brevet_validator::credential::{AccessKeyId, Credentials, KeyKind, SecretKey};
use brevet_validator::identity::Principal;
use brevet_validator::signature::{Refusal, Rules};
use brevet_validator::timestamp::Timestamp;
use brevet_validator::token::{KeyState, Revocation, Subject, VerifyingKey};
use brevet_validator::validator::{BundleFileError, CurrentRevocations, KeySource, LongLivedKey, Rejection, Validator};

use layer_support::{ANCHOR_SEED, HOUR, Sts, get, header, noon, presign, put, sign, verify};

mod layer_support;

const SERVICE: &str = "s3";

fn validator(sts: &Sts) -> Validator {
    Validator::new(Rules::of_service(SERVICE), sts.ring(), 100)
}

#[test]
fn a_session_is_accepted_in_both_forms_first_and_again() {
    let sts = Sts::new(1);
    let validator = validator(&sts);
    let alice = sts.session("alice", noon(), HOUR);
    for request in [
        sign(put("/bucket/a%20key?x=1", b"body"), b"body", &alice, SERVICE, noon()),
        presign(get("/bucket/key"), &alice, SERVICE, 300, noon()),
    ] {
        for _ in 0..3 {
            let verified = verify(&validator, &request, noon()).unwrap();
            assert_eq!(verified.access_key_id(), alice.access_key_id);
            assert_eq!(verified.expiration(), alice.expiration);
            assert_eq!(verified.principal().arn().as_str(), "arn:aws:sts::123456789012:assumed-role/deploy/alice");
            assert_eq!(verified.session().unwrap().access_key_id, alice.access_key_id);
        }
    }
}

#[test]
fn a1_a_changed_signature_is_a_mismatch_and_only_lower_case_hex_is_a_signature() {
    let sts = Sts::new(1);
    let validator = validator(&sts);
    let signed = sign(get("/k"), b"", &sts.session("alice", noon(), HOUR), SERVICE, noon());
    let authorization = signed.headers()["authorization"].to_str().unwrap().to_owned();
    let (start, signature) = authorization.rsplit_once('=').unwrap();
    let flipped: String = signature.chars().map(|c| if c == '0' { '1' } else { '0' }).collect();
    for (signature, code) in [
        (flipped, "SignatureDoesNotMatch"),
        ("0".repeat(64), "SignatureDoesNotMatch"),
        (signature.to_uppercase(), "SignatureDoesNotMatch"),
        (signature[1..].to_owned(), "IncompleteSignature"),
        (format!("{signature}0"), "IncompleteSignature"),
    ] {
        let mut request = signed.clone();
        request.headers_mut().insert("authorization", header(&format!("{start}={signature}")));
        assert_eq!(verify(&validator, &request, noon()).unwrap_err().code(), code, "{signature}");
    }
    assert!(verify(&validator, &signed, noon()).is_ok());
}

#[test]
fn a26_token_and_key_must_belong_together() {
    let sts = Sts::new(1);
    let alice = sts.session("alice", noon(), HOUR);
    let bob = sts.session("bob", noon(), HOUR);
    let long_lived_id = AccessKeyId::from_bytes(KeyKind::LongLived, [1; 10]);
    let everything = Arc::new(Directory::default());
    // A directory that knows every id there is: nothing may fall through to it.
    for id in [alice.access_key_id, bob.access_key_id, long_lived_id] {
        everything.put(id, &alice.secret_access_key);
    }
    let validator = validator(&sts).with_key_source(everything);
    for warm in [false, true] {
        if warm {
            for session in [&alice, &bob] {
                verify(&validator, &sign(get("/k"), b"", session, SERVICE, noon()), noon()).unwrap();
            }
        }
        let with = |id, token: Option<&Credentials>| Credentials {
            access_key_id: id,
            secret_access_key: alice.secret_access_key.clone(),
            security_token: token.and_then(|token| token.security_token.clone()),
            expiration: None,
        };
        for (credentials, what) in [
            (with(alice.access_key_id, None), "no token"),
            (with(alice.access_key_id, Some(&bob)), "another's token"),
            (with(bob.access_key_id, Some(&alice)), "another's key"),
            (with(long_lived_id, Some(&alice)), "a long-lived key with a token"),
        ] {
            let refused = verify(&validator, &sign(get("/k"), b"", &credentials, SERVICE, noon()), noon());
            assert_eq!(refused.unwrap_err(), Rejection::InvalidToken, "{what}, warm: {warm}");
        }
    }
}

#[test]
fn a26_a_token_with_one_character_changed_is_invalid_even_when_the_good_one_is_known() {
    let sts = Sts::new(1);
    let validator = validator(&sts);
    let alice = sts.session("alice", noon(), HOUR);
    verify(&validator, &sign(get("/k"), b"", &alice, SERVICE, noon()), noon()).unwrap();
    let token = alice.security_token.as_ref().unwrap().expose().clone();
    for place in (0..token.len()).step_by(7) {
        let other = if token.as_bytes()[place] == b'A' { "B" } else { "A" };
        let mut changed = token.clone();
        changed.replace_range(place..=place, other);
        let forged = Credentials { security_token: Some(changed.into()), ..alice.clone() };
        let refused = verify(&validator, &sign(get("/k"), b"", &forged, SERVICE, noon()), noon());
        assert_eq!(refused.unwrap_err(), Rejection::InvalidToken, "character {place}");
    }
}

#[test]
fn d7_a_session_cannot_sign_with_another_sessions_secret() {
    let sts = Sts::new(1);
    let validator = validator(&sts);
    let alice = sts.session("alice", noon(), HOUR);
    let bob = sts.session("bob", noon(), HOUR);
    let mixed = Credentials { secret_access_key: bob.secret_access_key.clone(), ..alice };
    let refused = verify(&validator, &sign(get("/k"), b"", &mixed, SERVICE, noon()), noon());
    assert_eq!(refused.unwrap_err(), Rejection::Signature(Refusal::Mismatch));
}

#[test]
fn d1_d2_cut_lengthened_and_respelled_tokens_are_invalid() {
    let sts = Sts::new(1);
    let validator = validator(&sts);
    let alice = sts.session("alice", noon(), HOUR);
    let token = alice.security_token.as_ref().unwrap().expose().clone();
    let cuts = (0..token.len()).step_by(11).map(|length| token[..length].to_owned());
    let spellings = [format!("{token}A"), format!("{token}="), format!(" {token} x"), token.replace(['-', '_'], "+")];
    for other in cuts.chain(spellings).filter(|other| *other != token) {
        let forged = Credentials { security_token: Some(other.clone().into()), ..alice.clone() };
        let refused = verify(&validator, &sign(get("/k"), b"", &forged, SERVICE, noon()), noon());
        assert_eq!(refused.unwrap_err(), Rejection::InvalidToken, "{other}");
    }
}

#[test]
fn d4_a_token_of_another_deployment_is_invalid() {
    let validator = validator(&Sts::new(1));
    let stranger = Sts::new(2).session("alice", noon(), HOUR);
    let refused = verify(&validator, &sign(get("/k"), b"", &stranger, SERVICE, noon()), noon());
    assert_eq!(refused.unwrap_err(), Rejection::InvalidToken);
}

#[test]
fn d20_tokens_beyond_the_limit_are_invalid() {
    let sts = Sts::new(1);
    let validator = validator(&sts);
    let alice = sts.session("alice", noon(), HOUR);
    for length in [1, 4096, 4097, 1 << 20] {
        let forged = Credentials { security_token: Some("A".repeat(length).into()), ..alice.clone() };
        let refused = verify(&validator, &sign(get("/k"), b"", &forged, SERVICE, noon()), noon());
        assert_eq!(refused.unwrap_err(), Rejection::InvalidToken, "{length}");
    }
}

#[test]
fn d22_d24_a_session_dies_at_its_expiry_known_or_not() {
    let sts = Sts::new(1);
    for warm in [false, true] {
        let validator = validator(&sts);
        let alice = sts.session("alice", noon(), 900);
        let last = noon() + 899;
        if warm {
            verify(&validator, &sign(get("/k"), b"", &alice, SERVICE, last), last).unwrap();
        }
        for (now, expired) in [(noon() + 899, false), (noon() + 900, true), (noon() + 901, true)] {
            let outcome = verify(&validator, &sign(get("/k"), b"", &alice, SERVICE, now), now);
            assert_eq!(outcome.err(), expired.then_some(Rejection::ExpiredToken), "warm: {warm}, {now}");
        }
    }
}

#[test]
fn a16_a_presigned_request_does_not_outlive_its_session() {
    let sts = Sts::new(1);
    let validator = validator(&sts);
    let request = presign(get("/k"), &sts.session("alice", noon(), 900), SERVICE, 3600, noon());
    assert!(verify(&validator, &request, noon() + 899).is_ok());
    assert_eq!(verify(&validator, &request, noon() + 900).unwrap_err(), Rejection::ExpiredToken);
}

#[test]
fn d23_a_session_seen_to_expire_stays_dead_when_the_clock_goes_back() {
    let sts = Sts::new(1);
    for warm in [false, true] {
        let validator = validator(&sts);
        // Presigned, because a header signature would be out of its own window.
        let seen = presign(get("/k"), &sts.session("seen", noon(), 900), SERVICE, 7200, noon());
        let unseen = presign(get("/k"), &sts.session("unseen", noon(), 900), SERVICE, 7200, noon());
        if warm {
            assert!(verify(&validator, &seen, noon() + 100).is_ok());
        }
        assert_eq!(verify(&validator, &seen, noon() + 1000).unwrap_err(), Rejection::ExpiredToken);
        assert_eq!(verify(&validator, &seen, noon() + 100).unwrap_err(), Rejection::ExpiredToken, "warm: {warm}");
        // One that was never refused is not harmed by the jump.
        assert!(verify(&validator, &unseen, noon() + 100).is_ok());
    }
}

#[test]
fn d23_a_clock_that_jumps_ahead_denies_and_recovers() {
    let sts = Sts::new(1);
    let validator = validator(&sts);
    let alice = sts.session("alice", noon(), HOUR);
    let request = sign(get("/k"), b"", &alice, SERVICE, noon() + 10);
    assert!(matches!(verify(&validator, &request, noon() + 10 + HOUR), Err(Rejection::Signature(Refusal::Time(_)))));
    assert!(verify(&validator, &request, noon() + 10).is_ok());
    for year in ["19700101T000000Z", "20380119T031408Z", "21060207T062816Z", "99991231T235959Z"] {
        let now = brevet_validator::timestamp::Timestamp::parse_basic(year).unwrap();
        assert!(verify(&validator, &request, now).is_err(), "{year}");
    }
    assert!(verify(&validator, &request, noon() + 10).is_ok());
}

#[test]
fn d11_d24_a_revoked_session_is_refused_with_the_next_request_known_or_not() {
    let sts = Sts::new(1);
    let current = Arc::new(CurrentRevocations::default());
    let validator = validator(&sts).with_revocations(Arc::clone(&current) as _);
    let [alice, bob] = ["alice", "bob"].map(|name| sts.session(name, noon(), HOUR));
    let account = "123456789012".parse().unwrap();
    let revoke = |credentials: &Credentials| {
        let subject = Subject::Session { account, access_key_id: credentials.access_key_id };
        let mut set = current.get();
        set.insert(Revocation { subject: subject.clone(), revision: 1, until: Timestamp::MAX });
        current.replace(set);
        subject
    };
    let request = |credentials| sign(get("/k"), b"", credentials, SERVICE, noon());

    // Bob's session was never seen, alice's is remembered.
    verify(&validator, &request(&alice), noon()).unwrap();
    let subject = revoke(&alice);
    revoke(&bob);
    for session in [&alice, &bob, &alice, &bob] {
        let refused = verify(&validator, &request(session), noon()).unwrap_err();
        assert_eq!((refused.code(), &refused), ("InvalidClientTokenId", &Rejection::InvalidToken));
    }
    // Whoever has a revoked session learns no more by another fault; an end that has come is told as ever.
    let mut wrong = request(&alice);
    *wrong.uri_mut() = "/other".parse().unwrap();
    assert_eq!(verify(&validator, &wrong, noon()).unwrap_err(), Rejection::InvalidToken);
    let late = sign(get("/k"), b"", &bob, SERVICE, noon() + HOUR);
    assert_eq!(verify(&validator, &late, noon() + HOUR).unwrap_err(), Rejection::ExpiredToken);

    let mut set = current.get();
    set.remove(&subject);
    current.replace(set);
    verify(&validator, &request(&alice), noon()).unwrap();
}

#[test]
fn d24_a_withdrawn_signing_key_takes_known_sessions_with_it() {
    let sts = Sts::new(1);
    let validator = validator(&sts);
    let request = sign(get("/k"), b"", &sts.session("alice", noon(), HOUR), SERVICE, noon());
    assert!(verify(&validator, &request, noon()).is_ok());

    validator.replace_ring(sts.ring());
    assert!(verify(&validator, &request, noon()).is_ok(), "a new ring with the same key changes nothing");

    for ring in [
        sts.ring_with(Vec::new()),
        sts.ring_with(vec![VerifyingKey { state: KeyState::Distrusted, ..sts.verifying_key() }]),
        sts.ring_with(vec![VerifyingKey { not_after: noon(), ..sts.verifying_key() }]),
    ] {
        validator.replace_ring(ring);
        assert_eq!(verify(&validator, &request, noon()).unwrap_err(), Rejection::InvalidToken);
    }
    validator.replace_ring(sts.ring());
    assert!(verify(&validator, &request, noon()).is_ok(), "a refusal is not remembered");
}

#[test]
fn d25_a_bad_request_first_does_not_lock_out_the_good_one() {
    let sts = Sts::new(1);
    let validator = validator(&sts);
    let alice = sts.session("alice", noon(), HOUR);
    let good = sign(get("/k"), b"", &alice, SERVICE, noon());
    let thief = Credentials { secret_access_key: SecretKey::new("x".repeat(40)), ..alice.clone() };
    let garbled = Credentials { security_token: Some("A".repeat(500).into()), ..alice };
    for bad in [&thief, &garbled] {
        assert!(verify(&validator, &sign(get("/k"), b"", bad, SERVICE, noon()), noon()).is_err());
    }
    assert!(verify(&validator, &good, noon()).is_ok());
    assert!(verify(&validator, &sign(get("/k"), b"", &thief, SERVICE, noon()), noon()).is_err());
    assert!(verify(&validator, &good, noon()).is_ok());
}

#[test]
fn d26_more_sessions_than_fit_are_all_served() {
    let sts = Sts::new(1);
    let validator = Validator::new(Rules::of_service(SERVICE), sts.ring(), 4);
    let sessions: Vec<_> = (0..20).map(|n| sts.session(&format!("session-{n}"), noon(), HOUR)).collect();
    for _ in 0..2 {
        for session in &sessions {
            let verified = verify(&validator, &sign(get("/k"), b"", session, SERVICE, noon()), noon()).unwrap();
            assert_eq!(verified.access_key_id(), session.access_key_id);
        }
    }
}

#[test]
fn many_scopes_of_one_session_are_all_served() {
    let sts = Sts::new(1);
    let services: Vec<_> = (0..20).map(|n| format!("service{n}")).collect();
    let rules = Rules { services: services.clone(), ..Rules::of_service("service0") };
    let validator = Validator::new(rules, sts.ring(), 100);
    let alice = sts.session("alice", noon(), HOUR);
    for service in services.iter().chain(&services) {
        assert!(verify(&validator, &sign(get("/k"), b"", &alice, service, noon()), noon()).is_ok(), "{service}");
    }
}

#[test]
fn a10_a_request_for_another_service_is_out_of_scope() {
    let sts = Sts::new(1);
    let validator = Validator::new(Rules::of_service("queue"), sts.ring(), 100);
    let request = sign(get("/k"), b"", &sts.session("alice", noon(), HOUR), "s3", noon());
    assert!(matches!(verify(&validator, &request, noon()), Err(Rejection::Signature(Refusal::Scope(_)))));
}

#[test]
fn a27_a_token_alone_is_no_credential() {
    let sts = Sts::new(1);
    let alice = sts.session("alice", noon(), HOUR);
    let mut request = get("/k");
    request.headers_mut().insert("x-amz-security-token", header(alice.security_token.unwrap().expose()));
    let refused = verify(&validator(&sts), &request, noon());
    assert_eq!(refused.unwrap_err(), Rejection::Signature(Refusal::NoCredentials));
}

#[test]
fn a28_a_token_in_two_places_or_added_after_signing_is_refused() {
    let sts = Sts::new(1);
    let validator = validator(&sts);
    let alice = sts.session("alice", noon(), HOUR);
    let token = header(alice.security_token.as_ref().unwrap().expose());

    let mut two_places = presign(get("/k"), &alice, SERVICE, 300, noon());
    two_places.headers_mut().insert("x-amz-security-token", token.clone());
    assert_eq!(verify(&validator, &two_places, noon()).unwrap_err().code(), "IncompleteSignature");

    let bare = Credentials { security_token: None, ..alice };
    let mut added = sign(get("/k"), b"", &bare, SERVICE, noon());
    added.headers_mut().insert("x-amz-security-token", token);
    assert_eq!(verify(&validator, &added, noon()).unwrap_err().code(), "SignatureDoesNotMatch");
}

/// Long-lived keys by id.
#[derive(Default)]
struct Directory(Mutex<Vec<(AccessKeyId, SecretKey)>>);

impl Directory {
    fn put(&self, id: AccessKeyId, secret: &SecretKey) {
        self.remove(id);
        self.0.lock().unwrap().push((id, secret.clone()));
    }

    fn remove(&self, id: AccessKeyId) {
        self.0.lock().unwrap().retain(|(known, _)| *known != id);
    }
}

impl KeySource for Directory {
    fn find(&self, id: AccessKeyId, _: Timestamp) -> Option<LongLivedKey> {
        let keys = self.0.lock().unwrap();
        let (_, secret) = keys.iter().find(|(known, _)| *known == id)?;
        let principal = Principal::Root { account: "123456789012".parse().unwrap() };
        Some(LongLivedKey { secret: secret.clone(), principal })
    }
}

fn long_lived(secret: &str) -> Credentials {
    Credentials {
        access_key_id: AccessKeyId::from_bytes(KeyKind::LongLived, [5; 10]),
        secret_access_key: SecretKey::new(secret.to_owned()),
        security_token: None,
        expiration: None,
    }
}

#[test]
fn long_lived_keys_live_and_die_with_their_source() {
    let directory = Arc::new(Directory::default());
    let validator = validator(&Sts::new(1)).with_key_source(directory.clone());
    let key = long_lived("first-secret");
    let request = sign(get("/k"), b"", &key, SERVICE, noon());

    assert_eq!(verify(&validator, &request, noon()).unwrap_err(), Rejection::InvalidToken);
    directory.put(key.access_key_id, &key.secret_access_key);
    for _ in 0..2 {
        let verified = verify(&validator, &request, noon()).unwrap();
        assert_eq!(verified.principal().arn().as_str(), "arn:aws:iam::123456789012:root");
        assert!(verified.session().is_none() && verified.expiration().is_none());
    }

    // Another secret under the same id: what was derived from the first one opens nothing any more.
    let rotated = long_lived("second-secret");
    directory.put(rotated.access_key_id, &rotated.secret_access_key);
    assert_eq!(verify(&validator, &request, noon()).unwrap_err(), Rejection::Signature(Refusal::Mismatch));
    assert!(verify(&validator, &sign(get("/k"), b"", &rotated, SERVICE, noon()), noon()).is_ok());

    directory.remove(rotated.access_key_id);
    for request in [&request, &sign(get("/k"), b"", &rotated, SERVICE, noon())] {
        assert_eq!(verify(&validator, request, noon()).unwrap_err(), Rejection::InvalidToken);
    }
}

#[test]
fn a34_an_unknown_key_is_invalid_whatever_its_signature_and_a_known_one_mismatches() {
    let directory = Arc::new(Directory::default());
    let known = long_lived("right");
    directory.put(known.access_key_id, &known.secret_access_key);
    let validator = validator(&Sts::new(1)).with_key_source(directory);
    let wrong = sign(get("/k"), b"", &long_lived("wrong"), SERVICE, noon());
    assert_eq!(verify(&validator, &wrong, noon()).unwrap_err(), Rejection::Signature(Refusal::Mismatch));

    let unknown = Credentials { access_key_id: AccessKeyId::from_bytes(KeyKind::LongLived, [6; 10]), ..known };
    let signed = sign(get("/k"), b"", &unknown, SERVICE, noon());
    let mut garbled = signed.clone();
    let authorization = signed.headers()["authorization"].to_str().unwrap();
    let (start, _) = authorization.rsplit_once('=').unwrap();
    garbled.headers_mut().insert("authorization", header(&format!("{start}={}", "0".repeat(64))));
    for request in [signed, garbled] {
        assert_eq!(verify(&validator, &request, noon()).unwrap_err(), Rejection::InvalidToken);
    }
}

#[test]
fn d10_a_bundle_that_has_expired_decides_nothing() {
    let sts = Sts::new(1);
    let bundle = sts.bundle(noon() + 60);
    let validator = Validator::from_bundle(Rules::of_service(SERVICE), &bundle, 100).unwrap();
    let alice = sts.session("alice", noon(), HOUR);
    let at = |seconds| sign(get("/k"), b"", &alice, SERVICE, noon() + seconds);
    assert!(verify(&validator, &at(59), noon() + 59).is_ok());
    assert_eq!(verify(&validator, &at(60), noon() + 60).unwrap_err(), Rejection::KeysUnavailable);
    validator.replace_bundle(&sts.bundle(noon() + HOUR)).unwrap();
    assert!(verify(&validator, &at(60), noon() + 60).is_ok());
}

#[cfg(unix)]
#[test]
fn a_bundle_file_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;

    let sts = Sts::new(1);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("service.bundle");
    std::fs::write(&path, sts.bundle(noon() + HOUR).encode(&ANCHOR_SEED.into()).unwrap()).unwrap();
    let open = |mode| {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        Validator::from_bundle_file(Rules::of_service(SERVICE), &path)
    };
    for mode in [0o644, 0o640, 0o604, 0o620] {
        let refused = open(mode).unwrap_err();
        assert!(matches!(refused, BundleFileError::Exposed { mode: found, .. } if found == mode), "{refused}");
        assert!(refused.to_string().contains("chmod 600"), "{refused}");
    }
    for mode in [0o600, 0o400] {
        let validator = open(mode).unwrap();
        let request = sign(get("/k"), b"", &sts.session("alice", noon(), HOUR), SERVICE, noon());
        assert!(verify(&validator, &request, noon()).is_ok());
    }
    assert!(matches!(
        Validator::from_bundle_file(Rules::of_service(SERVICE), directory.path().join("absent")),
        Err(BundleFileError::Read { .. })
    ));
    std::fs::write(&path, b"something else").unwrap();
    assert!(matches!(open(0o600), Err(BundleFileError::Bundle(_))));
}

#[test]
fn neither_validator_nor_pending_nor_verified_prints_a_secret_or_a_token() {
    let sts = Sts::new(1);
    let validator = validator(&sts);
    let alice = sts.session("alice", noon(), HOUR);
    let request = sign(get("/k"), b"", &alice, SERVICE, noon());
    let verified = verify(&validator, &request, noon()).unwrap();
    let (parts, _) = request.into_parts();
    let pending = validator.begin(brevet_validator::layer::signed_request(&parts, "http"), noon()).unwrap();
    let shown = format!("{validator:?} {pending:?} {verified:?}");
    assert!(!shown.contains(alice.secret_access_key.expose()));
    assert!(!shown.contains(alice.security_token.unwrap().expose()));
}
