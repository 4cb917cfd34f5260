//! What the product does: who may have which credentials, and the record of it. Knows no wire.

pub mod audit;
pub mod caller;
pub mod clock;
pub mod denial;
pub mod deployment;
pub mod directory;
pub mod error;
pub mod federation;
pub mod hex;
pub mod iam;
pub mod issue;
pub mod key_source;
pub mod keys;
pub mod last_uses;
pub mod operation;
pub mod outbound;
pub mod paging;
mod parameters;
pub mod pipeline;
pub mod policy;
pub mod random;
pub mod sessions;
pub mod signing_keys;
pub mod simulation;
pub mod trust;
pub mod verdicts;
pub mod zones;

#[cfg(test)]
mod test_world;
