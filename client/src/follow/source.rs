//! Where the credentials of a connection come from.

use std::pin::Pin;

use brevet_validator::credential::Credentials;

pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Asked at each connection, so that credentials which end can be replaced by then. A closure is one:
/// `|| async { credentials::from_environment() }`.
pub trait CredentialSource: Send + Sync + 'static {
    /// Credentials that are good now.
    fn credentials(&self) -> Pin<Box<dyn Future<Output = Result<Credentials, BoxError>> + Send + '_>>;
}

impl<S, F, E> CredentialSource for S
where
    S: Fn() -> F + Send + Sync + 'static,
    F: Future<Output = Result<Credentials, E>> + Send + 'static,
    E: Into<BoxError>,
{
    fn credentials(&self) -> Pin<Box<dyn Future<Output = Result<Credentials, BoxError>> + Send + '_>> {
        let found = self();
        Box::pin(async move { found.await.map_err(Into::into) })
    }
}
