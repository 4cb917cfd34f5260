//! AWS Signature Version 4, both sides of it: reading and verifying a signed request, and signing one.
//!
//! Pure: no clock, no I/O. The order in which a request is refused is numbered in [`Refusal`].
//! [`read()`] goes as far as one can without a key and yields [`Presented`]; [`Presented::verify`] does the rest.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html>

mod authentication;
mod canonical;
mod encode;
mod headers;
mod host;
mod key;
mod path;
mod query;
mod read;
mod received;
mod refusal;
mod request;
mod scope;
mod sign;
mod split;
mod verify;
mod window;

pub use key::{DateKey, RegionKey, ServiceKey, SigningKey};
pub use read::read;
pub use received::{NotARequest, ReceivedRequest, RequestLine};
pub use refusal::Refusal;
pub use request::{PathStyle, Request, Rules};
pub use scope::Scope;
pub use sign::{SignedHeaders, presign, sign};
pub use verify::{DeclaredPayload, Form, Payload, Presented};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// The longest life that a presigned request may state, in seconds: seven days.
const MAX_EXPIRES: u32 = 604_800;

/// SHA-256 of the empty body.
const EMPTY_SHA256: [u8; 32] = [
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41,
    0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];
