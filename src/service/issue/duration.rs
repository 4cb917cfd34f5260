//! How long credentials may live. What is too long is refused; only for root it is cut, as in AWS.

use brevet_validator::identity::Principal;

use super::parameters;
use crate::service::error::Error;

/// Longest session of a role that was taken on by a session of a role, in seconds.
const ROLE_CHAINING_MAX: u32 = 3_600;
/// Longest session of root, in seconds.
const ROOT_MAX: u32 = 3_600;

/// Bounds and default of one operation, in seconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    min: u32,
    max: u32,
    default: u32,
}

/// AssumeRole and its kin.
pub(super) const ROLE_SESSION: Bounds = Bounds { min: 900, max: 43_200, default: 3_600 };
/// GetSessionToken and GetFederationToken.
pub(super) const USER_SESSION: Bounds = Bounds { min: 900, max: 129_600, default: 43_200 };
/// GetWebIdentityToken.
pub(super) const WEB_IDENTITY_TOKEN: Bounds = Bounds { min: 60, max: 3_600, default: 300 };

impl Bounds {
    /// The seconds asked for; or the default, as far as so many are left.
    pub(super) fn read_within(self, text: &Option<String>, left: Option<u32>) -> Result<u32, Error> {
        match text {
            Some(_) => self.read(text),
            None => Ok(self.default.min(left.unwrap_or(self.default))),
        }
    }

    /// The seconds asked for, or the default.
    pub(super) fn read(self, text: &Option<String>) -> Result<u32, Error> {
        match text {
            Some(text) => parameters::check_number(text, self.min, self.max, "durationSeconds"),
            None => Ok(self.default),
        }
    }
}

/// What the role and the way to it allow.
pub(super) fn limit_by_role(asked: u32, max_session_duration: u32, by_role: bool) -> Result<u32, Error> {
    if by_role && asked > ROLE_CHAINING_MAX {
        return Err(Error::validation(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
        ));
    }
    if asked > max_session_duration {
        return Err(Error::validation(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        ));
    }
    Ok(asked)
}

/// What is left to a chain of sessions that ends with its first.
pub(super) fn limit_by_chain(asked: u32, left: Option<u32>) -> Result<u32, Error> {
    match left {
        Some(left) if asked > left => Err(Error::validation(format!(
            "The requested DurationSeconds exceeds the {left} seconds that are left to the first session of this chain, with \
             which all others end."
        ))),
        Some(_) | None => Ok(asked),
    }
}

/// Root gets an hour at most, whatever it asks for.
pub(super) fn limit_by_principal(asked: u32, principal: &Principal) -> u32 {
    if matches!(principal, Principal::Root { .. }) { asked.min(ROOT_MAX) } else { asked }
}
