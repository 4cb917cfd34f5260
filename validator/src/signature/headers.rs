//! The header fields of a request, as a list: requests have few, and a walk through a few is faster than hashing names.

use std::borrow::Cow;

use http::HeaderMap;

use super::refusal::Refusal;
use super::split::split;

pub(super) const AUTHORIZATION: &str = "authorization";
pub(super) const DATE: &str = "date";
pub(super) const HOST: &str = "host";
pub(super) const X_AMZ_CONTENT_SHA256: &str = "x-amz-content-sha256";
pub(super) const X_AMZ_DATE: &str = "x-amz-date";
pub(super) const X_AMZ_SECURITY_TOKEN: &str = "x-amz-security-token";

/// Names in lower case with raw values; repeated fields stand together, in their order.
pub(super) struct Headers<'a>(Vec<(&'a str, &'a [u8])>);

impl<'a> Headers<'a> {
    pub(super) fn of(map: &'a HeaderMap) -> Self {
        let mut fields = Vec::with_capacity(map.len());
        fields.extend(map.iter().map(|(name, value)| (name.as_str(), value.as_bytes())));
        Self(fields)
    }

    /// The values of a header, in order.
    pub(super) fn values(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.0.iter().filter(move |(other, _)| *other == name).map(|(_, value)| *value)
    }

    /// The value of a header that decides who the caller is: it may occur once, and in ASCII.
    pub(super) fn only(&self, name: &str) -> Result<Option<&'a str>, Refusal> {
        let mut values = self.values(name);
        let Some(value) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(Refusal::Incomplete("A header that carries authentication must not be repeated."));
        }
        let text = std::str::from_utf8(value).ok().filter(|text| text.is_ascii());
        text.map(Some).ok_or(Refusal::Incomplete("A header that carries authentication must be written in ASCII."))
    }

    /// An upper bound of what the fields take up in a canonical request.
    pub(super) fn size(&self) -> usize {
        self.0.iter().map(|(name, value)| 2 * name.len() + value.len() + 4).sum()
    }
}

/// The names in `SignedHeaders`, strictly rising, so that one set of headers has one form. Names that no header can have
/// (in upper case, with blanks) come to light when they are not found in the request.
pub(super) struct SignedNames<'a> {
    text: Cow<'a, str>,
    names: Vec<&'a str>,
}

impl<'a> SignedNames<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, Refusal> {
        let mut names = Vec::with_capacity(8);
        names.extend(split(text, b';'));
        // The empty name is the least of all, so in a rising list it could only be the first.
        if names.is_sorted_by(|a, b| a < b) && names.first() != Some(&"") {
            Ok(Self { text: text.into(), names })
        } else {
            Err(Refusal::Incomplete("SignedHeaders must be header names in order, each once, joined by ';'."))
        }
    }

    /// All headers there are, and `host`.
    pub(super) fn all_of(headers: &Headers<'a>) -> Self {
        let mut names: Vec<_> = headers.0.iter().map(|(name, _)| *name).chain([HOST]).collect();
        names.sort_unstable();
        names.dedup();
        Self { text: names.join(";").into(), names }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &'a str> {
        self.names.iter().copied()
    }

    /// As it stands in a request.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// Refuses unless these names are in the request and cover all of it that must be signed.
    pub(super) fn check_cover(&self, headers: &Headers<'_>) -> Result<(), Refusal> {
        if !self.iter().any(|name| name == HOST) {
            return Err(Refusal::Unsigned("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."));
        }
        let mut covered = 0;
        for name in self.iter().filter(|name| *name != HOST) {
            let fields = headers.values(name).count();
            if fields == 0 {
                return Err(Refusal::Unsigned("A header named in SignedHeaders is not in the request."));
            }
            covered += if must_be_signed(name) { fields } else { 0 };
        }
        // No name comes twice, so equal numbers mean the same fields.
        if covered != headers.0.iter().filter(|(name, _)| must_be_signed(name)).count() {
            return Err(Refusal::Unsigned("Every x-amz-* header of the request must be named in SignedHeaders."));
        }
        Ok(())
    }
}

fn must_be_signed(name: &str) -> bool {
    name.starts_with("x-amz-")
}
