//! Follows what is committed by whomever, and feeds the watchers of this process: one watch of etcd for all of them.
//!
//! etcd's stream is not trusted to be alive, nor to be in order after a partition (its issue 15271): a silent one is asked for a
//! sign of life and given up without one, and commits are taken by their own revisions, each once and none left out.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;

use super::client::{ATTEMPT, Client};
use super::commit::went_back;
use super::fault::Fault;
use super::layout::{Layout, to_number};
use super::load;
use super::wire::event::EventType;
use super::wire::watch_request::RequestUnion;
use super::wire::{Event, WatchCreateRequest, WatchProgressRequest, WatchRequest, WatchResponse};
use crate::store::feed::{Committed, Feed};
use crate::store::{Revision, StoreError};

/// How long a stream may be silent before it is asked for a sign of life, and then before it is given up.
const SILENCE: Duration = Duration::from_millis(1500);
/// Before a stream is opened again.
const PAUSE: Duration = Duration::from_millis(200);

/// The one that follows.
pub(super) struct Follower {
    pub(super) client: Arc<Client>,
    pub(super) layout: Layout,
    pub(super) feed: Arc<Feed>,
    /// The latest of our revisions that was fed.
    pub(super) seen: Revision,
    /// etcd's revision that comes next.
    pub(super) next: i64,
}

impl Follower {
    /// Follows for ever.
    pub(super) async fn run(mut self) {
        let mut told = None;
        loop {
            let (before, fault) = (self.next, self.follow().await);
            let ended = match fault {
                Fault::Compacted => self.align().await.map_err(|error| error.to_string()),
                fault => {
                    self.client.note(&fault);
                    Err(fault.to_string())
                }
            };
            // Once each, and not again at each attempt.
            if let Err(cause) = ended {
                if self.next != before || told.as_ref() != Some(&cause) {
                    tracing::warn!(cause, "the watch of etcd ended; it is opened again");
                }
                told = Some(cause);
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    /// Follows one stream until it ends.
    async fn follow(&mut self) -> Fault {
        let (requests, stream) = mpsc::channel(4);
        let (key, range_end) = self.layout.everything();
        let create =
            WatchCreateRequest { key, range_end, start_revision: self.next, fragment: true, progress_notify: false };
        if requests.try_send(ask(RequestUnion::CreateRequest(create))).is_err() {
            return Fault::Unknown("the stream is full".into());
        }
        let mut stream = match self.client.watch(ReceiverStream::new(stream)).await {
            Ok(stream) => stream,
            Err(fault) => return fault,
        };
        let (mut asked, mut group) = (false, Vec::new());
        loop {
            match self.client.next(&mut stream, SILENCE, asked).await {
                Ok(Some(response)) => {
                    asked = false;
                    if let Err(fault) = self.take(response, &mut group).await {
                        return fault;
                    }
                }
                Ok(None) => {
                    let progress = RequestUnion::ProgressRequest(WatchProgressRequest {});
                    asked = requests.try_send(ask(progress)).is_ok();
                }
                Err(fault) => return fault,
            }
        }
    }

    /// Takes a response. `group` holds events of one revision of etcd, of which more may follow.
    async fn take(&mut self, response: WatchResponse, group: &mut Vec<Event>) -> Result<(), Fault> {
        if response.compact_revision != 0 {
            return Err(Fault::Compacted);
        }
        if response.canceled {
            let login = response.cancel_reason.contains("auth token") || response.cancel_reason.contains("permission");
            return Err(if login { Fault::Login } else { Fault::Unknown }(response.cancel_reason));
        }
        if response.created {
            let at = response.header.map_or(0, |header| header.revision);
            return self.check_start(at).await.map_err(|error| Fault::Unknown(error.0));
        }
        // A sign of life is no watcher's, and says nothing of where this one is.
        if response.watch_id < 0 {
            return Ok(());
        }
        for event in response.events {
            if group.last().is_some_and(|last| revision_of(last) != revision_of(&event)) {
                self.feed(std::mem::take(group));
            }
            group.push(event);
        }
        if !response.fragment {
            self.feed(std::mem::take(group));
        }
        Ok(())
    }

    /// A member that has not come to where the watch begins may lag, or be of a cluster that was restored from a backup.
    async fn check_start(&mut self, at: i64) -> Result<(), StoreError> {
        if at + 1 >= self.next {
            return Ok(());
        }
        let (latest, at) = load::latest(&self.client, &self.layout, Instant::now() + ATTEMPT).await?;
        if at + 1 < self.next { Err(went_back(self.seen, latest)) } else { Ok(()) }
    }

    /// Events of one revision of etcd, complete.
    fn feed(&mut self, events: Vec<Event>) {
        let Some(last) = events.last() else { return };
        self.next = self.next.max(revision_of(last) + 1);
        match self.committed(&events) {
            Ok(Some(committed)) if committed.revision > self.seen => {
                self.seen = committed.revision;
                self.feed.publish(committed);
            }
            // Seen already, or ids whose lease ended.
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "something else than brevet writes to its keys in etcd"),
        }
    }

    /// The commit that the events are; `None` if they are none.
    fn committed(&self, events: &[Event]) -> Result<Option<Committed>, StoreError> {
        let counter = self.layout.revision();
        let (mut revision, mut puts, mut deletes) = (None, Vec::new(), Vec::new());
        for event in events {
            let Some(changed) = &event.kv else { continue };
            let is_put = event.r#type() == EventType::Put;
            if changed.key == counter {
                revision = is_put.then(|| to_number(&changed.value)).transpose()?;
            } else if let Some(key) = self.layout.record_key(&changed.key) {
                match is_put {
                    true => puts.push(self.layout.to_record(changed)?),
                    false => deletes.push(key),
                }
            }
        }
        match revision {
            Some(revision) if puts.iter().all(|put| put.revision == revision) => {
                Ok(Some(Committed { revision, puts, deletes }))
            }
            None if puts.is_empty() && deletes.is_empty() => Ok(None),
            _ => Err(StoreError("a change that is no commit".into())),
        }
    }

    /// Goes to the latest revision; what lies between was missed.
    async fn align(&mut self) -> Result<(), StoreError> {
        let (latest, at) = load::latest(&self.client, &self.layout, Instant::now() + ATTEMPT).await?;
        if latest < self.seen {
            return Err(went_back(self.seen, latest));
        }
        (self.seen, self.next) = (latest, at + 1);
        self.feed.align(latest);
        Ok(())
    }
}

fn ask(request: RequestUnion) -> WatchRequest {
    WatchRequest { request_union: Some(request) }
}

fn revision_of(event: &Event) -> i64 {
    event.kv.as_ref().map_or(0, |changed| changed.mod_revision)
}

#[cfg(test)]
mod tests;
