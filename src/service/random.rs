//! What the service needs of randomness.

use brevet_validator::credential::SecretKey;
use zeroize::Zeroizing;

/// The source could not give bytes. Nothing is minted without it.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the system gives no randomness")]
pub struct NoRandomness;

/// A cryptographic source of uniform bytes.
pub trait Random: Send + Sync + std::fmt::Debug {
    /// Fills the buffer or fails; never with weak bytes.
    fn fill(&self, buffer: &mut [u8]) -> Result<(), NoRandomness>;
}

/// Draws a secret access key.
pub fn secret_key(random: &dyn Random) -> Result<SecretKey, NoRandomness> {
    loop {
        // One draw is almost always enough: three bytes in a hundred are skipped as biased.
        let mut bytes = Zeroizing::new([0; 64]);
        random.fill(&mut *bytes)?;
        if let Some(key) = SecretKey::from_random(&*bytes) {
            return Ok(key);
        }
    }
}
