//! What is made of the responses of a watch, in orders that a test cannot get etcd to send.

use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt as _};

use super::*;
use crate::store::etcd::EtcdSettings;
use crate::store::etcd::layout::{number, seal_value};
use crate::store::etcd::wire::{KeyValue, ResponseHeader};
use crate::store::{Change, Revision};

const PREFIX: &str = "/brevet/";

/// One that has seen our revision 3, as etcd's 10.
fn follower() -> (Follower, BoxStream<'static, Change>) {
    let endpoints = vec!["127.0.0.1:1".to_owned()];
    let settings = EtcdSettings { endpoints, prefix: PREFIX.into(), tls: None, login: None };
    let feed = Arc::new(Feed::new(Revision(3)));
    let changes = feed.watch(Revision(3));
    let client = Arc::new(Client::new(&settings).unwrap());
    (Follower { client, layout: Layout::new(PREFIX), feed, seen: Revision(3), next: 11 }, changes)
}

/// The events of a commit that puts `keys`.
fn commit(revision: u64, at: i64, keys: &[&str]) -> Vec<Event> {
    let value = seal_value(Revision(revision), &Bytes::from_static(b"x"));
    let records = keys.iter().map(|key| put(&format!("records/{key}"), value.clone(), at));
    [put("revision", number(Revision(revision)), at)].into_iter().chain(records).collect()
}

fn put(key: &str, value: Bytes, at: i64) -> Event {
    let key = format!("{PREFIX}{key}").into();
    let kv = KeyValue { key, value, version: 1, mod_revision: at, ..KeyValue::default() };
    Event { r#type: EventType::Put.into(), kv: Some(kv) }
}

fn response(events: impl IntoIterator<Item = Event>, fragment: bool) -> WatchResponse {
    WatchResponse { events: events.into_iter().collect(), fragment, ..WatchResponse::default() }
}

/// Takes responses, and gives the revisions and numbers of records that watchers then have seen; 0: they lagged.
async fn seen(responses: Vec<WatchResponse>) -> Vec<(u64, usize)> {
    let (mut follower, mut changes) = follower();
    let mut group = Vec::new();
    for response in responses {
        follower.take(response, &mut group).await.unwrap();
    }
    drop(follower);
    let mut seen = Vec::new();
    while let Some(change) = changes.next().await {
        seen.push(match change {
            Change::Committed { revision, puts, .. } => (revision.0, puts.len()),
            Change::Lagged => (0, 0),
        });
    }
    seen
}

#[tokio::test]
async fn f10_a_watch_that_goes_back_in_time_repeats_nothing() {
    let back = [commit(2, 9, &["a"]), commit(3, 10, &["a"]), commit(5, 13, &["b"]), commit(4, 12, &["a"])].concat();
    let on = commit(6, 14, &["c"]);
    let first = [commit(4, 12, &["a"]), commit(5, 13, &["b"])].concat();
    let seen = seen(vec![response(first, false), response(back, false), response(on, false)]).await;
    assert_eq!(seen, [(4, 1), (5, 1), (6, 1)]);
}

#[tokio::test]
async fn f10_a_watch_that_leaves_a_commit_out_makes_watchers_lag() {
    let seen = seen(vec![response(commit(4, 11, &["a"]), false), response(commit(6, 13, &["a"]), false)]).await;
    assert_eq!(seen, [(0, 0)]);
}

#[tokio::test]
async fn a_commit_in_fragments_is_one_commit() {
    let events = [commit(4, 11, &["a", "b", "c"]), commit(5, 12, &["d"])].concat();
    for cut in 1..events.len() {
        let (left, right) = events.split_at(cut);
        let seen = seen(vec![response(left.to_vec(), true), response(right.to_vec(), false)]).await;
        assert_eq!(seen, [(4, 3), (5, 1)], "cut at {cut}");
    }
}

#[tokio::test]
async fn events_that_are_no_commit_are_passed_over() {
    let gone = |key: &str, at| {
        let event = put(key, Bytes::new(), at);
        Event { r#type: EventType::Delete.into(), ..event }
    };
    let strange = [
        vec![gone("outcomes/00", 11)],
        vec![put("records/roles/1/root", Bytes::from_static(b"by hand"), 12)],
        vec![gone("records/revocations/1", 13)],
        vec![gone("revision", 14)],
    ];
    let strange = strange.into_iter().map(|events| response(events, false));
    let seen = seen(strange.chain([response(commit(4, 15, &["a"]), false)]).collect()).await;
    assert_eq!(seen, [(4, 1)]);
}

#[tokio::test]
async fn where_to_go_on_is_behind_the_last_commit_that_was_whole() {
    let (mut follower, _changes) = follower();
    let group = &mut Vec::new();
    follower.take(response([commit(4, 20, &["a"]), commit(5, 21, &["b"])].concat(), true), group).await.unwrap();
    let sign_of_life = WatchResponse { watch_id: -1, ..WatchResponse::default() };
    follower.take(sign_of_life, group).await.unwrap();
    assert_eq!((follower.seen, follower.next), (Revision(4), 21));
    follower.take(response(Vec::new(), false), group).await.unwrap();
    assert_eq!((follower.seen, follower.next), (Revision(5), 22));
}

#[tokio::test]
async fn an_end_by_etcd_says_why() {
    let (mut follower, _changes) = follower();
    let header = Some(ResponseHeader { revision: 99, ..ResponseHeader::default() });
    let compacted = WatchResponse { canceled: true, compact_revision: 50, header, ..WatchResponse::default() };
    assert!(matches!(follower.take(compacted, &mut Vec::new()).await, Err(Fault::Compacted)));
    let reason = |text: &str| WatchResponse { canceled: true, cancel_reason: text.into(), ..WatchResponse::default() };
    let login = follower.take(reason("etcdserver: invalid auth token"), &mut Vec::new()).await;
    assert!(matches!(login, Err(Fault::Login(_))));
    let other = follower.take(reason("etcdserver: no leader"), &mut Vec::new()).await;
    assert!(matches!(other, Err(Fault::Unknown(_))));
}
