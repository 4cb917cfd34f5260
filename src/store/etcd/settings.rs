//! How etcd is reached.

use std::fmt;

use brevet_validator::secret::Secret;

/// The prefix of a deployment that was given none.
pub const DEFAULT_PREFIX: &str = "/brevet/";

/// Where a deployment lies, and how its members are reached.
#[derive(Clone, Debug)]
pub struct EtcdSettings {
    /// `HOST:PORT` of each member.
    pub endpoints: Vec<String>,
    /// Of all keys of the deployment.
    pub prefix: String,
    /// `None` for plaintext.
    pub tls: Option<EtcdTls>,
    /// The name and password of a user of etcd.
    pub login: Option<(String, Secret<String>)>,
}

/// Certificates, as PEM.
#[derive(Clone)]
pub struct EtcdTls {
    /// Whose members' certificates are believed.
    pub ca: Vec<u8>,
    /// The client's certificate chain and key.
    pub identity: Option<(Vec<u8>, Secret<Vec<u8>>)>,
}

impl fmt::Debug for EtcdTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EtcdTls").field("identity", &self.identity.is_some()).finish_non_exhaustive()
    }
}
