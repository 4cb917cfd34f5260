//! The engine for several replicas: all of them on one etcd, with nothing else between them.
//!
//! **Revisions are counted in a key of our own**, and every commit compares and raises it. etcd's revision would come for
//! nothing, but grows with every write of anyone: a replica could not tell a commit that it missed from a lease that ended,
//! and would read everything again. With the counter, a commit knows its revision before it is made, so that each record carries
//! that of its last put, and a stream of commits shows that none is missing. The price is that commits happen one after
//! the other: one for each round trip. etcd puts all writes in one order anyway; a replica's directory makes one change at a
//! time; and of replicas that commit at once one wins each time, and the answer that tells the others so brings
//! the number for their next attempt.
//!
//! **A record's version is etcd's own**, which counts as ours does.
//!
//! **No commit happens twice, and none after it was given up.** Each leaves its id behind and demands that it is not there, so that
//! an attempt without an answer is simply made again; and asking for an outcome that is not there makes the id void.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, StreamExt};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use self::client::Client;
use self::commit::Committer;
use self::follow::Follower;
use self::layout::Layout;
use super::feed::Feed;
use super::{Change, CommitError, Record, Revision, Store, StoreError, Transaction};

mod client;
mod commit;
mod fault;
mod follow;
mod layout;
mod load;
mod outcomes;
mod settings;
mod wire;

pub use self::settings::{DEFAULT_PREFIX, EtcdSettings, EtcdTls};

/// For a short read, with all attempts.
const READ: Duration = Duration::from_secs(3);
/// For an outcome, which may have to wait for another leader.
const OUTCOME: Duration = Duration::from_secs(5);

/// A store in etcd. Dropping it ends its watchers; commits that were begun go on.
pub struct EtcdStore {
    client: Arc<Client>,
    layout: Layout,
    committer: Arc<Committer>,
    feed: Arc<Feed>,
    follower: JoinHandle<()>,
}

impl EtcdStore {
    /// Connects. What lies under the prefix is not looked at, beyond its revision.
    pub async fn connect(settings: &EtcdSettings) -> Result<Self, StoreError> {
        let client = Arc::new(Client::new(settings)?);
        let layout = Layout::new(&settings.prefix);
        let (latest, at) = load::latest(&client, &layout, Instant::now() + READ).await?;
        let feed = Arc::new(Feed::new(latest));
        let follower = Follower {
            client: Arc::clone(&client),
            layout: layout.clone(),
            feed: Arc::clone(&feed),
            seen: latest,
            next: at + 1,
        };
        Ok(Self {
            committer: Arc::new(Committer::new(Arc::clone(&client), layout.clone(), latest)),
            client,
            layout,
            feed,
            follower: tokio::spawn(follower.run()),
        })
    }

    async fn read_latest(&self) -> Result<Revision, StoreError> {
        load::latest(&self.client, &self.layout, Instant::now() + READ).await.map(|(latest, _)| latest)
    }
}

impl Store for EtcdStore {
    fn load(&self) -> BoxFuture<'_, Result<(Revision, Vec<Record>), StoreError>> {
        load::load(&self.client, &self.layout).boxed()
    }

    fn latest(&self) -> BoxFuture<'_, Result<Revision, StoreError>> {
        self.read_latest().boxed()
    }

    fn commit(&self, tx: Transaction) -> BoxFuture<'_, Result<Revision, CommitError>> {
        async {
            tx.check()?;
            let committer = Arc::clone(&self.committer);
            let committed = tokio::spawn(async move { committer.commit(&tx).await });
            committed.await.unwrap_or_else(|ended| Err(CommitError::Unknown(ended.to_string())))
        }
        .boxed()
    }

    fn watch(&self, after: Revision) -> BoxFuture<'_, Result<BoxStream<'static, Change>, StoreError>> {
        async move {
            if after > self.read_latest().await? {
                return Ok(stream::iter([Change::Lagged]).boxed());
            }
            // It was committed, and the feed has to have heard of it to tell what follows.
            let reached = timeout(READ, self.feed.reached(after)).await;
            reached.map_err(|_| StoreError("the watch of etcd lags".into()))?;
            Ok(self.feed.watch(after))
        }
        .boxed()
    }

    fn outcome(&self, id: [u8; 16]) -> BoxFuture<'_, Result<Option<Revision>, StoreError>> {
        let deadline = Instant::now() + OUTCOME;
        outcomes::settle(&self.client, &self.layout, &self.committer.lease, id, deadline).boxed()
    }
}

impl fmt::Debug for EtcdStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EtcdStore").field("layout", &self.layout).finish_non_exhaustive()
    }
}

impl Drop for EtcdStore {
    fn drop(&mut self) {
        self.follower.abort();
    }
}
