//! GetWebIdentityToken: who may have which token, and what it says.

use serde_json::json;

use super::*;
use crate::service::issue::{GetFederationToken, GetSessionToken, GetWebIdentityToken};
use crate::service::outbound::{Claims, SigningAlgorithm};
use crate::service::test_world::{ACCOUNT, ALLOW_ALL, assume_role, inline, trust};
use crate::store::records;

const HOUR: i64 = 3_600;

fn ask() -> GetWebIdentityToken {
    GetWebIdentityToken {
        audience: vec!["https://api.example.com".into()],
        signing_algorithm: text("ES384"),
        ..Default::default()
    }
}

fn get(world: &World, credentials: &Credentials, input: &GetWebIdentityToken) -> Result<Claims, Error> {
    get_at(world, credentials, input, 0)
}

/// The same, so many seconds later.
fn get_at(world: &World, credentials: &Credentials, input: &GetWebIdentityToken, at: i64) -> Result<Claims, Error> {
    let now = now() + at;
    let caller = world.caller_of(world.verified(credentials, now)?, now)?;
    world.issuer.web_identity_token(&caller, input)
}

#[track_caller]
fn refused(result: Result<Claims, Error>, kind: Kind, part: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.message().contains(part), "{error}");
}

fn allow(actions: &str, condition: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":{actions},"Resource":"*","Condition":{condition}}}}}"#
    )
}

#[test]
fn a_role_session_is_told_as_its_role_with_all_that_is_known_of_it() {
    let mut world = World::new();
    let user = world.user("ada", ALLOW_ALL);
    let tag_of_role = |key: &str, value: &str| records::Tag { key: key.into(), value: value.into() };
    let record = records::Role {
        path: "/teams/".into(),
        tags: vec![tag_of_role("Team", "of the role"), tag_of_role("cost", "7")],
        inline_policies: inline(ALLOW_ALL),
        ..world.role_record("ops", &trust(ACCOUNT))
    };
    let role = world.put_role(record);
    let input = AssumeRole { tags: vec![tag("team", "blue")], source_identity: text("ada"), ..assume_role(&role) };
    let session = world.assume(&user, &input).unwrap().credentials;

    let claims = get(&world, &session, &GetWebIdentityToken { tags: vec![tag("job", "9")], ..ask() }).unwrap();
    assert_eq!(claims.subject.as_str(), "arn:aws:iam::111111111111:role/teams/ops");
    assert_eq!((claims.account.as_str(), claims.region.as_str()), (ACCOUNT, "eu-central-1"));
    assert_eq!((claims.algorithm, claims.audience.as_slice()), (SigningAlgorithm::Es384, &ask().audience[..]));
    assert_eq!((claims.issued_at, claims.expires_at), (now(), now() + 300));
    assert_eq!(claims.session_expires_at, Some(now() + HOUR));
    assert_eq!(claims.source_identity.as_deref(), Some("ada"));
    assert_eq!(claims.federated_provider, None);
    // The session's tag goes over that of the role.
    let told = json!(claims.principal_tags);
    assert_eq!(told, json!([["cost", "7"], ["team", "blue"]]));
    assert_eq!(json!(claims.request_tags), json!([["job", "9"]]));
    assert_ne!(claims.id, get(&world, &session, &ask()).unwrap().id);
}

#[test]
fn users_are_told_by_their_own_name_and_have_no_session() {
    let mut world = World::new();
    let user = world.user("ada", ALLOW_ALL);
    let input = GetWebIdentityToken { duration_seconds: text("3600"), signing_algorithm: text("RS256"), ..ask() };
    let claims = get(&world, &user, &input).unwrap();
    assert_eq!(claims.subject.as_str(), "arn:aws:iam::111111111111:user/ada");
    assert_eq!((claims.algorithm, claims.expires_at), (SigningAlgorithm::Rs256, now() + HOUR));
    assert_eq!((claims.session_expires_at, claims.source_identity), (None, None));
    assert!(claims.principal_tags.is_empty() && claims.request_tags.is_empty());
}

#[test]
fn a_token_never_outlives_the_session_that_asks_for_it() {
    let mut world = World::new();
    let user = world.user("ada", ALLOW_ALL);
    let role = world.role("ops", &trust(ACCOUNT), ALLOW_ALL);
    let session = world.assume(&user, &assume_role(&role)).unwrap().credentials;
    let for_seconds = |seconds: &str| GetWebIdentityToken { duration_seconds: text(seconds), ..ask() };
    let (kind, sentence) = (Kind::SessionDurationEscalation, "beyond its original expiration time");

    assert!(get(&world, &session, &for_seconds("3600")).is_ok());
    refused(get_at(&world, &session, &for_seconds("3600"), 1), kind, sentence);
    assert!(get_at(&world, &session, &for_seconds("60"), HOUR - 60).is_ok());
    refused(get_at(&world, &session, &for_seconds("60"), HOUR - 59), kind, sentence);
    // The default is not cut either.
    refused(get_at(&world, &session, &ask(), HOUR - 299), kind, sentence);
    // A chained session is another session, with another end.
    let chained = AssumeRole { duration_seconds: text("900"), ..assume_role(&role) };
    let chained = world.assume(&session, &chained).unwrap().credentials;
    refused(get(&world, &chained, &for_seconds("901")), kind, sentence);
}

#[test]
fn c13_parameters_have_the_bounds_of_aws() {
    let mut world = World::new();
    let user = world.user("ada", ALLOW_ALL);
    let invalid = |input: GetWebIdentityToken, part: &str| {
        refused(get(&world, &user, &input), Kind::ValidationError, part);
    };
    for bad in ["59", "3601", "-60", "", "5m", "60.0"] {
        invalid(GetWebIdentityToken { duration_seconds: text(bad), ..ask() }, "at 'durationSeconds'");
    }
    for bad in ["rs256", "HS256", "none", "ES256", ""] {
        invalid(GetWebIdentityToken { signing_algorithm: text(bad), ..ask() }, "enum value set: [RS256, ES384]");
    }
    invalid(GetWebIdentityToken { signing_algorithm: None, ..ask() }, "Value null at 'signingAlgorithm'");
    let audience = |audience: Vec<String>| GetWebIdentityToken { audience, ..ask() };
    invalid(audience(Vec::new()), "Value null at 'audience'");
    invalid(audience(vec!["a".into(); 11]), "at 'audience' failed to satisfy constraint: Member must have length less");
    invalid(audience(vec!["a".into(), String::new()]), "at 'audience.2.member'");
    invalid(audience(vec!["é".repeat(1_001)]), "at 'audience.1.member'");
    assert_eq!(get(&world, &user, &audience(vec!["é".repeat(1_000); 10])).unwrap().audience.len(), 10);
    let many: Vec<_> = (0..51).map(|n| tag(&format!("k{n}"), "")).collect();
    invalid(GetWebIdentityToken { tags: many, ..ask() }, "at 'tags'");
    invalid(GetWebIdentityToken { tags: vec![tag("aws:x", "")], ..ask() }, "reserved");
}

#[test]
fn a_token_speaks_of_the_caller_and_of_nobody_else() {
    let mut world = World::new();
    let user = world.user("ada", ALLOW_ALL);
    assert!(get(&world, &user, &GetWebIdentityToken { subject_mode: text("AWSIdentity"), ..ask() }).is_ok());
    let other = GetWebIdentityToken { subject_mode: text("OriginIdentity"), ..ask() };
    refused(get(&world, &user, &other), Kind::ValidationError, "at 'subjectMode'");
    refused(get(&world, &user, &GetWebIdentityToken { scope: text("read"), ..ask() }), Kind::ValidationError, "Scope");
}

#[test]
fn permission_is_asked_with_everything_that_the_token_will_be() {
    let mut world = World::new();
    let condition = r#"{
        "ForAllValues:StringEquals":{"sts:IdentityTokenAudience":["https://api.example.com","b"]},
        "StringEquals":{"sts:SigningAlgorithm":"ES384","sts:SubjectMode":"AWSIdentity"},
        "NumericLessThanEquals":{"sts:DurationSeconds":"300"}}"#;
    let user = world.user("ada", &allow(r#""sts:GetWebIdentityToken""#, condition));
    assert!(get(&world, &user, &ask()).is_ok());
    let several = GetWebIdentityToken { audience: vec!["b".into(), "https://api.example.com".into()], ..ask() };
    assert!(get(&world, &user, &several).is_ok());

    let none = Kind::AccessDenied(Reason::NoMatchingAllow);
    for input in [
        GetWebIdentityToken { audience: vec!["b".into(), "https://evil.example".into()], ..ask() },
        GetWebIdentityToken { signing_algorithm: text("RS256"), ..ask() },
        GetWebIdentityToken { duration_seconds: text("301"), ..ask() },
    ] {
        let error = get(&world, &user, &input).unwrap_err();
        assert!(matches!(error.kind(), Kind::AccessDenied(_)), "{error}");
        assert!(error.message().contains("perform: sts:GetWebIdentityToken on resource: arn:aws:sts::111111111111:*"));
    }
    let stranger = world.user("eve", "");
    refused(get(&world, &stranger, &ask()), none, "sts:GetWebIdentityToken");
}

#[test]
fn tags_need_a_permission_of_their_own() {
    let mut world = World::new();
    let tagged = |value: &str| GetWebIdentityToken { tags: vec![tag("scope", value)], ..ask() };
    let without = world.user("ada", &allow(r#""sts:GetWebIdentityToken""#, "{}"));
    let error = get(&world, &without, &tagged("read")).unwrap_err();
    assert!(error.message().contains("not authorized to perform: sts:TagGetWebIdentityToken"), "{error}");

    let both = r#"["sts:GetWebIdentityToken","sts:TagGetWebIdentityToken"]"#;
    let with = allow(
        both,
        r#"{"StringEqualsIfExists":{"aws:RequestTag/scope":"read"},"ForAllValues:StringEquals":{"aws:TagKeys":"scope"}}"#,
    );
    let with = world.user("bob", &with);
    assert!(get(&world, &with, &tagged("read")).is_ok() && get(&world, &with, &ask()).is_ok());
    assert!(get(&world, &with, &tagged("write")).is_err());
}

#[test]
fn a36_sessions_of_users_and_federated_users_prove_themselves_nowhere() {
    let mut world = World::new();
    let user = world.user("ada", ALLOW_ALL);
    let caller = world.caller(&user).unwrap();
    let federation = GetFederationToken { name: text("bob"), policy: text(ALLOW_ALL), ..GetFederationToken::default() };
    for issued in [
        world.issuer.session_token(&caller, &GetSessionToken::default()).unwrap(),
        world.issuer.federation_token(&caller, &federation).unwrap(),
    ] {
        let result = get(&world, &issued.credentials, &ask());
        refused(result, Kind::AccessDenied(Reason::ExplicitDeny), "sts:GetWebIdentityToken");
    }
}

#[test]
fn what_was_asked_is_recorded() {
    let input = GetWebIdentityToken { duration_seconds: text("60"), tags: vec![tag("k", "v")], ..ask() };
    let told = json!({
        "audience": ["https://api.example.com"],
        "signingAlgorithm": "ES384",
        "durationSeconds": "60",
        "tags": [{ "key": "k", "value": "v" }],
    });
    assert_eq!(input.audit_parameters(), told);
}
