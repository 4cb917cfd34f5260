//! The security token: a sealed, signed statement that a session exists. Opaque to its holder.
//!
//! [`KeyRing::open`] reads tokens, [`Minter::mint`] makes them, a [`TrustBundle`] carries the keys of a ring to a
//! validator. Layout, derivations and order of checks: `docs/token-format.md`.

mod boxes;
mod bundle;
mod claims;
mod header;
mod keys;
mod mint;
mod public_key;
mod revocation;
mod ring;
mod scan;
mod session;
mod signing_keys;
mod wire;
mod zone;

pub use bundle::{InvalidBundle, TrustBundle};
pub use claims::{Claims, Federation, Origin, SessionId, SessionTag};
pub use mint::{MintError, Minted, Minter};
pub use revocation::{
    Entry, InvalidEntry, InvalidHead, LogPosition, Revocable, Revocation, RevocationHead, RevocationSet, SessionHolder,
    Subject, WithdrawnKey,
};
pub use ring::{InvalidKeyRing, KeyRing, KeyState, VerifyingKey, ZoneKey};
pub use session::{Session, SessionSecret, Step, TokenError};
pub use signing_keys::{CoveredScopes, SigningKeys, session_dates};
pub use zone::{InvalidZone, ScopedZone, Zone, ZoneScope};

/// Longest token, in characters.
pub const MAX_LENGTH: usize = 4096;

/// What stands before a token's bytes when they are signed.
const SIGNED_PREFIX: &[u8; 13] = b"STS-TOKEN\0v1\0";

/// Bytes of an Ed25519 signature.
const SIGNATURE_LENGTH: usize = 64;
