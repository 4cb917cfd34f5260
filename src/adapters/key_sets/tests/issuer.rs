//! An issuer on a real port that answers as it is told, and counts who comes.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::{jwks, published};
use crate::service::federation::key_sets::Published;
use crate::transport::tls::server_config;

pub(super) const DISCOVERY: &str = "/.well-known/openid-configuration";
pub(super) const KEYS: &str = "/keys";

/// What a path answers.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    /// 200 with this.
    Body(String),
    /// 200 with these lines of the head, then this.
    Head(&'static str, String),
    /// These bytes and no others.
    Raw(Vec<u8>),
    /// The head of a 200, then one byte of the body at a time.
    Drip(Duration),
    /// Chunks without end.
    Endless,
    /// Nothing, with the connection open.
    Silence,
    /// Nothing, with the connection reset.
    Reset,
}

#[derive(Debug)]
pub(super) struct TestIssuer {
    pub(super) address: SocketAddr,
    pub(super) url: String,
    pub(super) ca: Option<String>,
    script: Arc<Mutex<HashMap<String, Answer>>>,
    connections: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl TestIssuer {
    /// In plain HTTP.
    pub(super) async fn http(at: &str) -> Self {
        Self::start(at, "127.0.0.1", false).await
    }

    /// Under a name that its certificate has.
    pub(super) async fn https(at: &str, name: &str) -> Self {
        Self::start(at, name, true).await
    }

    async fn start(at: &str, name: &str, is_tls: bool) -> Self {
        let (acceptor, ca) = if is_tls {
            let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
            let (cert, key) = (made.cert.pem(), made.signing_key.serialize_pem());
            (Some(TlsAcceptor::from(server_config(cert.as_bytes(), key.as_bytes()).unwrap())), Some(cert))
        } else {
            (None, None)
        };
        let listener = TcpListener::bind((at, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let url = format!("{}://{name}:{}", if is_tls { "https" } else { "http" }, address.port());
        let issuer =
            Self { address, url, ca, script: Arc::default(), connections: Arc::default(), requests: Arc::default() };
        issuer.publish(&["a"]);
        let (script, connections, requests) =
            (Arc::clone(&issuer.script), Arc::clone(&issuer.connections), Arc::clone(&issuer.requests));
        tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { return };
                connections.fetch_add(1, Ordering::SeqCst);
                let (acceptor, script, requests) = (acceptor.clone(), Arc::clone(&script), Arc::clone(&requests));
                tokio::spawn(async move {
                    match acceptor {
                        None => serve(stream, &script, &requests, reset).await,
                        Some(acceptor) => {
                            let Ok(stream) = acceptor.accept(stream).await else { return };
                            serve(stream, &script, &requests, |stream| reset(stream.into_inner().0)).await;
                        }
                    }
                });
            }
        });
        issuer
    }

    /// Answers well, with these keys.
    pub(super) fn publish(&self, kids: &[&str]) {
        let document = serde_json::json!({"issuer": self.url, "jwks_uri": format!("{}{KEYS}", self.url)});
        self.answer(DISCOVERY, Answer::Body(document.to_string()));
        self.answer(KEYS, Answer::Body(jwks(kids)));
    }

    pub(super) fn answer(&self, path: &str, answer: Answer) {
        self.script.lock().unwrap().insert(path.to_owned(), answer);
    }

    pub(super) fn jwks_uri(&self, uri: &str) {
        let document = serde_json::json!({"issuer": self.url, "jwks_uri": uri});
        self.answer(DISCOVERY, Answer::Body(document.to_string()));
    }

    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// How often the keys were asked for.
    pub(super) fn fetches(&self) -> usize {
        self.requests.lock().unwrap().iter().filter(|path| *path == KEYS).count()
    }

    /// A provider's record that trusts it, at a private address.
    pub(super) fn trusted(&self) -> Published {
        Published { allow_private: true, ca_certificates: self.ca.clone(), ..published(&self.url) }
    }
}

fn reset(stream: TcpStream) {
    stream.set_zero_linger().unwrap();
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    script: &Mutex<HashMap<String, Answer>>,
    requests: &Mutex<Vec<String>>,
    reset: impl FnOnce(S),
) {
    let (mut head, mut buffer) = (Vec::new(), [0; 1024]);
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut buffer).await {
            Ok(length @ 1..) => head.extend_from_slice(&buffer[..length]),
            _ => return,
        }
    }
    let head = String::from_utf8(head).unwrap();
    let path = head.split(' ').nth(1).unwrap().to_owned();
    assert!(!head.to_ascii_lowercase().contains("accept-encoding"), "{head}");
    let answer = script.lock().unwrap().get(&path).cloned();
    requests.lock().unwrap().push(path);
    let ok = "HTTP/1.1 200 OK\r\nConnection: close\r\n";
    // The peer may hang up at any time, and should.
    let _ = match answer {
        None => stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").await,
        Some(Answer::Body(body)) => stream.write_all(format!("{ok}\r\n{body}").as_bytes()).await,
        Some(Answer::Head(lines, body)) => stream.write_all(format!("{ok}{lines}\r\n{body}").as_bytes()).await,
        Some(Answer::Raw(bytes)) => stream.write_all(&bytes).await,
        Some(Answer::Silence) => std::future::pending().await,
        Some(Answer::Reset) => return reset(stream),
        Some(Answer::Drip(pause)) => {
            let _ = stream.write_all(format!("{ok}\r\n").as_bytes()).await;
            while stream.write_all(b" ").await.is_ok() && stream.flush().await.is_ok() {
                tokio::time::sleep(pause).await;
            }
            return;
        }
        Some(Answer::Endless) => {
            let _ = stream.write_all(format!("{ok}Transfer-Encoding: chunked\r\n\r\n").as_bytes()).await;
            while stream.write_all(b"1\r\n \r\n".repeat(1_000).as_slice()).await.is_ok() {}
            return;
        }
    };
    let _ = stream.shutdown().await;
}
