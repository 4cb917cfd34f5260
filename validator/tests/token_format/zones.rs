//! Scoped zones: each opens its own box, and finds in it the keys of its own services and of the session's dates alone.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;

use brevet_validator::credential::{Lifetime, SecretKey};
use brevet_validator::signature::Scope;
use brevet_validator::token::{
    Claims, MAX_LENGTH, MintError, Minted, ScopedZone, Session, SessionSecret, Step, TokenError, Zone,
};

use super::forge::{BoxPart, Parts, signing_key};
use super::samples::*;

/// Noon of the sample day: a session of an hour touches one date.
const NOON: i64 = NOW + 43_200;

fn at_noon(seconds: i64) -> Lifetime {
    Lifetime { issued_at: at(NOON), expires_at: at(NOON + seconds) }
}

fn open(minted: &Minted, zone: &Zone) -> Result<Session, TokenError> {
    ring(zone).open(minted.security_token.expose(), minted.access_key_id.as_str(), at(NOON))
}

fn key(session: &Session, scope: &str) -> Option<[u8; 32]> {
    session.secret.signing_key(Scope::parse(scope).unwrap()).map(|key| *key.expose())
}

#[test]
fn a_scoped_zone_has_the_signing_keys_of_its_services_and_of_the_sessions_dates() {
    let minted = mint_for(&[storage(), compute()], at_noon(MAX_LIFETIME));
    let session = open(&minted, &storage()).unwrap();
    for service in ["store", "queue"] {
        for date in ["20261123", "20261124", "20261125"] {
            let found = key(&session, &format!("{date}/{REGION}/{service}/aws4_request"));
            assert_eq!(found, Some(signing_key(date, service)), "{date} {service}");
        }
    }
    assert!(!format!("{session:?}").contains(SECRET));
}

#[test]
fn d6_a_scoped_zone_has_no_key_for_another_service_region_or_date() {
    let minted = mint_for(&[storage(), compute(), Zone::Default], at_noon(3600));
    let session = open(&minted, &storage()).unwrap();
    assert!(matches!(session.secret, SessionSecret::SigningKeys(_)), "never the secret key");
    assert!(key(&session, "20261123/eu-west-1/store/aws4_request").is_some());
    for scope in [
        "20261123/eu-west-1/batch/aws4_request",
        "20261123/eu-west-1/sts/aws4_request",
        "20261123/eu-west-1/iam/aws4_request",
        "20261123/eu-west-1/Store/aws4_request",
        "20261123/eu-west-2/store/aws4_request",
        "20261122/eu-west-1/store/aws4_request",
        "20261124/eu-west-1/store/aws4_request",
        "2026112/eu-west-1/store/aws4_request",
    ] {
        assert_eq!(key(&session, scope), None, "{scope}");
    }
}

#[test]
fn d6_no_zone_opens_the_box_of_another() {
    let zones = [Zone::Sts, Zone::Default, storage(), compute()];
    for boxed in &zones {
        let minted = mint_for(std::slice::from_ref(boxed), at_noon(3600));
        for zone in &zones {
            let opened = open(&minted, zone).map(drop);
            match zone == boxed || *zone == Zone::Sts {
                true => assert_eq!(opened, Ok(()), "{zone:?}"),
                false => assert_eq!(opened, Err(Step::Box.into()), "{zone:?} opened the box of {boxed:?}"),
            }
        }
    }
}

/// A zone that is made again, that has another region, or that has the name of another has other keys.
#[test]
fn d6_the_keys_of_a_zone_depend_on_its_name_its_region_and_its_id() {
    let zone = |name: &str, id, region: &str| {
        Zone::Scoped(ScopedZone::new(name.into(), [id; 16], scope(region, &["store", "queue"])).unwrap())
    };
    let minted = mint_for(&[storage()], at_noon(3600));
    assert!(open(&minted, &zone("storage", 0x51, REGION)).is_ok());
    for other in [zone("storage", 0x52, REGION), zone("storage", 0x51, "eu-west-2"), zone("storag", 0x51, REGION)] {
        assert_eq!(open(&minted, &other).map(drop), Err(Step::Box.into()), "{other:?}");
    }
}

#[test]
fn d6_a_box_relabelled_as_that_of_another_zone_does_not_open() {
    let own = BoxPart::scoped("storage", 0x51, &["store", "queue"], &["20261122", "20261123"]);
    let other = BoxPart::scoped("compute", 0x52, &["batch"], &["20261122", "20261123"]);
    let good = Parts { boxes: vec![own.clone()], ..Parts::default() };
    let id = good.access_key_id();
    assert!(ring(&storage()).open(&good.token(), id.as_str(), at(NOW)).is_ok());
    for stolen in [other, BoxPart::of("sts"), BoxPart::of("default")] {
        let boxes = vec![BoxPart { zone_id: own.zone_id, ..stolen }];
        let token = Parts { boxes, ..Parts::default() }.token();
        assert_eq!(ring(&storage()).open(&token, id.as_str(), at(NOW)).map(drop), Err(Step::Box.into()));
    }
}

#[test]
fn d1_a_token_with_any_bit_of_its_boxes_flipped_is_refused_in_every_zone() {
    let minted = mint_for(&[storage(), compute(), Zone::Default], at_noon(3600));
    let bytes = URL_SAFE_NO_PAD.decode(minted.security_token.expose()).unwrap();
    let body = 48 + usize::from(u16::from_be_bytes([bytes[46], bytes[47]]));
    let zones = [storage(), compute(), Zone::Default, Zone::Sts].map(|zone| ring(&zone));
    for bit in body * 8..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let token = URL_SAFE_NO_PAD.encode(flipped);
        for ring in &zones {
            let opened = ring.open(&token, minted.access_key_id.as_str(), at(NOON)).map(drop);
            assert_eq!(opened, Err(Step::Signature.into()), "bit {bit}");
        }
    }
}

/// As above, but signed again: what is left is the box's own seal.
#[test]
fn d1_a_box_with_any_bit_flipped_does_not_open_though_the_token_be_signed() {
    let own = BoxPart::scoped("storage", 0x51, &["store", "queue"], &["20261122", "20261123"]);
    let parts = Parts { boxes: vec![own], ..Parts::default() };
    let bytes = parts.bytes();
    let body = 48 + usize::from(u16::from_be_bytes([bytes[46], bytes[47]]));
    let unsigned = &bytes[..bytes.len() - 64];
    for bit in body * 8..unsigned.len() * 8 {
        let mut flipped = unsigned.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let token = URL_SAFE_NO_PAD.encode(super::forge::sign(&SEED, flipped));
        let opened = ring(&storage()).open(&token, parts.access_key_id().as_str(), at(NOW)).map(drop);
        assert_eq!(opened, Err(Step::Box.into()), "bit {bit}");
    }
}

#[test]
fn fifteen_zones_of_one_service_and_the_longest_session_leave_a_kilobyte_for_the_claims() {
    let zones: Vec<_> = (0..15).map(|n| scoped(&format!("zone-{n}"), n, &[&format!("service-{n}")])).collect();
    let token = |zones: &[Zone], claims: &Claims| {
        let secret = SecretKey::new(SECRET.into());
        minter().mint(claims, at_noon(MAX_LIFETIME), zones, secret, [1; 32], 1).map(|m| m.security_token.expose().len())
    };
    let plain = token(&[], &user_claims()).unwrap();
    assert_eq!(token(&zones, &user_claims()).unwrap() - plain, (15 * (22 + 3 * 32)) * 4 / 3);
    let with_policy = |length| Claims { session_policy: Some("p".repeat(length)), ..user_claims() };
    assert!(token(&zones, &with_policy(900)).unwrap() <= MAX_LENGTH);
    assert_eq!(token(&zones, &with_policy(1200)), Err(MintError::TooLong));

    let one_more = [&zones[..], &[Zone::Default]].concat();
    assert!(matches!(token(&one_more, &user_claims()), Err(MintError::Unusable(_))), "17 boxes with that of the STS");
}

proptest! {
    #[test]
    fn a_scoped_zone_has_a_key_for_each_moment_at_which_its_session_can_sign(
        issued_at in NOW - 200_000..NOW + 200_000,
        seconds in 1..=MAX_LIFETIME,
        place in 0.0..=1.0f64,
        skew in -900..=900i64,
    ) {
        let lifetime = Lifetime { issued_at: at(issued_at), expires_at: at(issued_at + seconds) };
        let minted = mint_for(&[storage()], lifetime);
        let session = ring(&storage())
            .open(minted.security_token.expose(), minted.access_key_id.as_str(), at(issued_at))
            .unwrap();
        let date = at(issued_at + (seconds as f64 * place) as i64 + skew).to_scope_date();
        let scope = format!("{date}/{REGION}/queue/aws4_request");
        prop_assert_eq!(key(&session, &scope), Some(signing_key(&date, "queue")));
    }
}
