//! Says who signed a request: signature, token, expiry and revocation, without network.

mod activity;
mod bundle;
mod caller_policies;
mod confirm;
mod copy;
mod expired;
mod followed;
mod keys;
mod long_lived;
mod pending;
mod rejection;
mod revocations;
mod rules;
mod sessions;
mod signing_keys;
mod trust;
mod verified;

use std::sync::Arc;

pub use self::activity::Activity;
pub use self::bundle::BundleFileError;
pub use self::caller_policies::{CallerPolicies, InvalidCaller};
pub use self::copy::{CopyError, Loaded, TrustCopy};
pub use self::followed::FollowedTrust;
pub use self::long_lived::{KeySource, LongLivedKey};
pub use self::pending::Pending;
pub use self::rejection::{GrpcCode, Rejection};
pub use self::revocations::{CurrentRevocations, Revocations};
pub use self::signing_keys::{Fetching, Lookup, OnlineKey, SigningKeySource, WantedKey};
pub use self::trust::{Changes, Log, Staleness, Step, Trust, TrustError, TrustFollower, WhenStale};
pub use self::verified::Verified;

use self::expired::ExpiredSessions;
use self::keys::CurrentKeys;
use self::long_lived::LongLivedKeys;
use self::pending::Signer;
use self::sessions::{DerivedKey, KnownSession, Sessions};
use crate::credential::{AccessKeyId, KeyKind};
use crate::signature::{self, Presented, Refusal, Request, Rules};
use crate::timestamp::Timestamp;
use crate::token::{KeyRing, Session, SessionSecret, TokenError};

/// Checks requests. Cheap to share behind an [`Arc`].
///
/// The order in which a request is refused, so that nothing leaks and nothing is skipped:
///
/// 1. Form, algorithm, scope and time ([`signature::read`]).
/// 2. A long-lived key that is known and brings no token; or a temporary key and its own token, genuine,
///    not expired and not revoked.
/// 3. Payload and signature ([`Pending::finish`]).
///
/// What passed is remembered, so that the next request of the same session needs neither public-key work nor
/// key derivation; what failed is not remembered at all.
pub struct Validator {
    rules: Rules,
    keys: CurrentKeys,
    sessions: Sessions,
    expired: ExpiredSessions,
    long_lived: LongLivedKeys,
    signing_keys: Option<Arc<dyn SigningKeySource>>,
    revocations: Option<Arc<dyn Revocations>>,
    followed: Option<FollowedTrust>,
}

impl std::fmt::Debug for Validator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The caches hold tokens and keys.
        f.debug_struct("Validator").field("rules", &self.rules).finish_non_exhaustive()
    }
}

impl Validator {
    /// A validator with these rules and keys. `max_cached` bounds the sessions remembered.
    pub fn new(rules: Rules, ring: KeyRing, max_cached: u64) -> Self {
        Self::with_keys(rules, CurrentKeys::new(ring, Timestamp::MAX), max_cached)
    }

    fn with_keys(rules: Rules, keys: CurrentKeys, max_cached: u64) -> Self {
        Self {
            rules,
            keys,
            sessions: Sessions::new(max_cached),
            expired: ExpiredSessions::new(max_cached),
            long_lived: LongLivedKeys::new(max_cached),
            signing_keys: None,
            revocations: None,
            followed: None,
        }
    }

    /// Adds a source of long-lived keys. Without one, only temporary keys are accepted.
    #[must_use]
    pub fn with_key_source(mut self, source: Arc<dyn KeySource>) -> Self {
        self.long_lived.set_source(source);
        self
    }

    /// Adds a source of signing keys that cannot be derived here: those of long-lived keys, and those of sessions in an
    /// online zone. Without one, the former are unknown and the latter refused with [`Rejection::KeysUnavailable`].
    #[must_use]
    pub fn with_signing_keys(mut self, source: Arc<dyn SigningKeySource>) -> Self {
        self.signing_keys = Some(source);
        self
    }

    /// Adds what knows which sessions are revoked. Without it, sessions end when they expire. It is asked with every
    /// request, also of sessions that are remembered.
    #[must_use]
    pub fn with_revocations(mut self, revocations: Arc<dyn Revocations>) -> Self {
        self.revocations = Some(revocations);
        self
    }

    /// Replaces the key ring, for example by that of a new epoch.
    ///
    /// Takes effect with the next request: every remembered session is opened again with the new ring when it
    /// is next used, so a signing key that left the ring takes its sessions with it. The ring itself does not expire;
    /// [`Validator::replace_bundle`] keeps to the bundle's expiry.
    pub fn replace_ring(&self, ring: KeyRing) {
        self.keys.replace(ring, Timestamp::MAX);
    }

    /// Everything that comes before the payload: form, scope, time, key or token, expiry, revocation. Asks nobody: a
    /// signing key that would have to be fetched is [`Rejection::KeysUnavailable`].
    pub fn begin<'a>(&'a self, request: Request<'a>, now: Timestamp) -> Result<Pending<'a>, Rejection> {
        self.begin_under(&self.rules, request, now)
    }

    /// [`Validator::begin`] by other rules than the validator's own, for whoever checks requests of several services.
    pub fn begin_under<'a>(
        &'a self,
        rules: &Rules,
        request: Request<'a>,
        now: Timestamp,
    ) -> Result<Pending<'a>, Rejection> {
        match self.start(rules, request, now, None)? {
            Started::Pending(pending) => Ok(pending),
            Started::Wanting(..) => Err(Rejection::KeysUnavailable),
        }
    }

    /// [`Validator::begin`], which asks the source of signing keys for one that is missing, once.
    pub async fn begin_fetching<'a>(&'a self, request: Request<'a>, now: Timestamp) -> Result<Pending<'a>, Rejection> {
        let (presented, id) = match self.start(&self.rules, request, now, None)? {
            Started::Pending(pending) => return Ok(pending),
            Started::Wanting(presented, id) => (presented, id),
        };
        let source = self.signing_keys.as_ref().ok_or(Rejection::KeysUnavailable)?;
        let fetched = source.fetch(WantedKey::of(&presented, id), now).await;
        // From the start, because in the meantime the session may have been revoked.
        match self.start(&self.rules, request, now, Some(&fetched))? {
            Started::Pending(pending) => Ok(pending),
            Started::Wanting(..) => Err(Rejection::KeysUnavailable),
        }
    }

    /// [`Validator::begin`] and [`Pending::finish`] for a body at hand.
    pub fn verify(&self, request: Request<'_>, body: &[u8], now: Timestamp) -> Result<Verified, Rejection> {
        self.begin(request, now)?.finish(body)
    }

    /// What this validator accepts.
    pub(crate) fn rules(&self) -> &Rules {
        &self.rules
    }

    /// As far as one gets without asking anyone. What was `fetched` for this very request comes before what the source
    /// remembers.
    fn start<'a>(
        &'a self,
        rules: &Rules,
        request: Request<'a>,
        now: Timestamp,
        fetched: Option<&Lookup>,
    ) -> Result<Started<'a>, Rejection> {
        let presented = signature::read(request, rules, now)?;
        let id = presented.access_key_id().parse::<AccessKeyId>().ok();
        let found = match (id.map(|id| (id.kind(), id)), presented.security_token()) {
            (Some((KeyKind::Temporary, id)), Some(token)) => self.session(&presented, id, token, now, fetched)?,
            (Some((KeyKind::LongLived, id)), None) => match self.long_lived.find(&presented, id, now) {
                Some((signer, key)) => Found::Key(signer, key),
                None => self.online_owner(&presented, id, now, fetched)?,
            },
            // Temporary without a token, long-lived with one, or no id that was ever made.
            _ => return Err(long_lived::unknown(&presented)),
        };
        Ok(match found {
            Found::Key(signer, key) => Started::Pending(Pending::new(presented, signer, key)),
            Found::Wanting(id) => Started::Wanting(presented, id),
        })
    }

    /// The owner of a long-lived key that is not known here, and the signing key.
    fn online_owner<'a>(
        &'a self,
        presented: &Presented<'_>,
        id: AccessKeyId,
        now: Timestamp,
        fetched: Option<&Lookup>,
    ) -> Result<Found<'a>, Rejection> {
        if self.signing_keys.is_none() {
            return Err(long_lived::unknown(presented));
        }
        // Whoever hears nothing does not hear either that a key is withdrawn.
        self.keys.load(now)?;
        let stale = self.followed.as_ref().map_or(Ok(None), |followed| followed.check(now))?;
        match self.look_up(WantedKey::of(presented, id), now, fetched) {
            Lookup::Found(OnlineKey { signing_key, caller: Some(caller) }) => {
                let withdrawn = self.withdrawn(id);
                Ok(Found::Key(Signer::Online { id, caller, withdrawn, stale }, DerivedKey::Online(signing_key)))
            }
            Lookup::Absent => Err(long_lived::unknown(presented)),
            Lookup::Found(OnlineKey { caller: None, .. }) | Lookup::Unknown => Ok(Found::Wanting(id)),
        }
    }

    /// The revision at which a long-lived key was last withdrawn, as far as it was heard of.
    fn withdrawn(&self, id: AccessKeyId) -> Option<u64> {
        self.followed.as_ref().and_then(|followed| followed.withdrawn(id))
    }

    fn look_up(&self, wanted: WantedKey<'_>, now: Timestamp, fetched: Option<&Lookup>) -> Lookup {
        match (fetched, &self.signing_keys) {
            (Some(fetched), _) => fetched.clone(),
            (None, Some(source)) => source.find(wanted, now),
            (None, None) => Lookup::Unknown,
        }
    }

    /// The session behind a token, and the key that its signature must be made with.
    fn session<'a>(
        &'a self,
        presented: &Presented<'_>,
        id: AccessKeyId,
        token: &str,
        now: Timestamp,
        fetched: Option<&Lookup>,
    ) -> Result<Found<'a>, Rejection> {
        let keys = self.keys.load(now)?;
        let stale = self.followed.as_ref().map_or(Ok(None), |followed| followed.check(now))?;
        let remembered = self.sessions.find(token, keys.generation);
        let fresh = remembered.is_none();
        let known = match remembered {
            Some(known) => known,
            None => match keys.ring.open(token, id.as_str(), now) {
                Ok(session) => Arc::new(KnownSession::new(session, keys.generation)),
                Err(TokenError::Expired) => return Err(self.expire(token, id, now)),
                Err(TokenError::Invalid(_)) => return Err(Rejection::InvalidToken),
            },
        };
        let session = &known.session;
        if session.access_key_id != id {
            return Err(Rejection::InvalidToken);
        }
        if session.lifetime.is_over(now) || self.expired.contains(id, now) {
            return Err(self.expire(token, id, now));
        }
        if self.is_revoked(session) {
            self.sessions.forget(token);
            return Err(Rejection::InvalidToken);
        }
        let scope = presented.scope();
        let key = match (known.derived.find(scope), &session.secret) {
            (Some(key), _) => key,
            (None, SessionSecret::Online(covered)) if covered.contains(scope) => {
                match self.look_up(WantedKey::of(presented, id), now, fetched) {
                    Lookup::Found(found) => DerivedKey::Online(found.signing_key),
                    Lookup::Absent => return Err(Rejection::InvalidToken),
                    Lookup::Unknown => return Ok(Found::Wanting(id)),
                }
            }
            (None, secret) => DerivedKey::new(secret.signing_key(scope).ok_or_else(scope_not_covered)?),
        };
        Ok(Found::Key(Signer::Session { known, cache: fresh.then_some(&self.sessions), now, stale }, key))
    }

    fn is_revoked(&self, session: &Session) -> bool {
        self.revocations.as_ref().is_some_and(|revocations| revocations.refuses(session))
            || self.followed.as_ref().is_some_and(|followed| followed.refuses(session))
    }

    fn expire(&self, token: &str, id: AccessKeyId, now: Timestamp) -> Rejection {
        self.expired.note(id, now);
        self.sessions.forget(token);
        Rejection::ExpiredToken
    }
}

/// How far a check got.
enum Started<'a> {
    Pending(Pending<'a>),
    /// The signing key of this access key is missing.
    Wanting(Presented<'a>, AccessKeyId),
}

/// Whose signature it must be, or which key is missing.
enum Found<'a> {
    Key(Signer<'a>, DerivedKey),
    Wanting(AccessKeyId),
}

fn scope_not_covered() -> Rejection {
    Refusal::Scope("Credential should be scoped to a service and date that the security token covers.".to_owned())
        .into()
}
