//! Requests made from a seed, for signing with Brevet and with others.

use brevet_validator::credential::{Credentials, SecretKey};
use brevet_validator::secret::Secret;
use brevet_validator::signature::{PathStyle, Payload, Refusal, Request, Rules, SigningKey, read};
use brevet_validator::timestamp::Timestamp;
use fastrand::Rng;
use http::{HeaderMap, HeaderName, HeaderValue};
use sha2::{Digest, Sha256};

/// The key that all samples are signed with.
pub const ACCESS_KEY_ID: &str = "AKIAIOSFODNN7EXAMPLE";
/// Its secret.
pub const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
/// Where all samples are sent.
pub const HOST: &str = "queue.eu-central-1.example.com:8443";
/// The region of their scope.
pub const REGION: &str = "eu-central-1";

const UNRESERVED: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

/// A request as a client would send it before signing: path and query encoded once, every byte that is not unreserved
/// as an upper-case escape, because there clients agree.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Upper-case.
    pub method: &'static str,
    /// Encoded; with dot segments and empty ones in the general style.
    pub path: String,
    /// Encoded; empty if there is none.
    pub query: String,
    /// Without `host`.
    pub headers: Vec<(String, String)>,
    /// Any bytes.
    pub body: Vec<u8>,
    /// For temporary keys.
    pub security_token: Option<String>,
    /// When to sign.
    pub at: Timestamp,
    /// S3 or everything else.
    pub style: PathStyle,
}

/// `count` samples, the same for the same seed.
pub fn samples(seed: u64, count: usize) -> Vec<Sample> {
    let mut rng = Rng::with_seed(seed);
    (0..count).map(|_| sample(&mut rng)).collect()
}

/// How many samples a test takes: `BREVET_INTEROP_SAMPLES`, else 300.
pub fn sample_count() -> usize {
    std::env::var("BREVET_INTEROP_SAMPLES").map_or(300, |count| count.parse().expect("a number of samples"))
}

impl Sample {
    /// The scope's service.
    pub fn service(&self) -> &'static str {
        match self.style {
            PathStyle::General => "queue",
            PathStyle::S3 => "s3",
        }
    }

    /// Path and query.
    pub fn target(&self) -> String {
        if self.query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, self.query) }
    }

    /// The headers with `host`.
    pub fn header_map(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_static(HOST));
        for (name, value) in &self.headers {
            headers.append(HeaderName::try_from(name).expect("a name"), HeaderValue::try_from(value).expect("a value"));
        }
        headers
    }

    /// The request with these headers.
    pub fn request<'a>(&'a self, headers: &'a HeaderMap) -> Request<'a> {
        Request { method: self.method, path: &self.path, query: &self.query, authority: None, scheme: "https", headers }
    }

    /// SHA-256 of the body.
    pub fn sha256(&self) -> [u8; 32] {
        Sha256::digest(&self.body).into()
    }

    /// The key as Brevet's signer takes it.
    pub fn credentials(&self) -> Credentials {
        Credentials {
            access_key_id: ACCESS_KEY_ID.parse().expect("an access key id"),
            secret_access_key: SecretKey::new(SECRET.into()),
            security_token: self.security_token.clone().map(Secret::new),
            expiration: None,
        }
    }

    /// Whether Brevet's verifier accepts a signed form of this sample.
    pub fn verify(&self, request: Request<'_>, body: &[u8]) -> Result<(), Refusal> {
        let rules = Rules {
            path_style: self.style,
            services: vec![self.service().into()],
            regions: Some(vec![REGION.into()]),
            presigned_max: 604_800,
            unsigned_payload: true,
        };
        let presented = read(request, &rules, self.at)?;
        assert_eq!(presented.security_token(), self.security_token.as_deref());
        let key = SigningKey::derive(&SecretKey::new(SECRET.into()), presented.scope());
        presented.verify(Payload::Sha256(Sha256::digest(body).into()), &key)
    }
}

fn sample(rng: &mut Rng) -> Sample {
    let style = pick(rng, &[PathStyle::General, PathStyle::S3]);
    let method = pick(rng, &["GET", "PUT", "POST", "DELETE"]);
    let segments = rng.usize(0..5);
    let mut path: String = (0..segments).map(|_| format!("/{}", segment(rng, style))).collect();
    // A last segment of content: implementations differ on whether `/a/.` keeps its slash.
    path.push_str(&format!("/{}", encoded(rng, 1..8)));
    let pairs = rng.usize(0..5);
    let query =
        (0..pairs).map(|_| format!("{}={}", encoded(rng, 1..6), encoded(rng, 0..6))).collect::<Vec<_>>().join("&");
    let headers = (0..rng.usize(0..5)).map(|i| header(rng, i)).collect();
    let body = if method == "GET" { Vec::new() } else { (0..rng.usize(0..200)).map(|_| rng.u8(..)).collect() };
    let length = rng.usize(1..600);
    let security_token = rng.bool().then(|| (0..length).map(|_| rng.alphanumeric()).collect());
    let at = Timestamp::from_unix(rng.i64(0..4_000_000_000)).expect("in range");
    Sample { method, path, query, headers, body, security_token, at, style }
}

fn segment(rng: &mut Rng, style: PathStyle) -> String {
    match rng.u8(0..6) {
        0 if style == PathStyle::General => pick(rng, &[".", "..", ""]).into(),
        _ => encoded(rng, 1..8),
    }
}

/// Repeated names are wanted, runs of blanks too; line breaks cannot be sent.
fn header(rng: &mut Rng, index: usize) -> (String, String) {
    let name = pick(rng, &["content-type", "x-amz-meta-a", "x-amz-target", "my-header"]);
    let name = if rng.bool() { name.into() } else { format!("{name}-{index}") };
    let words = (0..rng.usize(1..4)).map(|_| word(rng)).collect::<Vec<_>>();
    (name, words.join(pick(rng, &[" ", "   ", ", ", "\" \""])))
}

fn word(rng: &mut Rng) -> String {
    (0..rng.usize(1..6)).map(|_| rng.char('!'..='~')).collect()
}

/// Random text of Unicode, encoded.
fn encoded(rng: &mut Rng, length: std::ops::Range<usize>) -> String {
    let length = rng.usize(length);
    let text: String = (0..length).map(|_| if rng.u8(0..4) == 0 { rng.char(..) } else { rng.alphanumeric() }).collect();
    let escape = |byte: u8| match char::from(byte) {
        c if UNRESERVED.contains(c) => c.to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}

fn pick<T: Copy>(rng: &mut Rng, choices: &[T]) -> T {
    choices[rng.usize(0..choices.len())]
}
