//! What the road tells the list of sessions.

use super::Service;
use crate::service::caller::{Caller, Envelope};
use crate::service::error::Error;
use crate::service::operation::Answer;
use crate::service::sessions::{Entry, InventoryState, Requester};

impl Service {
    /// Writes down which sessions were issued since the last time. To be called every few seconds, which are what a crash takes
    /// from the list.
    pub async fn write_sessions(&self) {
        let written = self.sessions.write(&self.directory, &*self.random, self.clock.now()).await;
        if let Err(error) = written {
            let cause = error.cause().map_or_else(|| error.to_string(), ToString::to_string);
            let unwritten = self.sessions.state().unwritten;
            tracing::error!(%cause, unwritten, "issued sessions could not be written down; they are tried again");
        }
    }

    /// The list of sessions, for operators.
    pub fn inventory_state(&self) -> InventoryState {
        self.sessions.state()
    }

    /// Credentials that go out are in the list; those whose record failed never were.
    pub(super) fn enter(&self, answer: &Result<Answer, Error>, requester: impl Into<Requester>, envelope: &Envelope) {
        if let Ok(Answer::Issued(issued)) = answer {
            self.sessions.enter(Entry::new(issued, requester.into(), envelope));
        }
    }

    /// A request of a session at the service itself.
    pub(super) fn note_use(&self, caller: &Caller, is_iam: bool) {
        if let Some(session) = caller.session() {
            let service = if is_iam { "iam" } else { "sts" };
            self.sessions.used(session.access_key_id, caller.now(), service, caller.now());
        }
    }
}
