//! Calls etcd: one member at a time, the next one after a failure, each call with a deadline.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use brevet_validator::secret::Secret;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_stream::wrappers::ReceiverStream;
use tonic::metadata::AsciiMetadataValue;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Request, Response, Status, Streaming};

use super::fault::Fault;
use super::settings::EtcdSettings;
use super::wire::auth_client::AuthClient;
use super::wire::kv_client::KvClient;
use super::wire::lease_client::LeaseClient;
use super::wire::watch_client::WatchClient;
use super::wire::{
    AuthenticateRequest, LeaseGrantRequest, RangeRequest, RangeResponse, TxnRequest, TxnResponse, WatchRequest,
    WatchResponse,
};
use crate::store::StoreError;

/// For one member to answer a call.
pub(super) const ATTEMPT: Duration = Duration::from_secs(2);
/// For a member to take a connection.
const CONNECT: Duration = Duration::from_secs(1);
/// A connection with a watch on it is pinged; etcd takes it amiss when this is below five seconds.
const PING: Duration = Duration::from_secs(10);
/// Before all members are asked again.
const PAUSE: Duration = Duration::from_millis(100);

/// A member. Its connection is made anew when it does not answer: a dead one would be noticed only after a while.
struct Member {
    endpoint: Endpoint,
    channel: Mutex<Channel>,
}

/// The members of a cluster.
pub(super) struct Client {
    members: Vec<Member>,
    /// Counts up; the member in use is the rest of the division by their number.
    current: AtomicUsize,
    login: Option<(String, Secret<String>)>,
    token: Mutex<Option<AsciiMetadataValue>>,
}

impl Client {
    /// Connects to none yet.
    pub(super) fn new(settings: &EtcdSettings) -> Result<Self, StoreError> {
        let fault = |error: &dyn std::error::Error| StoreError(format!("the settings of etcd cannot be used: {error}"));
        let tls = settings.tls.as_ref().map(|tls| {
            let config = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(&tls.ca));
            match &tls.identity {
                Some((chain, key)) => config.identity(Identity::from_pem(chain, key.expose())),
                None => config,
            }
        });
        let scheme = if tls.is_some() { "https" } else { "http" };
        let member = |address: &String| -> Result<Member, tonic::transport::Error> {
            let endpoint = Endpoint::from_shared(format!("{scheme}://{address}"))?
                .connect_timeout(CONNECT)
                .http2_keep_alive_interval(PING)
                .keep_alive_timeout(ATTEMPT);
            let endpoint = match &tls {
                Some(tls) => endpoint.tls_config(tls.clone())?,
                None => endpoint,
            };
            Ok(Member { channel: Mutex::new(endpoint.connect_lazy()), endpoint })
        };
        let members: Vec<_> =
            settings.endpoints.iter().map(member).collect::<Result<_, _>>().map_err(|error| fault(&error))?;
        if members.is_empty() {
            return Err(StoreError("no member of etcd is named".into()));
        }
        Ok(Self { members, current: AtomicUsize::new(0), login: settings.login.clone(), token: Mutex::new(None) })
    }

    /// How many members there are.
    pub(super) fn members(&self) -> usize {
        self.members.len()
    }

    /// Reads. Asks each member again and again until the deadline.
    pub(super) async fn range(&self, request: RangeRequest, deadline: Instant) -> Result<RangeResponse, Fault> {
        let mut failures = 0;
        loop {
            let attempt = self.call(deadline, request.clone(), async |channel, request| {
                KvClient::new(channel).max_decoding_message_size(usize::MAX).range(request).await
            });
            match attempt.await {
                Err(fault) if fault.is_of_the_member() => {
                    failures += 1;
                    // Whom nobody answers waits no longer than it takes to ask all of them.
                    let unreached = matches!(fault, Fault::Unreached(_)) && failures >= self.members();
                    if unreached || Instant::now() + PAUSE >= deadline {
                        return Err(fault);
                    }
                    self.pause(failures).await;
                }
                answer => return answer,
            }
        }
    }

    /// Tries a transaction once.
    pub(super) async fn txn(&self, request: TxnRequest, deadline: Instant) -> Result<TxnResponse, Fault> {
        self.call(deadline, request, async |channel, request| {
            KvClient::new(channel).max_decoding_message_size(usize::MAX).txn(request).await
        })
        .await
    }

    /// A new lease, for as many seconds. One that nobody heard of does no harm.
    pub(super) async fn grant(&self, seconds: i64, deadline: Instant) -> Result<i64, Fault> {
        let request = LeaseGrantRequest { ttl: seconds, id: 0 };
        let granted =
            self.call(deadline, request, async |channel, request| LeaseClient::new(channel).lease_grant(request).await);
        match granted.await {
            Ok(granted) if granted.error.is_empty() => Ok(granted.id),
            Ok(granted) => Err(Fault::Refused(granted.error)),
            Err(Fault::Unknown(cause)) => Err(Fault::Unreached(cause)),
            Err(fault) => Err(fault),
        }
    }

    /// Opens a watch; gives which member it is at besides, for [`Client::next`].
    pub(super) async fn watch(
        &self,
        requests: ReceiverStream<WatchRequest>,
    ) -> Result<(usize, Streaming<WatchResponse>), Fault> {
        let deadline = Instant::now() + ATTEMPT;
        let token = self.token(deadline).await?;
        let member = self.current.load(Ordering::Relaxed);
        let mut client = WatchClient::new(self.member(member)).max_decoding_message_size(usize::MAX);
        let opened = timeout_at(deadline, client.watch(request(requests, token.as_ref()))).await;
        let stream = self.judge(member, opened).inspect_err(|fault| self.note(fault))?;
        Ok((member, stream))
    }

    /// The next message of a watch; `Ok(None)` if there is none for a while, unless the watch is given up then.
    pub(super) async fn next(
        &self,
        (member, stream): &mut (usize, Streaming<WatchResponse>),
        patience: Duration,
        give_up: bool,
    ) -> Result<Option<WatchResponse>, Fault> {
        let fault = match timeout(patience, stream.message()).await {
            Ok(Ok(Some(message))) => return Ok(Some(message)),
            Err(_) if !give_up => return Ok(None),
            Err(_) => Fault::Unknown("the watch is silent".into()),
            Ok(Ok(None)) => Fault::Unknown("it ended the watch".into()),
            Ok(Err(status)) => status.into(),
        };
        self.leave(*member);
        Err(fault)
    }

    /// The next call goes to the next member, and none to the connection of this one.
    fn leave(&self, member: usize) {
        let left = &self.members[member % self.members.len()];
        *lock(&left.channel) = left.endpoint.connect_lazy();
        let _ = self.current.compare_exchange(member, member + 1, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Waits, once all members have failed.
    pub(super) async fn pause(&self, failures: usize) {
        if failures.is_multiple_of(self.members()) {
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// One call of one member; once more if the login has ended.
    async fn call<M: Clone, R>(
        &self,
        deadline: Instant,
        message: M,
        call: impl AsyncFn(Channel, Request<M>) -> Result<Response<R>, Status>,
    ) -> Result<R, Fault> {
        let deadline = deadline.min(Instant::now() + ATTEMPT);
        for last in [false, true] {
            let token = self.token(deadline).await?;
            let member = self.current.load(Ordering::Relaxed);
            let answer =
                timeout_at(deadline, call(self.member(member), request(message.clone(), token.as_ref()))).await;
            match self.judge(member, answer) {
                Err(fault @ Fault::Login(_)) if !last && self.login.is_some() => self.note(&fault),
                answer => return answer,
            }
        }
        Err(Fault::Unreached("the login ends at once".into()))
    }

    /// Moves on to the next member if this one failed, unless another call did so.
    fn judge<T, E>(&self, member: usize, answer: Result<Result<Response<T>, Status>, E>) -> Result<T, Fault> {
        let answer = match answer {
            Ok(answer) => answer.map(Response::into_inner).map_err(Fault::from),
            Err(_) => Err(Fault::Unknown("it took too long".into())),
        };
        if answer.as_ref().is_err_and(Fault::is_of_the_member) {
            self.leave(member);
        }
        answer
    }

    /// Forgets the token if it is not good any more.
    pub(super) fn note(&self, fault: &Fault) {
        if matches!(fault, Fault::Login(_)) {
            *lock(&self.token) = None;
        }
    }

    fn member(&self, count: usize) -> Channel {
        lock(&self.members[count % self.members.len()].channel).clone()
    }

    /// The token of the login, if there is to be one. Several at once may log in; each token is good.
    async fn token(&self, deadline: Instant) -> Result<Option<AsciiMetadataValue>, Fault> {
        let Some((name, password)) = &self.login else { return Ok(None) };
        let known = lock(&self.token).clone();
        if known.is_some() {
            return Ok(known);
        }
        let member = self.current.load(Ordering::Relaxed);
        let message = AuthenticateRequest { name: name.clone(), password: password.expose().clone() };
        let answer = timeout_at(deadline, AuthClient::new(self.member(member)).authenticate(message)).await;
        let token = match self.judge(member, answer) {
            Ok(answer) => answer.token,
            // No call has been made that could have had an effect.
            Err(Fault::Unknown(cause)) => return Err(Fault::Unreached(cause)),
            Err(Fault::Login(cause)) => return Err(Fault::Refused(cause)),
            Err(fault) => return Err(fault),
        };
        let mut token: AsciiMetadataValue =
            token.parse().map_err(|_| Fault::Refused("its token is no header".into()))?;
        token.set_sensitive(true);
        *lock(&self.token) = Some(token.clone());
        Ok(Some(token))
    }
}

/// No step under a lock leaves anything half changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn request<M>(message: M, token: Option<&AsciiMetadataValue>) -> Request<M> {
    let mut request = Request::new(message);
    let metadata = request.metadata_mut();
    // A member that is cut off from the others must not answer as if it knew.
    metadata.insert("hasleader", AsciiMetadataValue::from_static("true"));
    if let Some(token) = token {
        metadata.insert("token", token.clone());
    }
    request
}
