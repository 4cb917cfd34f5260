//! From the text of an identity token to a verified web identity: whose it is, with whose keys, and whether it is good.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use brevet_validator::identity::AccountId;
use brevet_validator::timestamp::Timestamp;

use super::key_sets::{KeySetError, KeySetSource, KeySets, Published};
use super::provider_states::{Exchanges, ProviderStates};
use super::refused_sources::RefusedSources;
use super::{Expectation, KeySet, RefusalCode, TokenRefusal, UnverifiedToken};
use crate::service::caller::{Envelope, WebIdentity};
use crate::service::directory::{OidcProvider, Snapshot};
use crate::service::error::{Error, Kind};

/// What operators read of a disabled provider.
const DISABLED: &str = "the identity provider is disabled";

/// What a source reads that brought many tokens in vain.
const THROTTLED: &str = "Rate exceeded: too many identity tokens from this address were refused. Try again later.";

/// Verifies identity tokens of the issuers that accounts trust.
#[derive(Clone, Debug)]
pub struct Identification {
    key_sets: Arc<dyn KeySets>,
    exchanges: Arc<Mutex<Exchanges>>,
    refused: Arc<Mutex<RefusedSources>>,
}

impl Identification {
    /// With keys from here.
    pub fn new(key_sets: Arc<dyn KeySets>) -> Self {
        Self { key_sets, exchanges: Arc::default(), refused: Arc::default() }
    }

    /// Whoever holds the token, in the account that trusts its issuer. White space around the token is left out.
    ///
    /// Nothing is fetched for an issuer that the account does not have, or has disabled. `directory` gives the snapshot of the
    /// moment; what changed while keys were fetched counts.
    pub async fn identify(
        &self,
        token: &str,
        account: AccountId,
        directory: impl Fn() -> Arc<Snapshot>,
        envelope: &Envelope,
        region: &str,
        now: Timestamp,
    ) -> Result<WebIdentity, Error> {
        // Before anything else, so that the answer is the same whoever issued the token.
        self.admit(envelope.source_ip, now)?;
        let unverified = UnverifiedToken::parse(token.trim_ascii())?;
        let snapshot = directory();
        let before = trusted_provider(&snapshot, account, &unverified)?;
        let identified = async {
            let source = source(before);
            let keys = self.key_sets.key_set(&source, unverified.key_id()).await?;
            let snapshot = directory();
            let provider = trusted_provider(&snapshot, account, &unverified)?;
            // As long as nobody changes it, the record is the same one in every snapshot.
            if !std::ptr::eq(before, provider) && !source.is(&self::source(provider)) {
                return Err(KeySetError::Changed.into());
            }
            // Many may have waited together.
            self.admit(envelope.source_ip, now)?;
            let token = unverified.verify(&keys, &provider.expectation(), now).inspect_err(|refusal| {
                if !refusal.is_cheap() {
                    self.in_vain(envelope.source_ip, now);
                }
            })?;
            let provider = provider.clone();
            Ok(WebIdentity::new(token, &provider, snapshot, envelope, region, now))
        };
        identified.await.inspect_err(|_| self.count(&before.id, false))
    }
}

impl Identification {
    /// Counts an exchange for operators: of a token of this provider, which is told by its unique id. Those that
    /// [`Identification::identify`] refuses are counted already.
    pub fn count(&self, provider_id: &str, issued: bool) {
        self.exchanges.lock().unwrap_or_else(PoisonError::into_inner).count(provider_id, issued);
    }

    /// Counts a token of this source that was verified, and got its holder nothing. Those that [`Identification::identify`]
    /// refuses are counted already.
    pub fn in_vain(&self, source: IpAddr, now: Timestamp) {
        self.refused().add(source, now);
    }

    /// The providers of all accounts, for operators.
    pub fn provider_states(&self, snapshot: &Snapshot, now: Timestamp) -> ProviderStates {
        let mut exchanges = self.exchanges.lock().unwrap_or_else(PoisonError::into_inner);
        ProviderStates::of(snapshot, &*self.key_sets, &mut exchanges, now)
    }

    /// The keys of a provider, asked for because of a token that names the key `kid`.
    pub(super) async fn keys(&self, provider: &OidcProvider, kid: Option<&str>) -> Result<Arc<KeySet>, KeySetError> {
        self.key_sets.key_set(&source(provider), kid).await
    }

    /// Seconds that a provider's clock was ahead of ours when its keys last came.
    pub(super) fn clock_ahead(&self, provider: &OidcProvider) -> Option<i64> {
        self.key_sets.status(&source(provider)).clock_ahead
    }

    /// Whether a source is listened to.
    fn admit(&self, source: IpAddr, now: Timestamp) -> Result<(), Error> {
        if self.refused().has(source, now) { Err(Error::new(Kind::Throttling, THROTTLED)) } else { Ok(()) }
    }

    fn refused(&self) -> MutexGuard<'_, RefusedSources> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OidcProvider {
    /// What a token of it must be.
    pub(super) fn expectation(&self) -> Expectation<'_> {
        let defaults = Expectation::new(&self.issuer, &self.client_ids);
        let mut expected = Expectation { mapping: &self.claim_mapping, ..defaults };
        if !self.reach.algorithms.is_empty() {
            expected.algorithms = &self.reach.algorithms;
        }
        expected
    }
}

/// The provider of exactly this issuer. Its name alone is not enough: it leaves the scheme out.
pub(super) fn provider<'a>(snapshot: &'a Snapshot, account: AccountId, issuer: &str) -> Option<&'a OidcProvider> {
    let (_, name) = issuer.split_once("://")?;
    snapshot.provider(account, name).filter(|provider| provider.issuer.as_str() == issuer)
}

/// Where the keys of a provider come from. Plaintext issuers were allowed on this machine alone, where addresses are
/// private.
pub(super) fn source(provider: &OidcProvider) -> KeySetSource {
    let reach = &provider.reach;
    match &reach.pinned {
        Some((_, keys)) => KeySetSource::Pinned(Arc::clone(keys)),
        None => KeySetSource::Published(Arc::new(Published {
            issuer: provider.issuer.clone(),
            discovery_url: reach.discovery_url.clone(),
            ca_certificates: reach.ca_certificates.clone(),
            allow_private: reach.allow_private || !provider.issuer.is_https(),
        })),
    }
}

/// The provider whose tokens are accepted. One that is disabled and one that is not there are the same to the caller.
fn trusted_provider<'a>(
    snapshot: &'a Snapshot,
    account: AccountId,
    token: &UnverifiedToken<'_>,
) -> Result<&'a OidcProvider, Error> {
    match provider(snapshot, account, token.issuer()) {
        Some(provider) if provider.disabled => Err(unknown_issuer(token).because(DISABLED)),
        Some(provider) => Ok(provider),
        None => Err(unknown_issuer(token)),
    }
}

/// AWS's words, which name the issuer: whoever sent the token knows it.
fn unknown_issuer(token: &UnverifiedToken<'_>) -> Error {
    let issuer = crate::service::parameters::shown(token.issuer());
    Error::new(Kind::InvalidIdentityToken, format!("No OpenIDConnect provider found in your account for {issuer}"))
}

impl From<TokenRefusal> for Error {
    fn from(refusal: TokenRefusal) -> Self {
        let kind = match refusal.code() {
            RefusalCode::ValidationError => Kind::ValidationError,
            RefusalCode::InvalidIdentityToken => Kind::InvalidIdentityToken,
            RefusalCode::ExpiredTokenException => Kind::ExpiredIdentityToken,
            RefusalCode::IdpRejectedClaim => Kind::IdpRejectedClaim,
        };
        Self::new(kind, refusal.to_string())
    }
}

impl From<KeySetError> for Error {
    fn from(error: KeySetError) -> Self {
        let message = "The identity provider's keys cannot be fetched. Try again later.";
        Self::new(Kind::IdpCommunicationError, message).because(error)
    }
}
