use std::pin::Pin;
use std::sync::atomic::AtomicUsize;

use brevet_validator::identity::Principal;
use brevet_validator::signature::{Scope, SigningKey};
use brevet_validator::validator::{CallerPolicies, OnlineKey};
use tokio::sync::Semaphore;

use super::*;
use crate::proto::validation::GetSigningKeyResponse;

const SCOPE: &str = "20260115/eu-west-1/s3/aws4_request";

/// 2026-01-15T12:00:00Z
fn noon() -> Timestamp {
    Timestamp::from_unix(1_768_478_400).unwrap()
}

fn id(n: u8) -> AccessKeyId {
    AccessKeyId::from_bytes(brevet_validator::credential::KeyKind::LongLived, [n; 10])
}

fn wanted(id: AccessKeyId) -> WantedKey<'static> {
    of(id, None, SCOPE)
}

fn of(access_key_id: AccessKeyId, security_token: Option<&'static str>, scope: &'static str) -> WantedKey<'static> {
    WantedKey { access_key_id, security_token, scope: Scope::parse(scope).unwrap() }
}

/// A service that answers as it is told, once it is let.
struct Service {
    calls: AtomicUsize,
    gate: Semaphore,
    says: Mutex<Says>,
}

#[derive(Clone, Copy)]
enum Says {
    Key { revision: u64, lasts: i64 },
    Absent,
    Nothing,
}

const GOOD: Says = Says::Key { revision: 7, lasts: 60 };

impl Ask for Service {
    fn ask<'a>(&'a self, _: &'a KeyName) -> Pin<Box<dyn Future<Output = Answer> + Send + 'a>> {
        Box::pin(async {
            let call = self.calls.fetch_add(1, Ordering::SeqCst);
            drop(self.gate.acquire().await);
            let mark = u8::try_from(call).unwrap();
            match *self.says.lock().unwrap() {
                Says::Key { revision, lasts } => {
                    let signing_key = Arc::new(SigningKey::from_bytes([mark; 32]));
                    let account = "123456789012".parse().unwrap();
                    let caller = CallerPolicies::new(Principal::Root { account }, vec![], &[], None).unwrap();
                    let key = OnlineKey { signing_key, caller: Some(Arc::new(caller)) };
                    Answer::Key { key, revision, cache_until: noon() + lasts }
                }
                Says::Absent => Answer::Absent,
                Says::Nothing => Answer::None,
            }
        })
    }
}

fn source(says: Says, open: bool) -> (Arc<Service>, Arc<OnlineKeys>) {
    let gate = Semaphore::new(if open { Semaphore::MAX_PERMITS } else { 0 });
    let service = Arc::new(Service { calls: AtomicUsize::new(0), gate, says: Mutex::new(says) });
    let keys = OnlineKeys::asking(Arc::clone(&service) as Arc<dyn Ask>);
    (service, Arc::new(keys))
}

impl Service {
    fn say(&self, says: Says) {
        *self.says.lock().unwrap() = says;
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    fn open(&self) {
        self.gate.add_permits(1000);
    }
}

/// The mark of a key that was found, or which other answer there was.
fn mark(lookup: &Lookup) -> Result<u8, &'static str> {
    match lookup {
        Lookup::Found(key) => Ok(key.signing_key.expose()[0]),
        Lookup::Absent => Err("absent"),
        Lookup::Unknown => Err("unknown"),
    }
}

async fn fetched(keys: &OnlineKeys, wanted: WantedKey<'_>, now: Timestamp) -> Result<u8, &'static str> {
    mark(&keys.fetch(wanted, now).await)
}

fn found(keys: &OnlineKeys, wanted: WantedKey<'_>, now: Timestamp) -> Result<u8, &'static str> {
    mark(&keys.find(wanted, now))
}

#[tokio::test]
async fn a_key_is_asked_for_once_and_used_until_its_time_for_what_it_is_for_alone() {
    let (service, keys) = source(GOOD, true);
    assert_eq!(found(&keys, wanted(id(1)), noon()), Err("unknown"));
    assert_eq!(fetched(&keys, wanted(id(1)), noon()).await, Ok(0));
    assert_eq!(found(&keys, wanted(id(1)), noon() + 59), Ok(0));
    assert_eq!(found(&keys, wanted(id(1)), noon() + 60), Err("unknown"));
    for other in [
        of(id(2), None, SCOPE),
        of(id(1), Some("token"), SCOPE),
        of(id(1), None, "20260116/eu-west-1/s3/aws4_request"),
        of(id(1), None, "20260115/eu-west-1/queue/aws4_request"),
    ] {
        assert_eq!(found(&keys, other, noon()), Err("unknown"), "{other:?}");
    }
    assert_eq!(fetched(&keys, of(id(1), None, "20260115/eu-west-1/queue/aws4_request"), noon()).await, Ok(1));
    assert_eq!(found(&keys, wanted(id(1)), noon()), Ok(0), "both are kept");
    assert_eq!(service.calls(), 2);
}

#[tokio::test]
async fn no_key_is_used_for_longer_than_five_minutes_whatever_came_with_it() {
    let (_, keys) = source(Says::Key { revision: 7, lasts: 86_400 }, true);
    assert_eq!(fetched(&keys, wanted(id(1)), noon()).await, Ok(0));
    assert_eq!(found(&keys, wanted(id(1)), noon() + 299), Ok(0));
    assert_eq!(found(&keys, wanted(id(1)), noon() + 300), Err("unknown"));
}

#[tokio::test]
async fn requests_that_want_one_key_share_a_call_that_outlives_them() {
    let (service, keys) = source(GOOD, false);
    let ask = || {
        let keys = Arc::clone(&keys);
        tokio::spawn(async move { fetched(&keys, wanted(id(1)), noon()).await })
    };
    let (first, second) = (ask(), ask());
    while service.calls() == 0 {
        tokio::task::yield_now().await;
    }
    first.abort();
    let third = ask();
    tokio::task::yield_now().await;
    service.open();
    assert_eq!((second.await.unwrap(), third.await.unwrap()), (Ok(0), Ok(0)));
    assert_eq!(service.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_takes_too_long_is_given_up() {
    let (_, keys) = source(GOOD, false);
    let began = tokio::time::Instant::now();
    assert_eq!(fetched(&keys, wanted(id(1)), noon()).await, Err("unknown"));
    assert_eq!(began.elapsed(), PATIENCE);
    assert!(keys.calls.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_made_up_keys_is_answered_at_once_and_leaves_room_for_sessions_and_known_keys() {
    let (service, keys) = source(GOOD, true);
    assert_eq!(fetched(&keys, wanted(id(200)), noon()).await, Ok(0));
    let (slow, keys) = {
        let service = Arc::new(Service { calls: AtomicUsize::new(0), gate: Semaphore::new(0), says: Mutex::new(GOOD) });
        let asked = Arc::clone(&service) as Arc<dyn Ask>;
        (
            service,
            Arc::new(OnlineKeys { asked, memory: Arc::clone(&keys.memory), ..OnlineKeys::asking(Arc::new(NoOne)) }),
        )
    };
    let ask = |wanted: WantedKey<'static>, now| {
        let keys = Arc::clone(&keys);
        tokio::spawn(async move { fetched(&keys, wanted, now).await })
    };
    let flood: Vec<_> = (0..100).map(|n| ask(wanted(id(n)), noon())).collect();
    let refused = tokio::time::timeout(Duration::from_millis(1), futures(flood)).await;
    assert!(refused.is_err(), "some are under way");
    assert_eq!(slow.calls(), MAX_UNPROVEN);
    let session = ask(of(id(1), Some("token"), SCOPE), noon());
    let known = ask(wanted(id(200)), noon() + 60);
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(slow.calls(), MAX_UNPROVEN + 2);
    slow.open();
    assert_eq!((session.await.unwrap(), known.await.unwrap()), (Ok(24), Ok(25)));
    assert_eq!(service.calls(), 1);
}

struct NoOne;

impl Ask for NoOne {
    fn ask<'a>(&'a self, _: &'a KeyName) -> Pin<Box<dyn Future<Output = Answer> + Send + 'a>> {
        Box::pin(std::future::ready(Answer::None))
    }
}

async fn futures(tasks: Vec<tokio::task::JoinHandle<Result<u8, &'static str>>>) {
    for task in tasks {
        task.await.unwrap().unwrap_err();
    }
}

#[tokio::test]
async fn d25_an_absent_key_is_remembered_by_its_whole_name_and_for_seconds() {
    let (service, keys) = source(Says::Absent, true);
    assert_eq!(fetched(&keys, wanted(id(1)), noon()).await, Err("absent"));
    assert_eq!(found(&keys, wanted(id(1)), noon()), Err("absent"));
    assert_eq!(found(&keys, of(id(1), Some("token"), SCOPE), noon()), Err("unknown"));
    service.say(GOOD);
    assert_eq!(fetched(&keys, of(id(1), Some("token"), SCOPE), noon()).await, Ok(1));
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(found(&keys, wanted(id(1)), noon()), Err("unknown"), "it may be there by now");
    assert_eq!(fetched(&keys, wanted(id(1)), noon()).await, Ok(2));
    assert_eq!(found(&keys, wanted(id(1)), noon()), Ok(2));
}

#[tokio::test]
async fn a_key_that_is_gone_is_forgotten() {
    let (service, keys) = source(GOOD, true);
    assert_eq!(fetched(&keys, wanted(id(1)), noon()).await, Ok(0));
    service.say(Says::Absent);
    assert_eq!(fetched(&keys, wanted(id(1)), noon() + 60).await, Err("absent"));
    assert_eq!(found(&keys, wanted(id(1)), noon()), Err("absent"));
}

#[tokio::test]
async fn while_nobody_answers_a_key_is_used_up_to_the_bound_and_never_past_its_date() {
    let (service, keys) = source(GOOD, true);
    assert_eq!(fetched(&keys, wanted(id(1)), noon()).await, Ok(0));
    service.say(Says::Nothing);
    assert_eq!(found(&keys, wanted(id(1)), noon() + 61), Err("unknown"), "it is asked for first");
    assert_eq!(fetched(&keys, wanted(id(1)), noon() + 61).await, Ok(0));
    assert_eq!(found(&keys, wanted(id(1)), noon() + 62), Ok(0), "and then not again for a moment");
    assert_eq!(service.calls(), 2);
    assert_eq!(found(&keys, wanted(id(1)), noon() + 61 + RESPITE), Err("unknown"));
    assert_eq!(fetched(&keys, wanted(id(1)), noon() + 60 + 899).await, Ok(0));
    assert_eq!(fetched(&keys, wanted(id(1)), noon() + 60 + 900).await, Err("unknown"));
    assert_eq!(fetched(&keys, wanted(id(2)), noon()).await, Err("unknown"));

    let (service, keys) = source(GOOD, true);
    let keys = OnlineKeys { max_staleness: 7 * 86_400, ..Arc::into_inner(keys).unwrap() };
    assert_eq!(fetched(&keys, wanted(id(1)), noon()).await, Ok(0));
    service.say(Says::Nothing);
    let end = 12 * 3600 + 15 * 60;
    assert_eq!(fetched(&keys, wanted(id(1)), noon() + (end - 1)).await, Ok(0));
    assert_eq!(fetched(&keys, wanted(id(1)), noon() + end).await, Err("unknown"));
}

#[tokio::test]
async fn what_was_derived_before_a_withdrawal_is_forgotten_and_not_taken_in_later() {
    let (service, keys) = source(GOOD, true);
    assert_eq!(fetched(&keys, wanted(id(1)), noon()).await, Ok(0));
    keys.forget(id(1), 7);
    assert_eq!(found(&keys, wanted(id(1)), noon()), Ok(0), "it is from that very revision");
    keys.forget(id(1), 8);
    assert_eq!(found(&keys, wanted(id(1)), noon()), Err("unknown"));
    // A replica that lags behind says what was true before.
    assert_eq!(fetched(&keys, wanted(id(1)), noon()).await, Err("unknown"));
    assert_eq!(fetched(&keys, wanted(id(2)), noon()).await, Ok(2), "others are not concerned");
    service.say(Says::Key { revision: 8, lasts: 60 });
    assert_eq!(fetched(&keys, wanted(id(1)), noon()).await, Ok(3));
    keys.forget(id(1), 5);
    assert_eq!(found(&keys, wanted(id(1)), noon()), Ok(3), "withdrawals can come out of order");
}

#[tokio::test]
async fn many_withdrawals_are_remembered_as_one_and_none_is_lost() {
    let (_, keys) = source(GOOD, true);
    assert_eq!(fetched(&keys, wanted(id(1)), noon()).await, Ok(0));
    for n in 0..=10_001_u16 {
        let [a, b] = n.to_be_bytes();
        let id =
            AccessKeyId::from_bytes(brevet_validator::credential::KeyKind::LongLived, [a, b, 9, 9, 9, 9, 9, 9, 9, 9]);
        keys.forget(id, 8);
    }
    assert_eq!(found(&keys, wanted(id(1)), noon()), Err("unknown"));
    assert_eq!(fetched(&keys, wanted(id(1)), noon()).await, Err("unknown"));
}

#[tokio::test]
async fn a_reset_forgets_everything_also_what_is_on_its_way() {
    let (service, keys) = source(GOOD, false);
    let under_way = {
        let keys = Arc::clone(&keys);
        tokio::spawn(async move { fetched(&keys, wanted(id(1)), noon()).await })
    };
    while service.calls() == 0 {
        tokio::task::yield_now().await;
    }
    keys.forget_all();
    service.open();
    assert_eq!(under_way.await.unwrap(), Err("unknown"));
    assert_eq!(found(&keys, wanted(id(1)), noon()), Err("unknown"));
    assert_eq!(fetched(&keys, wanted(id(1)), noon()).await, Ok(1));
    keys.forget_all();
    assert_eq!(found(&keys, wanted(id(1)), noon()), Err("unknown"));
}

#[test]
fn an_answer_that_is_none_is_not_taken_for_one() {
    let good = || GetSigningKeyResponse {
        signing_key: vec![7; 32],
        principal_arn: "arn:aws:iam::123456789012:root".into(),
        principal_id: "123456789012".into(),
        revision: 1,
        cache_until: Some(prost_types::Timestamp { seconds: 1_768_478_400, nanos: 0 }),
        ..Default::default()
    };
    let read = |response| ask::read(id(1), response);
    let Some(Answer::Key { key, .. }) = read(good()) else { panic!("a good answer") };
    assert_eq!(key.signing_key.expose(), &[7; 32]);
    assert_eq!(key.caller.unwrap().principal().arn().as_str(), "arn:aws:iam::123456789012:root");
    for bad in [
        GetSigningKeyResponse { signing_key: vec![7; 31], ..good() },
        GetSigningKeyResponse { cache_until: None, ..good() },
        GetSigningKeyResponse { principal_arn: "root".into(), ..good() },
        GetSigningKeyResponse { principal_id: "123456789013".into(), ..good() },
        GetSigningKeyResponse { identity_policies: vec!["{}".into()], ..good() },
        GetSigningKeyResponse { permissions_boundary: "{}".into(), ..good() },
    ] {
        let shown = format!("{bad:?}");
        assert!(read(bad).is_none(), "{shown}");
    }
}
