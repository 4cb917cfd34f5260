//! The last step: a fresh secret, and the token that carries it.

use brevet_validator::credential::{Credentials, Lifetime};
use brevet_validator::timestamp::Timestamp;
use brevet_validator::token::{Claims, MintError};

use super::Issuer;
use super::answer::{Holder, Issued};
use super::session_policy::too_large;
use crate::service::directory::Snapshot;
use crate::service::error::Error;
use crate::service::random::secret_key;

impl Issuer {
    /// Makes the credentials, good in the zones of this directory. Whoever gets an error got nothing.
    pub(super) fn mint(
        &self,
        directory: &Snapshot,
        claims: Claims,
        holder: Holder,
        packed_policy_size: Option<u32>,
        now: Timestamp,
        seconds: u32,
    ) -> Result<Issued, Error> {
        let lifetime = Lifetime { issued_at: now, expires_at: now + i64::from(seconds) };
        let mut random = [0; 32];
        self.random.fill(&mut random).map_err(Error::unavailable)?;
        let secret = secret_key(&*self.random).map_err(Error::unavailable)?;
        let minted = self
            .keys
            .mint(&claims, lifetime, &directory.session_zones(), secret, random, self.clock.now_nanos())
            .map_err(|error| match error {
                MintError::TooLong => too_large(
                    "The session policy and tags do not fit into a security token beside the names of the role and the \
                     session, please use smaller ones.",
                ),
                MintError::Unusable(_) => Error::internal(error),
            })?;
        Ok(Issued {
            credentials: Credentials {
                access_key_id: minted.access_key_id,
                secret_access_key: minted.secret_access_key,
                security_token: Some(minted.security_token),
                expiration: Some(lifetime.expires_at),
            },
            holder,
            packed_policy_size,
            session_id: minted.session_id,
            lifetime,
            claims,
        })
    }
}
