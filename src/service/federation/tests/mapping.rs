//! Claims that an account maps to session tags and the source identity.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::service::federation::test_issuer::{CLIENT_ID, TestIssuer, issuer, now};
use crate::service::federation::{
    Claim, ClaimMapping, ClaimValue, Expectation, IdentityToken, InvalidMapping, MappingFault, RefusalCode,
    TokenRefusal, UnverifiedToken,
};

const TAGS: &str = "https://aws.amazon.com/tags";
const SOURCE_IDENTITY: &str = "https://aws.amazon.com/source_identity";

fn mapping(tags: &[(&str, &str)], transitive: &[&str], source_identity: Option<&str>) -> ClaimMapping {
    read(tags, transitive, source_identity).unwrap()
}

fn read(
    tags: &[(&str, &str)],
    transitive: &[&str],
    source_identity: Option<&str>,
) -> Result<ClaimMapping, InvalidMapping> {
    let tags = tags.iter().map(|(key, claim)| ((*key).to_owned(), (*claim).to_owned()));
    let transitive: Vec<_> = transitive.iter().map(|key| (*key).to_owned()).collect();
    ClaimMapping::new(tags, &transitive, source_identity.map(str::to_owned))
}

fn verify(mapping: &ClaimMapping, claims: Value) -> Result<IdentityToken, TokenRefusal> {
    let (by, client_ids) = (TestIssuer::new(), [CLIENT_ID.to_owned()]);
    // `null` stays: it is one of the forms that a claim can have.
    let mut all = crate::service::federation::test_issuer::claims();
    all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
    let issuer = issuer();
    let expected = Expectation { mapping, ..Expectation::new(&issuer, &client_ids) };
    UnverifiedToken::parse(&by.token(&all))?.verify(&by.keys(), &expected, now())
}

#[track_caller]
fn refused(mapping: &ClaimMapping, claims: Value, fault: MappingFault) {
    let refusal = verify(mapping, claims.clone()).map(|token| token.principal_tags().to_vec()).unwrap_err();
    assert_eq!(refusal, TokenRefusal::Mapping(fault), "{claims}");
    assert_eq!(refusal.code(), RefusalCode::IdpRejectedClaim);
}

#[test]
fn mapped_claims_are_tags_and_source_identity_and_absent_ones_are_nothing() {
    let mapping = mapping(
        &[("team", "groups_primary"), ("Namespace", "kubernetes.io/namespace"), ("repo", "https://x.example/repo")],
        &["TEAM", "repo"],
        Some("preferred_username"),
    );
    let token = verify(
        &mapping,
        json!({
            "groups_primary": "red", "kubernetes.io": {"namespace": "prod"}, "preferred_username": "ada",
            "https://x.example/repo": null,
        }),
    )
    .unwrap();
    let tag = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert_eq!(token.principal_tags(), [tag("team", "red"), tag("Namespace", "prod")]);
    assert_eq!(token.transitive_tag_keys(), ["team"]);
    assert_eq!(token.source_identity(), Some("ada"));

    let nothing = verify(&mapping, json!({})).unwrap();
    assert_eq!((nothing.principal_tags(), nothing.source_identity()), (&[][..], None));
    let unmapped = verify(ClaimMapping::NONE, json!({"groups_primary": "red", "preferred_username": "ada"})).unwrap();
    assert_eq!((unmapped.principal_tags(), unmapped.source_identity()), (&[][..], None));
}

#[test]
fn b22_mapped_claims_are_texts_and_no_type_is_guessed() {
    let (tag, identity) = (mapping(&[("team", "g")], &[], None), mapping(&[], &[], Some("g")));
    for value in [json!(7), json!(1.5), json!(true), json!(["red"]), json!([]), json!({}), json!({"red": "x"})] {
        refused(&tag, json!({"g": value}), MappingFault::Type);
        refused(&identity, json!({"g": value}), MappingFault::Type);
    }
    for value in ["v".repeat(257), "a*".into(), "a\u{202e}b".into(), "a\nb".into(), "a,b".into()] {
        refused(&tag, json!({"g": value}), MappingFault::TagValue);
    }
    for value in ["", "a", "a b", "a/b", &"a".repeat(65)] {
        refused(&identity, json!({"g": value}), MappingFault::SourceIdentity);
    }
    assert_eq!(verify(&tag, json!({"g": ""})).unwrap().principal_tags()[0].1, "");
}

#[test]
fn b22_an_address_counts_unless_its_issuer_says_otherwise_than_true() {
    let email = "ada@example.com";
    for mapping in [mapping(&[], &[], Some("email")), mapping(&[("mail", "email")], &[], None)] {
        assert!(verify(&mapping, json!({"email": email})).is_ok());
        assert!(verify(&mapping, json!({"email": email, "email_verified": true})).is_ok());
        assert!(verify(&mapping, json!({"email_verified": false})).is_ok());
        for verified in [json!(false), json!("true"), json!("false"), json!(1), json!(null), json!([true])] {
            refused(&mapping, json!({"email": email, "email_verified": verified}), MappingFault::UnverifiedEmail);
        }
    }
}

#[test]
fn b30_what_is_mapped_is_not_named_by_aws_s_claims_as_well() {
    let both = mapping(&[("team", "g")], &[], Some("name"));
    for claims in [
        json!({"g": "red", TAGS: {"principal_tags": {"team": ["blue"]}}}),
        json!({"g": "red", TAGS: {"principal_tags": {"TEAM": ["red"]}}}),
        // The mapped claim is absent, but it is the one that counts.
        json!({TAGS: {"principal_tags": {"team": ["blue"]}}}),
        json!({"g": "red", TAGS: {"transitive_tag_keys": ["Team"]}}),
        json!({"name": "ada", SOURCE_IDENTITY: "eve"}),
        json!({SOURCE_IDENTITY: "eve"}),
    ] {
        refused(&both, claims, MappingFault::Conflict);
    }
    let token = verify(
        &mapping(&[("team", "g")], &[], None),
        json!({"g": "red", TAGS: {"principal_tags": {"cost": ["7"]}, "transitive_tag_keys": ["cost"]}, SOURCE_IDENTITY: "eve"}),
    )
    .unwrap();
    let keys: Vec<_> = token.principal_tags().iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!((keys, token.source_identity()), (vec!["cost", "team"], Some("eve")));

    let own: serde_json::Map<_, _> = (0..50).map(|n| (format!("k{n}"), json!(["v"]))).collect();
    let full = json!({"g": "red", TAGS: {"principal_tags": own}});
    refused(&mapping(&[("team", "g")], &[], None), full, MappingFault::TooManyTags);
}

#[test]
fn a_name_that_nesting_gives_to_two_claims_is_refused() {
    let team = mapping(&[("team", "a/b")], &[], None);
    refused(&team, json!({"a/b": null, "a": {"b": "red"}}), MappingFault::Ambiguous);
    assert_eq!(verify(&team, json!({"a/b": "1", "a": {"b": "2"}})).unwrap_err(), TokenRefusal::SameName);
    assert_eq!(verify(&team, json!({"A": {"b": "red"}})).unwrap().principal_tags(), []);
    let odd = mapping(&[("team", "a//b/c")], &[], None);
    let token = verify(&odd, json!({"a": {"": {"b/c": "red"}}})).unwrap();
    assert_eq!(token.principal_tags()[0].1, "red");
}

#[test]
fn mappings_that_cannot_be_are_refused_when_they_are_written() {
    let long = "k".repeat(129);
    for (tags, transitive, source_identity, fault) in [
        (&[("", "g")][..], &[][..], None, InvalidMapping::TagKey),
        (&[("te*m", "g")], &[], None, InvalidMapping::TagKey),
        (&[(&long, "g")], &[], None, InvalidMapping::TagKey),
        (&[("AWS:team", "g")], &[], None, InvalidMapping::ReservedKey),
        (&[("team", "g"), ("Team", "h")], &[], None, InvalidMapping::SameKey),
        (&[("team", "g")], &["tea"], None, InvalidMapping::Transitive),
        (&[], &["team"], None, InvalidMapping::Transitive),
        (&[("team", "")], &[], None, InvalidMapping::Claim),
        (&[("team", "a\nb")], &[], None, InvalidMapping::Claim),
        (&[], &[], Some(""), InvalidMapping::Claim),
        (&[], &[], Some(&"n".repeat(1_025)), InvalidMapping::Claim),
        (&[("team", "https://aws.amazon.com/tags/principal_tags")], &[], None, InvalidMapping::AwsClaim),
        (&[], &[], Some(SOURCE_IDENTITY), InvalidMapping::AwsClaim),
    ] {
        assert_eq!(read(tags, transitive, source_identity), Err(fault), "{tags:?} {transitive:?} {source_identity:?}");
    }
    let many = |n| (0..n).map(|n| (format!("k{n}"), "g".to_owned()));
    assert!(ClaimMapping::new(many(50), &[], None).is_ok());
    assert_eq!(ClaimMapping::new(many(51), &[], None), Err(InvalidMapping::TooManyTags));
}

/// Objects in objects, whose names are made to be taken for one another.
fn nested() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof!["[a-c]{0,2}".prop_map(Value::from), Just(json!(7)), Just(json!(null)), Just(json!(["a"]))];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop::collection::btree_map("[ab/]{0,2}", inner, 0..4).prop_map(|members| json!(members))
    })
}

proptest! {
    #[test]
    fn a_mapped_claim_is_what_conditions_call_by_its_name(value in nested(), name in "x(/[ab/]{0,2}){0,2}") {
        let mapping = mapping(&[("team", &name)], &[], None);
        let claims = json!({"x": value});
        match (verify(ClaimMapping::NONE, claims.clone()), verify(&mapping, claims)) {
            (Ok(plain), Ok(mapped)) => {
                let claim = plain.claims().iter().find(|claim| claim.name == name);
                let tag = mapped.principal_tags().first().map(|(_, value)| value.clone());
                prop_assert_eq!(claim.map(|Claim { value, .. }| value.clone()), tag.map(ClaimValue::One));
            }
            (Ok(plain), Err(refusal)) => {
                prop_assert_eq!(refusal.code(), RefusalCode::IdpRejectedClaim);
                // What is one text is never refused, unless its name is another claim's as well.
                let claim = plain.claims().iter().find(|claim| claim.name == name);
                let is_text = claim.is_some_and(|claim| matches!(&claim.value, ClaimValue::One(text) if text != "7"));
                prop_assert!(!is_text || refusal == TokenRefusal::Mapping(MappingFault::Ambiguous));
            }
            (Err(plain), mapped) => prop_assert_eq!(mapped.err(), Some(plain)),
        }
    }
}
