//! The messages and the client of `brevet.sts.v1`, generated from `proto/brevet/sts/v1/sts.proto` and committed, so
//! that nobody who embeds this crate needs a compiler for protos.

use std::fmt;

pub use generated::*;

#[expect(missing_docs, clippy::allow_attributes_without_reason, reason = "generated; the proto file documents it")]
mod generated {
    include!("generated/brevet.sts.v1.rs");
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}
