//! A gRPC service (`whoami/whoami.proto`) that answers only to Brevet's temporary keys.
//!
//! ```text
//! cargo run --example protected_tonic -- --bundle service.bundle --listen 127.0.0.1:8081
//! ```
//!
//! With `--sts https://sts.example.com` it follows the token service, as `protected_axum` does.

use brevet_validator::layer::ValidatorLayer;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

use options::Options;
use protection::Protection;
use service::WhoAmIService;

#[path = "whoami/options.rs"]
mod options;
#[path = "whoami/protection.rs"]
mod protection;
#[path = "whoami/service.rs"]
mod service;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse()?;
    let server = Server::builder();

    // The protection.
    let protection = Protection::new(&options).await?;
    let mut server = server.layer(ValidatorLayer::grpc(protection.validator.clone()));

    let incoming = TcpIncoming::bind(options.listen)?;
    println!("listening on http://{}", incoming.local_addr()?);
    server.add_service(WhoAmIService).serve_with_incoming(incoming).await?;
    Ok(())
}
