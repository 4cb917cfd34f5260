//! Who waits for validators, and what they are told.

use super::*;

const PATIENCE: Duration = Duration::from_secs(5);

impl Stage {
    fn named(&mut self, name: &str) -> Watching {
        self.watch(&WatchTrust { validator_id: name.into(), ..asked() }).unwrap()
    }

    async fn receipts(&self) -> Receipts {
        self.trust.receipts(Instant::now(), PATIENCE, now()).await
    }
}

#[tokio::test(start_paused = true)]
async fn without_validators_nobody_waits() {
    let stage = Stage::new().await;
    let before = Instant::now();
    assert_eq!(stage.receipts().await, Receipts::default());
    assert_eq!(before.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn d11_it_is_waited_until_the_last_has_acknowledged() {
    let mut stage = Stage::new().await;
    let _streams = [stage.named("a"), stage.named("b")];
    stage.revoke(user(1)).await;
    let trust = Arc::clone(&stage.trust);
    let waiting = tokio::spawn(async move { trust.receipts(Instant::now(), PATIENCE, now()).await });
    tokio::time::sleep(Duration::from_millis(20)).await;
    let end = stage.end();
    // Not yet in force.
    stage.acknowledge("a", LogPosition { count: 0, ..end });
    stage.acknowledge("b", end);
    tokio::time::sleep(Duration::from_millis(160)).await;
    assert!(!waiting.is_finished());
    stage.acknowledge("a", end);
    let receipts = waiting.await.unwrap();
    let expected = Receipts { validators: 2, refusing: 2, slowest: Duration::from_millis(180), ..Receipts::default() };
    assert_eq!(receipts, expected);
}

#[tokio::test(start_paused = true)]
async fn one_that_says_nothing_is_told_with_its_bound_when_the_time_is_over() {
    let mut stage = Stage::new().await;
    let _silent = stage.named("silent");
    let before = Instant::now();
    stage.revoke(user(1)).await;
    let receipts = stage.receipts().await;
    assert_eq!(before.elapsed(), PATIENCE);
    assert_eq!((receipts.validators, receipts.refusing, receipts.unreachable), (1, 0, 0));
    assert_eq!(receipts.bound, Some(Duration::from_secs(30)));

    let open = WatchTrust { validator_id: "open".into(), fail_open: true, ..asked() };
    let _open = stage.watch(&open).unwrap();
    let receipts = stage.receipts().await;
    assert_eq!((receipts.validators, receipts.failing_open, receipts.bound), (2, 1, None));
}

#[tokio::test(start_paused = true)]
async fn d12_one_that_went_away_is_unreachable_until_its_bound_has_passed() {
    let mut stage = Stage::new().await;
    let gone = stage.named("gone");
    let _there = stage.named("there");
    drop(gone);
    stage.revoke(user(1)).await;
    stage.trust.publish(now(), false);
    stage.acknowledge("there", stage.end());
    let before = Instant::now();
    let receipts = stage.receipts().await;
    assert_eq!(before.elapsed(), Duration::ZERO, "nobody who is away is waited for");
    assert_eq!((receipts.validators, receipts.refusing, receipts.unreachable), (2, 1, 1));
    assert_eq!(receipts.bound, Some(Duration::from_secs(30)));
    tokio::time::sleep(Duration::from_secs(30)).await;
    let receipts = stage.receipts().await;
    assert_eq!((receipts.validators, receipts.refusing, receipts.bound), (1, 1, None));
}

#[tokio::test(start_paused = true)]
async fn d12_one_that_went_away_and_fails_open_is_never_forgotten() {
    let mut stage = Stage::new().await;
    let open = WatchTrust { validator_id: "open".into(), fail_open: true, ..asked() };
    drop(stage.watch(&open).unwrap());
    stage.revoke(user(1)).await;
    tokio::time::sleep(Duration::from_secs(3600)).await;
    let receipts = stage.receipts().await;
    assert_eq!((receipts.validators, receipts.refusing, receipts.unreachable), (1, 0, 1));
    assert_eq!((receipts.failing_open, receipts.bound), (1, None));
}

#[tokio::test(start_paused = true)]
async fn nobody_acknowledges_for_another() {
    let mut stage = Stage::with(|world| vec![world.user("eve", ALLOW_ALL)]).await;
    let _stream = stage.named("a");
    stage.revoke(user(1)).await;
    let end = stage.trust.publish(now(), false).log.position();
    let eve = stage.others[0].clone();
    let caller = stage.caller(&eve);
    let input = AcknowledgeTrust {
        zone: "default".into(),
        validator_id: "a".into(),
        log: end.log.to_vec(),
        count: end.count,
        ..Default::default()
    };
    stage.trust.acknowledge(&caller, input).unwrap();
    let receipts = stage.receipts().await;
    assert_eq!((receipts.validators, receipts.refusing), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_is_not_acknowledged() {
    let mut stage = Stage::new().await;
    let admin = stage.admin.clone();
    let caller = stage.caller(&admin);
    let good = || AcknowledgeTrust { zone: "default".into(), validator_id: "a".into(), ..Default::default() };
    assert!(stage.trust.acknowledge(&caller, good()).is_ok());
    let log = stage.end().log.to_vec();
    for bad in [
        AcknowledgeTrust { validator_id: "a b".into(), ..good() },
        AcknowledgeTrust { log: vec![1; 15], ..good() },
        AcknowledgeTrust { log, count: u64::MAX, ..good() },
    ] {
        assert_eq!(stage.trust.acknowledge(&caller, bad.clone()).unwrap_err().kind(), Kind::ValidationError, "{bad:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_log_that_was_begun_anew_counts_from_what_it_began_with() {
    let mut stage = Stage::new().await;
    let _stream = stage.named("a");
    stage.revoke(user(1)).await;
    let trust = Arc::clone(&stage.trust);
    let waiting = tokio::spawn(async move { trust.receipts(Instant::now(), PATIENCE, now()).await });
    tokio::time::sleep(Duration::from_millis(20)).await;
    let log = Log::begin([5; 16], stage.directory.snapshot(), now());
    let end = log.position();
    stage.trust.published.send_replace(Arc::new(Published { log, head: Bytes::new(), beat: 9 }));
    stage.acknowledge("a", LogPosition { count: end.count - 1, ..end });
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(!waiting.is_finished());
    stage.acknowledge("a", end);
    assert_eq!(waiting.await.unwrap().refusing, 1);
}

#[tokio::test(start_paused = true)]
async fn a_process_that_stops_waits_no_longer() {
    let mut stage = Stage::new().await;
    let _silent = stage.named("silent");
    stage.trust.stop();
    let before = Instant::now();
    assert_eq!(stage.receipts().await.refusing, 0);
    assert_eq!(before.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn e4_streams_and_validators_that_went_away_are_bounded() {
    const MOST: u32 = 10_000;
    let mut stage = Stage::new().await;
    let admin = stage.admin.clone();
    let caller = stage.caller(&admin);
    let open = |n: u32| {
        let input = WatchTrust { validator_id: format!("v{n}"), ..asked() };
        stage.trust.watch(&caller, &envelope(), &stage.clock, &input)
    };
    let mut streams: Vec<_> = (0..MOST).map(|n| open(n).unwrap()).collect();
    assert_eq!(open(MOST).unwrap_err().kind(), Kind::LimitExceeded);
    streams.pop();
    streams.push(open(MOST).unwrap());
    streams.clear();
    assert_eq!(stage.receipts().await.unreachable, MOST);
    drop(open(MOST + 1).unwrap());
    assert_eq!(stage.receipts().await.unreachable, MOST);
}
