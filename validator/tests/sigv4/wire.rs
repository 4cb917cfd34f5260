//! What the SigV4 tests share: requests that own their parts, and a fixed key.

use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use sha2::{Digest, Sha256};

use brevet_validator::credential::{Credentials, SecretKey};
use brevet_validator::secret::Secret;
use brevet_validator::signature::{PathStyle, Payload, Presented, Refusal, Request, Rules, Scope, SigningKey, read};
use brevet_validator::timestamp::Timestamp;

pub(crate) const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// A request with its body.
#[derive(Clone, Debug)]
pub(crate) struct Wire {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) authority: Option<String>,
    pub(crate) scheme: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Wire {
    /// A request to `https://example.amazonaws.com`.
    pub(crate) fn new(method: &str, target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_static("example.amazonaws.com"));
        Self {
            method: method.into(),
            path: path.into(),
            query: query.into(),
            authority: None,
            scheme: "https".into(),
            headers,
            body: Vec::new(),
        }
    }

    /// Reads HTTP/1.1 text, as the suites write it. Folded lines are joined as an HTTP library joins them.
    pub(crate) fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
        let mut lines = head.lines();
        let first = lines.next().unwrap();
        let first = first.strip_suffix(" HTTP/1.1").unwrap_or(first);
        let (method, target) = first.split_once(' ').unwrap();
        let mut wire = Self::new(method, target);
        wire.headers.clear();
        wire.body = body.into();
        let mut fields: Vec<(String, String)> = Vec::new();
        for line in lines.filter(|line| !line.is_empty()) {
            match fields.last_mut() {
                Some((_, value)) if line.starts_with(' ') => *value = format!("{value} {}", line.trim()),
                _ => {
                    let (name, value) = line.split_once(':').unwrap();
                    fields.push((name.into(), value.trim().into()));
                }
            }
        }
        for (name, value) in fields {
            wire.append(&name, &value);
        }
        wire
    }

    pub(crate) fn append(&mut self, name: &str, value: &str) {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        self.headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        self.headers.insert(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }

    /// Replaces a part of the `Authorization` header.
    pub(crate) fn edit_authorization(&mut self, from: &str, to: &str) {
        let text = self.headers[AUTHORIZATION].to_str().unwrap();
        assert!(text.contains(from), "{text} has no {from}");
        let edited = text.replace(from, to);
        self.headers.insert(AUTHORIZATION, HeaderValue::from_bytes(edited.as_bytes()).unwrap());
    }

    pub(crate) fn request(&self) -> Request<'_> {
        Request {
            method: &self.method,
            path: &self.path,
            query: &self.query,
            authority: self.authority.as_deref(),
            scheme: &self.scheme,
            headers: &self.headers,
        }
    }

    pub(crate) fn sha256(&self) -> [u8; 32] {
        Sha256::digest(&self.body).into()
    }

    pub(crate) fn payload(&self) -> Payload {
        Payload::Sha256(self.sha256())
    }

    pub(crate) fn read(&self, rules: &Rules, now: Timestamp) -> Result<Presented<'_>, Refusal> {
        read(self.request(), rules, now)
    }

    /// Reads and verifies with [`SECRET`].
    pub(crate) fn check(&self, rules: &Rules, now: Timestamp) -> Result<(), Refusal> {
        let presented = self.read(rules, now)?;
        presented.verify(self.payload(), &key(SECRET, presented.scope()))
    }
}

pub(crate) fn key(secret: &str, scope: Scope<'_>) -> SigningKey {
    SigningKey::derive(&SecretKey::new(secret.into()), scope)
}

pub(crate) fn at(basic: &str) -> Timestamp {
    Timestamp::parse_basic(basic).unwrap()
}

/// Rules that accept one service in any region.
pub(crate) fn rules(path_style: PathStyle, service: &str) -> Rules {
    Rules { path_style, services: vec![service.into()], regions: None, presigned_max: 604_800, unsigned_payload: false }
}

pub(crate) fn credentials(security_token: Option<&str>) -> Credentials {
    Credentials {
        access_key_id: "AKIAIOSFODNN7EXAMPLE".parse().unwrap(),
        secret_access_key: SecretKey::new(SECRET.into()),
        security_token: security_token.map(|token| Secret::new(token.into())),
        expiration: None,
    }
}
