//! The canonical request and the string to sign, shared by signer and verifier.

use std::ops::Range;

use memchr::memchr2;
use sha2::{Digest, Sha256};

use super::ALGORITHM;
use super::encode::hex;
use super::headers::{HOST, Headers, SignedNames};
use super::scope::Scope;

/// What a canonical request is made of, in canonical form but for the header values.
pub(super) struct Parts<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    pub(super) headers: &'a Headers<'a>,
    /// Stands for the header `host`.
    pub(super) host: &'a str,
    pub(super) signed_names: &'a SignedNames<'a>,
}

/// A canonical request up to its last line.
#[derive(Clone)]
pub(super) struct CanonicalRequest {
    text: Vec<u8>,
    /// Where the host stands in the text.
    host: Range<usize>,
}

impl CanonicalRequest {
    pub(super) fn new(parts: &Parts<'_>) -> Self {
        let lines = parts.method.len() + parts.path.len() + parts.query.len() + 2 * (HOST.len() + parts.host.len());
        let mut text = Vec::with_capacity(lines + parts.headers.size() + 8);
        let mut host = 0..0;
        for line in [parts.method, parts.path, parts.query] {
            text.extend_from_slice(line.as_bytes());
            text.push(b'\n');
        }
        for name in parts.signed_names.iter() {
            text.extend_from_slice(name.as_bytes());
            text.push(b':');
            if name == HOST {
                host = text.len()..text.len() + parts.host.len();
                text.extend_from_slice(parts.host.as_bytes());
            } else {
                push_values(parts.headers.values(name), &mut text);
            }
            text.push(b'\n');
        }
        for piece in ["\n", parts.signed_names.as_str(), "\n"] {
            text.extend_from_slice(piece.as_bytes());
        }
        Self { text, host }
    }

    /// The same request to another spelling of its host.
    pub(super) fn with_host(&self, host: &str) -> Self {
        let mut text = self.text.clone();
        text.splice(self.host.clone(), host.bytes());
        Self { text, host: self.host.start..self.host.start + host.len() }
    }

    /// The hash of the whole, as the string to sign has it.
    pub(super) fn hash(&self, payload: &PayloadLine) -> [u8; 64] {
        hex(&Sha256::new().chain_update(&self.text).chain_update(payload.as_bytes()).finalize().into())
    }

    /// The whole, to be shown.
    pub(super) fn to_text(&self, payload: &PayloadLine) -> String {
        String::from_utf8_lossy(&[&self.text, payload.as_bytes()].concat()).into_owned()
    }
}

/// The last line of a canonical request.
pub(super) enum PayloadLine {
    /// Lower-case hex.
    Hash([u8; 64]),
    Unsigned,
}

impl PayloadLine {
    fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Hash(hex) => hex,
            Self::Unsigned => b"UNSIGNED-PAYLOAD",
        }
    }
}

/// What is signed, in pieces: algorithm, time, scope and the hash of the canonical request in hex.
pub(super) fn string_to_sign<'a>(date_time: &'a str, scope: Scope<'a>, canonical_hash: &'a [u8; 64]) -> [&'a [u8]; 7] {
    let [algorithm, time, scope] = [ALGORITHM, date_time, scope.as_str()].map(str::as_bytes);
    [algorithm, b"\n", time, b"\n", scope, b"\n", canonical_hash]
}

/// The values of a repeated header stand in their order, separated by commas.
fn push_values<'a>(values: impl Iterator<Item = &'a [u8]>, text: &mut Vec<u8>) {
    for (i, value) in values.enumerate() {
        if i > 0 {
            text.push(b',');
        }
        push_collapsed(value, text);
    }
}

/// Trims a header value and makes every run of blanks inside it, quoted or not, one space.
fn push_collapsed(value: &[u8], text: &mut Vec<u8>) {
    // Most values, and all long ones (tokens), have no blanks.
    if memchr2(b' ', b'\t', value).is_none() {
        return text.extend_from_slice(value);
    }
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    for (i, word) in value.split(is_blank).filter(|word| !word.is_empty()).enumerate() {
        if i > 0 {
            text.push(b' ');
        }
        text.extend_from_slice(word);
    }
}
