//! Requests as boto 2, boto3 and the OBS SDK sent them.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use brevet_validator::signature::{PathStyle, Refusal, Rules};
use brevet_validator::timestamp::Timestamp;

use crate::wire::{Wire, key};

struct Capture {
    name: String,
    wire: Wire,
    at: Timestamp,
    secret: String,
    security_token: Option<String>,
    /// The host that the client signed, where it sent another.
    signed_host: Option<String>,
}

impl Capture {
    fn all() -> Vec<Self> {
        let files = fs::read_dir("tests/vectors/requests").unwrap().map(|entry| entry.unwrap().path());
        let captures: Vec<_> = files
            .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
            .map(|path| Self::parse(&fs::read_to_string(path).unwrap()))
            .collect();
        assert_eq!(captures.len(), 18);
        captures
    }

    fn parse(json: &str) -> Self {
        let json: serde_json::Value = serde_json::from_str(json).unwrap();
        let text = |key: &str| json[key].as_str().map(str::to_owned);
        assert_eq!(text("expect").as_deref(), Some("accept"));
        let mut wire = Wire::new(&text("method").unwrap(), &text("target").unwrap());
        wire.scheme = text("scheme").unwrap();
        wire.body = STANDARD.decode(text("body_base64").unwrap()).unwrap();
        wire.headers.clear();
        for field in json["headers"].as_array().unwrap() {
            wire.append(field[0].as_str().unwrap(), field[1].as_str().unwrap());
        }
        Self {
            name: text("name").unwrap(),
            wire,
            at: Timestamp::parse_iso(&format!("{}Z", &text("captured_at").unwrap()[..19])).unwrap(),
            secret: text("secret_key").unwrap(),
            security_token: text("security_token"),
            signed_host: text("signed_host"),
        }
    }

    /// Any scope, because old SDKs derive region and service from the host name.
    fn verdict(&self, path_style: PathStyle) -> Result<(), Refusal> {
        let services = ["127", "ec2", "iam", "localhost", "s3", "sts"].map(String::from).to_vec();
        let rules = Rules { path_style, services, regions: None, presigned_max: 604_800, unsigned_payload: true };
        let presented = self.wire.read(&rules, self.at)?;
        assert_eq!(presented.security_token(), self.security_token.as_deref(), "{}", self.name);
        presented.verify(self.wire.payload(), &key(&self.secret, presented.scope()))
    }

    fn path_style(&self) -> PathStyle {
        if self.wire.path == "/" && self.wire.method == "POST" { PathStyle::General } else { PathStyle::S3 }
    }
}

#[test]
fn requests_of_real_sdks_verify() {
    for capture in Capture::all().iter().filter(|capture| capture.signed_host.is_none()) {
        assert_eq!(capture.verdict(capture.path_style()), Ok(()), "{}", capture.name);
    }
}

#[test]
fn requests_of_real_sdks_do_not_verify_with_another_secret() {
    for mut capture in Capture::all() {
        capture.secret.push('x');
        assert_eq!(capture.verdict(capture.path_style()), Err(Refusal::Mismatch), "{}", capture.name);
    }
}

#[test]
fn a08_a_request_signed_for_one_host_is_refused_at_another() {
    let captures = Capture::all();
    let mut redirected = captures.into_iter().find(|capture| capture.signed_host.is_some()).unwrap();
    assert_eq!(redirected.verdict(PathStyle::General), Err(Refusal::Mismatch));
    redirected.wire.set("host", &redirected.signed_host.clone().unwrap());
    assert_eq!(redirected.verdict(PathStyle::General), Ok(()));
}
