//! Where a fetch may connect to. URLs are checked before they are followed, and names when they are resolved for a
//! connection: what a name resolved to earlier counts for nothing, so that rebinding it gains nothing.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::Semaphore;

use super::address::Class;
use crate::service::federation::key_sets::KeySetError;

/// The addresses of a name that are tried at most.
const ADDRESSES: usize = 16;

/// Resolutions at a time. Each holds a thread for as long as the system's resolver pleases, also when nobody waits for
/// it any more; the audit log and the store need threads too.
const RESOLUTIONS: usize = 128;

/// Finds the addresses of a name.
pub(super) trait Lookup: Send + Sync + fmt::Debug {
    /// The ports of what is found do not count.
    fn lookup(&self, name: String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>>;
}

/// The system's resolver.
#[derive(Debug)]
pub(super) struct SystemLookup(Arc<Semaphore>);

impl Default for SystemLookup {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(RESOLUTIONS)))
    }
}

impl Lookup for SystemLookup {
    fn lookup(&self, name: String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        let permits = Arc::clone(&self.0);
        async move {
            let permit = permits.acquire_owned().await.map_err(io::Error::other)?;
            // A task of its own, so that the permit is held until the thread is free.
            let found = tokio::spawn(async move {
                let found = tokio::net::lookup_host((name, 0)).await?.collect();
                drop(permit);
                Ok(found)
            });
            found.await?
        }
        .boxed()
    }
}

/// What one provider may be reached at.
#[derive(Clone, Debug)]
pub(super) struct Guard {
    pub(super) lookup: Arc<dyn Lookup>,
    pub(super) classify: fn(IpAddr) -> Class,
    pub(super) allow_private: bool,
}

impl Guard {
    /// Whether a URL may be followed. Plain HTTP is for loopback, and only if the provider is at a loopback address in
    /// plain HTTP itself (`plaintext`).
    pub(super) fn check(&self, url: &Url, plaintext: bool) -> Result<(), KeySetError> {
        let host = url.host_str().unwrap_or_default();
        let is_known_scheme = match url.scheme() {
            "https" => true,
            "http" => plaintext && self.allow_private && is_loopback(host),
            _ => false,
        };
        if !is_known_scheme || host.is_empty() || !url.username().is_empty() || url.password().is_some() {
            return Err(KeySetError::Url);
        }
        // The connector does not resolve a literal, so it has to be looked at here.
        match literal(host) {
            Some(address) if !self.allows(host, address) => Err(KeySetError::Address),
            _ => Ok(()),
        }
    }

    fn allows(&self, host: &str, address: IpAddr) -> bool {
        if is_local_name(host) && !address.is_loopback() {
            return false;
        }
        match (self.classify)(address) {
            Class::Public => true,
            Class::Private => self.allow_private,
            Class::Forbidden => false,
        }
    }
}

/// The connector asks here for each new connection, and connects to nothing else.
impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        async move {
            let name = name.as_str();
            let found = guard.lookup.lookup(name.to_owned()).await?;
            let allowed: Vec<_> =
                found.iter().copied().filter(|found| guard.allows(name, found.ip())).take(ADDRESSES).collect();
            if allowed.is_empty() && !found.is_empty() {
                return Err(ForbiddenAddress.into());
            }
            let addresses: Addrs = Box::new(allowed.into_iter());
            Ok(addresses)
        }
        .boxed()
    }
}

/// A name has addresses, and none of them is allowed.
#[derive(Debug, thiserror::Error)]
#[error("every address of the name is private or reserved")]
pub(super) struct ForbiddenAddress;

/// Whether a URL in plain HTTP leads to this machine.
pub(super) fn is_loopback(host: &str) -> bool {
    is_local_name(host) || literal(host).is_some_and(|address| address.is_loopback())
}

/// `localhost`, which no resolver may take elsewhere (RFC 6761 §6.3).
fn is_local_name(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    host == "localhost" || host.ends_with(".localhost")
}

/// The address that a host is. `Url` has written every other spelling of an IPv4 address in four numbers by now.
fn literal(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}
