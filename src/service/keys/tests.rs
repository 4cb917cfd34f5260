use brevet_validator::token::{Step, TokenError};

use super::*;
use crate::service::issue::GetSessionToken;
use crate::service::test_world::{ALLOW_ALL, Counting, TRUST_DOMAIN, World, now};
use crate::store::records;

const DAY: i64 = 86_400;

/// Epochs in these states, with these ends, in order from one.
fn epochs(lives: &[(EpochState, Option<i64>)]) -> Vec<EpochKeys> {
    let random = Counting::default();
    let epoch = |(number, (state, ends)): (u32, &(EpochState, Option<i64>))| EpochKeys {
        number,
        state: *state,
        not_after: ends.map(|seconds| now() + seconds),
        ..EpochKeys::generate(&random, now()).unwrap()
    };
    (1..).zip(lives).map(epoch).collect()
}

fn keys(epochs: &[EpochKeys]) -> Result<Keys, InvalidKeys> {
    let random = Counting::default();
    let anchor = Anchor::generate(&random, now()).unwrap();
    Keys::new(TRUST_DOMAIN, epochs, &anchor, &random)
}

#[test]
fn keys_survive_their_records() {
    let (epoch, anchor) = Keys::generate(&Counting::default(), now()).unwrap();
    let ended = EpochKeys { state: EpochState::VerifyOnly, not_after: Some(now() + DAY), number: 3, ..epoch.clone() };
    for epoch in [epoch, ended] {
        let read = EpochKeys::decode(&epoch.encode()).unwrap();
        assert_eq!((read.number, read.state, read.sign_key_id), (epoch.number, epoch.state, epoch.sign_key_id));
        assert_eq!((read.not_before, read.not_after), (epoch.not_before, epoch.not_after));
        assert!(read.root.ct_eq(epoch.root.expose()) && read.sign_seed.ct_eq(epoch.sign_seed.expose()));
        assert_eq!(read.record_key(), format!("epochs/{}", epoch.number));
    }
    let anchor = Anchor { bundle_sequence: 9, ..anchor };
    let read = Anchor::decode(&anchor.encode()).unwrap();
    assert_eq!((read.bundle_sequence, read.public_key()), (9, anchor.public_key()));
}

#[test]
fn f4_records_that_are_not_keys_are_refused() {
    let (epoch, _) = Keys::generate(&Counting::default(), now()).unwrap();
    let good: records::Epoch = records::decode(&epoch.encode()).unwrap();
    for bad in [
        records::Epoch { root: vec![0; 31], ..good.clone() },
        records::Epoch { sign_seed: Vec::new(), ..good.clone() },
        records::Epoch { state: 0, ..good.clone() },
        records::Epoch { state: 77, ..good.clone() },
        records::Epoch { not_before: -1, ..good.clone() },
        records::Epoch { not_after: i64::MAX, ..good },
    ] {
        assert!(EpochKeys::decode(&records::encode(&bad)).is_err());
    }
    assert!(EpochKeys::decode(b"\xff").is_err() && Anchor::decode(b"").is_err());
}

#[test]
fn exactly_one_epoch_mints() {
    use EpochState::{Active, Prepared, VerifyOnly};
    assert!(matches!(keys(&[]), Err(InvalidKeys::Active(0))));
    assert!(matches!(keys(&epochs(&[(Prepared, None), (VerifyOnly, None)])), Err(InvalidKeys::Active(0))));
    assert!(matches!(keys(&epochs(&[(Active, None), (Active, None)])), Err(InvalidKeys::Active(2))));
    assert!(keys(&epochs(&[(VerifyOnly, Some(0)), (Active, None), (Prepared, None)])).is_ok());
}

#[test]
fn a_bundle_lives_thirty_days_but_not_past_the_epochs_that_it_holds() {
    use EpochState::{Active, Prepared, VerifyOnly};
    for (lives, life) in [
        (&[(Active, None)][..], 30 * DAY),
        (&[(Active, Some(7 * DAY))], 7 * DAY),
        (&[(Active, Some(7 * DAY)), (Prepared, Some(14 * DAY))], 14 * DAY),
        (&[(Active, Some(7 * DAY)), (Prepared, None)], 30 * DAY),
        (&[(VerifyOnly, Some(0)), (Active, Some(60 * DAY))], 30 * DAY),
        (&[(VerifyOnly, Some(20 * DAY)), (Active, Some(7 * DAY))], 7 * DAY),
    ] {
        let bundle = keys(&epochs(lives)).unwrap().trust_bundle(&Zone::Default, 4, now(), Vec::new());
        assert_eq!(bundle.expires_at - bundle.issued_at, life, "{lives:?}");
        assert_eq!(
            (bundle.sequence, bundle.verifying_keys.len(), bundle.zone_keys.len()),
            (4, lives.len(), lives.len())
        );
    }
}

#[test]
fn an_exported_bundle_opens_tokens_and_is_pinned_to_its_anchor() {
    let mut world = World::new();
    let user = world.user("ada", ALLOW_ALL);
    let caller = world.caller(&user).unwrap();
    let issued = world.issuer.session_token(&caller, &GetSessionToken::default()).unwrap();
    let file = world.keys.export_bundle(&Zone::Default, 1, now(), Vec::new()).unwrap();
    let bundle = TrustBundle::decode(&file, None).unwrap();
    let (id, token) = (issued.credentials.access_key_id, issued.credentials.security_token.unwrap());
    let ring = bundle.key_ring().unwrap();
    assert_eq!(ring.open(token.expose(), id.as_str(), now()).unwrap().id, issued.session_id);

    let stranger = keys(&epochs(&[(EpochState::Active, None)])).unwrap();
    let stranger = Keys { anchor: [1; 32], ..stranger };
    assert!(
        stranger.export_bundle(&Zone::Default, 1, now(), Vec::new()).is_err(),
        "an anchor that the seed does not make"
    );
    assert_eq!(TrustBundle::decode(&file, Some(&[1; 32])).unwrap_err(), InvalidBundle::Anchor);
}

#[test]
fn d4_keys_of_another_trust_domain_do_not_open_tokens() {
    let mut world = World::new();
    let user = world.user("ada", ALLOW_ALL);
    let caller = world.caller(&user).unwrap();
    let issued = world.issuer.session_token(&caller, &GetSessionToken::default()).unwrap();
    let (epoch, anchor) = Keys::generate(&Counting::default(), now()).unwrap();
    let elsewhere = Keys::new([0; 16], &[epoch], &anchor, &Counting::default()).unwrap();
    let (id, token) = (issued.credentials.access_key_id, issued.credentials.security_token.unwrap());
    let refused = elsewhere.ring().open(token.expose(), id.as_str(), now()).unwrap_err();
    assert_eq!(refused, TokenError::Invalid(Step::TrustDomain));
}

#[test]
fn e21_without_randomness_nothing_is_made() {
    #[derive(Debug)]
    struct Broken;
    impl Random for Broken {
        fn fill(&self, buffer: &mut [u8]) -> Result<(), NoRandomness> {
            buffer.fill(0xff);
            Err(NoRandomness)
        }
    }
    assert!(Keys::generate(&Broken, now()).is_err());
    assert!(crate::service::random::secret_key(&Broken).is_err());
    let (epoch, anchor) = Keys::generate(&Counting::default(), now()).unwrap();
    assert!(matches!(Keys::new(TRUST_DOMAIN, &[epoch], &anchor, &Broken), Err(InvalidKeys::Randomness(_))));
}
