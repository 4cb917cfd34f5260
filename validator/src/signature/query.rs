//! The query string: parsed once, so that what is checked is what is signed and what is used.

use std::borrow::Cow;
use std::ops::Range;

use percent_encoding::percent_decode_str;

use super::encode::{Place, encode_once};
use super::refusal::Refusal;

/// A parameter of the presigned form.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Parameter {
    Algorithm,
    ContentSha256,
    Credential,
    Date,
    Expires,
    SecurityToken,
    Signature,
    SignedHeaders,
}

impl Parameter {
    const ALL: [Self; 8] = [
        Self::Algorithm,
        Self::ContentSha256,
        Self::Credential,
        Self::Date,
        Self::Expires,
        Self::SecurityToken,
        Self::Signature,
        Self::SignedHeaders,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Algorithm => "X-Amz-Algorithm",
            Self::ContentSha256 => "X-Amz-Content-Sha256",
            Self::Credential => "X-Amz-Credential",
            Self::Date => "X-Amz-Date",
            Self::Expires => "X-Amz-Expires",
            Self::SecurityToken => "X-Amz-Security-Token",
            Self::Signature => "X-Amz-Signature",
            Self::SignedHeaders => "X-Amz-SignedHeaders",
        }
    }

    /// Whether its presence means that the request claims to be presigned. A token alone is no credential.
    pub(super) const fn claims_a_signature(self) -> bool {
        !matches!(self, Self::ContentSha256 | Self::SecurityToken)
    }
}

/// All parameters in canonical encoding and order, and which of them authenticate.
#[derive(Default)]
pub(super) struct Query {
    buffer: String,
    pairs: Vec<Pair>,
    authentication: [Option<Range<usize>>; Parameter::ALL.len()],
}

/// Where a pair stands in the buffer: `start..equals` is the name, `equals + 1..end` the value.
struct Pair {
    start: usize,
    equals: usize,
    end: usize,
}

impl Query {
    /// Reads a query as received. Empty pieces between ampersands are dropped, as every parser drops them. A parameter
    /// of authentication that is repeated, or that differs from its name in case, is refused.
    pub(super) fn parse(query: &str) -> Result<Self, Refusal> {
        let mut parsed = Self::default();
        if query.is_empty() {
            return Ok(parsed);
        }
        parsed.buffer.reserve(query.len() + query.len() / 4);
        for piece in query.split('&').filter(|piece| !piece.is_empty()) {
            let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
            let start = parsed.buffer.len();
            encode_once(name, Place::Query, &mut parsed.buffer)?;
            let equals = parsed.buffer.len();
            parsed.buffer.push('=');
            encode_once(value, Place::Query, &mut parsed.buffer)?;
            let pair = Pair { start, equals, end: parsed.buffer.len() };
            parsed.note_authentication(&pair)?;
            parsed.pairs.push(pair);
        }
        let buffer = &parsed.buffer;
        parsed.pairs.sort_unstable_by_key(|pair| (pair.name(buffer), pair.value(buffer)));
        Ok(parsed)
    }

    /// The parameters of authentication that are there.
    pub(super) fn authentication(&self) -> impl Iterator<Item = Parameter> {
        Parameter::ALL.into_iter().filter(|parameter| self.authentication[*parameter as usize].is_some())
    }

    /// The decoded value of a parameter of authentication.
    pub(super) fn value(&self, parameter: Parameter) -> Result<Option<Cow<'_, str>>, Refusal> {
        let Some(range) = self.authentication[parameter as usize].clone() else { return Ok(None) };
        let decoded = percent_decode_str(&self.buffer[range]).decode_utf8();
        decoded.map(Some).map_err(|_| Refusal::MalformedQuery("A parameter of authentication is not UTF-8."))
    }

    /// The canonical query string: all pairs but the signature.
    pub(super) fn canonical(&self) -> String {
        let mut canonical = String::with_capacity(self.buffer.len() + self.pairs.len());
        for pair in &self.pairs {
            if pair.name(&self.buffer) == Parameter::Signature.name() {
                continue;
            }
            if !canonical.is_empty() {
                canonical.push('&');
            }
            canonical.push_str(&self.buffer[pair.start..pair.end]);
        }
        canonical
    }

    fn note_authentication(&mut self, pair: &Pair) -> Result<(), Refusal> {
        // Every name is made of unreserved characters, so its canonical form is the name itself.
        let name = pair.name(&self.buffer);
        let Some(parameter) = Parameter::ALL.into_iter().find(|known| known.name().eq_ignore_ascii_case(name)) else {
            return Ok(());
        };
        if name != parameter.name() {
            return Err(Refusal::Incomplete(
                "A query parameter that carries authentication must be in its exact case.",
            ));
        }
        match self.authentication[parameter as usize].replace(pair.equals + 1..pair.end) {
            None => Ok(()),
            Some(_) => Err(Refusal::Incomplete("A query parameter that carries authentication must not be repeated.")),
        }
    }
}

impl Pair {
    fn name<'b>(&self, buffer: &'b str) -> &'b str {
        &buffer[self.start..self.equals]
    }

    fn value<'b>(&self, buffer: &'b str) -> &'b str {
        &buffer[self.equals + 1..self.end]
    }
}
