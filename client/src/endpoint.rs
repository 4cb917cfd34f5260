//! Where a Brevet is, and how to get a signing client for it.

use std::fmt;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use brevet_validator::credential::Credentials;
use http::Uri;
use tonic::transport::{Certificate, Channel, ClientTlsConfig};

use crate::proto::admin::access_key_service_client::AccessKeyServiceClient;
use crate::proto::admin::directory_service_client::DirectoryServiceClient;
use crate::proto::admin::policy_service_client::PolicyServiceClient;
use crate::proto::admin::session_service_client::SessionServiceClient;
use crate::proto::admin::zone_service_client::ZoneServiceClient;
use crate::proto::sts::security_token_service_client::SecurityTokenServiceClient;
use crate::proto::validation::validation_service_client::ValidationServiceClient;
use crate::signed::Signed;

/// A connection on which every call is signed. Its clones share it, so one is enough for clients of several services.
pub type SignedChannel = Signed<Channel>;

/// A client of `brevet.sts.v1.SecurityTokenService`.
pub type StsClient = SecurityTokenServiceClient<SignedChannel>;

/// A client of `brevet.admin.v1.AccessKeyService`.
pub type AccessKeyClient = AccessKeyServiceClient<SignedChannel>;

/// A client of `brevet.admin.v1.DirectoryService`.
pub type DirectoryClient = DirectoryServiceClient<SignedChannel>;

/// A client of `brevet.admin.v1.PolicyService`.
pub type PolicyClient = PolicyServiceClient<SignedChannel>;

/// A client of `brevet.admin.v1.SessionService`.
pub type SessionClient = SessionServiceClient<SignedChannel>;

/// A client of `brevet.validation.v1.ValidationService`.
pub type ValidationClient = ValidationServiceClient<SignedChannel>;

/// A client of `brevet.admin.v1.ZoneService`.
pub type ZoneClient = ZoneServiceClient<SignedChannel>;

/// An address and what is needed to reach it.
#[derive(Clone, Debug)]
pub struct Endpoint {
    uri: Uri,
    region: String,
    timeout: Duration,
    tls: ClientTlsConfig,
}

/// The endpoint cannot be used or reached.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Not `http://HOST:PORT` or `https://HOST:PORT`.
    #[error("{0:?} is not an endpoint: write http://HOST:PORT or https://HOST:PORT")]
    NotAnEndpoint(String),
    /// The CA file cannot be read.
    #[error("cannot read the CA file: {0}")]
    CaFile(#[source] std::io::Error),
    /// Nobody answers there, or TLS failed.
    #[error("cannot connect to {uri}")]
    Unreachable {
        /// What was tried.
        uri: String,
        /// Why it failed.
        #[source]
        source: tonic::transport::Error,
    },
}

impl Endpoint {
    /// An endpoint in region `us-east-1`, with a timeout of ten seconds and the system's roots for TLS.
    pub fn new(uri: &str) -> Result<Self, ConnectError> {
        let not_an_endpoint = || ConnectError::NotAnEndpoint(uri.to_owned());
        let parsed: Uri = uri.trim_end_matches('/').parse().map_err(|_| not_an_endpoint())?;
        let known = matches!(parsed.scheme_str(), Some("http" | "https"));
        if !known || parsed.authority().is_none() || parsed.path().len() > 1 || parsed.query().is_some() {
            return Err(not_an_endpoint());
        }
        Ok(Self {
            uri: parsed,
            region: "us-east-1".into(),
            timeout: Duration::from_secs(10),
            tls: ClientTlsConfig::new().with_native_roots(),
        })
    }

    /// Signs for this region. Brevet accepts any.
    #[must_use]
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = region.into();
        self
    }

    /// Gives up on connecting and on calls after this time.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Trusts the certificates in a PEM file, besides the system's.
    pub fn ca_file(mut self, path: &Path) -> Result<Self, ConnectError> {
        let pem = std::fs::read(path).map_err(ConnectError::CaFile)?;
        self.tls = self.tls.ca_certificate(Certificate::from_pem(pem));
        Ok(self)
    }

    /// Connects to the token service: [`Endpoint::channel`] with a [`StsClient`] on it.
    pub async fn connect(&self, credentials: Credentials) -> Result<StsClient, ConnectError> {
        self.channel(credentials).await.map(StsClient::new)
    }

    /// Connects, for any of the services: `PolicyClient::new(endpoint.channel(credentials).await?)`. The channel signs
    /// with these credentials for as long as it lives.
    pub async fn channel(&self, credentials: Credentials) -> Result<SignedChannel, ConnectError> {
        self.open(Channel::builder(self.uri.clone()).timeout(self.timeout), credentials).await
    }

    /// As [`Endpoint::channel`], for calls whose answers go on: no time limit cuts them off, and a connection that is dead is
    /// found to be so.
    pub async fn streaming_channel(&self, credentials: Credentials) -> Result<SignedChannel, ConnectError> {
        let endpoint = Channel::builder(self.uri.clone())
            .http2_keep_alive_interval(Duration::from_secs(10))
            .keep_alive_timeout(Duration::from_secs(5))
            .keep_alive_while_idle(true);
        self.open(endpoint, credentials).await
    }

    async fn open(
        &self,
        endpoint: tonic::transport::Endpoint,
        credentials: Credentials,
    ) -> Result<SignedChannel, ConnectError> {
        let unreachable = |source| ConnectError::Unreachable { uri: self.uri.to_string(), source };
        let mut endpoint = endpoint.connect_timeout(self.timeout);
        if self.uri.scheme_str() == Some("https") {
            endpoint = endpoint.tls_config(self.tls.clone()).map_err(unreachable)?;
        }
        let channel = endpoint.connect().await.map_err(unreachable)?;
        let authority = self.uri.authority().map(ToString::to_string).unwrap_or_default();
        let scheme = self.uri.scheme_str().unwrap_or("http").to_owned();
        Ok(Signed::new(channel, credentials, self.region.clone(), scheme, authority))
    }

    /// Whether others can read what comes from there: without TLS, from another machine than this one.
    pub fn is_exposed(&self) -> bool {
        let host = self.uri.host().unwrap_or_default();
        let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
        let here = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
        self.uri.scheme_str() != Some("https") && !here
    }
}

/// As it was given.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.uri.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_scheme_host_and_port_make_an_endpoint() {
        for good in ["http://127.0.0.1:8731", "https://sts.example.com", "http://[::1]:1/"] {
            assert!(Endpoint::new(good).is_ok(), "{good}");
        }
        for bad in ["127.0.0.1:8731", "ftp://host", "http://", "http://host/path", "http://host/?q", ""] {
            assert!(Endpoint::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_goes_over_the_network_in_the_clear_is_exposed() {
        for safe in [
            "https://sts.example.com",
            "http://127.0.0.1:1",
            "http://127.8.9.1",
            "http://[::1]:1",
            "http://localhost:1",
        ] {
            assert!(!Endpoint::new(safe).unwrap().is_exposed(), "{safe}");
        }
        for exposed in ["http://sts.example.com", "http://10.0.0.1", "http://[::2]:1", "http://localhost.example.com"] {
            assert!(Endpoint::new(exposed).unwrap().is_exposed(), "{exposed}");
        }
    }
}
