//! Says who signed a request: signature, token, expiry and revocation, without network.

mod activity;
mod bundle;
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
mod trust;
mod verified;

use std::sync::Arc;

pub use self::activity::Activity;
pub use self::bundle::BundleFileError;
pub use self::copy::{CopyError, Loaded, TrustCopy};
pub use self::followed::FollowedTrust;
pub use self::long_lived::{KeySource, LongLivedKey};
pub use self::pending::Pending;
pub use self::rejection::{GrpcCode, Rejection};
pub use self::revocations::{CurrentRevocations, Revocations};
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
use crate::token::{KeyRing, Session, TokenError};

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

    /// Everything that comes before the payload: form, scope, time, key or token, expiry, revocation.
    pub fn begin<'a>(&'a self, request: Request<'a>, now: Timestamp) -> Result<Pending<'a>, Rejection> {
        let presented = signature::read(request, &self.rules, now)?;
        let id = presented.access_key_id().parse::<AccessKeyId>().ok();
        let (signer, key) = match (id.map(|id| (id.kind(), id)), presented.security_token()) {
            (Some((KeyKind::Temporary, id)), Some(token)) => self.session(&presented, id, token, now)?,
            (Some((KeyKind::LongLived, id)), None) => self.long_lived.find(&presented, id, now)?,
            // Temporary without a token, long-lived with one, or no id that was ever made.
            _ => return Err(long_lived::unknown(&presented)),
        };
        Ok(Pending::new(presented, signer, key))
    }

    /// [`Validator::begin`] and [`Pending::finish`] for a body at hand.
    pub fn verify(&self, request: Request<'_>, body: &[u8], now: Timestamp) -> Result<Verified, Rejection> {
        self.begin(request, now)?.finish(body)
    }

    /// What this validator accepts.
    pub(crate) fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The session behind a token, and the key that its signature must be made with.
    fn session<'a>(
        &'a self,
        presented: &Presented<'_>,
        id: AccessKeyId,
        token: &str,
        now: Timestamp,
    ) -> Result<(Signer<'a>, DerivedKey), Rejection> {
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
        let key = match known.derived.find(presented.scope()) {
            Some(key) => key,
            None => DerivedKey::new(session.secret.signing_key(presented.scope()).ok_or_else(scope_not_covered)?),
        };
        Ok((Signer::Session { known, cache: fresh.then_some(&self.sessions), now, stale }, key))
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

fn scope_not_covered() -> Rejection {
    Refusal::Scope("Credential should be scoped to a service and date that the security token covers.".to_owned())
        .into()
}
