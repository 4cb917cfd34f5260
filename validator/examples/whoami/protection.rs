//! The validator of the examples: of a bundle file alone, or kept up to date by the token service.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use brevet_client::follow::{FollowedValidator, Follower};
use brevet_client::{Endpoint, credentials};
use brevet_validator::signature::Rules;
use brevet_validator::validator::Validator;

use crate::options::Options;

/// A validator, and what keeps it up to date for as long as this lives.
pub(crate) struct Protection {
    pub(crate) validator: Arc<Validator>,
    _followed: Option<FollowedValidator>,
}

impl Protection {
    pub(crate) async fn new(options: &Options) -> anyhow::Result<Self> {
        let rules = Rules::of_service(&options.service);
        let Some(sts) = &options.sts else {
            let validator = Validator::from_bundle_file(rules, &options.bundle)?;
            return Ok(Self { validator: validator.into(), _followed: None });
        };

        tracing_subscriber::fmt().with_writer(std::io::stderr).init();
        let mut endpoint = Endpoint::new(sts)?;
        if let Some(file) = std::env::var_os("BREVET_CA_FILE") {
            endpoint = endpoint.ca_file(file.as_ref())?;
        }
        // Asked at each connection, so that a profile may be renewed meanwhile.
        let source = || async { credentials::from_environment() };
        let followed = Follower::new(endpoint, source, &options.bundle)
            .zone(&options.zone)
            .staleness(options.staleness)
            .online_keys(options.online_keys)
            .start(rules)
            .await?;
        if let Some(address) = options.metrics {
            let status = followed.status_source();
            let metrics = Router::new().route("/metrics", get(async move || status().to_prometheus_text()));
            let listener = tokio::net::TcpListener::bind(address).await?;
            eprintln!("metrics on http://{}/metrics", listener.local_addr()?);
            tokio::spawn(async { axum::serve(listener, metrics).await });
        }
        Ok(Self { validator: followed.validator(), _followed: Some(followed) })
    }
}
