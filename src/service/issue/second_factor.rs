//! `SerialNumber` and `TokenCode`. No user has a device that could have made a code, so none can be right.

use brevet_validator::policy::Reason;

use super::parameters::{SERIAL_NUMBER, TOKEN_CODE};
use crate::service::caller::forbidden;
use crate::service::error::Error;

/// What was passed of a second factor, in form.
#[derive(Clone, Copy, Debug)]
pub(super) struct SecondFactor {
    passed: bool,
}

impl SecondFactor {
    pub(super) fn read(serial_number: &Option<String>, token_code: &Option<String>) -> Result<Self, Error> {
        let serial_number = SERIAL_NUMBER.optional(serial_number, "serialNumber")?;
        let token_code = TOKEN_CODE.optional(token_code, "tokenCode")?;
        Ok(Self { passed: serial_number.is_some() || token_code.is_some() })
    }

    /// A request that relies on a second factor must not succeed without one.
    pub(super) fn verify(self) -> Result<(), Error> {
        if self.passed {
            return Err(forbidden(
                Reason::ExplicitDeny,
                "MultiFactorAuthentication failed with invalid MFA one time pass code.",
            ));
        }
        Ok(())
    }
}
