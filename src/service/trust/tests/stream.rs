//! The stream itself.

use brevet_validator::token::{ScopedZone, ZoneScope};

use super::*;

/// The error with which a stream ends, within a time.
async fn end_within(watching: &mut Watching, patience: Duration) -> Kind {
    let end = async {
        loop {
            if let Err(error) = watching.next().await {
                return error.kind();
            }
        }
    };
    tokio::time::timeout(patience, end).await.expect("the stream goes on")
}

const AT_ONCE: Duration = Duration::from_millis(100);

#[tokio::test(start_paused = true)]
async fn the_first_step_brings_what_the_validator_lacks() {
    let mut stage = Stage::new().await;
    stage.revoke(user(1)).await;
    stage.run();
    tokio::time::sleep(AT_ONCE).await;
    let mut watching = stage.watch(&asked()).unwrap();
    let mut follower = Follower::default();
    follower.apply(&watching.next().await.unwrap());
    assert_eq!(follower.bundle.as_ref().unwrap().sequence, 1);
    let [Entry::Revoked(revocation)] = &follower.entries[..] else { panic!("{:?}", follower.entries) };
    assert_eq!((&revocation.subject, revocation.revision), (&user(1), 2));
    assert_eq!(follower.head.unwrap().confirmed_at, now());

    // Once more, with all that.
    let position = follower.position.unwrap();
    let input = WatchTrust { bundle_sequence: 1, log: position.log.to_vec(), count: position.count, ..asked() };
    let step = stage.watch(&input).unwrap().next().await.unwrap();
    assert!(step.bundle.is_empty() && step.log.is_none() && step.entries.is_empty() && !step.head.is_empty());
    // With another process's log nothing of it is of use.
    let step = stage.watch(&WatchTrust { log: vec![9; 16], count: 70, ..input }).unwrap().next().await.unwrap();
    assert_eq!((step.log, step.entries.len()), (Some(position.log), 1));
}

#[tokio::test(start_paused = true)]
async fn d11_a_revocation_comes_at_once_and_a_heartbeat_each_second() {
    let mut stage = Stage::new().await;
    stage.run();
    tokio::time::sleep(AT_ONCE).await;
    let mut watching = stage.watch(&asked()).unwrap();
    let mut follower = Follower::default();
    follower.apply(&watching.next().await.unwrap());
    for beat in 1..=3 {
        let step = watching.next().await.unwrap();
        follower.apply(&step);
        assert!(step.bundle.is_empty() && step.entries.is_empty());
        let confirmed = follower.head.unwrap().confirmed_at - now();
        assert!((beat - 1..=beat).contains(&confirmed), "{confirmed} at {beat}");
    }
    let before = Instant::now();
    stage.revoke(user(1)).await;
    follower.apply(&watching.next().await.unwrap());
    assert_eq!(follower.entries.len(), 1);
    assert!(before.elapsed() < AT_ONCE, "{:?}", before.elapsed());
}

#[tokio::test(start_paused = true)]
async fn d12_with_the_store_away_heads_go_on_and_tell_since_when() {
    let mut stage = Stage::new().await;
    stage.run();
    let mut watching = stage.watch(&asked()).unwrap();
    let mut follower = Follower::default();
    for _ in 0..3 {
        follower.apply(&watching.next().await.unwrap());
    }
    stage.store.set_down(true);
    for _ in 0..20 {
        follower.apply(&watching.next().await.unwrap());
    }
    let stale = follower.head.unwrap().confirmed_at;
    assert!(stage.clock.now() - stale >= 18, "it looks fresh: {stale}");
    stage.store.set_down(false);
    for _ in 0..2 {
        follower.apply(&watching.next().await.unwrap());
    }
    assert!(stage.clock.now() - follower.head.unwrap().confirmed_at <= 2);
}

#[tokio::test(start_paused = true)]
async fn a_long_log_comes_in_steps_and_the_last_has_the_head() {
    let mut stage = Stage::new().await;
    let nth = |n: usize| {
        let digits = std::array::from_fn(|i| if i < 3 { u8::try_from(n >> (5 * i) & 31).unwrap() } else { 0 });
        Subject::User(UniqueId::from_random(UniqueIdKind::User, digits))
    };
    let many = |edit: &mut Edit| {
        for n in 0..2500 {
            edit.revoke(nth(n), now());
        }
    };
    stage.change(many).await;
    stage.trust.publish(now(), true);
    stage.run();
    let mut watching = stage.watch(&asked()).unwrap();
    let mut follower = Follower::default();
    for (entries, has_head) in [(1000, false), (1000, false), (500, true)] {
        let step = watching.next().await.unwrap();
        assert_eq!((step.entries.len(), !step.head.is_empty()), (entries, has_head));
        follower.apply(&step);
    }
    assert_eq!(follower.position, Some(stage.end()));
}

#[tokio::test(start_paused = true)]
async fn a_log_that_is_begun_anew_is_sent_whole() {
    let mut stage = Stage::new().await;
    stage.revoke(user(1)).await;
    stage.run();
    let mut watching = stage.watch(&asked()).unwrap();
    let mut follower = Follower::default();
    follower.apply(&watching.next().await.unwrap());
    let log = Log::begin([5; 16], stage.directory.snapshot(), now());
    let head = stage.world.keys.sign_head(log.position(), now()).into();
    stage.trust.published.send_replace(Arc::new(Published { log, head, beat: 99 }));
    let step = watching.next().await.unwrap();
    follower.apply(&step);
    assert_eq!((step.log, follower.entries.len()), (Some([5; 16]), 1));
}

#[tokio::test(start_paused = true)]
async fn what_a_validator_cannot_have_is_refused() {
    let mut stage = Stage::new().await;
    let log = stage.end().log.to_vec();
    for bad in [
        WatchTrust { validator_id: String::new(), ..asked() },
        WatchTrust { validator_id: "a".repeat(65), ..asked() },
        WatchTrust { validator_id: "a/b".into(), ..asked() },
        WatchTrust { zone: "Default".into(), ..asked() },
        WatchTrust { log: vec![1; 15], ..asked() },
        WatchTrust { log: vec![1; 17], ..asked() },
        WatchTrust { count: 1, ..asked() },
        WatchTrust { log, count: 1, ..asked() },
        WatchTrust { max_staleness: None, ..asked() },
        WatchTrust { max_staleness: Some(Duration::ZERO), ..asked() },
        WatchTrust { max_staleness: Some(Duration::MAX), ..asked() },
    ] {
        assert_eq!(stage.watch(&bad).unwrap_err().kind(), Kind::ValidationError, "{bad:?}");
    }
    assert_eq!(stage.watch(&WatchTrust { zone: "none".into(), ..asked() }).unwrap_err().kind(), Kind::NoSuchEntity);
    assert_eq!(stage.trust.figures(now()).watching, HashMap::new());
}

#[tokio::test(start_paused = true)]
async fn another_account_and_those_without_permission_learn_of_no_zone() {
    let strangers = |world: &mut World| {
        let (account, inline_policies) = (OTHER_ACCOUNT.into(), inline(ALLOW_ALL));
        let foreign = records::User { account, inline_policies, ..world.user_record("eve") };
        vec![world.put_user(foreign), world.user("bob", "")]
    };
    let mut stage = Stage::with(strangers).await;
    for who in stage.others.clone() {
        for zone in ["default", "none"] {
            let refused = stage.watch_as(&who, &WatchTrust { zone: zone.into(), ..asked() }).unwrap_err();
            assert!(matches!(refused.kind(), Kind::AccessDenied(_)), "{refused:?}");
            let caller = stage.caller(&who);
            let refused = stage.trust.get_bundle(&caller, zone).await.unwrap_err();
            assert!(matches!(refused.kind(), Kind::AccessDenied(_)), "{refused:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_when_its_principal_may_no_longer_have_it() {
    let mut stage = Stage::new().await;
    stage.run();
    let admin = stage.directory.snapshot().user(account(), "admin").unwrap().clone();
    let key = stage.directory.snapshot().access_key(stage.admin.access_key_id).unwrap().clone();

    let mut watching = stage.watch(&asked()).unwrap();
    stage.change(|edit| edit.put(User { grants: Grants::default(), ..admin.clone() })).await;
    assert!(matches!(end_within(&mut watching, AT_ONCE).await, Kind::AccessDenied(_)));
    stage.change(|edit| edit.put(admin)).await;

    let mut watching = stage.watch(&asked()).unwrap();
    let disabled = AccessKey { active: false, ..key.clone() };
    stage.change(|edit| edit.put(disabled)).await;
    assert_eq!(end_within(&mut watching, AT_ONCE).await, Kind::InvalidClientTokenId);
    stage.change(|edit| edit.put(key)).await;

    let mut watching = stage.watch(&asked()).unwrap();
    let default = ZoneEntry { zone: Zone::Default, created_at: now(), disabled: true };
    stage.change(|edit| edit.put(default)).await;
    assert_eq!(end_within(&mut watching, AT_ONCE).await, Kind::InvalidInput);
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_with_its_zone() {
    let mut stage = Stage::new().await;
    stage.run();
    let scope = ZoneScope::new("eu-west-1".into(), vec!["s3".into()]).unwrap();
    let zone = |id| Zone::Scoped(ScopedZone::new("storage".into(), [id; 16], scope.clone()).unwrap());
    let entry = |id| ZoneEntry { zone: zone(id), created_at: now(), disabled: false };
    stage.change(|edit| edit.put(entry(1))).await;
    let input = WatchTrust { zone: "storage".into(), ..asked() };
    let mut watching = stage.watch(&input).unwrap();
    let mut follower = Follower::default();
    follower.apply(&watching.next().await.unwrap());
    assert_eq!(follower.bundle.as_ref().unwrap().zone, "storage");

    // A zone that is made anew has other keys, under the same name.
    stage.change(|edit| edit.put(entry(2))).await;
    let step = watching.next().await.unwrap();
    assert!(!step.bundle.is_empty());
    follower.apply(&step);

    stage.change(|edit| edit.delete(&entry(2))).await;
    assert_eq!(end_within(&mut watching, AT_ONCE).await, Kind::NoSuchEntity);
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_with_the_session_that_opened_it() {
    let mut stage = Stage::new().await;
    stage.run();
    let session = stage.session();

    let mut watching = stage.watch_as(&session, &asked()).unwrap();
    assert_eq!(end_within(&mut watching, Duration::from_secs(3603)).await, Kind::ExpiredToken);
    assert_eq!((stage.clock.now() - now()) / 10, 360);
}

#[tokio::test(start_paused = true)]
async fn d11_a_stream_ends_when_its_session_is_revoked() {
    let mut stage = Stage::new().await;
    stage.run();
    let session = stage.session();
    let mut watching = stage.watch_as(&session, &asked()).unwrap();
    watching.next().await.unwrap();
    stage.revoke(Subject::Session { account: account(), access_key_id: session.access_key_id }).await;
    assert_eq!(end_within(&mut watching, AT_ONCE).await, Kind::InvalidClientTokenId);
}

#[tokio::test(start_paused = true)]
async fn permission_is_asked_again_each_minute() {
    let until = now() + 90;
    let policy = format!(
        r#"{{"Statement":{{"Effect":"Allow","Action":"brevet:*","Resource":"*",
        "Condition":{{"DateLessThan":{{"aws:CurrentTime":"{until}"}}}}}}}}"#
    );
    let mut stage = Stage::with(|world| vec![world.user("bob", &policy)]).await;
    stage.run();
    let bob = stage.others[0].clone();
    let mut watching = stage.watch_as(&bob, &asked()).unwrap();
    assert!(matches!(end_within(&mut watching, Duration::from_secs(200)).await, Kind::AccessDenied(_)));
    let took = stage.clock.now() - now();
    assert!((90..=151).contains(&took), "{took}");
}

#[tokio::test(start_paused = true)]
async fn a_second_stream_of_one_name_takes_the_place_of_the_first() {
    let mut stage = Stage::new().await;
    stage.run();
    let mut first = stage.watch(&asked()).unwrap();
    let mut other = stage.watch(&WatchTrust { validator_id: "validator-2".into(), ..asked() }).unwrap();
    let mut second = stage.watch(&asked()).unwrap();
    assert_eq!(end_within(&mut first, Duration::from_secs(2)).await, Kind::ConcurrentModification);
    drop(first);
    for watching in [&mut second, &mut other] {
        for _ in 0..3 {
            watching.next().await.unwrap();
        }
    }
    assert_eq!(stage.trust.figures(now()).watching["default"], 2);
}

#[tokio::test(start_paused = true)]
async fn streams_end_when_the_process_stops() {
    let mut stage = Stage::new().await;
    stage.run();
    let mut watching = stage.watch(&asked()).unwrap();
    watching.next().await.unwrap();
    let stop = Arc::clone(&stage.trust);
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(10)).await;
        stop.stop();
    });
    assert_eq!(end_within(&mut watching, AT_ONCE).await, Kind::ServiceUnavailable);
}

#[tokio::test(start_paused = true)]
async fn e4_one_who_reads_slowly_gets_the_newest_and_nothing_is_queued() {
    let mut stage = Stage::new().await;
    stage.run();
    let mut watching = stage.watch(&asked()).unwrap();
    let mut follower = Follower::default();
    follower.apply(&watching.next().await.unwrap());
    for n in 0..50 {
        stage.revoke(user(n)).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let step = watching.next().await.unwrap();
    assert_eq!(step.entries.len(), 50);
    follower.apply(&step);
    assert!(stage.clock.now() - follower.head.unwrap().confirmed_at <= 2);
}
