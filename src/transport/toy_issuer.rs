//! An OpenID Connect issuer for development and tests: whoever can reach its port gets an identity token that says whatever
//! they want. `brevet dev` trusts it; nothing else should.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use serde_json::json;
use tonic::body::Body;

use super::body::{self, BODY_TIMEOUT, Payload};
use super::listener::{Listener, Serve};
use super::peer::{Authorities, Peer};
use crate::service::clock::Clock;
use crate::service::error::Kind;
use crate::service::federation::toy::{NoToken, Toy};
use crate::service::federation::{InvalidIssuer, Issuer, Plaintext};
use crate::service::random::{NoRandomness, Random};

/// Most bytes of the claims of a token.
const CLAIMS_LIMIT: usize = 64 << 10;

const DOCUMENT: &str = "/.well-known/openid-configuration";
const KEYS: &str = "/jwks.json";
const TOKEN: &str = "/token";

/// A port that issues identity tokens, for development and tests.
///
/// `GET /.well-known/openid-configuration` and `GET /jwks.json` are what relying parties ask for. `POST /token` with a JSON
/// object of claims answers `{"token":"…"}`; claims that every token has are filled in, and `{}` is a job of
/// [`SUBJECT`](crate::service::federation::toy::SUBJECT). The key is new with each issuer.
#[derive(Debug)]
pub struct ToyIssuer {
    listener: Listener,
    counter: Arc<Counter>,
}

/// Why it cannot start.
#[derive(Debug, thiserror::Error)]
pub enum CannotStart {
    /// The port is taken, or is not ours to take.
    #[error(transparent)]
    Port(#[from] io::Error),
    /// Only issuers on this machine may do without TLS.
    #[error("an issuer without TLS is at a loopback address, or at all addresses such as 0.0.0.0")]
    Address(#[from] InvalidIssuer),
    /// No key could be drawn.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
}

impl ToyIssuer {
    /// Opens the port and draws a key. With `only_local_hosts` no web page can ask it for tokens: requests that name another
    /// host than this machine, or come with an `Origin`, are refused.
    pub async fn bind(
        address: SocketAddr,
        random: Arc<dyn Random>,
        clock: Arc<dyn Clock>,
        only_local_hosts: bool,
    ) -> Result<Self, CannotStart> {
        let listener = Listener::bind(address, None).await?;
        let address = listener.address()?;
        let toy = Toy::new(name(address)?, &*random)?;
        let local_hosts = only_local_hosts.then(|| Authorities::of_this_machine(address));
        Ok(Self { listener, counter: Arc::new(Counter { toy, random, clock, local_hosts }) })
    }

    /// Whose tokens these are: what a relying party is to trust.
    pub fn issuer(&self) -> &Issuer {
        self.counter.toy.issuer()
    }

    /// Where tokens are to be had.
    pub fn token_endpoint(&self) -> String {
        format!("{}{TOKEN}", self.issuer().as_str())
    }

    /// Serves until `stop`, then lets requests end.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        self.listener.run(self.counter, stop).await;
    }
}

/// The name of an issuer at this address, which the relying party on this machine can reach.
fn name(address: SocketAddr) -> Result<Issuer, InvalidIssuer> {
    let ip = match address.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    let url = format!("http://{}", SocketAddr::new(ip, address.port()));
    Issuer::parse(url.strip_suffix(":80").unwrap_or(&url), Plaintext::OnLoopback)
}

#[derive(Debug)]
struct Counter {
    toy: Toy,
    random: Arc<dyn Random>,
    clock: Arc<dyn Clock>,
    local_hosts: Option<Authorities>,
}

/// A status and one sentence.
type Refused = (StatusCode, String);

fn refused(status: StatusCode, sentence: &str) -> Refused {
    (status, sentence.to_owned())
}

impl Counter {
    async fn answer(&self, parts: &Parts, body: impl Payload) -> Result<String, Refused> {
        if let Some(hosts) = &self.local_hosts {
            if !hosts.include(parts, false) {
                return Err(refused(StatusCode::FORBIDDEN, "The request is meant for another host."));
            }
            if parts.headers.contains_key(header::ORIGIN) {
                return Err(refused(StatusCode::FORBIDDEN, "Web pages get no tokens."));
            }
        }
        let path = parts.uri.path();
        let Some(method) = method_of(path) else {
            return Err((StatusCode::NOT_FOUND, format!("There are {DOCUMENT}, {KEYS} and {TOKEN}.")));
        };
        if parts.method != method {
            return Err((StatusCode::METHOD_NOT_ALLOWED, format!("{path} is for {method} alone.")));
        }
        match path {
            DOCUMENT => Ok(self.toy.document()),
            KEYS => Ok(self.toy.key_set()),
            _ => self.token(body).await,
        }
    }

    async fn token(&self, body: impl Payload) -> Result<String, Refused> {
        let claims = body::read_within(body, CLAIMS_LIMIT, BODY_TIMEOUT).await.map_err(|error| {
            let status = match error.kind() {
                Kind::RequestEntityTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
                Kind::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
                _ => StatusCode::BAD_REQUEST,
            };
            refused(status, error.message())
        })?;
        match self.toy.token(&claims, self.clock.now(), &*self.random) {
            Ok(token) => Ok(json!({ "token": token }).to_string()),
            Err(error @ NoToken::Claims) => Err((StatusCode::BAD_REQUEST, error.to_string())),
            Err(error @ NoToken::Randomness(_)) => Err((StatusCode::INTERNAL_SERVER_ERROR, error.to_string())),
        }
    }
}

fn method_of(path: &str) -> Option<Method> {
    match path {
        DOCUMENT | KEYS => Some(Method::GET),
        TOKEN => Some(Method::POST),
        _ => None,
    }
}

fn render(path: &str, answer: Result<String, Refused>) -> Response<Body> {
    let (status, text, content_type) = match answer {
        Ok(json) => (StatusCode::OK, json, "application/json"),
        Err((status, sentence)) => (status, sentence + "\n", "text/plain; charset=utf-8"),
    };
    let mut response = Response::new(Body::new(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if status == StatusCode::METHOD_NOT_ALLOWED {
        let allowed = if path == TOKEN { "POST" } else { "GET" };
        headers.insert(header::ALLOW, HeaderValue::from_static(allowed));
    }
    response
}

impl Serve for Counter {
    async fn serve(&self, request: Request<Incoming>, _peer: Peer, conflict: bool) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let answer = if conflict {
            Err(refused(StatusCode::BAD_REQUEST, "A request has one length."))
        } else {
            self.answer(&parts, body).await
        };
        render(parts.uri.path(), answer)
    }
}

#[cfg(test)]
mod tests {
    use brevet_validator::timestamp::Timestamp;
    use bytes::Bytes;
    use http_body_util::Full;

    use super::*;

    #[derive(Debug)]
    struct Still;

    impl Clock for Still {
        fn now(&self) -> Timestamp {
            Timestamp::from_unix(1_768_478_400).unwrap()
        }
        fn now_nanos(&self) -> u128 {
            0
        }
    }

    impl Random for Still {
        fn fill(&self, buffer: &mut [u8]) -> Result<(), NoRandomness> {
            buffer.fill(7);
            Ok(())
        }
    }

    async fn start(only_local_hosts: bool) -> ToyIssuer {
        let address = "127.0.0.1:0".parse().unwrap();
        ToyIssuer::bind(address, Arc::new(Still), Arc::new(Still), only_local_hosts).await.unwrap()
    }

    async fn ask(issuer: &ToyIssuer, request: http::request::Builder, body: impl Into<Bytes>) -> (u16, String) {
        let parts = request.body(()).unwrap().into_parts().0;
        match issuer.counter.answer(&parts, Full::new(body.into())).await {
            Ok(text) => (200, text),
            Err((status, text)) => (status.as_u16(), text),
        }
    }

    fn to(issuer: &ToyIssuer, method: &str, path: &str) -> http::request::Builder {
        let host = issuer.issuer().provider_name();
        Request::builder().method(method).uri(path).header("host", host)
    }

    #[tokio::test]
    async fn documents_are_got_and_tokens_are_posted_for() {
        let issuer = start(true).await;
        let (status, document) = ask(&issuer, to(&issuer, "GET", DOCUMENT), "").await;
        assert!(status == 200 && document.contains(&format!("{}{KEYS}", issuer.issuer().as_str())), "{document}");
        assert_eq!(ask(&issuer, to(&issuer, "GET", KEYS), "").await.0, 200);
        let (status, token) = ask(&issuer, to(&issuer, "POST", TOKEN), "{}").await;
        assert!(status == 200 && token.starts_with(r#"{"token":"ey"#), "{token}");
        for (method, path, status) in [
            ("POST", KEYS, 405),
            ("HEAD", DOCUMENT, 405),
            ("GET", TOKEN, 405),
            ("OPTIONS", TOKEN, 405),
            ("GET", "/", 404),
            ("POST", "/token/", 404),
        ] {
            assert_eq!(ask(&issuer, to(&issuer, method, path), "{}").await.0, status, "{method} {path}");
        }
        let refusal = render(TOKEN, Err(refused(StatusCode::METHOD_NOT_ALLOWED, "")));
        assert_eq!(refusal.headers()[header::ALLOW], "POST");
    }

    #[tokio::test]
    async fn bodies_that_are_too_long_or_no_object_are_refused_in_words() {
        let issuer = start(true).await;
        let post = || to(&issuer, "POST", TOKEN);
        for body in ["", "[]", "{", r#"{"a":1,"a":1}"#] {
            let (status, text) = ask(&issuer, post(), body).await;
            assert!(status == 400 && text.ends_with('.'), "{body}: {text}");
        }
        let claims = |length: usize| format!(r#"{{"a":"{}"}}"#, "a".repeat(length - 8));
        assert_eq!(ask(&issuer, post(), claims(CLAIMS_LIMIT)).await.0, 200);
        assert_eq!(ask(&issuer, post(), claims(CLAIMS_LIMIT + 1)).await.0, 413);
    }

    #[tokio::test]
    async fn other_hosts_and_web_pages_are_refused_unless_it_is_exposed() {
        for (only_local_hosts, expected) in [(true, 403), (false, 200)] {
            let issuer = start(only_local_hosts).await;
            let foreign = Request::post(TOKEN).header("host", "evil.example");
            assert_eq!(ask(&issuer, foreign, "{}").await.0, expected);
            let page = to(&issuer, "POST", TOKEN).header("origin", issuer.issuer().as_str());
            assert_eq!(ask(&issuer, page, "{}").await.0, expected);
        }
    }

    #[test]
    fn its_name_is_one_that_this_machine_can_reach() {
        for (address, expected) in [
            ("127.0.0.1:8733", Some("http://127.0.0.1:8733")),
            ("127.0.0.1:80", Some("http://127.0.0.1")),
            ("[::1]:8080", Some("http://[::1]:8080")),
            ("0.0.0.0:8733", Some("http://127.0.0.1:8733")),
            ("[::]:8733", Some("http://[::1]:8733")),
            ("192.0.2.1:8733", None),
        ] {
            let name = name(address.parse().unwrap());
            assert_eq!(name.as_ref().map(Issuer::as_str).ok(), expected, "{address}");
        }
    }
}
