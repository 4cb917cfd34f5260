//! The key ring: opens tokens, and cannot make any.

use std::collections::HashSet;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::Aad;
use ring::signature::{ED25519, UnparsedPublicKey};

use crate::credential::Lifetime;
use crate::secret::Secret;
use crate::timestamp::Timestamp;

use super::claims::Claims;
use super::header::{self, Header};
use super::keys::{self, BodyKeys, BoxKeys};
use super::session::{Session, SessionSecret, Step, TokenError};
use super::signing_keys::{CoveredScopes, SigningKeys};
use super::zone::ZoneScope;
use super::{MAX_LENGTH, SIGNATURE_LENGTH, SIGNED_PREFIX, boxes, public_key, wire};

/// How far ahead of our clock a token may have been issued, in seconds.
const MAX_CLOCK_SKEW: i64 = 300;

/// Characters of a token with an empty body and no box.
const MIN_LENGTH: usize = (header::LENGTH + keys::TAG_LENGTH + 1 + SIGNATURE_LENGTH) * 4 / 3;

/// Bytes of the longest token behind the prefix under which it is signed.
const BUFFER_LENGTH: usize = SIGNED_PREFIX.len() + MAX_LENGTH / 4 * 3;

/// One public key that signs tokens, with its window.
#[derive(Clone, Debug)]
pub struct VerifyingKey {
    /// Unique in the bundle.
    pub id: u32,
    /// Ed25519 public key.
    pub public: [u8; 32],
    /// Tokens issued before are refused.
    pub not_before: Timestamp,
    /// Tokens issued at or after are refused.
    pub not_after: Timestamp,
    /// Longest lifetime of a token of this key, in seconds.
    pub max_lifetime: i64,
    /// Where the key is in its life.
    pub state: KeyState,
}

impl VerifyingKey {
    fn may_have_signed_at(&self, issued_at: Timestamp) -> bool {
        self.state != KeyState::Distrusted && (self.not_before..self.not_after).contains(&issued_at)
    }
}

/// Where a signing key is in its life. A ring heeds only [`KeyState::Distrusted`]; the window says the rest.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeyState {
    /// Published ahead of its first use.
    Prepared,
    /// Signs.
    Active,
    /// Signs no more; its tokens live on.
    VerifyOnly,
    /// None of its tokens is accepted.
    Distrusted,
}

/// A zone's keys of one epoch.
#[derive(Clone, Debug)]
pub struct ZoneKey {
    /// Epoch number.
    pub epoch: u32,
    /// Opens the claims: `K_seal`.
    pub seal: Secret<[u8; 32]>,
    /// Opens the zone's box: `K_zone`.
    pub zone: Secret<[u8; 32]>,
}

/// What opens tokens: public signing keys and one zone's keys.
#[derive(Clone, Debug)]
pub struct KeyRing {
    trust_domain: [u8; 8],
    verifying_keys: Vec<VerifyingKey>,
    epochs: Vec<Epoch>,
    /// Of a scoped zone.
    scope: Option<Arc<ZoneScope>>,
    /// Whether tokens have no box for the zone.
    online: bool,
}

#[derive(Clone, Debug)]
struct Epoch {
    number: u32,
    bodies: BodyKeys,
    boxes: BoxKeys,
}

impl KeyRing {
    /// Refuses small-order and non-canonical public keys and duplicate ids.
    pub fn new(
        trust_domain: [u8; 16],
        verifying_keys: Vec<VerifyingKey>,
        zone_keys: Vec<ZoneKey>,
    ) -> Result<Self, InvalidKeyRing> {
        if has_duplicates(verifying_keys.iter().map(|key| key.id)) {
            return Err(InvalidKeyRing("two verifying keys have one id"));
        }
        if has_duplicates(zone_keys.iter().map(|key| key.epoch)) {
            return Err(InvalidKeyRing("two zone keys are of one epoch"));
        }
        if !verifying_keys.iter().all(|key| public_key::is_acceptable(&key.public)) {
            return Err(InvalidKeyRing("a verifying key is of small order or not canonical"));
        }
        let epochs = zone_keys
            .iter()
            .map(|key| Epoch { number: key.epoch, bodies: BodyKeys::new(&key.seal), boxes: BoxKeys::new(&key.zone) })
            .collect();
        Ok(Self {
            trust_domain: keys::trust_domain_tag(&trust_domain),
            verifying_keys,
            epochs,
            scope: None,
            online: false,
        })
    }

    /// Makes it the ring of a scoped zone, whose boxes hold the signing keys of these services.
    #[must_use]
    pub fn scoped(self, scope: ZoneScope) -> Self {
        Self { scope: Some(Arc::new(scope)), ..self }
    }

    /// Makes it the ring of an online zone of this scope, for which tokens have no box: its sessions are opened without a
    /// secret.
    #[must_use]
    pub fn online(self, scope: ZoneScope) -> Self {
        Self { online: true, ..self.scoped(scope) }
    }

    /// Opens a token for the access key that the request names. No clock is read.
    ///
    /// The numbers are those of [`Step`]. Nothing secret is used before the signature has passed.
    pub fn open(&self, token: &str, access_key_id: &str, now: Timestamp) -> Result<Session, TokenError> {
        // 1. Before anything is decoded.
        if !(MIN_LENGTH..=MAX_LENGTH).contains(&token.len()) {
            return Err(Step::Length.into());
        }

        // 2. One spelling a token: no padding, no whitespace, no stray bits at the end.
        let mut buffer = [0; BUFFER_LENGTH];
        let (prefix, bytes) = buffer.split_at_mut(SIGNED_PREFIX.len());
        prefix.copy_from_slice(SIGNED_PREFIX);
        let length = URL_SAFE_NO_PAD.decode_slice(token, bytes).map_err(|_| Step::Alphabet)?;
        let signed = buffer.get_mut(..SIGNED_PREFIX.len() + length).ok_or(Step::Length)?;
        let (signed, signature) = signed.split_last_chunk_mut::<SIGNATURE_LENGTH>().ok_or(Step::Length)?;

        // 3. to 5. What the header says in clear.
        let (_, token) = signed.split_first_chunk::<{ SIGNED_PREFIX.len() }>().ok_or(Step::Length)?;
        let header_bytes = *token.first_chunk::<{ header::LENGTH }>().ok_or(Step::Length)?;
        let header = Header::parse(&header_bytes).ok_or(Step::Version)?;
        if header.trust_domain != self.trust_domain {
            return Err(Step::TrustDomain.into());
        }
        if header.session_id.access_key_id().as_str() != access_key_id {
            return Err(Step::AccessKey.into());
        }

        // 6. and 7. Is it genuine?
        let key = self.verifying_keys.iter().find(|key| key.id == header.sign_key_id).ok_or(Step::SigningKey)?;
        if !header.issued_at.is_some_and(|issued_at| key.may_have_signed_at(issued_at)) {
            return Err(Step::SigningKey.into());
        }
        UnparsedPublicKey::new(&ED25519, &key.public).verify(signed, signature).map_err(|_| Step::Signature)?;

        // 8. Only a genuine token is said to have expired.
        let lifetime = check_times(&header, key, now)?;

        // 9. and 10. What is sealed.
        let epoch = self.epochs.iter().find(|epoch| epoch.number == header.epoch).ok_or(Step::Body)?;
        let (_, sealed) = signed.split_at_mut(SIGNED_PREFIX.len() + header::LENGTH);
        let (body, boxes) = sealed.split_at_mut_checked(usize::from(header.body_length)).ok_or(Step::Body)?;
        let claims = open_body(body, &header_bytes, &epoch.bodies).ok_or(Step::Body)?;
        let secret = self.open_box(boxes, &header_bytes, &epoch.boxes, lifetime).ok_or(Step::Box)?;

        Ok(Session {
            id: header.session_id,
            access_key_id: header.session_id.access_key_id(),
            lifetime,
            claims,
            secret,
        })
    }

    /// The box of the ring's own zone, which is of one kind only.
    fn open_box(
        &self,
        list: &[u8],
        header: &[u8; header::LENGTH],
        keys: &BoxKeys,
        lifetime: Lifetime,
    ) -> Option<SessionSecret> {
        match &self.scope {
            None => boxes::open_secret_key(list, header, keys).map(SessionSecret::SecretKey),
            Some(scope) if self.online => Some(SessionSecret::Online(CoveredScopes::new(scope, lifetime))),
            Some(scope) => {
                let keys = boxes::open_signing_keys(list, header, keys)?;
                SigningKeys::new(scope, lifetime, keys).map(SessionSecret::SigningKeys)
            }
        }
    }
}

/// A signed but absurd lifetime is refused all the same.
fn check_times(header: &Header, key: &VerifyingKey, now: Timestamp) -> Result<Lifetime, TokenError> {
    let (Some(issued_at), Some(expires_at)) = (header.issued_at, header.expires_at) else {
        return Err(Step::Lifetime.into());
    };
    let lifetime = Lifetime { issued_at, expires_at };
    if !(1..=key.max_lifetime).contains(&lifetime.seconds()) || issued_at > now + MAX_CLOCK_SKEW {
        return Err(Step::Lifetime.into());
    }
    if lifetime.is_over(now) { Err(TokenError::Expired) } else { Ok(lifetime) }
}

fn open_body(sealed: &mut [u8], header: &[u8; header::LENGTH], keys: &BodyKeys) -> Option<Claims> {
    let body = keys.of(header).open_in_place(keys::nonce(), Aad::from(header), sealed).ok()?;
    wire::decode_claims(body)
}

fn has_duplicates(mut ids: impl Iterator<Item = u32>) -> bool {
    let mut seen = HashSet::new();
    ids.any(|id| !seen.insert(id))
}

/// A key ring that must not be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("unusable key ring: {0}")]
pub struct InvalidKeyRing(pub &'static str);
