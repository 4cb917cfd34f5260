//! Laws that hold for every token.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use brevet_validator::credential::{AccessKeyId, KeyKind, Lifetime};
use brevet_validator::identity::{AccountId, Principal, SessionName, UniqueId, UniqueIdKind};
use brevet_validator::token::{Claims, Federation, Origin, SessionId, SessionTag, Step, TokenError, Zone};

use super::forge::Parts;
use super::samples::*;

fn account() -> impl Strategy<Value = AccountId> {
    (0..1_000_000_000_000u64).prop_map(|n| AccountId::from_number(n).unwrap())
}

fn id(kind: UniqueIdKind) -> impl Strategy<Value = UniqueId> {
    any::<[u8; 17]>().prop_map(move |random| UniqueId::from_random(kind, random))
}

fn session_name() -> impl Strategy<Value = SessionName> {
    "[A-Za-z0-9_+=,.@-]{2,64}".prop_map(|name| name.parse().unwrap())
}

fn path() -> impl Strategy<Value = String> {
    "(/[!-~]{0,20})?/"
}

fn principal() -> impl Strategy<Value = Principal> {
    let name = || "[A-Za-z0-9_+=,.@-]{1,64}";
    prop_oneof![
        account().prop_map(|account| Principal::Root { account }),
        (account(), path(), name(), id(UniqueIdKind::User)).prop_map(|(account, path, name, id)| Principal::User {
            account,
            path,
            name,
            id
        }),
        (account(), path(), name(), id(UniqueIdKind::Role), session_name()).prop_map(
            |(account, role_path, role_name, role_id, session_name)| Principal::RoleSession {
                account,
                role_path,
                role_name,
                role_id,
                session_name
            }
        ),
        (account(), session_name(), option::of(id(UniqueIdKind::User)))
            .prop_map(|(account, name, user)| { Principal::FederatedUser { account, name, user } }),
    ]
}

fn tag() -> impl Strategy<Value = SessionTag> {
    (".{1,20}", ".{0,20}", any::<bool>()).prop_map(|(key, value, transitive)| SessionTag { key, value, transitive })
}

fn federation() -> impl Strategy<Value = Federation> {
    (".{0,30}", ".{0,30}", ".{0,30}").prop_map(|(issuer, subject, provider_id)| Federation {
        issuer,
        subject,
        provider_id,
    })
}

prop_compose! {
    fn arbitrary_claims()(
        (principal, generation, source_identity, tags) in (principal(), any::<u64>(), option::of(".{0,20}"), vec(tag(), 0..5)),
        (session_policy, session_policy_arns, federation) in (option::of(".{0,99}"), vec(".{0,40}", 0..3), option::of(federation())),
        (mfa_at, root_expires_at) in (option::of(0..253_402_300_799i64), option::of(0..253_402_300_799i64)),
        ends_with_root in any::<bool>(),
        ancestors in vec(any::<[u8; 16]>(), 0..=8),
        (source_access_key, source_user) in (option::of(any::<[u8; 10]>()), option::of(id(UniqueIdKind::User))),
        (directory_revision, audience, region) in (any::<u64>(), vec(".{0,20}", 0..3), ".{0,20}"),
        origin in prop_oneof![Just(Origin::AssumeRole), Just(Origin::SessionToken), Just(Origin::FederationToken)],
    ) -> Claims {
        Claims {
            principal, generation, source_identity, tags, session_policy, session_policy_arns, federation,
            mfa_at: mfa_at.map(at),
            ancestors: ancestors.into_iter().map(SessionId).collect(),
            root_expires_at: root_expires_at.map(at),
            ends_with_root,
            source_access_key: source_access_key.map(|bytes| AccessKeyId::from_bytes(KeyKind::LongLived, bytes)),
            source_user, directory_revision, audience, region, origin,
        }
    }
}

proptest! {
    #[test]
    fn any_claims_come_back_as_they_went_in(
        claims in arbitrary_claims(),
        issued_at in 0..253_402_000_000i64,
        seconds in 1..=MAX_LIFETIME,
        nonce: u8,
    ) {
        let lifetime = Lifetime { issued_at: at(issued_at), expires_at: at(issued_at + seconds) };
        let minted = mint(&claims, lifetime, nonce);
        let session = ring(&Zone::Default)
            .open(minted.security_token.expose(), minted.access_key_id.as_str(), at(issued_at + seconds - 1));
        let session = session.unwrap();
        prop_assert_eq!(session.claims, claims);
        prop_assert_eq!(session.lifetime, lifetime);
    }

    #[test]
    fn d1_no_mutated_token_opens(
        edits in vec((any::<prop::sample::Index>(), 0..3u8, "[A-Za-z0-9_=+/ -]"), 1..4),
        now in NOW - 100_000..NOW + 100_000,
    ) {
        let minted = mint(&role_claims(), an_hour(), 1);
        let original = minted.security_token.expose();
        let mut token = original.clone();
        for (place, edit, text) in edits {
            let i = place.index(token.len());
            match edit {
                0 => token.replace_range(i..=i, &text),
                1 => token.insert_str(i, &text),
                _ => drop(token.remove(i)),
            }
        }
        prop_assume!(token != *original);
        let opened = ring(&Zone::Sts).open(&token, minted.access_key_id.as_str(), at(now));
        prop_assert!(matches!(opened, Err(TokenError::Invalid(_))), "{:?}", opened);
    }

    #[test]
    fn text_that_is_no_token_never_opens_nor_panics(text in ".{0,400}", id in ".{0,24}") {
        prop_assert!(ring(&Zone::Sts).open(&text, &id, at(NOW)).is_err());
    }

    #[test]
    fn d21_any_bytes_as_signed_claims_are_read_or_refused_without_panic(body in vec(any::<u8>(), 0..200)) {
        let parts = Parts { body, ..Parts::default() };
        let opened = ring(&Zone::Sts).open(&parts.token(), parts.access_key_id().as_str(), at(NOW));
        prop_assert!(matches!(opened, Ok(_) | Err(TokenError::Invalid(Step::Body))));
    }

    #[test]
    fn d19_any_bytes_as_signed_boxes_are_read_or_refused_without_panic(
        count in 0..20u8,
        extra in vec(any::<u8>(), 0..200),
    ) {
        let parts = Parts { boxes: vec![], box_count: Some(count), extra, ..Parts::default() };
        let opened = ring(&Zone::Sts).open(&parts.token(), parts.access_key_id().as_str(), at(NOW));
        prop_assert_eq!(opened.unwrap_err(), Step::Box.into());
    }
}
