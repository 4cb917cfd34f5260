//! A token service that knows nothing but trust: it sends bundles and revocations as it is told to, well or badly.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use brevet_client::proto::validation::{
    AcknowledgeTrustRequest, AcknowledgeTrustResponse, WatchTrustRequest, WatchTrustResponse,
};
use brevet_validator::credential::{AccessKeyId, KeyKind};
use brevet_validator::secret::Secret;
use brevet_validator::timestamp::Timestamp;
use brevet_validator::token::{
    Entry, KeyState, LogPosition, Revocation, RevocationHead, Subject, TrustBundle, VerifyingKey, ZoneKey,
};
use bytes::Bytes;
use http_body::Body;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::server::{Grpc, NamedService};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;
use tower::{Service, service_fn};

const ANCHOR: [u8; 32] = [1; 32];

/// How the service behaves.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Mode {
    Well,
    /// Opens streams and says nothing more.
    Silent,
    /// Signs heads with a key of its own.
    BadHead,
    /// Refuses to be watched.
    Deny,
    /// Ends every stream in order.
    End,
}

/// What it would tell, and what it was told.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) mode: Mode,
    pub(crate) sequence: u64,
    pub(crate) log: u8,
    pub(crate) entries: Vec<Vec<u8>>,
    pub(crate) watches: Vec<WatchTrustRequest>,
    pub(crate) acks: Vec<AcknowledgeTrustRequest>,
}

/// The state of a service, which outlives the process that it runs in.
#[derive(Clone, Debug)]
pub(crate) struct Trust(Arc<Mutex<State>>);

/// The process. Dropping it cuts every connection.
#[derive(Debug)]
pub(crate) struct Process {
    runtime: Option<Runtime>,
    pub(crate) address: SocketAddr,
}

impl Trust {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(State {
            mode: Mode::Well,
            sequence: 5,
            log: 1,
            entries: Vec::new(),
            watches: Vec::new(),
            acks: Vec::new(),
        })))
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub(crate) fn revoke(&self, n: u8) {
        let account = "123456789012".parse().unwrap();
        let access_key_id = AccessKeyId::from_bytes(KeyKind::Temporary, [n; 10]);
        let subject = Subject::Session { account, access_key_id };
        let entry = Entry::Revoked(Revocation { subject, revision: 1, until: now() + 3600 });
        self.state().entries.push(entry.encode());
    }

    /// Serves at this address, or at a free one.
    pub(crate) fn serve(&self, address: Option<SocketAddr>) -> Process {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let trust = self.clone();
        let address = address.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)));
        // Whoever had the address may still be about to let it go.
        let listener = std::iter::repeat_with(|| {
            std::thread::sleep(Duration::from_millis(10));
            std::net::TcpListener::bind(address)
        });
        let listener = listener.take(500).find_map(Result::ok).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(async move {
            let incoming = TcpListenerStream::new(tokio::net::TcpListener::from_std(listener).unwrap());
            tonic::transport::Server::builder().add_service(trust).serve_with_incoming(incoming).await
        });
        Process { runtime: Some(runtime), address }
    }

    async fn watch(self, request: Request<WatchTrustRequest>) -> Result<Response<Stream>, Status> {
        let request = request.into_inner();
        self.state().watches.push(request.clone());
        if self.state().mode == Mode::Deny {
            return Err(Status::permission_denied("no"));
        }
        let (send, receive) = mpsc::channel(16);
        tokio::spawn(async move {
            let mut told = (request.bundle_sequence, request.log, request.count);
            loop {
                let mode = self.state().mode;
                let message = match mode {
                    Mode::Silent => None,
                    _ => Some(self.state().message(&mut told)),
                };
                let failed = match message {
                    Some(message) => send.send(Ok(message)).await.is_err(),
                    None => send.is_closed(),
                };
                if failed {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
                if self.state().mode == Mode::End {
                    return;
                }
            }
        });
        Ok(Response::new(ReceiverStream::new(receive)))
    }
}

type Stream = ReceiverStream<Result<WatchTrustResponse, Status>>;

impl State {
    /// What is new since `told`: sequence, log and count.
    fn message(&self, told: &mut (u64, Vec<u8>, u64)) -> WatchTrustResponse {
        let mut message = WatchTrustResponse::default();
        if told.0 != self.sequence {
            message.bundle = bundle(self.sequence);
        }
        if told.1 != [self.log; 16] {
            message.log = vec![self.log; 16];
            told.2 = 0;
        }
        message.entries = self.entries[usize::try_from(told.2).unwrap()..].to_vec();
        *told = (self.sequence, vec![self.log; 16], self.entries.len() as u64);
        let seed = if self.mode == Mode::BadHead { [7; 32] } else { ANCHOR };
        let position = self.entries.iter().fold(LogPosition::start([self.log; 16]), |at, entry| at.after(entry));
        message.head = RevocationHead { trust_domain: [9; 16], position, confirmed_at: now() }.sign(&pair(seed));
        message
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    Timestamp::from_unix(since.as_secs().try_into().unwrap()).unwrap()
}

fn pair(seed: [u8; 32]) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&seed).unwrap()
}

pub(crate) fn bundle(sequence: u64) -> Vec<u8> {
    let key = VerifyingKey {
        id: 1,
        public: pair([2; 32]).public_key().as_ref().try_into().unwrap(),
        not_before: now() + -60,
        not_after: now() + 86_400,
        max_lifetime: 43_200,
        state: KeyState::Active,
    };
    let bundle = TrustBundle {
        trust_domain: [9; 16],
        sequence,
        issued_at: now() + -60,
        expires_at: now() + 86_400,
        verifying_keys: vec![key],
        zone: "default".into(),
        scope: None,
        zone_keys: vec![ZoneKey { epoch: 1, seal: Secret::new([3; 32]), zone: Secret::new([4; 32]) }],
        online: false,
        revocation_head: Vec::new(),
        anchor: pair(ANCHOR).public_key().as_ref().try_into().unwrap(),
    };
    bundle.encode(&Secret::new(ANCHOR)).unwrap()
}

impl NamedService for Trust {
    const NAME: &'static str = "brevet.validation.v1.ValidationService";
}

impl<B> Service<http::Request<B>> for Trust
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>> + Send,
{
    type Response = http::Response<tonic::body::Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let trust = self.clone();
        Box::pin(async move {
            let signed = request.headers().contains_key("authorization");
            match request.uri().path().rsplit('/').next() {
                Some("WatchTrust") if signed => {
                    let watch = service_fn(move |request| trust.clone().watch(request));
                    Ok(Grpc::new(ProstCodec::default()).server_streaming(watch, request).await)
                }
                Some("AcknowledgeTrust") if signed => {
                    let acknowledge = service_fn(move |request: Request<AcknowledgeTrustRequest>| {
                        trust.state().acks.push(request.into_inner());
                        async { Ok::<_, Status>(Response::new(AcknowledgeTrustResponse {})) }
                    });
                    Ok(Grpc::new(ProstCodec::default()).unary(acknowledge, request).await)
                }
                _ => Ok(Status::unauthenticated("not signed").into_http()),
            }
        })
    }
}
