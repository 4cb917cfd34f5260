//! The record messages, as generated, and their encoding. Those that hold secrets do not print them.

use std::fmt;

use prost::Message;

pub use generated::*;

#[expect(missing_docs, reason = "the proto file documents them")]
mod generated {
    tonic::include_proto!("brevet.store.v1");
}

/// The bytes of a record.
pub fn encode(record: &impl Message) -> Vec<u8> {
    record.encode_to_vec()
}

/// A record from its bytes. The error is for the operator.
pub fn decode<M: Message + Default>(content: &[u8]) -> Result<M, String> {
    M::decode(content).map_err(|error| error.to_string())
}

macro_rules! redacted {
    ($($message:ident: $name:ident),*) => {$(
        impl fmt::Debug for $message {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($message)).field(stringify!($name), &self.$name).finish_non_exhaustive()
            }
        }
    )*};
}

redacted!(AccessKey: id, Anchor: created_at, Epoch: number, IssuerKey: number);
