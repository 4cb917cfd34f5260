use brevet_validator::credential::Credentials;
use brevet_validator::signature::Scope;
use brevet_validator::token::{Session, SessionSecret, TokenError, TrustBundle};

use super::*;
use crate::service::directory::{Edit, Stored};
use crate::service::issue::GetSessionToken;
use crate::service::test_world::{ACCOUNT, ALLOW_ALL, Counting, OTHER_ACCOUNT, World, inline, now};
use crate::store::{MasterKey, MemoryStore, RecordCipher, Revision, records};

/// A deployment whose operator account has an administrator.
struct Stage {
    zones: Zones,
    store: Arc<MemoryStore>,
    world: World,
    admin: Credentials,
}

impl Stage {
    async fn new() -> Self {
        let mut world = World::new();
        let operator = records::Account { id: ACCOUNT.into(), operator: true, ..Default::default() };
        world.put(&format!("accounts/{ACCOUNT}"), records::encode(&operator));
        let admin = world.user("admin", ALLOW_ALL);
        let store = Arc::new(MemoryStore::new(now));
        let zones = zones_over(&store, &world, Snapshot::default());
        let before = world.snapshot.clone();
        let fill = |edit: &mut Edit| {
            before.accounts().for_each(|account| edit.put(account.clone()));
            Ok(())
        };
        zones.directory.change(fill).await.unwrap();
        Self { zones, store, world, admin }
    }

    /// Asks as someone of the world; zones are as the directory has them.
    async fn ask_as(&mut self, who: &Credentials, request: Request) -> Result<Answer, Error> {
        let caller = self.world.caller(who).unwrap();
        let answer = self.zones.call(&caller, request).await;
        let now = self.zones.directory.snapshot();
        let gone: Vec<_> = self.world.snapshot.zones().filter(|e| now.zone(e.zone.name()).is_none()).cloned().collect();
        gone.iter().for_each(|entry| entry.remove(&mut self.world.snapshot));
        for entry in now.zones() {
            self.world.put(&entry.key(), entry.encode());
        }
        answer
    }

    async fn ask(&mut self, request: Request) -> Result<Answer, Error> {
        let admin = self.admin.clone();
        self.ask_as(&admin, request).await
    }

    async fn done(&mut self, request: Request) {
        let name = request.name();
        self.ask(request).await.unwrap_or_else(|error| panic!("{name}: {error}"));
    }

    async fn refused(&mut self, request: Request) -> Kind {
        self.ask(request).await.unwrap_err().kind()
    }

    /// A session of the administrator of as long as there can be, made now.
    fn session(&self) -> Credentials {
        let caller = self.world.caller(&self.admin).unwrap();
        let longest = GetSessionToken { duration_seconds: Some("129600".into()), ..Default::default() };
        self.world.issuer.session_token(&caller, &longest).unwrap().credentials
    }

    /// The same, as the validators of a zone see it.
    fn session_in(&self, bundle: &[u8]) -> Result<Session, TokenError> {
        let issued = self.session();
        let ring = TrustBundle::decode(bundle, None).unwrap().key_ring().unwrap();
        ring.open(issued.security_token.unwrap().expose(), issued.access_key_id.as_str(), now())
    }

    fn bundle(&self, zone: &str) -> Vec<u8> {
        let zone = exported(&self.zones.directory.snapshot(), zone).unwrap();
        self.world.keys.export_bundle(&zone, 1, now(), Vec::new()).unwrap()
    }
}

fn zones_over(store: &Arc<MemoryStore>, world: &World, snapshot: Snapshot) -> Zones {
    let cipher = RecordCipher::new(&MasterKey::new([7; 32]), *b"a trust domain..");
    let random: Arc<dyn Random> = Arc::new(Counting::default());
    let store = Arc::clone(store);
    let directory = Arc::new(Directory::new(store, cipher, Arc::clone(&random), snapshot));
    Zones::new(directory, Arc::clone(&world.keys), random)
}

fn create(name: &str, region: &str, services: &[&str]) -> Request {
    Request::Create(new_zone(name, region, services))
}

fn online(name: &str, region: &str, services: &[&str]) -> Request {
    Request::Create(CreateZone { online: true, ..new_zone(name, region, services) })
}

fn new_zone(name: &str, region: &str, services: &[&str]) -> CreateZone {
    let services = services.iter().map(|&service| service.to_owned()).collect();
    CreateZone { name: name.into(), region: region.into(), services, online: false }
}

#[tokio::test]
async fn sessions_are_good_in_the_zones_that_are_there_and_enabled_when_they_are_made() {
    let mut stage = Stage::new().await;
    stage.done(create("storage", "eu-west-1", &["s3", "queue"])).await;
    stage.done(create("compute", "eu-west-1", &["batch"])).await;
    let [storage, compute, default] = ["storage", "compute", "default"].map(|zone| stage.bundle(zone));
    for bundle in [&storage, &compute, &default] {
        assert!(stage.session_in(bundle).is_ok(), "making a scoped zone does not end the default zone");
    }

    stage.done(Request::Disable("default".into())).await;
    stage.done(Request::Disable("compute".into())).await;
    assert!(stage.session_in(&storage).is_ok());
    assert!(stage.session_in(&compute).is_err() && stage.session_in(&default).is_err());
    assert!(stage.world.caller(&stage.session()).is_ok(), "the STS knows its own sessions");

    stage.done(Request::Enable("default".into())).await;
    stage.done(Request::Enable("compute".into())).await;
    assert!(stage.session_in(&compute).is_ok() && stage.session_in(&default).is_ok());
}

#[tokio::test]
async fn d6_a_zone_that_is_made_again_has_other_keys() {
    let mut stage = Stage::new().await;
    stage.done(create("storage", "eu-west-1", &["s3"])).await;
    let stolen = stage.bundle("storage");
    stage.done(Request::Delete("storage".into())).await;
    assert_eq!(exported(&stage.zones.directory.snapshot(), "storage").unwrap_err().kind(), Kind::NoSuchEntity);
    stage.done(create("storage", "eu-west-1", &["s3"])).await;
    assert!(stage.session_in(&stage.bundle("storage")).is_ok());
    assert!(stage.session_in(&stolen).is_err());
}

#[tokio::test]
async fn a_bundle_is_only_of_a_zone_that_is_enabled_and_never_of_the_sts() {
    let mut stage = Stage::new().await;
    let exported = |stage: &Stage, zone| exported(&stage.zones.directory.snapshot(), zone).unwrap_err().kind();
    assert_eq!(exported(&stage, "storage"), Kind::NoSuchEntity);
    assert_eq!(exported(&stage, "sts"), Kind::NoSuchEntity);
    assert!(stage.world.keys.export_bundle(&Zone::Sts, 1, now(), Vec::new()).is_err());
    stage.done(Request::Disable("default".into())).await;
    assert_eq!(exported(&stage, "default"), Kind::InvalidInput);
}

#[tokio::test]
async fn no_two_zones_have_one_service_in_one_region_and_none_has_a_service_of_brevet() {
    let mut stage = Stage::new().await;
    stage.done(create("storage", "eu-west-1", &["s3", "queue"])).await;
    stage.done(create("elsewhere", "eu-west-2", &["s3"])).await;
    stage.done(Request::Disable("storage".into())).await;
    for (request, kind) in [
        (create("storage", "eu-west-3", &["files"]), Kind::EntityAlreadyExists),
        (create("other", "eu-west-1", &["files", "queue"]), Kind::EntityAlreadyExists),
        (create("other", "eu-west-1", &["files", "files"]), Kind::InvalidInput),
        (create("other", "eu-west-1", &[]), Kind::InvalidInput),
        (create("other", "eu-west-1", &["sts"]), Kind::InvalidInput),
        (create("other", "eu-west-1", &["files", "iam"]), Kind::InvalidInput),
        (create("other", "eu-west-1", &["brevet"]), Kind::InvalidInput),
        (create("sts", "eu-west-1", &["files"]), Kind::InvalidInput),
        (create("default", "eu-west-1", &["files"]), Kind::InvalidInput),
        (create("Other", "eu-west-1", &["files"]), Kind::ValidationError),
        (create("other", "", &["files"]), Kind::ValidationError),
        (create("other", "eu-west-1", &["Files"]), Kind::ValidationError),
        (create(&"o".repeat(65), "eu-west-1", &["files"]), Kind::ValidationError),
        (Request::Delete("default".into()), Kind::InvalidInput),
        (Request::Delete("other".into()), Kind::NoSuchEntity),
        (Request::Enable("other".into()), Kind::NoSuchEntity),
        (Request::Disable("sts".into()), Kind::NoSuchEntity),
    ] {
        let shown = format!("{request:?}");
        assert_eq!(stage.refused(request).await, kind, "{shown}");
    }
}

#[tokio::test]
async fn there_are_no_more_zones_and_services_than_the_longest_token_has_room_for() {
    let mut stage = Stage::new().await;
    for n in 0..MOST_BOXES {
        stage.done(create(&format!("zone-{n}"), "eu-west-1", &[&format!("service-{n}")])).await;
    }
    assert_eq!(stage.refused(create("more", "eu-west-1", &["more"])).await, Kind::LimitExceeded);
    // All of them and the default one, in a session that touches three dates.
    assert_eq!(stage.world.snapshot.session_zones().len(), MOST_BOXES + 1);
    assert!(stage.session_in(&stage.bundle("zone-0")).is_ok());

    stage.done(Request::Disable("zone-0".into())).await;
    assert_eq!(stage.refused(create("more", "eu-west-1", &["more"])).await, Kind::LimitExceeded);
    stage.done(Request::Delete("zone-0".into())).await;
    assert_eq!(stage.refused(create("more", "eu-west-1", &["more", "most"])).await, Kind::LimitExceeded);
    stage.done(create("more", "eu-west-1", &["more"])).await;

    let refused = stage.ask(create("next", "eu-west-1", &["next"])).await.unwrap_err();
    assert!(refused.message().contains("--online"), "{refused}");
    stage.done(online("next", "eu-west-1", &["next", "last"])).await;
}

#[tokio::test]
async fn an_online_zone_has_no_box_and_its_validators_open_tokens_all_the_same() {
    let mut stage = Stage::new().await;
    stage.done(create("storage", "eu-west-1", &["s3"])).await;
    stage.done(online("compute", "eu-west-1", &["batch"])).await;
    let names: Vec<_> = stage.world.snapshot.session_zones().iter().map(|zone| zone.name().to_owned()).collect();
    assert_eq!(names, ["default", "storage"]);
    let bundle = TrustBundle::decode(&stage.bundle("compute"), None).unwrap();
    assert!(bundle.online && !TrustBundle::decode(&stage.bundle("storage"), None).unwrap().online);
    let session = stage.session_in(&stage.bundle("compute")).unwrap();
    let SessionSecret::Online(covered) = &session.secret else { panic!("{session:?}") };
    for (scope, expected) in [
        ("20260115/eu-west-1/batch/aws4_request", true),
        ("20260118/eu-west-1/batch/aws4_request", false),
        ("20260115/eu-west-2/batch/aws4_request", false),
        ("20260115/eu-west-1/s3/aws4_request", false),
    ] {
        let parsed = Scope::parse(scope).unwrap();
        assert_eq!(covered.contains(parsed), expected, "{scope}");
        assert!(session.secret.signing_key(parsed).is_none(), "{scope}");
    }
}

#[tokio::test]
async fn two_zones_made_at_once_do_not_pass_the_limits_together() {
    let mut stage = Stage::new().await;
    let replica = zones_over(&stage.store, &stage.world, Snapshot::clone(&stage.zones.directory.snapshot()));
    stage.done(create("storage", "eu-west-1", &["s3"])).await;
    let caller = stage.world.caller(&stage.admin).unwrap();
    let refused = replica.call(&caller, create("other", "eu-west-1", &["s3"])).await.unwrap_err();
    assert_eq!(refused.kind(), Kind::ConcurrentModification);
}

/// Whoever may not is answered alike, be they of the operator account or of another, and be there such a zone or not.
#[tokio::test]
async fn zones_are_the_operators_alone_whatever_policies_of_other_accounts_say() {
    let mut stage = Stage::new().await;
    stage.done(create("storage", "eu-west-1", &["s3"])).await;
    let nobody = stage.world.user("nobody", "");
    let foreign = records::User {
        account: OTHER_ACCOUNT.into(),
        inline_policies: inline(ALLOW_ALL),
        ..stage.world.user_record("foreign")
    };
    let foreign = stage.world.put_user(foreign);
    let every = |name: &str| {
        [
            create(name, "eu-west-1", &["files"]),
            Request::List,
            Request::Disable(name.into()),
            Request::Enable(name.into()),
            Request::Delete(name.into()),
        ]
    };
    for who in [&nobody, &foreign] {
        for request in every("storage").into_iter().chain(every("ghost")).chain(every("default")) {
            let shown = format!("{request:?}");
            let refused = stage.ask_as(who, request).await.unwrap_err();
            let Kind::AccessDenied(reason) = refused.kind() else { panic!("{shown}: {refused}") };
            assert_eq!(reason.as_str(), "NO_MATCHING_ALLOW", "{shown}");
        }
    }
    assert_eq!(stage.zones.directory.snapshot().session_zones().len(), 2, "nothing was changed");
}

#[tokio::test]
async fn a_permission_on_one_zone_is_for_that_zone() {
    let mut stage = Stage::new().await;
    let resource = format!("arn:aws:brevet:*:{ACCOUNT}:zone/storage");
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":["brevet:CreateZone","brevet:DisableZone"],"Resource":"{resource}"}}}}"#
    );
    let keeper = stage.world.user("keeper", &policy);
    assert!(stage.ask_as(&keeper, create("storage", "eu-west-1", &["s3"])).await.is_ok());
    assert!(stage.ask_as(&keeper, Request::Disable("storage".into())).await.is_ok());
    for request in [
        create("compute", "eu-west-1", &["batch"]),
        Request::Disable("default".into()),
        Request::Enable("storage".into()),
        Request::Delete("storage".into()),
        Request::List,
    ] {
        let refused = stage.ask_as(&keeper, request).await.unwrap_err();
        assert!(matches!(refused.kind(), Kind::AccessDenied(_)), "{refused}");
    }
}

#[test]
fn f4_records_that_are_no_zones_are_refused() {
    let good = records::Zone {
        name: "storage".into(),
        id: vec![1; 16],
        region: "eu-west-1".into(),
        services: vec!["s3".into()],
        ..Default::default()
    };
    let read = |record: &records::Zone| {
        Snapshot::default().insert_record("zones/x", 1, Revision::default(), &records::encode(record))
    };
    assert!(read(&good).is_ok());
    assert!(read(&records::Zone { name: "default".into(), disabled: true, ..Default::default() }).is_ok());
    for bad in [
        records::Zone { id: vec![1; 15], ..good.clone() },
        records::Zone { name: "default".into(), ..good.clone() },
        records::Zone { name: "sts".into(), ..good.clone() },
        records::Zone { region: String::new(), ..good.clone() },
        records::Zone { services: Vec::new(), ..good.clone() },
        records::Zone { services: vec!["iam".into()], ..good.clone() },
        records::Zone { name: "default".into(), online: true, ..Default::default() },
        records::Zone { created_at: -1, ..good },
    ] {
        assert!(read(&bad).is_err(), "{bad:?}");
    }
}
