//! One fetch: the discovery document, then the key set it names. Nothing of an answer is trusted but what is checked here.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use brevet_validator::timestamp::Timestamp;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use reqwest::header::{ACCEPT, AGE, CACHE_CONTROL, DATE, HeaderMap, HeaderName};
use reqwest::{Client, StatusCode, Url, redirect, retry};
use rustls::ClientConfig;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls_platform_verifier::Verifier;

use super::address::{Class, classify};
use super::guard::{ForbiddenAddress, Guard, Lookup, SystemLookup, is_loopback};
use super::state::Fetched;
use crate::service::federation::discovery::{self, MAX_DOCUMENT_BYTES};
use crate::service::federation::key_sets::{KeySetError, Published};
use crate::service::federation::{InvalidKeySet, KeySet, MAX_KEY_SET_BYTES};

/// Asks an issuer.
pub(super) trait Fetch: Send + Sync + fmt::Debug {
    /// The keys it publishes now.
    fn fetch(&self, source: Arc<Published>) -> BoxFuture<'static, Result<Fetched, KeySetError>>;
}

/// How long an issuer may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// To accept a connection.
    pub(super) connect: Duration,
    /// For everything: both documents, names, connections and handshakes.
    pub(super) whole: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { connect: Duration::from_secs(2), whole: Duration::from_secs(3) }
    }
}

/// Asks over HTTPS.
#[derive(Clone, Debug)]
pub(super) struct HttpFetch {
    pub(super) patience: Patience,
    pub(super) lookup: Arc<dyn Lookup>,
    pub(super) classify: fn(IpAddr) -> Class,
}

impl Default for HttpFetch {
    fn default() -> Self {
        Self { patience: Patience::default(), lookup: Arc::new(SystemLookup::default()), classify }
    }
}

impl Fetch for HttpFetch {
    fn fetch(&self, source: Arc<Published>) -> BoxFuture<'static, Result<Fetched, KeySetError>> {
        let this = self.clone();
        async move {
            let outcome = tokio::time::timeout(this.patience.whole, this.ask(Arc::clone(&source))).await;
            let outcome = outcome.unwrap_or_else(|_| Err(KeySetError::Timeout.into()));
            outcome.map_err(|Failed { error, cause }| {
                let cause = cause.as_deref().map(chain);
                tracing::warn!(issuer = source.issuer.as_str(), reason = error.as_str(), ?cause, "no key set: {error}");
                error
            })
        }
        .boxed()
    }
}

impl HttpFetch {
    async fn ask(self, source: Arc<Published>) -> Result<Fetched, Failed> {
        let document_url = match &source.discovery_url {
            Some(url) => url.clone(),
            None => discovery::document_url(&source.issuer),
        };
        let document_url = Url::parse(&document_url).map_err(|cause| Failed::by(KeySetError::Url, cause))?;
        // A provider at this machine may do without TLS. One elsewhere may not send us here in plain HTTP.
        let plaintext = document_url.scheme() == "http" && document_url.host_str().is_some_and(is_loopback);
        let guard = Guard { lookup: self.lookup, classify: self.classify, allow_private: source.allow_private };
        guard.check(&document_url, plaintext)?;

        let (patience, resolver, ca) = (self.patience, guard.clone(), source.ca_certificates.clone());
        // The system's certificates are read from files.
        let client = tokio::task::spawn_blocking(move || client(patience, resolver, ca.as_deref()));
        let client = client.await.map_err(|cause| Failed::by(KeySetError::Busy, cause))??;

        let (document, _) = get(&client, document_url, MAX_DOCUMENT_BYTES).await?;
        let key_set_url = discovery::key_set_url(&document, &source.issuer)?;
        let key_set_url = Url::parse(&key_set_url).map_err(|cause| Failed::by(KeySetError::Url, cause))?;
        guard.check(&key_set_url, plaintext)?;
        let (keys, headers) = get(&client, key_set_url, MAX_KEY_SET_BYTES).await?;
        let keys = KeySet::parse(&keys).map_err(|cause| match cause {
            InvalidKeySet::TooLarge | InvalidKeySet::TooManyKeys => Failed::by(KeySetError::TooLarge, cause),
            InvalidKeySet::Json | InvalidKeySet::NoKeys => Failed::by(KeySetError::KeySet, cause),
        })?;
        Ok(Fetched { keys, max_age: max_age(&headers), date: date(&headers) })
    }
}

/// A client for one fetch: system certificates that were renewed count at once, and no connection outlives its check.
fn client(patience: Patience, guard: Guard, ca: Option<&str>) -> Result<Client, Failed> {
    let unfit = |cause| Failed::by(KeySetError::Certificates, cause);
    let certificates = CertificateDer::pem_slice_iter(ca.unwrap_or_default().as_bytes());
    let certificates: Vec<_> =
        certificates.collect::<Result<_, _>>().map_err(|cause| Failed::by(KeySetError::Certificates, cause))?;
    if ca.is_some() && certificates.is_empty() {
        return Err(KeySetError::Certificates.into());
    }
    let provider = Arc::new(ring::default_provider());
    let verifier = Verifier::new_with_extra_roots(certificates, Arc::clone(&provider)).map_err(unfit)?;
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(unfit)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Client::builder()
        .tls_backend_preconfigured(tls)
        .http1_only()
        .no_proxy()
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .referer(false)
        .dns_resolver(Arc::new(guard))
        .connect_timeout(patience.connect)
        .user_agent(concat!("brevet/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|cause| Failed::by(KeySetError::Certificates, cause))
}

/// The body of a 200, as it was sent and up to a limit that is counted while it arrives.
async fn get(client: &Client, url: Url, limit: usize) -> Result<(Vec<u8>, HeaderMap), Failed> {
    let request = client.get(url).header(ACCEPT, "application/json");
    let mut answer = request.send().await.map_err(Failed::from)?;
    if answer.status() != StatusCode::OK {
        return Err(KeySetError::Status.into());
    }
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(Failed::from)? {
        if body.len() + chunk.len() > limit {
            return Err(KeySetError::TooLarge.into());
        }
        body.extend_from_slice(&chunk);
    }
    Ok((body, std::mem::take(answer.headers_mut())))
}

/// `max-age` of RFC 9111 §5.2.2.1; nothing, if the answer is not to be kept: then the shortest time is long enough.
fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let values = headers.get_all(CACHE_CONTROL).into_iter().filter_map(|value| value.to_str().ok());
    let mut age = None;
    for directive in values.flat_map(|value| value.split(',')) {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        let (name, value) = (name.trim(), value.trim().trim_matches('"'));
        if name.eq_ignore_ascii_case("no-store") || name.eq_ignore_ascii_case("no-cache") {
            return Some(Duration::ZERO);
        }
        if name.eq_ignore_ascii_case("max-age") {
            age = age.or_else(|| value.parse().ok().map(Duration::from_secs));
        }
    }
    age
}

/// What time it was for the issuer when the answer was sent: its `Date`, and the `Age` of an answer that a cache kept
/// (RFC 9111 §5.1).
fn date(headers: &HeaderMap) -> Option<Timestamp> {
    let text = |name: HeaderName| headers.get(name)?.to_str().ok();
    let date = httpdate::parse_http_date(text(DATE)?).ok()?.duration_since(UNIX_EPOCH).ok()?;
    let age = text(AGE).and_then(|age| age.parse::<u32>().ok()).unwrap_or(0);
    Timestamp::from_unix(i64::try_from(date.as_secs()).ok()?.checked_add(age.into())?)
}

/// A failure with what the log may know besides.
#[derive(Debug)]
struct Failed {
    error: KeySetError,
    cause: Option<Box<dyn StdError + Send + Sync>>,
}

impl Failed {
    fn by(error: KeySetError, cause: impl StdError + Send + Sync + 'static) -> Self {
        Self { error, cause: Some(Box::new(cause)) }
    }
}

impl From<KeySetError> for Failed {
    fn from(error: KeySetError) -> Self {
        Self { error, cause: None }
    }
}

impl From<reqwest::Error> for Failed {
    fn from(cause: reqwest::Error) -> Self {
        let error = if has::<ForbiddenAddress>(&cause) {
            KeySetError::Address
        } else if cause.is_timeout() {
            KeySetError::Timeout
        } else if has::<rustls::Error>(&cause) {
            KeySetError::Tls
        } else {
            KeySetError::Unreachable
        };
        Self::by(error, cause)
    }
}

/// An error and all below it. An `io::Error` does not count what it wraps among its sources.
fn sources<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| {
        let error: &'a (dyn StdError + 'static) = *error;
        match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        }
    })
}

fn has<E: StdError + 'static>(error: &(dyn StdError + 'static)) -> bool {
    sources(error).any(|error| error.is::<E>())
}

fn chain(error: &(dyn StdError + Send + Sync + 'static)) -> String {
    sources(error).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn max_age_is_read_from_all_the_forms_it_has() {
        for (values, seconds) in [
            (&["max-age=300"][..], Some(300)),
            (&["public, MAX-AGE=21600, must-revalidate, no-transform"], Some(21600)),
            (&["max-age=\"60\""], Some(60)),
            (&["private", "max-age=60"], Some(60)),
            (&["max-age=60, max-age=7200"], Some(60)),
            (&["max-age=60, no-cache"], Some(0)),
            (&["no-store"], Some(0)),
            (&["s-maxage=60"], None),
            (&["max-age=-1"], None),
            (&["max-age=1e9"], None),
            (&["max-age"], None),
            (&["\u{0}"], None),
            (&[], None),
        ] {
            let mut headers = HeaderMap::new();
            for value in values {
                if let Ok(value) = value.parse() {
                    headers.append(CACHE_CONTROL, value);
                }
            }
            assert_eq!(max_age(&headers), seconds.map(Duration::from_secs), "{values:?}");
        }
    }

    #[test]
    fn an_issuer_tells_the_time_also_through_a_cache() {
        let told = |values: &[(HeaderName, &str)]| {
            let headers = values.iter().map(|(name, value)| (name.clone(), value.parse().unwrap()));
            date(&headers.collect()).map(Timestamp::unix)
        };
        let sent = (DATE, "Thu, 15 Jan 2026 12:00:00 GMT");
        assert_eq!(told(std::slice::from_ref(&sent)), Some(1_768_478_400));
        assert_eq!(told(&[sent.clone(), (AGE, "90")]), Some(1_768_478_490));
        assert_eq!(told(&[sent, (AGE, "-90")]), Some(1_768_478_400));
        for bad in ["", "yesterday", "Thu, 01 Jan 1960 00:00:00 GMT", "Thu, 15 Jan 99999 12:00:00 GMT"] {
            assert_eq!(told(&[(DATE, bad)]), None, "{bad}");
        }
        assert_eq!(told(&[(AGE, "90")]), None);
    }

    #[test]
    fn b12_an_issuer_has_three_seconds() {
        let patience = Patience::default();
        assert!(patience.connect <= Duration::from_secs(2) && patience.whole <= Duration::from_secs(3));
    }
}
