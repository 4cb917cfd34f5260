//! Credential and scope: which key signed, and for what.

use std::fmt;

use super::refusal::Refusal;
use super::request::Rules;
use super::split::{split, split_once};

pub(super) const TERMINATOR: &str = "aws4_request";

/// `date/region/service/aws4_request`: one piece of text, as it stands in a credential and in the string to sign.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Scope<'a>(pub(super) &'a str);

impl<'a> Scope<'a> {
    /// `None` unless the text has four parts, well written, and ends in `aws4_request`.
    pub fn parse(text: &'a str) -> Option<Self> {
        let [.., terminator] = well_written_parts(text)?;
        (terminator == TERMINATOR).then_some(Self(text))
    }

    /// The whole.
    pub fn as_str(self) -> &'a str {
        self.0
    }

    /// `YYYYMMDD`
    pub fn date(self) -> &'a str {
        self.part(0)
    }

    /// For example `us-east-1`.
    pub fn region(self) -> &'a str {
        self.part(1)
    }

    /// For example `sts`.
    pub fn service(self) -> &'a str {
        self.part(2)
    }

    fn part(self, index: usize) -> &'a str {
        split(self.0, b'/').nth(index).unwrap_or_default()
    }
}

impl fmt::Display for Scope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// A `Credential` of five parts, well written but not yet accepted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Credential<'a> {
    pub(super) access_key_id: &'a str,
    scope_parts: [&'a str; 4],
}

impl<'a> Credential<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, Refusal> {
        let parsed = split_once(text, b'/')
            .filter(|(id, _)| is_access_key_id(id))
            .and_then(|(access_key_id, scope)| Some(Self { access_key_id, scope_parts: well_written_parts(scope)? }));
        parsed.ok_or(Refusal::Incomplete(
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.",
        ))
    }

    /// Refuses the scope unless the rules accept it and it is of the day of `date_time` (`YYYYMMDD'T'HHMMSS'Z'`). All
    /// parts that are wrong are named, in AWS's words.
    pub(super) fn check_scope(&self, rules: &Rules, date_time: &str) -> Result<(), Refusal> {
        let [date, region, service, terminator] = self.scope_parts;
        let mut faults = Vec::new();
        if rules.regions.as_ref().is_some_and(|regions| !regions.iter().any(|accepted| accepted == region)) {
            faults.push(format!("Credential should be scoped to a valid region, not '{region}'."));
        }
        if !rules.services.iter().any(|accepted| accepted == service) {
            faults.push(format!("Credential should be scoped to correct service: '{}'.", rules.services.join("', '")));
        }
        if terminator != TERMINATOR {
            faults.push(format!(
                "Credential should be scoped with a valid terminator: '{TERMINATOR}', not '{terminator}'."
            ));
        }
        let day = date_time.get(..8).unwrap_or_default();
        if date != day {
            faults.push(format!(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: \
                 '{date}' != '{day}', from '{date_time}'."
            ));
        }
        if faults.is_empty() { Ok(()) } else { Err(Refusal::Scope(faults.join(" "))) }
    }
}

/// `\w{1,128}` in ASCII. Real ids have 16 characters and more, but AWS's own test suite signs with eleven; whether a
/// key of this id exists is not for this floor to say.
fn is_access_key_id(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Date, region, service and terminator.
fn well_written_parts(scope: &str) -> Option<[&str; 4]> {
    let mut parts = split(scope, b'/');
    let mut next = || parts.next().filter(|part| is_part(part));
    let four = [next()?, next()?, next()?, next()?];
    parts.next().is_none().then_some(four)
}

/// What dates, regions and services are made of. Narrow, because refusals repeat them.
fn is_part(text: &str) -> bool {
    let is_part_byte = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !text.is_empty() && text.len() <= 128 && text.bytes().all(is_part_byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_read_in_its_one_form_only() {
        let scope = Scope::parse("20150830/us-east-1/iam/aws4_request").unwrap();
        assert_eq!([scope.date(), scope.region(), scope.service()], ["20150830", "us-east-1", "iam"]);
        for bad in [
            "",
            "20150830/us-east-1/iam",
            "20150830/us-east-1/iam/aws4_request/",
            "20150830/us-east-1/iam/aws5_request",
            "20150830//iam/aws4_request",
            "20150830/us east/iam/aws4_request",
            "/20150830/us-east-1/iam/aws4_request",
        ] {
            assert_eq!(Scope::parse(bad), None, "{bad}");
        }
    }
}
