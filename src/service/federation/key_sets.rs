//! What the service needs of identity providers' keys. Who fetches them and how long they are remembered is the
//! adapter's affair.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use brevet_validator::timestamp::Timestamp;
use futures_util::future::BoxFuture;

use super::{Issuer, KeySet};

/// Where the keys of a provider come from.
#[derive(Clone, Debug)]
pub enum KeySetSource {
    /// Keys in the provider's record: nothing is ever fetched.
    Pinned(Arc<KeySet>),
    /// Keys that the issuer publishes.
    Published(Arc<Published>),
}

/// How to reach what an issuer publishes. Two equal values share one set of keys; a record that changes is another
/// value, and nothing that was fetched for the old one serves the new one.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Published {
    /// Whose keys these are. The discovery document must name exactly this issuer.
    pub issuer: Issuer,
    /// The discovery document, if it is not where OpenID Connect Discovery puts it.
    pub discovery_url: Option<String>,
    /// Certificates in PEM that are trusted for this provider beside the system's.
    pub ca_certificates: Option<String>,
    /// Whether the provider may be at a loopback or private address.
    pub allow_private: bool,
}

/// Why there are no keys. All are `IDPCommunicationError` to the caller; the word is for operators.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum KeySetError {
    /// The URL of the discovery document or of the keys is not one that is fetched.
    #[error("a URL of the provider is not https, or has user information, or is no URL")]
    Url,
    /// The provider's certificates are not PEM, or there is no trusted certificate at all.
    #[error("the certificates to trust cannot be used")]
    Certificates,
    /// The address is private or reserved.
    #[error("the address of the provider is private or reserved")]
    Address,
    /// No such name, nobody there, or the connection broke.
    #[error("the provider cannot be reached")]
    Unreachable,
    /// The certificate is not trusted, or TLS failed otherwise.
    #[error("TLS with the provider failed")]
    Tls,
    /// It took too long.
    #[error("the provider did not answer in time")]
    Timeout,
    /// An HTTP status other than 200; redirects are not followed.
    #[error("the provider answered with another status than 200")]
    Status,
    /// The answer is too long.
    #[error("the answer of the provider is too long")]
    TooLarge,
    /// The discovery document cannot be read.
    #[error("the discovery document of the provider cannot be read")]
    Discovery,
    /// The discovery document is that of another issuer.
    #[error("the discovery document names another issuer")]
    Issuer,
    /// The key set cannot be read.
    #[error("the key set of the provider cannot be read")]
    KeySet,
    /// The issuer was asked a moment ago, and a key of this id may be newer than that.
    #[error("the provider was asked for its keys a moment ago and is left alone for now")]
    Resting,
    /// The provider's record was changed while its keys were fetched.
    #[error("the provider was changed while its keys were fetched")]
    Changed,
    /// Too many providers at once, or the process stops.
    #[error("too many providers are in use")]
    Busy,
}

impl KeySetSource {
    /// Whether it is the same source, and not one that a changed record made.
    pub fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Pinned(keys), Self::Pinned(others)) => Arc::ptr_eq(keys, others),
            (Self::Published(source), Self::Published(other)) => source == other,
            _ => false,
        }
    }
}

impl KeySetError {
    /// One word, for metrics and status.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Url => "url",
            Self::Certificates => "certificates",
            Self::Address => "address",
            Self::Unreachable => "unreachable",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Status => "status",
            Self::TooLarge => "too_large",
            Self::Discovery => "discovery",
            Self::Issuer => "issuer",
            Self::KeySet => "key_set",
            Self::Resting => "resting",
            Self::Changed => "changed",
            Self::Busy => "busy",
        }
    }
}

/// What is known of a source now.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct KeySetStatus {
    /// When keys last came. `None` if they never did, or are pinned.
    pub last_good_fetch: Option<Timestamp>,
    /// When these keys are, or were, no longer fresh.
    pub stale_at: Option<Timestamp>,
    /// Why the latest fetch failed. `None` if it did not.
    pub last_error: Option<KeySetError>,
    /// Seconds that the issuer's clock was ahead of ours when keys last came, if it told the time.
    pub clock_ahead: Option<i64>,
    /// How many keys can be used.
    pub keys: usize,
    /// How many fetches ended how: `success`, or the word of the error.
    pub fetches: BTreeMap<&'static str, u64>,
}

/// The keys of identity providers.
pub trait KeySets: Send + Sync + fmt::Debug {
    /// The keys of a source, asked for because of a token that names the key `kid`, or none.
    ///
    /// A set that lacks `kid` is returned once the issuer is known not to publish it. While the issuer is left alone, an
    /// unknown `kid` is [`KeySetError::Resting`]: trying again may help.
    fn key_set<'a>(
        &'a self,
        source: &'a KeySetSource,
        kid: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Arc<KeySet>, KeySetError>>;

    /// What is known of a source, without asking it.
    fn status(&self, source: &KeySetSource) -> KeySetStatus;
}
