//! A validator that asks the running service for keys: long-lived ones, and those of sessions in an online zone.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use brevet_client::proto::GetSessionTokenRequest;
use brevet_client::proto::admin::CreateZoneRequest;
use brevet_client::{Endpoint, OnlineKeys, StsClient, ZoneClient};
use brevet_validator::credential::{AccessKeyId, Credentials, KeyKind, SecretKey};
use brevet_validator::policy::Effect;
use brevet_validator::secret::Secret;
use brevet_validator::signature::{self, PathStyle, Request, Rules};
use brevet_validator::timestamp::Timestamp;
use brevet_validator::validator::{Rejection, Validator, Verified};
use http::HeaderMap;
use sha2::{Digest, Sha256};

const REGION: &str = "us-east-1";

/// `brevet serve`, killed at the end.
struct Serving {
    process: Child,
    endpoint: String,
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn brevet(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_brevet"));
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

fn serve(data: &str) -> Serving {
    let listen = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
    let mut process = brevet(&["serve", "--data-dir", data]).args(listen).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let endpoint = line.split_whitespace().find(|word| word.starts_with("http://")).unwrap().to_owned();
    Serving { process, endpoint }
}

/// The key that `init` made.
fn first_key(data: &Path) -> Credentials {
    let text = std::fs::read_to_string(data.join("credentials.csv")).unwrap();
    let row: Vec<_> = text.lines().nth(1).unwrap().split(',').collect();
    key(row[1], row[2], None)
}

fn key(id: &str, secret: &str, token: Option<String>) -> Credentials {
    Credentials {
        access_key_id: id.parse().unwrap(),
        secret_access_key: SecretKey::new(secret.to_owned()),
        security_token: token.map(Secret::new),
        expiration: None,
    }
}

fn now() -> Timestamp {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    Timestamp::from_unix(since_1970.as_secs().try_into().unwrap()).unwrap()
}

fn request_with(headers: &HeaderMap) -> Request<'_> {
    Request { method: "GET", path: "/k", query: "", authority: Some("files.test"), scheme: "http", headers }
}

/// What the validator says of a request that was signed with this key, a while from now.
async fn verdict(validator: &Validator, key: &Credentials, service: &str, later: i64) -> Result<Verified, Rejection> {
    let now = now() + later;
    let mut headers = HeaderMap::new();
    let hash = Sha256::digest(b"").into();
    let signed = signature::sign(request_with(&headers), hash, key, REGION, service, PathStyle::General, now).unwrap();
    headers.extend(signed);
    validator.begin_fetching(request_with(&headers), now).await?.finish(b"")
}

#[tokio::test]
async fn a_validator_asks_for_what_it_cannot_derive_and_goes_on_while_nobody_answers() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let data_dir = data.to_str().unwrap();
    assert!(brevet(&["init", "--data-dir", data_dir]).status().unwrap().success());
    let admin = first_key(&data);
    let serving = serve(data_dir);
    let endpoint = Endpoint::new(&serving.endpoint).unwrap();
    let channel = endpoint.channel(admin.clone()).await.unwrap();
    let zone = |name: &str, service: &str, online| CreateZoneRequest {
        name: name.to_owned(),
        region: REGION.to_owned(),
        services: vec![service.to_owned()],
        online,
    };
    for request in [zone("storage", "files", false), zone("compute", "batch", true)] {
        ZoneClient::new(channel.clone()).create_zone(request).await.unwrap();
    }
    let issued = StsClient::new(channel.clone()).get_session_token(GetSessionTokenRequest::default()).await;
    let issued = issued.unwrap().into_inner().credentials.unwrap();
    let session = key(&issued.access_key_id, &issued.secret_access_key, Some(issued.security_token));

    let validator = |name: &str, service: &str| {
        let bundle = dir.path().join(format!("{name}.bundle"));
        let exported = brevet(&["bundle", "--data-dir", data_dir, "--zone", name, "-o", bundle.to_str().unwrap()]);
        let exported = { exported }.status().unwrap();
        assert!(exported.success(), "{name}");
        let keys = Arc::new(OnlineKeys::new(channel.clone(), name));
        let validator = Validator::from_bundle_file(Rules::of_service(service), &bundle).unwrap();
        (validator.with_signing_keys(keys.clone()), keys)
    };
    let (storage, storage_keys) = validator("storage", "files");
    let (compute, compute_keys) = validator("compute", "batch");

    let unknown = Credentials { access_key_id: AccessKeyId::from_bytes(KeyKind::LongLived, [7; 10]), ..admin.clone() };
    let wrong = Credentials { secret_access_key: SecretKey::new("x".repeat(40)), ..admin.clone() };
    for (validator, service) in [(&storage, "files"), (&compute, "batch")] {
        let verified = verdict(validator, &admin, service, 0).await.unwrap();
        assert!(verified.principal().arn().as_str().ends_with(":user/admin"));
        let policies = verified.policies().unwrap();
        let asked = ("files:GetObject", "arn:aws:files:::k".parse().unwrap());
        assert_eq!(policies.decide(asked.0, &asked.1, &policies.context()).effect, Effect::Allow);
        assert_eq!(verdict(validator, &unknown, service, 0).await.unwrap_err(), Rejection::InvalidToken);
        assert_eq!(verdict(validator, &wrong, service, 0).await.unwrap_err().code(), "SignatureDoesNotMatch");
        let verified = verdict(validator, &session, service, 0).await.unwrap();
        assert_eq!(verified.access_key_id(), session.access_key_id);
    }
    // What is withdrawn is asked for again, and what is older than that is not taken.
    storage_keys.forget(admin.access_key_id, 0);
    assert!(verdict(&storage, &admin, "files", 0).await.is_ok());
    storage_keys.forget(admin.access_key_id, u64::MAX);
    assert_eq!(verdict(&storage, &admin, "files", 0).await.unwrap_err(), Rejection::KeysUnavailable);

    drop(serving);
    let long = Duration::from_secs(20);
    let stale = 6 * 60;
    for (key, later) in [(&admin, 0), (&session, 0), (&admin, stale), (&session, stale)] {
        let verdict = tokio::time::timeout(long, verdict(&compute, key, "batch", later)).await.unwrap();
        assert!(verdict.is_ok(), "{later}: {verdict:?}");
    }
    assert!(verdict(&storage, &session, "files", 0).await.is_ok(), "its token has a box");
    compute_keys.forget_all();
    for key in [&admin, &session] {
        assert_eq!(verdict(&compute, key, "batch", 0).await.unwrap_err(), Rejection::KeysUnavailable);
    }
}
