//! A front to talk to, and the service behind it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use brevet_validator::credential::{Credentials, SecretKey};
use brevet_validator::identity::Arn;
use brevet_validator::signature::{self, PathStyle, Payload, Refusal, Request, Rules, SigningKey};
use brevet_validator::timestamp::Timestamp;
use rustls::ServerConfig;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::service::caller::Envelope;
use crate::service::error::{Error, Kind};
use crate::service::issue::{CallerIdentity, Issued};
use crate::service::operation::{Answer, Operation};
use crate::transport::desk::Handler;
use crate::transport::front::{Front, Settings};
use crate::transport::listener::Listener;
use crate::transport::metrics::Metrics;
use crate::transport::readiness::Readiness;

/// Answers whatever carries an `authorization` header, and remembers what it was asked.
#[derive(Debug, Default)]
pub(super) struct Clerk {
    /// Path, body and operation of each call.
    pub(super) calls: Mutex<Vec<(String, Vec<u8>, Operation)>>,
    /// Operation and kind of each refusal.
    pub(super) refusals: Mutex<Vec<(&'static str, Kind)>>,
    /// What the signature of each call is worth.
    pub(super) verdicts: Mutex<Vec<Result<(), Refusal>>>,
    /// The last envelope.
    pub(super) envelope: Mutex<Option<Envelope>>,
}

impl Clerk {
    pub(super) fn refused(&self) -> Vec<(&'static str, Kind)> {
        self.refusals.lock().unwrap().clone()
    }
}

impl Handler for Clerk {
    async fn call(
        &self,
        envelope: &Envelope,
        request: Request<'_>,
        body: &[u8],
        operation: Operation,
    ) -> Result<Answer, Error> {
        *self.envelope.lock().unwrap() = Some(envelope.clone());
        self.calls.lock().unwrap().push((request.path.to_owned(), body.to_vec(), operation.clone()));
        self.verdicts.lock().unwrap().push(verify(request, body));
        if !request.headers.contains_key("authorization") {
            return Err(Error::new(Kind::MissingAuthenticationToken, "Missing Authentication Token"));
        }
        let account = "000000000001".parse().unwrap();
        match operation {
            Operation::AssumeRole(asked) => match asked.role_arn.as_deref() {
                Some("panic") => panic!("canary in a panic"),
                Some("slow") => std::future::pending().await,
                Some("short") => tokio::time::sleep(Duration::from_millis(200)).await,
                _ => {}
            },
            Operation::GetAccessKeyInfo(_) => return Ok(Answer::AccessKeyInfo(account)),
            _ => {
                let arn = Arn::new("iam", "", Some(account), "user/alice");
                return Ok(Answer::CallerIdentity(CallerIdentity { account, arn, user_id: "AIDA".into() }));
            }
        }
        let mut issued = Issued { packed_policy_size: Some(3), ..Issued::sample() };
        issued.claims.source_identity = Some("someone".into());
        Ok(Answer::Issued(Box::new(issued)))
    }

    async fn refuse(&self, envelope: &Envelope, operation: &'static str, error: &Error) {
        *self.envelope.lock().unwrap() = Some(envelope.clone());
        self.refusals.lock().unwrap().push((operation, error.kind()));
    }
}

/// When everything happens.
pub(super) const NOW: Timestamp = Timestamp::from_unix(1_800_000_000).unwrap();

/// The one key.
pub(super) fn key() -> Credentials {
    Credentials {
        access_key_id: "AKIAAAAAAAAAAAAAAAAA".parse().unwrap(),
        secret_access_key: SecretKey::new("secret".into()),
        security_token: None,
        expiration: None,
    }
}

fn verify(request: Request<'_>, body: &[u8]) -> Result<(), Refusal> {
    let rules = Rules {
        path_style: PathStyle::General,
        services: vec!["sts".into()],
        regions: None,
        presigned_max: 900,
        unsigned_payload: false,
    };
    let presented = signature::read(request, &rules, NOW)?;
    let signing_key = SigningKey::derive(&key().secret_access_key, presented.scope());
    presented.verify(Payload::Sha256(Sha256::digest(body).into()), &signing_key)
}

/// A running front.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    pub(super) clerk: Arc<Clerk>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) readiness: Arc<Readiness>,
    pub(super) stop: Option<oneshot::Sender<()>>,
    pub(super) task: JoinHandle<()>,
}

impl Server {
    pub(super) async fn start() -> Self {
        Self::with(Settings { reflection: true, ..Settings::default() }, None).await
    }

    pub(super) async fn with(settings: Settings, tls: Option<Arc<ServerConfig>>) -> Self {
        let (clerk, metrics, readiness) = (Arc::<Clerk>::default(), Arc::<Metrics>::default(), Arc::default());
        let front = Front::new(Arc::clone(&clerk), Arc::clone(&metrics), Arc::clone(&readiness), settings).unwrap();
        let listener = Listener::bind("127.0.0.1:0".parse().unwrap(), tls).await.unwrap();
        let address = listener.address().unwrap();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(listener.run(Arc::new(front), async { drop(stopped.await) }));
        Self { address, clerk, metrics, readiness, stop: Some(stop), task }
    }

    pub(super) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends a request and reads until the server closes the connection.
    pub(super) async fn raw(&self, request: &str) -> String {
        self.raw_within(request, Duration::from_secs(5)).await
    }

    /// [`Server::raw`] with another patience.
    pub(super) async fn raw_within(&self, request: &str, patience: Duration) -> String {
        let answer = tokio::time::timeout(patience, self.raw_bytes(request.as_bytes())).await;
        String::from_utf8(answer.expect("the connection stays open")).unwrap()
    }

    /// Sends bytes and reads until the server closes the connection.
    pub(super) async fn raw_bytes(&self, request: &[u8]) -> Vec<u8> {
        let mut stream = self.connect().await;
        // A server that refuses early closes while we still write.
        let _ = stream.write_all(request).await;
        let (mut answer, mut buffer) = (Vec::new(), [0; 4096]);
        while let Ok(length @ 1..) = stream.read(&mut buffer).await {
            answer.extend_from_slice(&buffer[..length]);
        }
        answer
    }
}
