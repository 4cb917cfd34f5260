//! The latest commits, kept for watchers: each reads at its own pace and is told when it fell too far behind.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use tokio::sync::watch;

use super::{Change, Record, Revision};

/// How many commits are kept.
const MAX_COMMITS: usize = 1024;
/// How many bytes of values are kept.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// What one transaction did.
#[derive(Clone, Debug)]
pub(super) struct Committed {
    pub(super) revision: Revision,
    pub(super) puts: Vec<Record>,
    pub(super) deletes: Vec<String>,
}

/// The engine's side. Watchers end when it is dropped.
#[derive(Debug)]
pub(super) struct Feed {
    log: Arc<Mutex<Log>>,
    wake: watch::Sender<()>,
}

impl Feed {
    /// A feed of what comes after `latest`.
    pub(super) fn new(latest: Revision) -> Self {
        Self { log: Arc::new(Mutex::new(Log { latest, ..Log::default() })), wake: watch::Sender::new(()) }
    }

    /// Appends a commit. A revision that does not follow the last one drops all watchers behind it.
    pub(super) fn publish(&self, committed: Committed) {
        lock(&self.log).append(committed);
        self.wake.send_replace(());
    }

    /// Tells watchers that commits up to `latest` happened unseen, if they did.
    pub(super) fn align(&self, latest: Revision) {
        let mut log = lock(&self.log);
        if log.latest != latest {
            *log = Log { latest, ..Log::default() };
            self.wake.send_replace(());
        }
    }

    /// Waits until a revision was published, or passed.
    pub(super) async fn reached(&self, revision: Revision) {
        let mut wake = self.wake.subscribe();
        while lock(&self.log).latest < revision && wake.changed().await.is_ok() {}
    }

    /// Every commit after a revision; see [`super::Store::watch`].
    pub(super) fn watch(&self, after: Revision) -> BoxStream<'static, Change> {
        let watcher = Watcher { log: Arc::clone(&self.log), wake: self.wake.subscribe(), seen: after };
        stream::unfold(Some(watcher), async |watcher| {
            let mut watcher = watcher?;
            match watcher.next().await? {
                Change::Lagged => Some((Change::Lagged, None)),
                change => Some((change, Some(watcher))),
            }
        })
        .boxed()
    }
}

struct Watcher {
    log: Arc<Mutex<Log>>,
    wake: watch::Receiver<()>,
    seen: Revision,
}

impl Watcher {
    async fn next(&mut self) -> Option<Change> {
        loop {
            // Before the log is read, so that what is published after it wakes us.
            self.wake.mark_unchanged();
            let next = lock(&self.log).after(self.seen);
            match next {
                Next::Committed(Committed { revision, puts, deletes }) => {
                    self.seen = revision;
                    return Some(Change::Committed { revision, puts, deletes });
                }
                Next::Forgotten => return Some(Change::Lagged),
                Next::ToCome => self.wake.changed().await.ok()?,
            }
        }
    }
}

enum Next {
    Committed(Committed),
    Forgotten,
    ToCome,
}

/// The commits up to `latest`, without a gap.
#[derive(Debug, Default)]
struct Log {
    latest: Revision,
    commits: VecDeque<Committed>,
    bytes: usize,
}

impl Log {
    fn append(&mut self, committed: Committed) {
        if committed.revision.0 != self.latest.0 + 1 {
            *self = Self::default();
        }
        self.latest = committed.revision;
        self.bytes += size(&committed);
        self.commits.push_back(committed);
        while self.commits.len() > MAX_COMMITS || self.bytes > MAX_BYTES {
            let Some(oldest) = self.commits.pop_front() else { break };
            self.bytes -= size(&oldest);
        }
    }

    fn after(&self, seen: Revision) -> Next {
        if seen == self.latest {
            return Next::ToCome;
        }
        let behind = self.latest.0.checked_sub(seen.0).and_then(|behind| usize::try_from(behind).ok());
        let index = behind.and_then(|behind| self.commits.len().checked_sub(behind));
        match index.and_then(|index| self.commits.get(index)) {
            Some(committed) => Next::Committed(committed.clone()),
            None => Next::Forgotten,
        }
    }
}

fn size(committed: &Committed) -> usize {
    committed.puts.iter().map(|record| record.value.len()).sum()
}

/// No step under the lock leaves the log half changed, so a panic elsewhere is no reason to refuse it.
fn lock(log: &Mutex<Log>) -> MutexGuard<'_, Log> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}
