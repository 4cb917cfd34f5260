use brevet_validator::credential::{Credentials, SecretKey};
use brevet_validator::signature::{PathStyle, Request, RequestLine, presign, sign};
use brevet_validator::timestamp::Timestamp;
use http::HeaderMap;
use sha2::{Digest, Sha256};

use super::*;
use crate::service::directory::Snapshot;
use crate::service::error::Kind;
use crate::service::test_world::*;
use crate::store::{MasterKey, MemoryStore, RecordCipher, records};

const BODY: &[u8] = b"body";

/// A deployment with a service that has its requests checked, a scoped zone, and someone who signs.
struct Stage {
    world: World,
    verdicts: Verdicts,
    service: Credentials,
    ada: Credentials,
    session: Credentials,
}

impl Stage {
    fn new() -> Self {
        let mut world = World::new();
        let operator = records::Account { id: ACCOUNT.into(), operator: true, ..Default::default() };
        world.put(&format!("accounts/{ACCOUNT}"), records::encode(&operator));
        let zone = records::Zone {
            name: "storage".into(),
            id: vec![1; 16],
            region: "eu-west-1".into(),
            services: vec!["s3".into(), "files".into()],
            ..Default::default()
        };
        world.put("zones/storage", records::encode(&zone));
        let service = world.user("service", ALLOW_ALL);
        let ada = world.user("ada", ALLOW_ALL);
        let role = world.role("ops", &trust(ACCOUNT), "");
        let session = world.assume(&ada, &assume_role(&role)).unwrap().credentials;
        let verdicts = verdicts(&world);
        Self { world, verdicts, service, ada, session }
    }

    fn verdict(&self, input: &VerifyRequest) -> Result<Accepted, Rejection> {
        match self.verdicts.verify(&self.world.caller(&self.service).unwrap(), input).unwrap() {
            Verdict::Accepted(accepted) => Ok(*accepted),
            Verdict::Refused(rejection) => Err(rejection),
        }
    }

    #[track_caller]
    fn refused(&self, input: &VerifyRequest, code: &str, status: u16) {
        let rejection = self.verdict(input).unwrap_err();
        assert_eq!((rejection.code(), rejection.http_status()), (code, status), "{rejection}");
    }
}

fn verdicts(world: &World) -> Verdicts {
    let cipher = RecordCipher::new(&MasterKey::new([7; 32]), TRUST_DOMAIN);
    let store = Arc::new(MemoryStore::new(now));
    let directory = Directory::new(store, cipher, Arc::new(Counting::default()), Snapshot::clone(&world.snapshot));
    Verdicts::new(world.keys.ring().clone(), &Arc::new(directory), 100)
}

/// What is signed, and how.
struct Sent<'a> {
    path: &'a str,
    region: &'a str,
    service: &'a str,
    at: Timestamp,
}

fn files() -> Sent<'static> {
    Sent { path: "/a/k", region: "eu-west-1", service: "files", at: now() }
}

impl Sent<'_> {
    fn style(&self) -> PathStyle {
        Rules::of_service(self.service).path_style
    }

    /// Signed in the headers, for zone `storage`.
    fn by(&self, key: &Credentials) -> VerifyRequest {
        self.with(key, |_| ())
    }

    /// The same, changed after it was signed.
    fn with(&self, key: &Credentials, change: impl FnOnce(&mut Vec<(String, Vec<u8>)>)) -> VerifyRequest {
        let none = HeaderMap::new();
        let request = Request {
            method: "PUT",
            path: self.path,
            query: "x=1",
            authority: Some("files.test"),
            scheme: "http",
            headers: &none,
        };
        let hash = Sha256::digest(BODY).into();
        let added = sign(request, hash, key, self.region, self.service, self.style(), self.at).unwrap();
        let mut headers: Vec<(String, Vec<u8>)> = vec![("x-bytes".into(), b"\xff".to_vec())];
        headers.extend(added.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())));
        change(&mut headers);
        received(self.path, "x=1", &headers)
    }

    fn presigned_by(&self, key: &Credentials, expires: u32) -> VerifyRequest {
        let none = HeaderMap::new();
        let request = Request {
            method: "PUT",
            path: self.path,
            query: "",
            authority: Some("files.test"),
            scheme: "http",
            headers: &none,
        };
        let query = presign(request, key, self.region, self.service, self.style(), expires, self.at).unwrap();
        VerifyRequest { payload_sha256: Sha256::digest(b"").to_vec(), ..received(self.path, &query, &[]) }
    }
}

fn received(path: &str, query: &str, headers: &[(String, Vec<u8>)]) -> VerifyRequest {
    let line = RequestLine { method: "PUT", path, query, scheme: "http", authority: "files.test" };
    let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_slice()));
    VerifyRequest {
        zone: "storage".into(),
        request: ReceivedRequest::new(line, headers),
        payload_sha256: Sha256::digest(BODY).to_vec(),
    }
}

#[test]
fn long_lived_keys_and_sessions_are_accepted_in_both_forms_and_named() {
    let stage = Stage::new();
    let s3 = Sent { path: "/b//k%20", service: "s3", ..files() };
    for (key, arn) in
        [(&stage.ada, "iam::111111111111:user/ada"), (&stage.session, "sts::111111111111:assumed-role/ops/a-session")]
    {
        for input in [files().by(key), files().presigned_by(key, 300), s3.by(key), s3.presigned_by(key, 300)] {
            for _ in 0..2 {
                let accepted = stage.verdict(&input).unwrap();
                assert_eq!(accepted.principal.arn().as_str(), format!("arn:aws:{arn}"));
                assert_eq!(accepted.verified.access_key_id(), key.access_key_id);
                assert_eq!(accepted.verified.expiration(), key.expiration);
                assert!(!accepted.unsigned_payload);
            }
        }
    }
}

#[test]
fn what_was_changed_late_or_signed_by_nobody_is_refused_as_at_a_resource_service() {
    let stage = Stage::new();
    let (ada, session) = (&stage.ada, &stage.session);
    let sent = files().by(ada);
    let other_body = VerifyRequest { payload_sha256: vec![0; 32], ..sent.clone() };
    stage.refused(&other_body, "SignatureDoesNotMatch", 403);
    assert_eq!(stage.verdict(&other_body).unwrap_err(), Rejection::Signature(Refusal::Payload));
    let wrong = Credentials { secret_access_key: SecretKey::new("b".repeat(40)), ..ada.clone() };
    stage.refused(&files().by(&wrong), "SignatureDoesNotMatch", 403);
    let unknown = Credentials { access_key_id: "AKIAAAAAAAAAAAAAAAAA".parse().unwrap(), ..ada.clone() };
    stage.refused(&files().by(&unknown), "InvalidClientTokenId", 403);
    let no_token = Credentials { security_token: None, ..session.clone() };
    stage.refused(&files().by(&no_token), "InvalidClientTokenId", 403);
    stage.refused(&Sent { at: now() + -901, ..files() }.by(ada), "SignatureDoesNotMatch", 403);
    stage.refused(&Sent { at: now() + -301, ..files() }.presigned_by(ada, 300), "SignatureDoesNotMatch", 403);

    let name = "authorization".to_owned();
    let twice = files().with(ada, |headers| {
        let again = headers.iter().find(|(known, _)| *known == name).cloned().unwrap();
        headers.push(again);
    });
    stage.refused(&twice, "IncompleteSignature", 400);
    let both = files().presigned_by(ada, 300);
    let both = both.request.as_ref().unwrap().as_request().query.to_owned();
    let in_header = files().by(ada);
    let authorization: Vec<_> = in_header
        .request
        .as_ref()
        .unwrap()
        .as_request()
        .headers
        .iter()
        .map(|(n, v)| (n.to_string(), v.as_bytes().to_vec()))
        .collect();
    stage.refused(&received("/a/k", &both, &authorization), "IncompleteSignature", 400);
    stage.refused(&received("/a/k", "", &[]), "MissingAuthenticationToken", 403);
    let unsigned = files().with(ada, |headers| {
        let declared = headers.iter_mut().find(|(name, _)| name == "x-amz-content-sha256").unwrap();
        declared.1 = b"UNSIGNED-PAYLOAD".to_vec();
    });
    stage.refused(&unsigned, "SignatureDoesNotMatch", 403);
    assert!(matches!(stage.verdict(&unsigned), Err(Rejection::Signature(Refusal::Unsigned(_)))));
    // Whoever asks routes by the path as it came.
    for path in ["/a//k", "/a/./k", "/b/../a/k"] {
        stage.refused(&Sent { path, ..files() }.by(ada), "SignatureDoesNotMatch", 403);
    }
    assert!(stage.verdict(&sent).is_ok());
}

#[test]
fn an_expired_session_is_said_to_be_and_one_whose_principal_is_gone_is_not_known() {
    let mut stage = Stage::new();
    let later = now() + 3600;
    let service = stage.world.verified(&stage.service, now()).unwrap();
    let caller = stage.world.caller_of(service, later).unwrap();
    let late = verdicts(&stage.world).verify(&caller, &Sent { at: later, ..files() }.by(&stage.session)).unwrap();
    let Verdict::Refused(rejection) = late else { panic!("{late:?}") };
    assert_eq!((rejection.code(), rejection.http_status()), ("ExpiredToken", 400));

    let input = files().by(&stage.session);
    assert!(stage.verdict(&input).is_ok());
    stage.world.role("ops", &trust(ACCOUNT), "");
    stage.refused(&input, "InvalidClientTokenId", 403);
    let by_ada = files().by(&stage.ada);
    stage.world.user("ada", ALLOW_ALL);
    stage.refused(&by_ada, "InvalidClientTokenId", 403);
}

#[test]
fn d6_scopes_of_other_zones_and_of_brevet_itself_are_refused() {
    let stage = Stage::new();
    let at = |zone: &str, input: VerifyRequest| VerifyRequest { zone: zone.into(), ..input };
    let of = |region: &'static str, service: &'static str| Sent { region, service, ..files() }.by(&stage.ada);
    for input in [
        of("eu-west-2", "files"),
        of("eu-west-1", "other"),
        of("eu-west-1", "sts"),
        at("default", of("eu-west-1", "files")),
        at("default", of("us-east-1", "sts")),
        at("default", of("us-east-1", "iam")),
        at("default", of("us-east-1", "brevet")),
    ] {
        stage.refused(&input, "SignatureDoesNotMatch", 403);
        assert!(matches!(stage.verdict(&input), Err(Rejection::Signature(Refusal::Scope(_)))));
    }
    for input in [at("default", of("us-east-1", "files")), at("default", of("eu-west-1", "other"))] {
        assert!(stage.verdict(&input).is_ok());
    }
}

#[test]
fn a_call_without_permission_or_for_no_zone_is_refused_itself() {
    let mut stage = Stage::new();
    let input = files().by(&stage.ada);
    let nobody = stage.world.user("nobody", "");
    let foreign = records::User {
        account: OTHER_ACCOUNT.into(),
        inline_policies: inline(ALLOW_ALL),
        ..stage.world.user_record("foreign")
    };
    let foreign = stage.world.put_user(foreign);
    let ask = |who: &Credentials, zone: &str| {
        let input = VerifyRequest { zone: zone.into(), ..input.clone() };
        stage.verdicts.verify(&stage.world.caller(who).unwrap(), &input).unwrap_err().kind()
    };
    for who in [&nobody, &foreign] {
        for zone in ["storage", "ghost"] {
            assert!(matches!(ask(who, zone), Kind::AccessDenied(_)));
        }
    }
    assert_eq!(ask(&stage.service, "ghost"), Kind::NoSuchEntity);
    // The form is looked at first, and only of a caller who is known.
    let short = VerifyRequest { payload_sha256: vec![0; 31], ..input.clone() };
    let none = VerifyRequest { request: Err(NotARequest::Method), ..input.clone() };
    let misnamed = VerifyRequest { zone: "Storage".into(), ..input.clone() };
    for bad in [short, none, misnamed] {
        let refused = stage.verdicts.verify(&stage.world.caller(&nobody).unwrap(), &bad).unwrap_err();
        assert_eq!(refused.kind(), Kind::ValidationError, "{refused}");
    }
    let disabled = records::Zone { name: "default".into(), disabled: true, ..Default::default() };
    stage.world.put("zones/default", records::encode(&disabled));
    let caller = stage.world.caller(&stage.service).unwrap();
    let at_default = VerifyRequest { zone: "default".into(), ..input.clone() };
    assert_eq!(stage.verdicts.verify(&caller, &at_default).unwrap_err().kind(), Kind::InvalidInput);
}
