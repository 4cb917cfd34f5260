//! A key that is to be made.

use brevet_validator::timestamp::Timestamp;

use super::holder::Holder;
use crate::service::directory::{AccessKey, Snapshot};
use crate::service::error::Error;
use crate::service::iam::call::Call;
use crate::service::iam::request::Expiration;
use crate::service::random::secret_key;

/// What is asked of it.
pub(super) struct NewKey {
    pub(super) description: String,
    pub(super) expires_at: Option<Timestamp>,
}

impl NewKey {
    /// Draws its id and secret.
    pub(super) fn draw(self, call: Call<'_>, before: &Snapshot, holder: &Holder<'_>) -> Result<AccessKey, Error> {
        let now = call.caller.now();
        Ok(AccessKey {
            id: call.iam.access_key_id(before)?,
            secret: secret_key(&*call.iam.random).map_err(Error::unavailable)?,
            account: call.account(),
            owner: holder.as_owner(),
            active: true,
            created_at: now,
            expires_at: self.expires_at,
            lifetime: self.expires_at.map(|end| end - now),
            description: self.description,
        })
    }
}

/// When it is over, by the clock of the service. That must be later than now.
pub(super) fn end(expiration: Option<Expiration>, now: Timestamp) -> Result<Option<Timestamp>, Error> {
    let end = match expiration {
        None => return Ok(None),
        Some(Expiration::At(end)) => end,
        // What reaches beyond the calendar means its end.
        Some(Expiration::After(seconds)) => now.saturating_add(seconds),
    };
    if end > now { Ok(Some(end)) } else { Err(Error::validation("The access key would be over before it is made.")) }
}
