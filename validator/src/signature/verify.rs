//! Credentials that have been read, waiting for a key.

use std::borrow::Cow;
use std::fmt;

use super::EMPTY_SHA256;
use super::canonical::{CanonicalRequest, PayloadLine, string_to_sign};
use super::encode::hex;
use super::host::Host;
use super::key::SigningKey;
use super::refusal::Refusal;
use super::scope::Scope;
use super::window::SignedAt;
use crate::timestamp::Timestamp;

/// A request's credentials, read and checked up to what needs a key. Only [`read`](super::read()) makes it.
#[derive(Clone)]
pub struct Presented<'a> {
    pub(super) form: Form,
    pub(super) credential: Cow<'a, str>,
    /// Of the access key id, with which the credential begins; a slash and the scope follow.
    pub(super) id_length: usize,
    pub(super) signed_at: SignedAt<'a>,
    pub(super) security_token: Option<Cow<'a, str>>,
    pub(super) signature: Option<[u8; 32]>,
    pub(super) payload: SignedPayload,
    pub(super) canonical_request: CanonicalRequest,
    pub(super) host: Host<'a>,
    pub(super) path: Cow<'a, str>,
}

/// Header or query form.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Form {
    /// `Authorization` header.
    Header,
    /// `X-Amz-*` query parameters.
    Presigned,
}

/// What the body must be for the request to be the one that was signed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DeclaredPayload {
    /// No `x-amz-content-sha256`: the hash must be taken from the body.
    Undeclared,
    /// The SHA-256 in `x-amz-content-sha256`; that of the empty body for a presigned S3 request where unsigned payloads
    /// are not accepted. The body must match it.
    Sha256([u8; 32]),
    /// `UNSIGNED-PAYLOAD` (also every presigned S3 request), accepted by the rules.
    Unsigned,
}

/// What the body turned out to be, for [`Presented::verify`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Payload {
    /// SHA-256 of the bytes received.
    Sha256([u8; 32]),
    /// The declared hash is trusted for the signature; the caller compares it with the body itself as it streams by.
    AsDeclared,
}

/// How the signature covers the body.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum SignedPayload {
    Undeclared,
    Declared([u8; 32]),
    Unsigned,
    /// The signature does not cover the body, so only the empty one is accepted.
    UnsignedButEmpty,
}

impl Presented<'_> {
    /// As sent: `\w{1,128}`; need not be an id that Brevet makes.
    pub fn access_key_id(&self) -> &str {
        &self.credential[..self.id_length]
    }

    /// The scope, already accepted by the rules and equal to the date of the request.
    pub fn scope(&self) -> Scope<'_> {
        Scope(&self.credential[self.id_length + 1..])
    }

    /// `X-Amz-Security-Token`, covered by the signature.
    pub fn security_token(&self) -> Option<&str> {
        self.security_token.as_deref()
    }

    /// What the body must be.
    pub fn payload(&self) -> DeclaredPayload {
        match self.payload {
            SignedPayload::Undeclared => DeclaredPayload::Undeclared,
            SignedPayload::Declared(hash) => DeclaredPayload::Sha256(hash),
            SignedPayload::Unsigned => DeclaredPayload::Unsigned,
            SignedPayload::UnsignedButEmpty => DeclaredPayload::Sha256(EMPTY_SHA256),
        }
    }

    /// Header or presigned.
    pub fn form(&self) -> Form {
        self.form
    }

    /// The time the request was signed at.
    pub fn signed_at(&self) -> Timestamp {
        self.signed_at.time
    }

    /// The path that the signature covers, encoded: normalised in the general style. Route by this one, not by the path
    /// received, of which the signature may cover several spellings.
    pub fn canonical_path(&self) -> &str {
        &self.path
    }

    /// Compares the signature in constant time. A body other than declared is [`Refusal::Payload`], and so is an
    /// undeclared one of which the caller brings no hash.
    pub fn verify(&self, payload: Payload, key: &SigningKey) -> Result<(), Refusal> {
        match (self.payload(), payload) {
            (DeclaredPayload::Sha256(declared), Payload::Sha256(received)) if declared != received => {
                return Err(Refusal::Payload);
            }
            (DeclaredPayload::Undeclared, Payload::AsDeclared) => return Err(Refusal::Payload),
            _ => {}
        }
        let Some(signature) = self.signature else { return Err(Refusal::Mismatch) };
        let payload = self.payload_line(payload);
        let matches = |request: &CanonicalRequest| {
            let hash = request.hash(&payload);
            key.sign(&string_to_sign(&self.signed_at.text, self.scope(), &hash)).ct_eq(&signature)
        };
        let other_host = self.host.without_default_port();
        if matches(&self.canonical_request)
            || other_host.is_some_and(|host| matches(&self.canonical_request.with_host(host)))
        {
            Ok(())
        } else {
            Err(Refusal::Mismatch)
        }
    }

    /// The canonical request for this payload, for `brevet debug signature` and tests. Contains the token: do not log.
    /// An undeclared payload of which no hash is brought counts as empty.
    pub fn canonical_request(&self, payload: Payload) -> String {
        self.canonical_request.to_text(&self.payload_line(payload))
    }

    /// The string to sign for this payload. See [`canonical_request`](Self::canonical_request).
    pub fn string_to_sign(&self, payload: Payload) -> String {
        let hash = self.canonical_request.hash(&self.payload_line(payload));
        let pieces = string_to_sign(&self.signed_at.text, self.scope(), &hash);
        String::from_utf8_lossy(&pieces.concat()).into_owned()
    }

    fn payload_line(&self, payload: Payload) -> PayloadLine {
        match (self.payload, payload) {
            (SignedPayload::Unsigned | SignedPayload::UnsignedButEmpty, _) => PayloadLine::Unsigned,
            (SignedPayload::Declared(hash), _) | (SignedPayload::Undeclared, Payload::Sha256(hash)) => {
                PayloadLine::Hash(hex(&hash))
            }
            (SignedPayload::Undeclared, Payload::AsDeclared) => PayloadLine::Hash(hex(&EMPTY_SHA256)),
        }
    }
}

/// Leaves out the token and the signature.
impl fmt::Debug for Presented<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Presented")
            .field("form", &self.form)
            .field("access_key_id", &self.access_key_id())
            .field("scope", &self.scope())
            .field("signed_at", &self.signed_at.time)
            .finish_non_exhaustive()
    }
}
