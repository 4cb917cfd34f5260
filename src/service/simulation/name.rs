//! What a simulation asks about: actions without wildcards, and resources.

use brevet_validator::identity::AccountId;

use crate::service::error::{Error, Kind};
use crate::service::parameters::shown;

/// `service:Operation`, without wildcards.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ActionName(String);

impl ActionName {
    /// AWS's `ActionNameType`.
    const LENGTH: std::ops::RangeInclusive<usize> = 3..=128;

    /// Reads a name. The service may or may not be one that is known.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let is_word = |word: &str| {
            !word.is_empty() && word.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.'))
        };
        let named = text.split_once(':').is_some_and(|(service, name)| is_word(service) && is_word(name));
        if named && Self::LENGTH.contains(&text.len()) {
            return Ok(Self(text.to_owned()));
        }
        Err(invalid(format!("The action '{}' is not valid: service:Operation is expected.", shown(text))))
    }

    /// As given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An ARN, or `*` for any resource. Nothing in it is a wildcard: it is compared as it stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ResourceName(String);

impl ResourceName {
    /// AWS's `ResourceNameType`.
    const LONGEST: usize = 2048;

    /// Reads a name. Unlike the names of users and roles, a resource's may have spaces, as keys of S3 do.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let segments: Vec<&str> = text.splitn(6, ':').collect();
        let is_arn = matches!(segments[..], ["arn", partition, service, _, _, name]
            if !partition.is_empty() && !service.is_empty() && !name.is_empty());
        let fits = text.chars().count() <= Self::LONGEST && !text.chars().any(char::is_control);
        if fits && (is_arn || text == "*") {
            return Ok(Self(text.to_owned()));
        }
        Err(invalid(format!("The resource '{}' is not valid: an ARN or * is expected.", shown(text))))
    }

    /// Any resource.
    pub fn any() -> Self {
        Self("*".to_owned())
    }

    /// As given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The account that the ARN names, if it names one.
    pub fn account(&self) -> Option<AccountId> {
        self.0.split(':').nth(4)?.parse().ok()
    }
}

pub(super) fn invalid(message: impl Into<String>) -> Error {
    Error::new(Kind::InvalidInput, message)
}
