//! Sign-ins from their first request to their last token.

mod devices;
mod requests;
mod tokens;

use super::*;
use crate::service::federation::{Issuer, Plaintext};
use crate::service::test_world::{Counting, now};

const REDIRECT: &str = "http://127.0.0.1:4711/cb";
// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// The people, a clock and a source of values.
struct World {
    people: People,
    toy: Arc<Toy>,
    random: Counting,
    now: Timestamp,
}

fn world() -> World {
    let random = Counting::default();
    let issuer = Issuer::parse("http://127.0.0.1:8733", Plaintext::OnLoopback).unwrap();
    let toy = Arc::new(Toy::new(issuer, &random).unwrap());
    let people = People::new(Arc::clone(&toy), vec!["brevet".to_owned(), "other".to_owned()]);
    World { people, toy, random, now: now() }
}

/// These parameters with some replaced; an empty value takes one away.
fn with(base: &[(&str, &str)], changes: &[(&str, &str)]) -> Parameters {
    let kept = base.iter().filter(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(kept.chain(changes)).finish();
    Parameters::read(query.as_bytes())
}

fn alice() -> Decision {
    Decision::SignIn(Person::named("alice").unwrap())
}

impl World {
    fn begin(&mut self, changes: &[(&str, &str)]) -> Result<Began, NotBegun> {
        let base = [
            ("client_id", "brevet"),
            ("redirect_uri", REDIRECT),
            ("response_type", "code"),
            ("scope", "openid offline_access"),
            ("state", "s&t"),
            ("nonce", "n"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        self.people.begin(&with(&base, changes), self.now, &self.random)
    }

    /// The URL that an answer to the page leads to.
    fn decide(&mut self, decision: Decision) -> String {
        let began = self.begin(&[]).unwrap();
        match self.people.decide(began.ticket.expose(), decision, self.now, &self.random).unwrap() {
            Decided::Sent(url) => url.expose().clone(),
            Decided::DeviceLearns(_) => panic!("there is no device"),
        }
    }

    fn code(&mut self) -> String {
        parameter(&self.decide(alice()), "code").unwrap()
    }

    fn redeem(&mut self, base: &[(&str, &str)], changes: &[(&str, &str)]) -> Result<Tokens, &'static str> {
        let parameters = with(base, changes);
        self.people.redeem(&parameters, self.now, &self.random).map_err(|refusal| refusal.code())
    }

    fn redeem_code(&mut self, code: &str, changes: &[(&str, &str)]) -> Result<Tokens, &'static str> {
        let base = [
            ("grant_type", "authorization_code"),
            ("client_id", "brevet"),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ];
        self.redeem(&base, changes)
    }

    fn refresh(&mut self, token: &str, changes: &[(&str, &str)]) -> Result<Tokens, &'static str> {
        self.redeem(&[("grant_type", "refresh_token"), ("client_id", "brevet"), ("refresh_token", token)], changes)
    }

    fn device(&mut self) -> (String, String) {
        let parameters = with(&[("client_id", "brevet"), ("scope", "openid")], &[]);
        let begun = self.people.authorize_device(&parameters, self.now, &self.random).unwrap();
        let begun = serde_json::to_value(&begun).unwrap();
        let text = |name: &str| begun[name].as_str().unwrap().to_owned();
        assert_eq!(
            text("verification_uri_complete"),
            format!("http://127.0.0.1:8733/device?user_code={}", text("user_code"))
        );
        (text("device_code"), text("user_code"))
    }

    fn poll(&mut self, device_code: &str) -> Result<Tokens, &'static str> {
        let grant_type = GRANT_TYPES[1];
        self.redeem(&[("grant_type", grant_type), ("client_id", "brevet"), ("device_code", device_code)], &[])
    }

    fn enter(&mut self, user_code: &str) -> Option<String> {
        self.people
            .find_device(user_code, self.now, &self.random)
            .unwrap()
            .map(|question| question.ticket.expose().clone())
    }

    fn knows(&self, access_token: &str) -> bool {
        self.people.user_info(access_token, self.now).is_some()
    }
}

fn parameter(url: &str, name: &str) -> Option<String> {
    let query = url.split_once('?').unwrap().1;
    form_urlencoded::parse(query.as_bytes()).find(|(other, _)| other == name).map(|(_, value)| value.into_owned())
}

fn claims(token: &str) -> serde_json::Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}
