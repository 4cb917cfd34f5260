//! A TCP port that speaks HTTP/1.1 and HTTP/2, with or without TLS, within limits of time and size, and stops in order.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tonic::body::Body;

use super::inspect::{Conflict, Inspected};
use super::peer::Peer;

/// Longest time for a TLS handshake, for the first bytes of a connection and for the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How often a silent HTTP/2 peer is asked whether it is still there, and how long it has to answer.
const PING_INTERVAL: Duration = Duration::from_secs(20);
/// Requests at once on one HTTP/2 connection.
const MAX_STREAMS: u32 = 128;
/// Longest head that is read at all. A head that is too long but shorter is refused in words.
const MAX_HEAD: u32 = 64 << 10;
/// What one HTTP/2 stream may send ahead; as much as a whole request.
const STREAM_WINDOW: u32 = 256 << 10;
/// Longest time for requests to end once the listener stops.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(30);
/// Pause after the system had no descriptor for a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Answers requests.
pub trait Serve: Send + Sync + 'static {
    /// Answers one request. `conflict` says that the connection has carried one with two lengths, perhaps this one.
    fn serve(
        &self,
        request: Request<Incoming>,
        peer: Peer,
        conflict: bool,
    ) -> impl Future<Output = Response<Body>> + Send;
}

/// A port that waits for connections.
#[derive(Debug)]
pub struct Listener {
    tcp: TcpListener,
    tls: Option<Arc<ServerConfig>>,
}

/// Plaintext where others could read along.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0} is not a loopback address: use TLS, or allow plaintext in so many words")]
pub struct PlaintextRefused(pub SocketAddr);

/// Whether a listener may do without TLS at this address.
pub fn check_plaintext(address: SocketAddr, allow_plaintext: bool) -> Result<(), PlaintextRefused> {
    if allow_plaintext || address.ip().to_canonical().is_loopback() { Ok(()) } else { Err(PlaintextRefused(address)) }
}

impl Listener {
    /// Opens the port. With `tls` it speaks nothing else.
    pub async fn bind(address: SocketAddr, tls: Option<Arc<ServerConfig>>) -> io::Result<Self> {
        Ok(Self { tcp: TcpListener::bind(address).await?, tls })
    }

    /// Where it listens, with the port that the system chose if none was asked for.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }

    /// Serves until `stop`, then lets requests end.
    pub async fn run<S: Serve>(self, service: Arc<S>, stop: impl Future<Output = ()>) {
        let graceful = GracefulShutdown::new();
        let mut stop = pin!(stop);
        loop {
            let accepted = tokio::select! {
                accepted = self.tcp.accept() => accepted,
                () = &mut stop => break,
            };
            match accepted {
                Ok((stream, address)) => {
                    let peer = Peer { address: address.ip(), tls: self.tls.is_some() };
                    let tls = self.tls.clone().map(TlsAcceptor::from);
                    tokio::spawn(connect(stream, peer, tls, Arc::clone(&service), graceful.watcher()));
                }
                Err(error) => {
                    // One connection is lost, or there are too many: never a reason to stop listening.
                    tracing::warn!(%error, "cannot accept a connection");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(self.tcp);
        if timeout(DRAIN_TIMEOUT, graceful.shutdown()).await.is_err() {
            tracing::warn!("requests were cut off at the end of the drain");
        }
    }
}

async fn connect<S: Serve>(stream: TcpStream, peer: Peer, tls: Option<TlsAcceptor>, service: Arc<S>, watcher: Watcher) {
    // Answers are small and written whole: nothing is gained by waiting to send them.
    let _ = stream.set_nodelay(true);
    match tls {
        None => speak(stream, peer, service, watcher).await,
        Some(tls) => match timeout(HEAD_TIMEOUT, tls.accept(stream)).await {
            Ok(Ok(stream)) => speak(stream, peer, service, watcher).await,
            Ok(Err(error)) => tracing::debug!(%error, peer = %peer.address, "TLS handshake failed"),
            Err(_) => tracing::debug!(peer = %peer.address, "TLS handshake took too long"),
        },
    }
}

async fn speak<S: Serve>(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: Peer,
    service: Arc<S>,
    watcher: Watcher,
) {
    let conflict = Conflict::default();
    let stream = TokioIo::new(Inspected::new(stream, conflict.clone(), HEAD_TIMEOUT));
    let service = service_fn(move |request| {
        let (service, conflict) = (Arc::clone(&service), conflict.is_set());
        async move { Ok::<_, std::convert::Infallible>(service.serve(request, peer, conflict).await) }
    });
    let builder = builder();
    if let Err(error) = watcher.watch(builder.serve_connection(stream, service)).await {
        tracing::debug!(%error, peer = %peer.address, "connection ended");
    }
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(MAX_HEAD as usize);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(MAX_HEAD)
        .max_concurrent_streams(MAX_STREAMS)
        .initial_stream_window_size(STREAM_WINDOW)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(HEAD_TIMEOUT);
    builder
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c24_plaintext_stays_on_loopback_unless_allowed() {
        for address in ["127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
            assert_eq!(check_plaintext(address.parse().unwrap(), false), Ok(()));
        }
        for address in ["0.0.0.0:1", "[::]:1", "192.0.2.1:1"] {
            let address = address.parse().unwrap();
            assert_eq!(check_plaintext(address, false), Err(PlaintextRefused(address)));
            assert_eq!(check_plaintext(address, true), Ok(()));
        }
    }
}
