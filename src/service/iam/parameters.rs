//! From parameters as sent to values that cannot be wrong, with AWS's sentences for those that are.
//!
//! The bounds are those of the shapes in AWS's service model. Nothing here looks at the directory.

use brevet_validator::identity::{Arn, is_name};

use super::owner::{Owner, OwnerKind};
use super::request::PolicyText;
use crate::service::error::{Error, Kind};
use crate::service::parameters::{Text, is_forging, is_word, refusal, shown};

const ANY: Text = Text { min: 1, max: 1000, pattern: "", matches: |_| true, shown: true };

/// `userNameType` and `roleNameType`: names of users and roles to be made.
const NEW_NAME: Text = Text { max: 64, ..ANY };
/// `existingUserNameType` and `policyNameType`.
const NAME: Text = Text { max: 128, ..ANY };
const PATH: Text = Text { max: 512, ..ANY };
const PATH_PREFIX: Text = Text {
    pattern: r"\u002F[\u0021-\u007F]*",
    matches: |text| text.starts_with('/') && text.chars().all(|c| matches!(c, '\u{21}'..='\u{7f}')),
    ..PATH
};
const ARN: Text = Text { min: 20, max: 2048, ..ANY };
const ACCESS_KEY_ID: Text =
    Text { min: 16, max: 128, pattern: r"[\w]+", matches: |text| text.bytes().all(is_word), shown: true };
const VERSION_ID: Text = Text {
    pattern: r"v[1-9][0-9]*(\.[A-Za-z0-9-]*)?",
    matches: |text| {
        let (number, suffix) = text.split_once('.').unwrap_or((text, ""));
        let digits = number.strip_prefix('v').filter(|digits| !digits.is_empty() && !digits.starts_with('0'));
        digits.is_some_and(|digits| digits.bytes().all(|c| c.is_ascii_digit()))
            && suffix.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-')
    },
    ..ANY
};
const ROLE_DESCRIPTION: Text = Text {
    min: 0,
    pattern: r"[\u0009\u000A\u000D\u0020-\u007E\u00A1-\u00FF]*",
    matches: |text| text.chars().all(|c| matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{a1}'..='\u{ff}')),
    ..ANY
};
const POLICY_DESCRIPTION: Text = Text { min: 0, ..ANY };
const KEY_DESCRIPTION: Text =
    Text { min: 0, max: 256, pattern: r"[\P{C}]*", matches: |text| !text.chars().any(is_forging), ..ANY };
const DOCUMENT: Text = Text {
    max: 131_072,
    pattern: r"[\u0009\u000A\u000D\u0020-\u00FF]+",
    matches: |text| text.chars().all(|c| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{ff}')),
    shown: false,
    ..ANY
};

/// A parameter that must be there.
pub(super) fn required<T>(at: &str, value: Option<T>) -> Result<T, Error> {
    value.ok_or_else(|| refusal("null", at, "Member must not be null"))
}

/// Name of a user or role to be made.
pub(super) fn new_name(at: &str, value: Option<String>) -> Result<String, Error> {
    name_within(NEW_NAME, at, value)
}

/// Name of a user or role that should exist.
pub(super) fn owner_name<O: Owner>(value: Option<String>) -> Result<String, Error> {
    let bounds = match O::KIND {
        OwnerKind::User => NAME,
        OwnerKind::Role => NEW_NAME,
    };
    name_within(bounds, O::KIND.parameter(), value)
}

/// Name of a managed or inline policy.
pub(super) fn policy_name(value: Option<String>) -> Result<String, Error> {
    name_within(NAME, "policyName", value)
}

fn name_within(bounds: Text, at: &str, value: Option<String>) -> Result<String, Error> {
    let value = required(at, value)?;
    if is_name(bounds.check(&value, at)?) {
        return Ok(value);
    }
    Err(Error::validation(format!(
        "The specified value for {at} is invalid. It must contain only alphanumeric characters and/or the following: \
         +=,.@_-"
    )))
}

/// Path of a user or role: `/` or `/…/`; `/` when absent.
pub(super) fn path(at: &str, value: Option<String>) -> Result<String, Error> {
    path_of(at, value, |path| path != "//" && path.chars().all(|c| matches!(c, '\u{21}'..='\u{7e}')))
}

/// Path of a managed policy: `/` or `/a/b/`; `/` when absent.
pub(super) fn policy_path(value: Option<String>) -> Result<String, Error> {
    path_of("path", value, |path| !path.contains("//") && path.split('/').all(is_name))
}

fn path_of(at: &str, value: Option<String>, allowed: fn(&str) -> bool) -> Result<String, Error> {
    let value = value.unwrap_or_else(|| "/".to_owned());
    PATH.check(&value, at)?;
    if value.starts_with('/') && value.ends_with('/') && allowed(&value) {
        return Ok(value);
    }
    Err(Error::validation(format!(
        "The specified value for {at} is invalid. It must begin and end with / and contain only alphanumeric characters \
         and/or / characters."
    )))
}

/// The beginning of a path; `/` when absent.
pub(super) fn path_prefix(value: Option<String>) -> Result<String, Error> {
    let value = value.unwrap_or_else(|| "/".to_owned());
    PATH_PREFIX.check(&value, "pathPrefix")?;
    Ok(value)
}

/// ARN of anything.
pub(super) fn arn(at: &str, value: Option<String>) -> Result<Arn, Error> {
    let value = required(at, value)?;
    ARN.check(&value, at)?;
    value.parse().map_err(|_| invalid_arn(&value))
}

/// ARN of a managed policy.
pub(super) fn policy_arn(at: &str, value: Option<String>) -> Result<Arn, Error> {
    let arn = arn(at, value)?;
    let is_policy = arn.service() == "iam" && arn.region().is_empty() && arn.resource().starts_with("policy/");
    if is_policy { Ok(arn) } else { Err(invalid_arn(arn.as_str())) }
}

/// `ARN X is not valid.`
pub(super) fn invalid_arn(text: &str) -> Error {
    Error::new(Kind::InvalidInput, format!("ARN {} is not valid.", shown(text)))
}

/// ARN of the managed policy that is to bound a new user or role, if there is one.
pub(super) fn boundary(value: Option<String>) -> Result<Option<Arn>, Error> {
    value.map(|arn| policy_arn("permissionsBoundary", Some(arn))).transpose()
}

/// An access key id, which may be of no key.
pub(super) fn access_key_id(value: Option<String>) -> Result<String, Error> {
    let value = required("accessKeyId", value)?;
    ACCESS_KEY_ID.check(&value, "accessKeyId")?;
    Ok(value)
}

/// Number of a policy's version: `v1`, `v2`, …
pub(super) fn version_id(value: Option<String>) -> Result<String, Error> {
    let value = required("versionId", value)?;
    VERSION_ID.check(&value, "versionId")?;
    Ok(value)
}

/// Description of a role: Latin-1 without control characters.
pub(super) fn role_description(value: Option<String>) -> Result<Option<String>, Error> {
    ROLE_DESCRIPTION.optional(&value, "description")?;
    Ok(value)
}

/// Description of a managed policy.
pub(super) fn policy_description(value: Option<String>) -> Result<Option<String>, Error> {
    POLICY_DESCRIPTION.optional(&value, "description")?;
    Ok(value)
}

/// Description of an access key: what can be printed.
pub(super) fn key_description(value: Option<String>) -> Result<Option<String>, Error> {
    KEY_DESCRIPTION.optional(&value, "description")?;
    Ok(value)
}

/// A document of the right length and characters. Whether it is a policy is asked only after permission.
pub(super) fn document(at: &str, value: Option<PolicyText>) -> Result<String, Error> {
    let PolicyText(text) = required(at, value)?;
    DOCUMENT.check(&text, at)?;
    Ok(text)
}

/// `true` or `false`; `false` when absent.
pub(super) fn flag(at: &str, value: Option<String>) -> Result<bool, Error> {
    Ok(choice(at, value, &[("true", true), ("false", false)])?.unwrap_or(false))
}

/// One of a few words; `None` when absent.
pub(super) fn choice<T: Copy>(at: &str, value: Option<String>, choices: &[(&str, T)]) -> Result<Option<T>, Error> {
    let Some(value) = value else {
        return Ok(None);
    };
    if let Some((_, choice)) = choices.iter().find(|(word, _)| *word == value) {
        return Ok(Some(*choice));
    }
    let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
    let constraint = format!("Member must satisfy enum value set: [{}]", words.join(", "));
    Err(refusal(&format!("'{}'", shown(&value)), at, &constraint))
}
