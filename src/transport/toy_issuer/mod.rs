//! An OpenID Connect issuer for development and tests: whoever can reach its port gets an identity token that says whatever
//! they want, as a job of a CI system or as a person. `brevet dev` trusts it; nothing else should.

mod answer;
mod oauth;
mod pages;
mod sign_in;

#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use serde_json::json;
use tonic::body::Body;

use super::body::{self, BODY_TIMEOUT, Payload};
use super::listener::{Listener, Serve};
use super::peer::{self, Authorities, Peer};
use crate::service::clock::Clock;
use crate::service::error::Kind;
use crate::service::federation::toy::people::{Parameters, People, Refusal};
use crate::service::federation::toy::{NoToken, Toy, endpoints};
use crate::service::federation::{InvalidIssuer, Issuer};
use crate::service::random::{NoRandomness, Random};
use answer::Answer;

/// Most bytes of the claims of a token, or of a form.
const BODY_LIMIT: usize = 64 << 10;

/// A port that issues identity tokens, for development and tests.
///
/// `POST /token` with a JSON object of claims answers `{"token":"…"}`; claims that every token has are filled in, and `{}` is
/// a job of [`SUBJECT`](crate::service::federation::toy::SUBJECT). Its [people](crate::service::federation::toy::people) sign
/// in as with any OpenID provider, which its discovery document describes. The key is new with each issuer.
#[derive(Debug)]
pub struct ToyIssuer {
    listener: Listener,
    counter: Arc<Counter>,
}

/// What a toy issuer is like.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where it listens; port 0 takes a free one.
    pub address: SocketAddr,
    /// The clients that people sign in with.
    pub clients: Vec<String>,
    /// No web page can ask for tokens: requests that name another host than this machine, or come with the `Origin` of
    /// anything but the issuer's own forms, are refused.
    pub only_local_hosts: bool,
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
    /// Opens the port and draws a key.
    pub async fn bind(settings: Settings, random: Arc<dyn Random>, clock: Arc<dyn Clock>) -> Result<Self, CannotStart> {
        let listener = Listener::bind(settings.address, None).await?;
        let address = listener.address()?;
        let toy = Arc::new(Toy::new(Issuer::at(address, false)?, &*random)?);
        let people = Mutex::new(People::new(Arc::clone(&toy), settings.clients));
        let local_hosts = settings.only_local_hosts.then(|| Authorities::of_this_machine(address));
        Ok(Self { listener, counter: Arc::new(Counter { toy, people, random, clock, local_hosts }) })
    }

    /// Whose tokens these are: what a relying party is to trust.
    pub fn issuer(&self) -> &Issuer {
        self.counter.toy.issuer()
    }

    /// Where tokens of any claims are to be had.
    pub fn token_endpoint(&self) -> String {
        self.counter.toy.url(endpoints::TOKEN)
    }

    /// Where devices begin.
    pub fn device_endpoint(&self) -> String {
        self.counter.toy.url(endpoints::OAUTH_DEVICE)
    }

    /// Where people's clients get tokens.
    pub fn oauth_token_endpoint(&self) -> String {
        self.counter.toy.url(endpoints::OAUTH_TOKEN)
    }

    /// Serves until `stop`, then lets requests end.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        self.listener.run(self.counter, stop).await;
    }
}

#[derive(Debug)]
struct Counter {
    toy: Arc<Toy>,
    people: Mutex<People>,
    random: Arc<dyn Random>,
    clock: Arc<dyn Clock>,
    local_hosts: Option<Authorities>,
}

impl Counter {
    async fn answer(&self, parts: &Parts, body: impl Payload) -> Answer {
        self.try_answer(parts, body).await.unwrap_or_else(|refusal| refusal)
    }

    async fn try_answer(&self, parts: &Parts, body: impl Payload) -> Result<Answer, Answer> {
        let path = parts.uri.path();
        self.check_origin(parts, path == endpoints::SIGN_IN)?;
        let method = method_of(path)
            .ok_or_else(|| Answer::text(StatusCode::NOT_FOUND, format!("See {}.", endpoints::DOCUMENT)))?;
        if parts.method != method {
            return Err(Answer::Only(method));
        }
        let query = parts.uri.query().unwrap_or_default();
        Ok(match path {
            endpoints::DOCUMENT => Answer::Json(StatusCode::OK, self.toy.document()),
            endpoints::KEYS => Answer::Json(StatusCode::OK, self.toy.key_set()),
            endpoints::AUTHORIZE => self.authorize(query),
            endpoints::DEVICE => self.device(query),
            endpoints::USER_INFO => self.user_info(parts),
            endpoints::SIGN_IN => self.sign_in(&form(parts, body).await?),
            endpoints::OAUTH_DEVICE => self.oauth_device(parts, &form(parts, body).await?),
            endpoints::OAUTH_TOKEN => self.oauth_token(parts, &form(parts, body).await?),
            _ => self.token(&read(body).await?),
        })
    }

    /// Whether a web page may be behind this request, and none of ours.
    fn check_origin(&self, parts: &Parts, own_form: bool) -> Result<(), Answer> {
        let Some(hosts) = &self.local_hosts else {
            return Ok(());
        };
        if !hosts.include(parts, false) {
            return Err(Answer::text(StatusCode::FORBIDDEN, "The request is meant for another host."));
        }
        let own = peer::host(parts).filter(|_| own_form).map(|host| format!("http://{host}"));
        let is_own = |origin: &HeaderValue| own.as_ref().is_some_and(|own| origin == own);
        if parts.headers.get_all(header::ORIGIN).iter().all(is_own) {
            Ok(())
        } else {
            Err(Answer::text(StatusCode::FORBIDDEN, "Web pages get no tokens."))
        }
    }

    /// A token of any claims.
    fn token(&self, claims: &[u8]) -> Answer {
        match self.toy.token(claims, self.clock.now(), &*self.random) {
            Ok(token) => Answer::Json(StatusCode::OK, json!({ "token": token }).to_string()),
            Err(error @ NoToken::Claims) => Answer::text(StatusCode::BAD_REQUEST, error.to_string()),
            Err(error @ NoToken::Randomness(_)) => Answer::text(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
        }
    }

    fn people(&self) -> MutexGuard<'_, People> {
        self.people.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn method_of(path: &str) -> Option<Method> {
    use endpoints::{AUTHORIZE, DEVICE, DOCUMENT, KEYS, OAUTH_DEVICE, OAUTH_TOKEN, SIGN_IN, TOKEN, USER_INFO};
    match path {
        DOCUMENT | KEYS | AUTHORIZE | DEVICE | USER_INFO => Some(Method::GET),
        TOKEN | SIGN_IN | OAUTH_DEVICE | OAUTH_TOKEN => Some(Method::POST),
        _ => None,
    }
}

async fn read(body: impl Payload) -> Result<Bytes, Answer> {
    body::read_within(body, BODY_LIMIT, BODY_TIMEOUT).await.map_err(|error| {
        let status = match error.kind() {
            Kind::RequestEntityTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Kind::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            _ => StatusCode::BAD_REQUEST,
        };
        Answer::text(status, error.message())
    })
}

async fn form(parts: &Parts, body: impl Payload) -> Result<Parameters, Answer> {
    let content_type = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = content_type.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(oauth::refused(&Refusal::invalid("the body is a form: application/x-www-form-urlencoded")));
    }
    Ok(Parameters::read(&read(body).await?))
}

impl Serve for Counter {
    async fn serve(&self, request: Request<Incoming>, _peer: Peer, conflict: bool) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let answer = if conflict {
            Answer::text(StatusCode::BAD_REQUEST, "A request has one length.")
        } else {
            self.answer(&parts, body).await
        };
        answer.render()
    }
}
