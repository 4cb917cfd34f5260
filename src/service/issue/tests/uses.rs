//! Roles that give an identity token so many sessions and no more: whoever asks, on whichever replica.

use std::sync::Arc;

use brevet_validator::timestamp::Timestamp;
use futures_util::future::{BoxFuture, join_all};
use futures_util::stream::BoxStream;
use futures_util::{FutureExt as _, StreamExt as _};
use serde_json::json;

use super::web_identity::{Stage, ask, directory, only, put_provider, refused, trust_provider};
use super::*;
use crate::service::directory::Directory;
use crate::service::federation::Algorithm;
use crate::service::federation::test_issuer::{CLIENT_ID, SUBJECT, b64, claims, now as token_time};
use crate::service::issue::AssumeRoleWithWebIdentity;
use crate::service::test_world::{ACCOUNT, ALLOW_ALL, assume_role, inline, trust};
use crate::store::{Change, CommitError, MemoryStore, Record, Revision, Store, StoreError, Transaction, records};

const USED_UP: &str = "this role gives no more for one token";

/// A role for the test issuer's subject that gives a token `most` sessions.
fn counting(stage: &mut Stage, name: &str, most: u32) -> String {
    let record = stage.world.role_record(name, &trust_provider(only(SUBJECT)));
    stage.world.put_role(records::Role { max_uses: most, inline_policies: inline(ALLOW_ALL), ..record })
}

fn store() -> Arc<MemoryStore> {
    Arc::new(MemoryStore::new(token_time))
}

async fn exchange(stage: &Stage, directory: &Directory, ask: &AssumeRoleWithWebIdentity) -> Result<Issued, Error> {
    stage.grant(ask)?.redeem(directory, token_time()).await
}

async fn used_tokens(store: &dyn Store) -> usize {
    let (_, stored) = store.load().await.unwrap();
    stored.iter().filter(|record| record.key.starts_with("used-tokens/")).count()
}

/// How many of these got a session; all others must be told that the token is used up.
fn successes(outcomes: Vec<Result<Issued, Error>>) -> usize {
    let (good, bad): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    bad.into_iter().for_each(|outcome| refused(outcome, Kind::IdpRejectedClaim, USED_UP));
    good.len()
}

#[tokio::test]
async fn b23_a_token_gets_as_many_sessions_as_its_role_gives_one_after_the_other() {
    let mut stage = Stage::new();
    let (once, thrice) = (counting(&mut stage, "once", 1), counting(&mut stage, "thrice", 3));
    let directory = directory(store());
    let token = stage.issuer.token_with(json!({"jti": "a"}));
    for (role, most) in [(&once, 1), (&thrice, 3)] {
        for _ in 0..most {
            exchange(&stage, &directory, &ask(role, &token)).await.unwrap();
        }
        refused(exchange(&stage, &directory, &ask(role, &token)).await, Kind::IdpRejectedClaim, USED_UP);
    }
    let another = stage.issuer.token_with(json!({"jti": "b"}));
    assert!(exchange(&stage, &directory, &ask(&once, &another)).await.is_ok(), "another token has its own");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b23_fifty_tries_at_once_on_two_replicas_get_what_one_would() {
    for most in [1, 3] {
        let mut stage = Stage::new();
        let role = counting(&mut stage, "r", most);
        let (stage, store) = (Arc::new(stage), store());
        let replicas = [directory(store.clone()), directory(store.clone())].map(Arc::new);
        let ask = Arc::new(ask(&role, &stage.issuer.token_with(json!({"jti": "a"}))));
        let tries = (0..50).map(|n| {
            let (stage, directory, ask) = (stage.clone(), replicas[n % 2].clone(), ask.clone());
            tokio::spawn(async move { exchange(&stage, &directory, &ask).await })
        });
        let outcomes = join_all(tries).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(successes(outcomes), most as usize);
        assert_eq!(used_tokens(&*store).await, 1);
    }
}

#[tokio::test]
async fn b23_a_restart_forgets_no_use() {
    let mut stage = Stage::new();
    let role = counting(&mut stage, "r", 2);
    let store = store();
    let ask = ask(&role, &stage.issuer.token_with(json!({"jti": "a"})));
    assert!(exchange(&stage, &directory(store.clone()), &ask).await.is_ok());
    assert!(exchange(&stage, &directory(store.clone()), &ask).await.is_ok());
    refused(exchange(&stage, &directory(store), &ask).await, Kind::IdpRejectedClaim, USED_UP);
}

#[tokio::test]
async fn b23_a_token_without_an_id_is_told_by_what_was_signed_and_not_by_its_signature() {
    let mut stage = Stage::new();
    let role = counting(&mut stage, "r", 1);
    let directory = directory(store());
    // ECDSA signs the same differently each time.
    let signed = |run: u32| {
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove("jti");
        claims["run"] = run.into();
        let message = format!("{}.{}", b64(r#"{"alg":"ES256","kid":"p-256"}"#), b64(claims.to_string()));
        format!("{message}.{}", b64(stage.issuer.signature(Algorithm::Es256, &message)))
    };
    let (one, same) = (signed(1), signed(1));
    assert_ne!(one, same);
    assert!(exchange(&stage, &directory, &ask(&role, &one)).await.is_ok());
    refused(exchange(&stage, &directory, &ask(&role, &same)).await, Kind::IdpRejectedClaim, USED_UP);
    assert!(exchange(&stage, &directory, &ask(&role, &signed(2))).await.is_ok());
}

#[tokio::test]
async fn b23_one_id_from_two_issuers_at_two_roles_are_four_tokens() {
    let mut stage = Stage::new();
    let other_issuer = "https://other.example.com";
    put_provider(&mut stage.world, ACCOUNT, other_issuer, "q");
    let policy = json!({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
        "Principal": {"Federated": ["arn:aws:iam::111111111111:oidc-provider/idp.example.com/realm",
            "arn:aws:iam::111111111111:oidc-provider/other.example.com"]},
        "Condition": {"StringEquals": {"oidc:sub": SUBJECT, "oidc:aud": CLIENT_ID}},
    }});
    let roles = ["r0", "r1"].map(|name| {
        let record = stage.world.role_record(name, &policy.to_string());
        stage.world.put_role(records::Role { max_uses: 1, ..record })
    });
    let directory = directory(store());
    let tokens = [json!({"jti": "a"}), json!({"jti": "a", "iss": other_issuer})].map(|c| stage.issuer.token_with(c));
    for good in [true, false] {
        for role in &roles {
            for token in &tokens {
                assert_eq!(exchange(&stage, &directory, &ask(role, token)).await.is_ok(), good, "{role}");
            }
        }
    }
}

#[tokio::test]
async fn b23_an_id_of_a_megabyte_is_too_long_a_token() {
    let mut stage = Stage::new();
    let role = counting(&mut stage, "r", 1);
    let store = store();
    let token = stage.issuer.token_with(json!({"jti": "j".repeat(1 << 20)}));
    refused(exchange(&stage, &directory(store.clone()), &ask(&role, &token)).await, Kind::ValidationError, "");
    assert_eq!(used_tokens(&*store).await, 0);
}

#[tokio::test]
async fn b23_refusals_spend_nothing() {
    let mut stage = Stage::new();
    let role = counting(&mut stage, "r", 1);
    let store = store();
    let directory = directory(store.clone());
    let token = stage.issuer.token_with(json!({"jti": "a"}));
    let other = stage.role("other", only("somebody else"));
    let too_long = AssumeRoleWithWebIdentity { duration_seconds: text("43201"), ..ask(&role, &token) };
    let too_much = AssumeRoleWithWebIdentity { policy: text(&"x".repeat(3_000)), ..ask(&role, &token) };
    for refused in [ask(&other, &token), too_long, too_much, ask(&role, &format!("{token}x"))] {
        assert!(exchange(&stage, &directory, &refused).await.is_err());
    }
    assert_eq!(used_tokens(&*store).await, 0);
    assert!(exchange(&stage, &directory, &ask(&role, &token)).await.is_ok());
}

#[tokio::test]
async fn b23_no_role_that_counts_is_given_while_the_store_is_down() {
    let mut stage = Stage::new();
    let (role, free) = (counting(&mut stage, "r", 1), stage.role("free", only(SUBJECT)));
    let token = stage.issuer.token_with(json!({"jti": "a"}));
    // The second: others are faster each time.
    let faults: [fn() -> CommitError; 2] = [|| CommitError::NotDone("down".into()), || CommitError::Conflict];
    for fault in faults {
        let directory = directory(Arc::new(Down(fault)));
        for _ in 0..2 {
            refused(exchange(&stage, &directory, &ask(&role, &token)).await, Kind::ServiceUnavailable, "");
        }
        assert!(exchange(&stage, &directory, &ask(&free, &token)).await.is_ok());
    }
}

#[tokio::test]
async fn what_a_counted_session_is_chained_to_ends_with_it() {
    let mut stage = Stage::new();
    let role = counting(&mut stage, "r", 1);
    let second = stage.world.role("second", &trust(ACCOUNT), ALLOW_ALL);
    let third = stage.world.role("third", &trust(ACCOUNT), ALLOW_ALL);
    let token = stage.issuer.token_with(json!({"jti": "a"}));
    let first = exchange(&stage, &directory(store()), &ask(&role, &token)).await.unwrap();
    let end = first.lifetime.expires_at;
    let assume = |credentials: &Credentials, role: &str, at: Timestamp, seconds: Option<&str>| {
        let caller = stage.world.caller_of(stage.world.verified(credentials, at).unwrap(), at).unwrap();
        let ask = AssumeRole { duration_seconds: seconds.map(str::to_owned), ..assume_role(role) };
        stage.world.issuer.assume_role(&caller, &ask)
    };

    let later = first.lifetime.issued_at + 1_000;
    let chained = assume(&first.credentials, &second, later, None).unwrap();
    assert_eq!(chained.lifetime.expires_at, end, "the default is what is left");
    let hop = assume(&chained.credentials, &third, later + 10, Some("900")).unwrap();
    assert!(hop.lifetime.expires_at < end);
    let last = assume(&hop.credentials, &second, later + 20, None).unwrap();
    assert_eq!(last.lifetime.expires_at, end, "the first of the chain counts, not the one before");
    invalid(assume(&first.credentials, &second, later, Some("2601")), "exceeds the 2600 seconds that are left");
    invalid(assume(&hop.credentials, &second, later + 20, Some("3600")), "exceeds the 2580 seconds that are left");
}

#[tokio::test]
async fn records_of_tokens_that_are_over_make_room_for_others() {
    let mut stage = Stage::new();
    let role = counting(&mut stage, "r", 1);
    let store = store();
    let directory = directory(store.clone());
    for id in 0..6 {
        let token = stage.issuer.token_with(json!({"jti": id.to_string()}));
        exchange(&stage, &directory, &ask(&role, &token)).await.unwrap();
    }
    let end = stage.identify(&ask(&role, &stage.issuer.token_with(json!({})))).unwrap().token().expires_at();
    let grant = |id: &str| stage.grant(&ask(&role, &stage.issuer.token_with(json!({"jti": id})))).unwrap();
    // Within the leeway, and a replica's clock behind it, the token is still taken somewhere.
    grant("7").redeem(&directory, end + 300).await.unwrap();
    assert_eq!(used_tokens(&*store).await, 7);
    for (id, left) in [("8", 6), ("9", 5)] {
        grant(id).redeem(&directory, end + 301).await.unwrap();
        assert_eq!(used_tokens(&*store).await, left);
    }
}

/// A store that was read once, and takes no changes.
#[derive(Debug)]
struct Down(fn() -> CommitError);

impl Store for Down {
    fn load(&self) -> BoxFuture<'_, Result<(Revision, Vec<Record>), StoreError>> {
        async { Ok(Default::default()) }.boxed()
    }
    fn latest(&self) -> BoxFuture<'_, Result<Revision, StoreError>> {
        async { Ok(Revision::default()) }.boxed()
    }
    fn commit(&self, _: Transaction) -> BoxFuture<'_, Result<Revision, CommitError>> {
        async { Err((self.0)()) }.boxed()
    }
    fn watch(&self, _: Revision) -> BoxFuture<'_, Result<BoxStream<'static, Change>, StoreError>> {
        async { Ok(futures_util::stream::pending().boxed()) }.boxed()
    }
    fn outcome(&self, _: [u8; 16]) -> BoxFuture<'_, Result<Option<Revision>, StoreError>> {
        async { Ok(None) }.boxed()
    }
}
