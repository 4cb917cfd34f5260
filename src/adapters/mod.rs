//! The outside world behind the service's traits: clock, randomness, audit files, master-key sources.

pub mod audit_file;
pub mod audit_log;
pub mod clock;
pub mod key_sets;
pub mod master_key;
pub mod random;
