//! TLS on the main port, with both versions of HTTP.

use std::sync::Arc;

use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion, crypto, version};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::server::Server;
use crate::transport::front::Settings;
use crate::transport::tls::server_config;

struct Secure {
    server: Server,
    roots: RootCertStore,
}

impl Secure {
    async fn start() -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let config = server_config(made.cert.pem().as_bytes(), made.signing_key.serialize_pem().as_bytes()).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(made.cert.der().clone()).unwrap();
        Self { server: Server::with(Settings::default(), Some(config)).await, roots }
    }

    async fn connect(&self, version: &'static SupportedProtocolVersion, alpn: &[u8]) -> TlsStream<TcpStream> {
        let mut config = ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(self.roots.clone())
            .with_no_client_auth();
        config.alpn_protocols = vec![alpn.to_vec()];
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, self.server.connect().await).await.unwrap()
    }
}

const IDENTITY: &str = "/?Action=GetCallerIdentity&Version=2011-06-15";

#[tokio::test]
async fn http1_is_spoken_over_tls() {
    let secure = Secure::start().await;
    for version in [&version::TLS12, &version::TLS13] {
        let mut stream = secure.connect(version, b"http/1.1").await;
        let request = format!("GET {IDENTITY} HTTP/1.1\r\nHost: h\r\nAuthorization: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
    assert!(secure.server.clerk.envelope.lock().unwrap().as_ref().unwrap().tls);
}

#[tokio::test]
async fn http2_is_agreed_on_over_tls() {
    let secure = Secure::start().await;
    let stream = secure.connect(&version::TLS13, b"h2").await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let query = Request::get(format!("https://localhost{IDENTITY}")).header("authorization", "x");
    let answer = sender.send_request(query.body(Full::<bytes::Bytes>::default()).unwrap()).await.unwrap();
    assert_eq!((answer.status().as_u16(), &answer.headers()["content-type"]), (200, &"text/xml".parse().unwrap()));
    let call = Request::post("https://localhost/brevet.sts.v1.SecurityTokenService/GetCallerIdentity")
        .header("content-type", "application/grpc")
        .header("authorization", "x")
        .header("x-amz-content-sha256", "x");
    let answer = sender.send_request(call.body(Full::from(&b"\0\0\0\0\0"[..])).unwrap()).await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/grpc");
    let trailers = answer.into_body().collect().await.unwrap().trailers().cloned().unwrap();
    assert_eq!(trailers["grpc-status"], "0");
}

#[tokio::test]
async fn e22_plaintext_is_not_spoken_where_tls_is() {
    let secure = Secure::start().await;
    let answer = secure.server.raw_bytes(format!("GET {IDENTITY} HTTP/1.1\r\nHost: h\r\n\r\n").as_bytes()).await;
    assert!(!answer.starts_with(b"HTTP/"), "{answer:?}");
    assert!(secure.server.clerk.calls.lock().unwrap().is_empty());
}

#[tokio::test]
async fn e22_a_broken_handshake_leaves_the_port_open_for_others() {
    let secure = Secure::start().await;
    secure.server.raw_bytes(b"\x16\x03\x01\x00\x05hello").await;
    secure.connect(&version::TLS13, b"h2").await;
}
