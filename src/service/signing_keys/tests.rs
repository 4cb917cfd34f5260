use brevet_validator::credential::Credentials;
use brevet_validator::secret::Secret;

use super::*;
use crate::service::hex::hex;
use crate::service::issue::GetSessionToken;
use crate::service::test_world::*;
use crate::store::records;

const TODAY: &str = "20260115";

/// A deployment with a validator that may ask for keys, a scoped zone, and someone whose keys are asked for.
struct Stage {
    world: World,
    validator: Credentials,
    ada: Credentials,
}

impl Stage {
    fn new() -> Self {
        let mut world = World::new();
        let operator = records::Account { id: ACCOUNT.into(), operator: true, ..Default::default() };
        world.put(&format!("accounts/{ACCOUNT}"), records::encode(&operator));
        let validator = world.user("validator", &allow("brevet:GetSigningKey", "*"));
        let ada = world.user("ada", ALLOW_ALL);
        let mut stage = Self { world, validator, ada };
        stage.put_zone("storage", &["files", "queue"], false);
        stage
    }

    fn put_zone(&mut self, name: &str, services: &[&str], disabled: bool) {
        let services = services.iter().map(|&service| service.to_owned()).collect();
        let record = match name {
            "default" => records::Zone { name: name.into(), disabled, ..Default::default() },
            _ => records::Zone {
                name: name.into(),
                id: vec![name.len() as u8; 16],
                region: "eu-west-1".into(),
                services,
                disabled,
                ..Default::default()
            },
        };
        self.world.put(&format!("zones/{name}"), records::encode(&record));
    }

    fn ask(&self, input: &GetSigningKey) -> Result<KeyAndOwner, Error> {
        self.ask_as(&self.validator, input)
    }

    fn ask_as(&self, who: &Credentials, input: &GetSigningKey) -> Result<KeyAndOwner, Error> {
        get_signing_key(&self.world.caller(who).unwrap(), self.world.keys.ring(), input)
    }

    #[track_caller]
    fn absent(&self, input: &GetSigningKey) {
        let refused = self.ask(input).unwrap_err();
        let answer = (refused.kind(), refused.message(), refused.denial().is_some());
        assert_eq!(answer, (Kind::NoSuchEntity, "There is no such key for this scope.", false), "{input:?}");
    }

    /// A session of ada's that lives for an hour.
    fn session(&self) -> Credentials {
        let caller = self.world.caller(&self.ada).unwrap();
        let hour = GetSessionToken { duration_seconds: Some("3600".into()), ..Default::default() };
        self.world.issuer.session_token(&caller, &hour).unwrap().credentials
    }
}

fn allow(action: &str, resource: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"{action}","Resource":"{resource}"}}}}"#
    )
}

fn wanted(key: &Credentials) -> GetSigningKey {
    GetSigningKey {
        zone: "storage".into(),
        access_key_id: key.access_key_id.to_string(),
        security_token: key.security_token.as_ref().map(|token| Secret::new(token.expose().clone())),
        date: TODAY.into(),
        region: "eu-west-1".into(),
        service: "files".into(),
    }
}

fn derived(key: &Credentials, input: &GetSigningKey) -> SigningKey {
    let scope = format!("{}/{}/{}/aws4_request", input.date, input.region, input.service);
    SigningKey::derive(&key.secret_access_key, Scope::parse(&scope).unwrap())
}

#[test]
fn the_key_is_the_one_that_its_owner_derives() {
    let stage = Stage::new();
    let session = stage.session();
    let [default, other] = ["elsewhere", "Any.Service_1"];
    for key in [&stage.ada, &session] {
        for input in [
            wanted(key),
            GetSigningKey { service: "queue".into(), ..wanted(key) },
            GetSigningKey { zone: "default".into(), service: other.into(), ..wanted(key) },
            GetSigningKey { zone: "default".into(), region: default.into(), ..wanted(key) },
        ] {
            let answer = stage.ask(&input).unwrap();
            assert_eq!(answer.signing_key.expose(), derived(key, &input).expose(), "{input:?}");
            assert_eq!(answer.principal.arn().as_str(), format!("arn:aws:iam::{ACCOUNT}:user/ada"));
            assert_eq!((answer.revision, answer.cache_until), (7, now() + MAX_CACHED));
        }
    }
}

#[test]
fn a_users_key_comes_with_its_policies_its_boundary_and_its_tags() {
    let mut stage = Stage::new();
    let managed = stage.world.policy(ACCOUNT, "managed", &allow("s3:*", "*"));
    let boundary = stage.world.policy(ACCOUNT, "boundary", &allow("s3:Get*", "*"));
    let eve = records::User {
        inline_policies: inline(&allow("queue:*", "*")),
        attached_policy_arns: vec![managed],
        permissions_boundary_arn: boundary,
        tags: vec![records::Tag { key: "team".into(), value: "red".into() }],
        ..stage.world.user_record("eve")
    };
    let gone = format!("arn:aws:iam::{ACCOUNT}:policy/gone");
    let bound_by_nothing = records::User {
        unique_id: stage.world.user_record("x").unique_id,
        name: "bob".into(),
        permissions_boundary_arn: gone,
        ..eve.clone()
    };
    let eve = stage.world.put_user(eve);
    let answer = stage.ask(&wanted(&eve)).unwrap();
    assert_eq!(answer.identity_policies, [allow("queue:*", "*"), allow("s3:*", "*")]);
    assert_eq!(answer.permissions_boundary, Some(allow("s3:Get*", "*")));
    assert_eq!(answer.tags, [crate::service::directory::Tag { key: "team".into(), value: "red".into() }]);

    let bob = stage.world.put_user(bound_by_nothing);
    assert_eq!(stage.ask(&wanted(&bob)).unwrap().permissions_boundary.as_deref(), Some(NOTHING));
    let session = stage.ask(&wanted(&stage.session())).unwrap();
    assert!(session.identity_policies.is_empty() && session.permissions_boundary.is_none());
    let root = stage.world.root();
    let root = stage.ask(&wanted(&root)).unwrap();
    assert_eq!(root.principal.arn().as_str(), format!("arn:aws:iam::{ACCOUNT}:root"));
    assert!(root.identity_policies.is_empty() && root.permissions_boundary.is_none() && root.tags.is_empty());
}

#[test]
fn what_stands_in_for_a_boundary_that_is_gone_allows_nothing() {
    let policy = brevet_validator::policy::Policy::parse(NOTHING, brevet_validator::policy::Kind::Identity);
    assert!(policy.is_ok());
}

#[test]
fn a_key_may_be_kept_no_longer_than_its_date_and_its_session() {
    let stage = Stage::new();
    let dated = |date: &str| GetSigningKey { date: date.into(), ..wanted(&stage.ada) };
    let midnight = now() + 12 * 3600;
    assert_eq!(stage.ask(&dated("20260114")).unwrap().cache_until, midnight + (-DAY + REQUEST_WINDOW));
    assert_eq!(stage.ask(&dated("20260116")).unwrap().cache_until, now() + MAX_CACHED);

    let lifetime = brevet_validator::credential::Lifetime { issued_at: now(), expires_at: now() + 60 };
    let verified = stage.world.verified(&stage.session(), now()).unwrap();
    let claims = &verified.session().unwrap().claims;
    let minted = stage.world.keys.mint(claims, lifetime, &[], SecretKey::new("s".repeat(40)), [8; 32], 1).unwrap();
    let short = Credentials {
        access_key_id: minted.access_key_id,
        secret_access_key: minted.secret_access_key,
        security_token: Some(minted.security_token),
        expiration: None,
    };
    assert_eq!(stage.ask(&wanted(&short)).unwrap().cache_until, now() + 60);
}

#[test]
fn d6_scopes_of_other_zones_days_and_of_brevet_itself_are_as_if_there_were_no_key() {
    let mut stage = Stage::new();
    stage.put_zone("compute", &["batch"], true);
    let ada = &stage.ada;
    for (zone, region, service) in [
        ("storage", "eu-west-1", "batch"),
        ("storage", "eu-west-1", "other"),
        ("storage", "eu-west-2", "files"),
        ("storage", "eu-west-1", "sts"),
        ("default", "eu-west-1", "files"),
        ("default", "eu-west-1", "batch"),
        ("default", "us-east-1", "sts"),
        ("default", "us-east-1", "iam"),
        ("default", "us-east-1", "brevet"),
        ("compute", "eu-west-1", "batch"),
        ("ghost", "eu-west-1", "files"),
        ("sts", "eu-west-1", "sts"),
    ] {
        stage.absent(&GetSigningKey {
            zone: zone.into(),
            region: region.into(),
            service: service.into(),
            ..wanted(ada)
        });
    }
    for date in ["20260113", "20260117", "20250115", "20260199"] {
        stage.absent(&GetSigningKey { date: date.into(), ..wanted(ada) });
    }
    stage.put_zone("storage", &["files"], true);
    stage.put_zone("default", &[], true);
    stage.absent(&wanted(&stage.ada));
    stage.absent(&GetSigningKey { zone: "default".into(), service: "other".into(), ..wanted(&stage.ada) });
}

#[test]
fn keys_that_are_unknown_disabled_orphaned_or_without_their_own_token_are_one_answer() {
    let mut stage = Stage::new();
    let session = stage.session();
    let (one, other) = (wanted(&stage.ada), wanted(&session));
    let token = || other.security_token.clone();
    let garbage = || Some(Secret::new("A".repeat(400)));
    for (id, security_token) in [
        ("AKIAAAAAAAAAAAAAAAAA", None),
        ("AKIA_not_an_id_at_all", None),
        ("ASIAAAAAAAAAAAAAAAAA", token()),
        (&one.access_key_id, token()),
        (&other.access_key_id, None),
        (&other.access_key_id, garbage()),
    ] {
        stage.absent(&GetSigningKey { access_key_id: id.to_owned(), security_token, ..wanted(&stage.ada) });
    }
    let sibling = stage.session();
    assert!(stage.ask(&wanted(&sibling)).is_ok());
    stage.absent(&GetSigningKey { access_key_id: sibling.access_key_id.to_string(), ..wanted(&session) });
    // Of a date that the session does not touch.
    stage.absent(&GetSigningKey { date: "20260116".into(), ..wanted(&session) });
    stage.absent(&GetSigningKey { date: "20260114".into(), ..wanted(&session) });

    let key = stage.world.snapshot.access_key(stage.ada.access_key_id).unwrap();
    let unique_id = stage.world.snapshot.user(account(), "ada").unwrap().id.to_string();
    let record = records::AccessKey {
        id: key.id.to_string(),
        secret: "x".repeat(40),
        account: ACCOUNT.into(),
        user_name: "ada".into(),
        user_unique_id: unique_id,
        ..Default::default()
    };
    stage.world.put(&format!("access-keys/{}", record.id), records::encode(&record));
    stage.absent(&wanted(&stage.ada));
    assert!(stage.ask(&wanted(&session)).is_ok(), "sessions outlive the key that asked for them");

    // Made again under the same name.
    stage.world.user("ada", ALLOW_ALL);
    stage.absent(&wanted(&session));
    stage.absent(&wanted(&stage.ada));
}

#[test]
fn d11_the_keys_of_a_revoked_session_are_gone() {
    let mut stage = Stage::new();
    let session = stage.session();
    assert!(stage.ask(&wanted(&session)).is_ok());
    let record = records::Revocation {
        subject: Some(records::revocation::Subject::Session(records::RevokedSession {
            account: ACCOUNT.into(),
            access_key_id: session.access_key_id.to_string(),
        })),
        until: (now() + 3600).unix(),
    };
    let key = format!("revocations/session/{ACCOUNT}/{}", session.access_key_id);
    stage.world.put(&key, records::encode(&record));
    stage.absent(&wanted(&session));
}

#[test]
fn permission_is_asked_first_on_the_zone_and_is_the_operators_to_give() {
    let mut stage = Stage::new();
    let nobody = stage.world.user("nobody", "");
    let foreign = records::User {
        account: OTHER_ACCOUNT.into(),
        inline_policies: inline(ALLOW_ALL),
        ..stage.world.user_record("foreign")
    };
    let foreign = stage.world.put_user(foreign);
    let resource = format!("arn:aws:brevet:*:{ACCOUNT}:zone/storage");
    let of_storage = stage.world.user("of-storage", &allow("brevet:GetSigningKey", &resource));
    let default = GetSigningKey { zone: "default".into(), service: "other".into(), ..wanted(&stage.ada) };
    let ghost = GetSigningKey { access_key_id: "AKIAAAAAAAAAAAAAAAAA".into(), ..wanted(&stage.ada) };
    for (who, input) in
        [(&nobody, &wanted(&stage.ada)), (&nobody, &ghost), (&foreign, &wanted(&stage.ada)), (&of_storage, &default)]
    {
        let refused = stage.ask_as(who, input).unwrap_err();
        assert!(matches!(refused.kind(), Kind::AccessDenied(_)), "{refused}");
    }
    assert!(stage.ask_as(&of_storage, &wanted(&stage.ada)).is_ok());
    // The scope of no zone is looked at, nor any key, before the form is in order.
    for bad in [
        GetSigningKey { zone: "Storage".into(), ..wanted(&stage.ada) },
        GetSigningKey { access_key_id: "AKIA".into(), ..wanted(&stage.ada) },
        GetSigningKey { date: "2026-1-5".into(), ..wanted(&stage.ada) },
        GetSigningKey { region: "eu/west".into(), ..wanted(&stage.ada) },
        GetSigningKey { service: String::new(), ..wanted(&stage.ada) },
        GetSigningKey { security_token: Some(Secret::new("A".repeat(4097))), ..wanted(&stage.ada) },
    ] {
        assert_eq!(stage.ask_as(&nobody, &bad).unwrap_err().kind(), Kind::ValidationError, "{bad:?}");
    }
}

#[test]
fn what_is_recorded_names_the_key_and_holds_neither_it_nor_the_token() {
    let stage = Stage::new();
    let input = wanted(&stage.session());
    let answer = stage.ask(&input).unwrap();
    let recorded = format!("{} {}", input.audit_parameters(), answer.audit_elements());
    for named in ["storage", &input.access_key_id, TODAY, "eu-west-1", "files", "user/ada"] {
        assert!(recorded.contains(named), "{named}: {recorded}");
    }
    let shown = format!("{recorded} {input:?} {answer:?}");
    let key = hex(answer.signing_key.expose());
    for secret in [key.as_str(), input.security_token.as_ref().unwrap().expose()] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
