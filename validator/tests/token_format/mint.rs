//! What the minter makes: sizes, boxes, ids, and what it will not make.

use brevet_validator::credential::{Lifetime, SecretKey};
use brevet_validator::identity::{Principal, UniqueId, UniqueIdKind};
use brevet_validator::token::{Claims, Federation, MAX_LENGTH, MintError, SessionId, SessionSecret, Step, Zone};

use super::samples::*;

fn try_mint(claims: &Claims, zones: &[Zone]) -> Result<String, MintError> {
    let minted = minter().mint(claims, an_hour(), zones, SecretKey::new(SECRET.into()), [1; 32], 1)?;
    Ok(minted.security_token.expose().clone())
}

#[test]
fn what_is_minted_opens_at_the_sts_and_in_the_default_zone_with_the_same_claims() {
    for claims in
        [root_claims(), user_claims(), role_claims(), web_identity_claims(), chained_claims(), federated_claims()]
    {
        let minted = mint(&claims, an_hour(), 1);
        for zone in [Zone::Sts, Zone::Default] {
            let token = minted.security_token.expose();
            let session = ring(&zone).open(token, minted.access_key_id.as_str(), at(NOW)).unwrap();
            assert_eq!(session.claims, claims);
            assert_eq!((session.id, session.access_key_id), (minted.session_id, minted.access_key_id));
            assert_eq!(session.lifetime, an_hour());
            let SessionSecret::SecretKey(secret) = session.secret else { panic!() };
            assert_eq!(secret.expose(), SECRET);
        }
    }
}

#[test]
fn a_token_of_the_sts_alone_has_no_box_for_the_default_zone() {
    let minted = minter().mint(&user_claims(), an_hour(), &[], SecretKey::new(SECRET.into()), [1; 32], 1).unwrap();
    let open = |zone| ring(&zone).open(minted.security_token.expose(), minted.access_key_id.as_str(), at(NOW));
    assert!(open(Zone::Sts).is_ok());
    assert_eq!(open(Zone::Default).unwrap_err(), Step::Box.into());
}

#[test]
fn zones_given_twice_or_reserved_get_one_box_each() {
    let once = try_mint(&user_claims(), &[Zone::Default]).unwrap();
    assert_eq!(try_mint(&user_claims(), &[Zone::Default, Zone::Sts, Zone::Default]).unwrap(), once);
}

#[test]
fn d16_the_same_randomness_with_other_claims_time_or_process_gives_another_session() {
    let id = |claims: &Claims, random, nanos| {
        let secret = SecretKey::new(SECRET.into());
        minter().mint(claims, an_hour(), &[], secret, random, nanos).unwrap().session_id
    };
    let first = id(&user_claims(), [1; 32], 1);
    assert_eq!(first, id(&user_claims(), [1; 32], 1));
    assert_ne!(first, id(&root_claims(), [1; 32], 1));
    assert_ne!(first, id(&user_claims(), [2; 32], 1));
    assert_ne!(first, id(&user_claims(), [1; 32], 2));
}

/// Policy, ARNs and tags share 2,100 bytes; names are as long as AWS allows.
fn largest_role_session() -> Claims {
    let name = "n".repeat(64);
    let role = Principal::RoleSession {
        account: "123456789012".parse().unwrap(),
        role_path: "/".into(),
        role_name: name.clone(),
        role_id: UniqueId::from_random(UniqueIdKind::Role, [3; 17]),
        session_name: name.parse().unwrap(),
    };
    Claims { principal: role, source_identity: Some(name), session_policy: None, tags: vec![], ..chained_claims() }
}

#[test]
fn the_largest_packed_policy_and_tags_fit_into_a_token() {
    let policy = Claims {
        session_policy: Some("p".repeat(2048)),
        session_policy_arns: vec![],
        tags: vec![tag("k", &"v".repeat(51), true)],
        federation: Some(Federation {
            issuer: format!("https://{}", "i".repeat(56)),
            subject: "s".repeat(64),
            provider_id: "p".repeat(32),
        }),
        ..largest_role_session()
    };
    let tags = Claims {
        session_policy_arns: vec![],
        tags: (10..60).map(|i| tag(&format!("k{i}"), &"v".repeat(39), false)).collect(),
        ancestors: vec![SessionId([1; 16])],
        ..largest_role_session()
    };
    for claims in [policy, tags] {
        let packed: usize = claims.tags.iter().map(|t| t.key.len() + t.value.len()).sum::<usize>()
            + claims.session_policy.as_ref().map_or(0, String::len);
        assert_eq!(packed, 2100);
        let token = try_mint(&claims, &[Zone::Default]).unwrap();
        assert!(token.len() <= MAX_LENGTH, "{}", token.len());
    }
}

#[test]
fn claims_that_do_not_fit_are_refused_and_the_last_that_do_fill_the_token() {
    let with_policy = |length| Claims { session_policy: Some("p".repeat(length)), ..user_claims() };
    let longest = (2000..3000).take_while(|n| try_mint(&with_policy(*n), &[Zone::Default]).is_ok()).last().unwrap();
    assert_eq!(try_mint(&with_policy(longest), &[Zone::Default]).unwrap().len(), MAX_LENGTH);
    assert_eq!(try_mint(&with_policy(longest + 1), &[Zone::Default]), Err(MintError::TooLong));
    assert_eq!(try_mint(&with_policy(100_000), &[Zone::Default]), Err(MintError::TooLong));
}

#[test]
fn an_ordinary_token_is_short() {
    let token = try_mint(&user_claims(), &[Zone::Default]).unwrap();
    assert!(token.len() < 600, "{}", token.len());
}

#[test]
fn what_no_ring_would_open_is_not_minted() {
    let bad_path = Principal::User {
        account: "123456789012".parse().unwrap(),
        path: "no-slash".into(),
        name: "ada".into(),
        id: user_id(),
    };
    let nine = (0..9).map(|i| SessionId([i; 16])).collect();
    for claims in [Claims { principal: bad_path, ..user_claims() }, Claims { ancestors: nine, ..user_claims() }] {
        assert!(matches!(try_mint(&claims, &[]), Err(MintError::Unusable(_))));
    }

    let mint = |lifetime, secret: &str| {
        minter().mint(&user_claims(), lifetime, &[], SecretKey::new(secret.into()), [1; 32], 1).map(drop)
    };
    let backwards = Lifetime { issued_at: at(NOW), expires_at: at(NOW) };
    assert!(matches!(mint(backwards, SECRET), Err(MintError::Unusable(_))));
    assert!(matches!(mint(an_hour(), "short"), Err(MintError::Unusable(_))));
    assert!(matches!(mint(an_hour(), &"/".repeat(40)), Err(MintError::Unusable(_))));
}

#[test]
fn nothing_secret_is_in_debug() {
    let minted = mint(&user_claims(), an_hour(), 1);
    let session =
        ring(&Zone::Sts).open(minted.security_token.expose(), minted.access_key_id.as_str(), at(NOW)).unwrap();
    let shown =
        format!("{:?} {minted:?} {session:?} {:?} {:?}", minter(), ring(&Zone::Sts), minter().zone_key(&Zone::Sts));
    for secret in [SECRET, minted.security_token.expose()] {
        assert!(!shown.contains(secret));
    }
    for bytes in
        [ROOT, SEED, *minter().zone_key(&Zone::Sts).zone.expose(), *minter().zone_key(&Zone::Sts).seal.expose()]
    {
        assert!(!shown.contains(&format!("{:?}", bytes).trim_matches(['[', ']']).to_owned()));
    }
}
