//! The system's randomness.

use ring::rand::{SecureRandom, SystemRandom};

use crate::service::random::{NoRandomness, Random};

/// `getrandom`, by way of `ring`.
#[derive(Debug)]
pub struct SystemRandomness(SystemRandom);

impl Default for SystemRandomness {
    fn default() -> Self {
        Self(SystemRandom::new())
    }
}

impl Random for SystemRandomness {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), NoRandomness> {
        self.0.fill(buffer).map_err(|_| NoRandomness)
    }
}
