//! Devices that show a code.

use serde_json::json;

use super::*;

#[test]
fn a_device_gets_its_token_once_somebody_has_typed_in_its_code() {
    let mut world = world();
    let (device_code, user_code) = world.device();
    assert_eq!(world.poll(&device_code).err(), Some("authorization_pending"));
    let typed = user_code.to_lowercase().replace('-', " ");
    let ticket = world.enter(&typed).unwrap();
    let decided = world.people.decide(&ticket, alice(), world.now, &world.random);
    assert!(matches!(decided, Ok(Decided::DeviceLearns(Decision::SignIn(_)))));
    // The code has done its work.
    assert_eq!(world.enter(&user_code), None);
    let tokens = world.poll(&device_code).unwrap();
    assert_eq!(claims(&tokens.id_token)["sub"], json!("alice"));
    assert_eq!(world.poll(&device_code).err(), Some("invalid_grant"));
}

#[test]
fn two_pages_for_one_device_are_one_question() {
    let mut world = world();
    let (device_code, user_code) = world.device();
    let (one, other) = (world.enter(&user_code).unwrap(), world.enter(&user_code).unwrap());
    assert!(world.people.decide(&one, Decision::Deny, world.now, &world.random).is_ok());
    assert!(matches!(world.people.decide(&other, alice(), world.now, &world.random), Err(Undecided::Gone)));
    assert_eq!(world.poll(&device_code).err(), Some("access_denied"));
    assert_eq!(world.poll(&device_code).err(), Some("invalid_grant"));
}

#[test]
fn a_device_that_asks_too_fast_is_slowed_down_for_good() {
    let mut world = world();
    let (device_code, _) = world.device();
    for (seconds, error) in [
        (0, "authorization_pending"),
        (0, "slow_down"),
        (5, "slow_down"),
        (11, "authorization_pending"),
        (10, "slow_down"),
        (16, "authorization_pending"),
    ] {
        world.now = world.now + seconds;
        assert_eq!(world.poll(&device_code).err(), Some(error), "after {seconds} s");
    }
}

#[test]
fn a_device_waits_ten_minutes_and_for_its_own_client() {
    let mut world = world();
    let (device_code, user_code) = world.device();
    let foreign = [("grant_type", GRANT_TYPES[1]), ("client_id", "other"), ("device_code", &device_code)];
    assert_eq!(world.redeem(&foreign, &[]).err(), Some("invalid_grant"));
    let ticket = world.enter(&user_code).unwrap();
    world.now = world.now + 599;
    let late = world.enter(&user_code).unwrap();
    world.now = world.now + 1;
    assert_eq!(world.enter(&user_code), None);
    for ticket in [ticket, late] {
        assert!(matches!(world.people.decide(&ticket, alice(), world.now, &world.random), Err(Undecided::Gone)));
    }
    assert_eq!(world.poll(&device_code).err(), Some("expired_token"));
    let no_scope = with(&[("client_id", "brevet")], &[]);
    let refused = world.people.authorize_device(&no_scope, world.now, &world.random);
    assert_eq!(refused.unwrap_err().code(), "invalid_scope");
}

#[test]
fn codes_of_devices_are_of_letters_that_no_one_confuses() {
    let mut world = world();
    let codes: std::collections::HashSet<String> = (0..100).map(|_| world.device().1).collect();
    assert_eq!(codes.len(), 100);
    for code in codes {
        assert!(code.len() == 9 && code.as_bytes()[4] == b'-', "{code}");
        assert!(code.bytes().all(|byte| b"BCDFGHJKLMNPQRSTVWXZ-".contains(&byte)), "{code}");
    }
}
