//! Asked once more when the whole of a request is there: its body may have taken its time.

use super::verified::Who;
use super::{Rejection, Validator, Verified};
use crate::timestamp::Timestamp;

impl Validator {
    /// Whether whoever was verified still is now: the session not over, not revoked, the key not withdrawn, and what is known
    /// fresh enough. To be asked by whoever begins a request that ends later; the layer does.
    pub fn confirm(&self, verified: &Verified, now: Timestamp) -> Result<(), Rejection> {
        let Who::LongLived { access_key_id, .. } = verified.who() else {
            // Whoever hears nothing does not know.
            self.keys.load(now)?;
            self.followed.as_ref().map_or(Ok(None), |followed| followed.check(now))?;
            return self.confirm_heard(verified.who(), now);
        };
        if self.long_lived.knows(*access_key_id, now) { Ok(()) } else { Err(Rejection::InvalidToken) }
    }

    fn confirm_heard(&self, who: &Who, now: Timestamp) -> Result<(), Rejection> {
        match who {
            Who::Session(session) if session.lifetime.is_over(now) => Err(Rejection::ExpiredToken),
            Who::Session(session) if self.is_revoked(session) => Err(Rejection::InvalidToken),
            Who::Online { access_key_id, withdrawn, .. } if self.withdrawn(*access_key_id) > *withdrawn => {
                Err(Rejection::InvalidToken)
            }
            Who::Session(_) | Who::Online { .. } | Who::LongLived { .. } => Ok(()),
        }
    }
}
