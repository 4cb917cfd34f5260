//! A gRPC service (`whoami/whoami.proto`) that answers only to Brevet's temporary keys.
//!
//! ```text
//! cargo run --example protected_tonic -- --bundle service.bundle --listen 127.0.0.1:8081
//! ```

use brevet_validator::layer::ValidatorLayer;
use brevet_validator::signature::Rules;
use brevet_validator::validator::Validator;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

use options::Options;
use service::WhoAmIService;

#[path = "whoami/options.rs"]
mod options;
#[path = "whoami/service.rs"]
mod service;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse()?;
    let server = Server::builder();

    // The protection.
    let validator = Validator::from_bundle_file(Rules::of_service(&options.service), &options.bundle)?;
    let mut server = server.layer(ValidatorLayer::grpc(validator));

    let incoming = TcpIncoming::bind(options.listen)?;
    println!("listening on http://{}", incoming.local_addr()?);
    server.add_service(WhoAmIService).serve_with_incoming(incoming).await?;
    Ok(())
}
