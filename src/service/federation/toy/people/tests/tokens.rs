//! What codes and refresh tokens are good for.

use serde_json::json;

use super::*;
use crate::service::federation::{Expectation, KeySet, UnverifiedToken};

#[test]
fn a_code_becomes_an_identity_token_that_says_who_it_is() {
    let mut world = world();
    let url = world.decide(alice());
    assert!(url.starts_with("http://127.0.0.1:4711/cb?code="), "{url}");
    assert_eq!(parameter(&url, "state").as_deref(), Some("s&t"));
    assert_eq!(parameter(&url, "iss").as_deref(), Some("http://127.0.0.1:8733"));
    world.now = world.now + 59;
    let tokens = world.redeem_code(&parameter(&url, "code").unwrap(), &[]).unwrap();
    let claims = claims(&tokens.id_token);
    for (name, value) in [
        ("sub", json!("alice")),
        ("aud", json!("brevet")),
        ("nonce", json!("n")),
        ("email", json!("alice@example.com")),
        ("email_verified", json!(true)),
        ("auth_time", json!(now().unix())),
        ("iat", json!(world.now.unix())),
        ("exp", json!(world.now.unix() + 300)),
    ] {
        assert_eq!(claims[name], value, "{name}");
    }
    assert!(claims.as_object().unwrap().keys().all(|name| CLAIMS.contains(&name.as_str())));
    let (keys, client_ids) = (KeySet::parse(world.toy.key_set().as_bytes()).unwrap(), ["brevet".to_owned()]);
    let expectation = Expectation::new(world.toy.issuer(), &client_ids);
    assert!(UnverifiedToken::parse(&tokens.id_token).unwrap().verify(&keys, &expectation, world.now).is_ok());
    assert_eq!(world.people.user_info(&tokens.access_token, world.now).unwrap()["sub"], json!("alice"));
    world.now = world.now + 300;
    assert!(!world.knows(&tokens.access_token));
}

#[test]
fn a_code_is_bound_to_client_redirect_and_verifier_and_to_a_minute() {
    let mut world = world();
    let code = world.code();
    for (change, error) in [
        (("code_verifier", "another-verifier-another-verifier-another-verifier"), "invalid_grant"),
        (("code_verifier", CHALLENGE), "invalid_grant"),
        (("code_verifier", ""), "invalid_request"),
        (("redirect_uri", "http://127.0.0.1:4712/cb"), "invalid_grant"),
        (("redirect_uri", ""), "invalid_request"),
        (("client_id", "other"), "invalid_grant"),
        (("client_id", "nobody"), "invalid_client"),
        (("client_id", ""), "invalid_client"),
        (("client_secret", "secret"), "invalid_client"),
        (("code", "x"), "invalid_grant"),
        (("grant_type", "password"), "unsupported_grant_type"),
        (("grant_type", ""), "invalid_request"),
    ] {
        assert_eq!(world.redeem_code(&code, &[change]).err(), Some(error), "{change:?}");
    }
    let twice = Parameters::read(format!("grant_type=authorization_code&code={code}&code={code}").as_bytes());
    assert_eq!(world.people.redeem(&twice, world.now, &world.random).unwrap_err().code(), "invalid_request");
    world.now = world.now + 60;
    assert_eq!(world.redeem_code(&code, &[]).err(), Some("invalid_grant"));
}

#[test]
fn a_code_that_is_redeemed_twice_ends_what_it_gave() {
    let mut world = world();
    let (code, other) = (world.code(), world.code());
    let (tokens, others) = (world.redeem_code(&code, &[]).unwrap(), world.redeem_code(&other, &[]).unwrap());
    let refreshed = world.refresh(&tokens.refresh_token.unwrap(), &[]).unwrap();
    assert!(world.knows(&tokens.access_token) && world.knows(&refreshed.access_token));
    assert_eq!(world.redeem_code(&code, &[]).err(), Some("invalid_grant"));
    assert!(!world.knows(&tokens.access_token) && !world.knows(&refreshed.access_token));
    assert_eq!(world.refresh(&refreshed.refresh_token.unwrap(), &[]).err(), Some("invalid_grant"));
    assert!(world.knows(&others.access_token));
}

#[test]
fn a_refresh_token_is_good_once_and_the_second_time_ends_its_whole_line() {
    let mut world = world();
    let code = world.code();
    let first = world.redeem_code(&code, &[]).unwrap().refresh_token.unwrap();
    assert_eq!(world.refresh(&first, &[("client_id", "other")]).err(), Some("invalid_grant"));
    assert_eq!(world.refresh(&first, &[("scope", "openid email")]).err(), Some("invalid_scope"));
    world.now = world.now + 3_600;
    let second = world.refresh(&first, &[("scope", "openid")]).unwrap();
    let claims = claims(&second.id_token);
    assert_eq!((&claims["auth_time"], claims.get("nonce")), (&json!(now().unix()), None));
    assert_eq!(world.refresh(&first, &[]).err(), Some("invalid_grant"));
    assert_eq!(world.refresh(&second.refresh_token.unwrap(), &[]).err(), Some("invalid_grant"));
    assert!(!world.knows(&second.access_token));
}

#[test]
fn a_refresh_token_is_for_who_asks_for_offline_access_and_for_a_day() {
    let mut world = world();
    let began = world.begin(&[("scope", "openid email")]).unwrap();
    let Ok(Decided::Sent(url)) = world.people.decide(began.ticket.expose(), alice(), world.now, &world.random) else {
        panic!()
    };
    assert!(world.redeem_code(&parameter(url.expose(), "code").unwrap(), &[]).unwrap().refresh_token.is_none());
    let code = world.code();
    let token = world.redeem_code(&code, &[]).unwrap().refresh_token.unwrap();
    world.now = world.now + 24 * 3_600;
    assert_eq!(world.refresh(&token, &[]).err(), Some("invalid_grant"));
}
