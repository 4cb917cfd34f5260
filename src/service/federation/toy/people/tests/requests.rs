//! Authorization requests and their pages.

use super::*;

#[test]
fn a_page_is_answered_once_within_ten_minutes() {
    let mut world = world();
    let ticket = world.begin(&[]).unwrap().ticket.expose().clone();
    let decide = |world: &mut World, ticket: &str| world.people.decide(ticket, alice(), world.now, &world.random);
    assert!(matches!(decide(&mut world, ""), Err(Undecided::Gone)));
    assert!(matches!(decide(&mut world, &ticket), Ok(Decided::Sent(_))));
    assert!(matches!(decide(&mut world, &ticket), Err(Undecided::Gone)));
    let late = world.begin(&[]).unwrap().ticket.expose().clone();
    world.now = world.now + 600;
    assert!(matches!(decide(&mut world, &late), Err(Undecided::Gone)));
    let url = world.decide(Decision::Deny);
    assert_eq!((parameter(&url, "error").as_deref(), parameter(&url, "code")), (Some("access_denied"), None));
}

#[test]
fn a_client_is_told_what_is_wrong_with_its_request() {
    let mut world = world();
    for (change, error) in [
        (("response_type", "token"), "unsupported_response_type"),
        (("response_type", ""), "invalid_request"),
        (("response_mode", "fragment"), "invalid_request"),
        (("code_challenge", ""), "invalid_request"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("code_challenge_method", ""), "invalid_request"),
        (("scope", "email"), "invalid_scope"),
        (("scope", ""), "invalid_scope"),
        (("prompt", "none"), "login_required"),
        (("request", "ey"), "request_not_supported"),
        (("request_uri", "urn:x"), "request_uri_not_supported"),
    ] {
        let Err(NotBegun::Sent(url)) = world.begin(&[change]) else { panic!("{change:?}") };
        assert!(url.starts_with(REDIRECT), "{url}");
        assert_eq!(parameter(&url, "error").as_deref(), Some(error), "{change:?}");
        assert_eq!(parameter(&url, "state").as_deref(), Some("s&t"));
        assert_eq!(parameter(&url, "iss").as_deref(), Some("http://127.0.0.1:8733"));
    }
    let Err(NotBegun::Sent(url)) = world.begin(&[("nonce", "a"), ("nonce", "b")]) else { panic!() };
    assert_eq!(parameter(&url, "error").as_deref(), Some("invalid_request"));
}

#[test]
fn nobody_is_sent_to_an_address_that_cannot_be_trusted() {
    let mut world = world();
    for changes in [
        &[("client_id", "nobody")][..],
        &[("client_id", "")],
        &[("client_id", "brevet"), ("client_id", "brevet")],
        &[("redirect_uri", "")],
        &[("redirect_uri", "https://evil.example/")],
        &[("redirect_uri", "http://127.0.0.1@evil.example/")],
        &[("redirect_uri", REDIRECT), ("redirect_uri", "http://127.0.0.1:1/")],
    ] {
        assert!(matches!(world.begin(changes), Err(NotBegun::Shown(_))), "{changes:?}");
    }
}
