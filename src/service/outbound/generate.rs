//! New signing keys. The only file that knows the crate `rsa`: it looks for the primes of a key and does nothing else.
//! `ring`, which cannot, checks what it found and signs with it.

use brevet_validator::secret::Secret;
use brevet_validator::timestamp::Timestamp;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair};
use rsa::PrivateKey;
use rsa::pkcs8::EncodePrivateKey as _;
use rsa::rand_core::{TryCryptoRng, TryRng};

use super::algorithm::SigningAlgorithm;
use super::record::IssuerKey;
use crate::service::keys::{EpochState, InvalidMaterial};
use crate::service::random::{NoRandomness, Random};

/// The key outlives the tokens by years. 2,048 bits (112 bits of strength) are good until 2030 by NIST SP 800-57; 3,072
/// are as strong as the rest of the deployment, and cost a signature 2 ms in place of 0.7.
const RSA_BITS: usize = 3_072;

/// The first key of an algorithm. For RSA it takes half a second: not for a thread that others wait for.
pub(super) fn generate(
    algorithm: SigningAlgorithm,
    random: &dyn Random,
    now: Timestamp,
) -> Result<IssuerKey, InvalidMaterial> {
    let pkcs8 = match algorithm {
        SigningAlgorithm::Rs256 => rsa_key(random)?,
        SigningAlgorithm::Es384 => ec_key()?,
    };
    Ok(IssuerKey { algorithm, number: 1, state: EpochState::Active, pkcs8, created_at: now })
}

fn rsa_key(random: &dyn Random) -> Result<Secret<Vec<u8>>, InvalidMaterial> {
    let key = PrivateKey::new(&mut Source(random), RSA_BITS).map_err(|error| InvalidMaterial(error.to_string()))?;
    let document = key.to_pkcs8_der().map_err(|error| InvalidMaterial(error.to_string()))?;
    Ok(Secret::new(document.as_bytes().to_vec()))
}

/// `ring` draws from its own source alone, which is the system's.
fn ec_key() -> Result<Secret<Vec<u8>>, InvalidMaterial> {
    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &SystemRandom::new())
        .map_err(|_| InvalidMaterial(NoRandomness.to_string()))?;
    Ok(Secret::new(document.as_ref().to_vec()))
}

/// Our randomness, as `rsa` wants to be given it. It fails where ours does.
struct Source<'a>(&'a dyn Random);

impl TryRng for Source<'_> {
    type Error = NoRandomness;

    fn try_next_u32(&mut self) -> Result<u32, NoRandomness> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_ne_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, NoRandomness> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_ne_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, buffer: &mut [u8]) -> Result<(), NoRandomness> {
        self.0.fill(buffer)
    }
}

impl TryCryptoRng for Source<'_> {}
