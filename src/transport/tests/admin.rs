//! The admin port over sockets.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::transport::admin::Admin;
use crate::transport::listener::Listener;
use crate::transport::metrics::Metrics;
use crate::transport::readiness::Readiness;

#[tokio::test]
async fn probes_scrapes_and_grpc_health_are_answered_on_one_port() {
    let admin = Admin::new(Arc::new(Metrics::new()), Arc::new(Readiness::default()));
    let listener = Listener::bind("127.0.0.1:0".parse().unwrap(), None).await.unwrap();
    let address = listener.address().unwrap();
    tokio::spawn(listener.run(Arc::new(admin), std::future::pending()));

    for (path, expected) in [("/livez", "ok\n"), ("/readyz?verbose", "[+] running: ok\nok\n"), ("/metrics", "# EOF\n")]
    {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with(expected), "{answer}");
    }

    let channel = Channel::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap();
    let answer = HealthClient::new(channel).check(HealthCheckRequest { service: String::new() }).await.unwrap();
    assert_eq!(answer.into_inner().status(), ServingStatus::Serving);
}
