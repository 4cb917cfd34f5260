//! Makes tokens. STS only: what it takes, no validator has.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::Aad;
use ring::hmac;
use ring::signature::{Ed25519KeyPair, KeyPair as _};

use crate::credential::{AccessKeyId, Lifetime, SecretKey};
use crate::identity::Principal;
use crate::secret::Secret;

use super::boxes::Content;
use super::claims::{Claims, SessionId};
use super::header::{FLAG_CHAINED, FLAG_ROOT, Header};
use super::keys::{self, BodyKeys, BoxKeys, EpochRoot, TAG_LENGTH};
use super::ring::{InvalidKeyRing, ZoneKey};
use super::zone::Zone;
use super::{MAX_LENGTH, SIGNED_PREFIX, boxes, signing_keys, wire};

/// Everything that mints: the private signing key and an epoch's root. STS only.
#[derive(Debug)]
pub struct Minter {
    trust_domain: [u8; 8],
    epoch: u32,
    sign_key_id: u32,
    sign_key: Ed25519KeyPair,
    public_key: [u8; 32],
    session_id_key: hmac::Key,
    seal: Secret<[u8; 32]>,
    bodies: BodyKeys,
    root: EpochRoot,
    sts: BoxKeys,
    default: BoxKeys,
}

/// A token and what goes with it.
#[derive(Debug)]
pub struct Minted {
    /// Names the session.
    pub session_id: SessionId,
    /// `ASIA…`
    pub access_key_id: AccessKeyId,
    /// Returned once, stored nowhere.
    pub secret_access_key: SecretKey,
    /// The text of the token.
    pub security_token: Secret<String>,
}

/// Why no token was made.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum MintError {
    /// The claims do not fit into [`MAX_LENGTH`] characters. The caller of the STS asked for too much.
    #[error("the security token would be longer than {MAX_LENGTH} characters")]
    TooLong,
    /// No ring would open the token. The caller of [`Minter::mint`] is at fault.
    #[error("no security token can be made with {0}")]
    Unusable(&'static str),
}

impl Minter {
    /// From an epoch: its number, root `B_n`, Ed25519 seed with key id, the trust domain, and `K_id` of this process.
    pub fn new(
        trust_domain: [u8; 16],
        epoch: u32,
        epoch_root: &Secret<[u8; 32]>,
        sign_key_id: u32,
        sign_seed: &Secret<[u8; 32]>,
        session_id_key: Secret<[u8; 32]>,
    ) -> Result<Self, InvalidKeyRing> {
        let unusable = InvalidKeyRing("the seed of the signing key is not one");
        let sign_key = Ed25519KeyPair::from_seed_unchecked(sign_seed.expose()).map_err(|_| unusable)?;
        let public_key = sign_key.public_key().as_ref().try_into().map_err(|_| unusable)?;
        let root = EpochRoot::new(epoch_root);
        let seal = root.seal_key();
        let [sts, default] = [Zone::Sts, Zone::Default].map(|zone| BoxKeys::new(&root.zone_key(&zone)));
        if sts.zone_id == default.zone_id {
            return Err(InvalidKeyRing("two zones of the epoch have one id: draw another root"));
        }
        Ok(Self {
            trust_domain: keys::trust_domain_tag(&trust_domain),
            epoch,
            sign_key_id,
            sign_key,
            public_key,
            session_id_key: hmac::Key::new(hmac::HMAC_SHA256, session_id_key.expose()),
            bodies: BodyKeys::new(&seal),
            seal,
            root,
            sts,
            default,
        })
    }

    /// Seals and signs. `zones` gets boxes besides the reserved one. `random`: 32 fresh bytes for the session id;
    /// the secret key is drawn by the caller. `issued_at_nanos` only feeds the session id.
    pub fn mint(
        &self,
        claims: &Claims,
        lifetime: Lifetime,
        zones: &[Zone],
        secret: SecretKey,
        random: [u8; 32],
        issued_at_nanos: u128,
    ) -> Result<Minted, MintError> {
        if lifetime.seconds() < 1 {
            return Err(MintError::Unusable("a lifetime that ends before it begins"));
        }
        if !boxes::is_secret(secret.expose()) {
            return Err(MintError::Unusable("a secret key that is not of forty letters and digits"));
        }
        let body = wire::encode_claims(claims);
        if wire::decode_claims(&body).is_none() {
            return Err(MintError::Unusable("names in the claims that are not valid, or too many ancestors"));
        }

        let session_id = self.session_id(&random, issued_at_nanos, &body);
        let header = Header {
            sign_key_id: self.sign_key_id,
            epoch: self.epoch,
            session_id,
            issued_at: Some(lifetime.issued_at),
            expires_at: Some(lifetime.expires_at),
            flags: flags(claims),
            trust_domain: self.trust_domain,
            body_length: u16::try_from(body.len() + TAG_LENGTH).map_err(|_| MintError::TooLong)?,
        };
        let token = self.seal_and_sign(&header, body, self.boxes(zones, lifetime, &secret))?;
        if token.len() > MAX_LENGTH {
            return Err(MintError::TooLong);
        }
        Ok(Minted {
            session_id,
            access_key_id: session_id.access_key_id(),
            secret_access_key: secret,
            security_token: Secret::new(token),
        })
    }

    /// The public half of the signing key.
    pub fn public_key(&self) -> [u8; 32] {
        self.public_key
    }

    /// The keys of a zone, for bundles and for the STS's own ring.
    pub fn zone_key(&self, zone: &Zone) -> ZoneKey {
        ZoneKey { epoch: self.epoch, seal: self.seal.clone(), zone: self.root.zone_key(zone) }
    }

    /// What tokens of this epoch call a zone. Not secret.
    pub fn zone_id(&self, zone: &Zone) -> [u8; 4] {
        BoxKeys::new(&self.root.zone_key(zone)).zone_id
    }

    /// The boxes of the STS and of `zones`, to be sealed.
    fn boxes<'a>(&self, zones: &[Zone], lifetime: Lifetime, secret: &'a SecretKey) -> Vec<(BoxKeys, Content<'a>)> {
        let dates = match zones.iter().any(|zone| matches!(zone, Zone::Scoped(_))) {
            true => signing_keys::date_keys(secret, lifetime),
            false => Vec::new(),
        };
        let mut boxes = vec![(self.sts.clone(), Content::SecretKey(secret))];
        let distinct = zones.iter().enumerate().filter(|(i, zone)| !zones[..*i].contains(zone));
        for (_, zone) in distinct {
            match zone {
                Zone::Sts => {}
                Zone::Default => boxes.push((self.default.clone(), Content::SecretKey(secret))),
                Zone::Scoped(scoped) => {
                    let keys = signing_keys::derive(scoped.scope(), &dates);
                    boxes.push((BoxKeys::new(&self.root.zone_key(zone)), Content::SigningKeys(keys)));
                }
            }
        }
        boxes
    }

    /// Differs for other content even where randomness repeats, as after the clone of a virtual machine.
    fn session_id(&self, random: &[u8; 32], issued_at_nanos: u128, body: &[u8]) -> SessionId {
        let mut context = hmac::Context::with_key(&self.session_id_key);
        context.update(random);
        context.update(&issued_at_nanos.to_be_bytes());
        context.update(body);
        let mut id = [0; 16];
        id.copy_from_slice(&context.sign().as_ref()[..16]);
        SessionId(id)
    }

    fn seal_and_sign(
        &self,
        header: &Header,
        mut body: Vec<u8>,
        boxes: Vec<(BoxKeys, Content<'_>)>,
    ) -> Result<String, MintError> {
        let header = header.write();
        // Sealing fails only above 64 GiB.
        let tag = self
            .bodies
            .of(&header)
            .seal_in_place_separate_tag(keys::nonce(), Aad::from(&header), &mut body)
            .map_err(|_| MintError::TooLong)?;
        let boxes = boxes::seal(boxes, &header).map_err(|_| {
            MintError::Unusable("more zones or signing keys than a token can hold, or two zones of one id")
        })?;

        let mut signed = [SIGNED_PREFIX.as_slice(), &header, &body, tag.as_ref(), &boxes].concat();
        let signature = self.sign_key.sign(&signed);
        signed.extend_from_slice(signature.as_ref());
        Ok(URL_SAFE_NO_PAD.encode(&signed[SIGNED_PREFIX.len()..]))
    }
}

/// Hints for logs and tools; the claims decide.
fn flags(claims: &Claims) -> u16 {
    let root = if matches!(claims.principal, Principal::Root { .. }) { FLAG_ROOT } else { 0 };
    let chained = if claims.ancestors.is_empty() { 0 } else { FLAG_CHAINED };
    root | chained
}
