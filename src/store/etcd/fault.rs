//! What an answer of etcd, or none, means for a request: above all whether it may have happened.

use std::error::Error;

use tonic::{Code, ConnectError, Status};

use crate::store::StoreError;

/// Why a request was not answered as hoped.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum Fault {
    /// etcd refused. It did nothing, and would do so again.
    #[error("etcd refused: {0}")]
    Refused(String),
    /// It reached no member that could act. Nothing happened.
    #[error("etcd cannot be reached: {0}")]
    Unreached(String),
    /// It may have happened, or may yet.
    #[error("etcd did not answer: {0}")]
    Unknown(String),
    /// The revision that was asked for is no longer kept.
    #[error("etcd has compacted the revision")]
    Compacted,
    /// The token of the login is not good any more. Nothing happened.
    #[error("etcd wants another login: {0}")]
    Login(String),
    /// The lease is not there. Nothing happened.
    #[error("etcd does not know the lease")]
    NoLease,
}

impl Fault {
    /// Whether another member may do better.
    pub(super) fn is_of_the_member(&self) -> bool {
        matches!(self, Self::Unreached(_) | Self::Unknown(_))
    }
}

impl From<Status> for Fault {
    fn from(status: Status) -> Self {
        let text = describe(&status);
        let says = |words| status.message().contains(words);
        // The codes alone do not tell: what lies between may use the same.
        let by_etcd = says("etcdserver: ") || says("grpc: ");
        match status.code() {
            Code::OutOfRange if says("required revision has been compacted") => Self::Compacted,
            Code::NotFound if says("requested lease not found") => Self::NoLease,
            Code::Unauthenticated => Self::Login(text),
            Code::InvalidArgument if says("revision of auth store is old") || says("user name is empty") => {
                Self::Login(text)
            }
            Code::InvalidArgument
            | Code::NotFound
            | Code::AlreadyExists
            | Code::PermissionDenied
            | Code::FailedPrecondition
            | Code::Unimplemented => Self::Refused(text),
            // No space, too many requests, a message too large.
            Code::ResourceExhausted if by_etcd => Self::Refused(text),
            // A member without a leader takes nothing on.
            Code::Unavailable if says("etcdserver: no leader") || did_not_connect(&status) => Self::Unreached(text),
            _ => Self::Unknown(text),
        }
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        Self(fault.to_string())
    }
}

fn did_not_connect(status: &Status) -> bool {
    causes(status).any(|cause| cause.is::<ConnectError>())
}

fn causes(status: &Status) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(status.source(), |cause: &&(dyn Error + 'static)| (*cause).source())
}

/// The message, and what lies at the bottom of it.
fn describe(status: &Status) -> String {
    match causes(status).last().map(ToString::to_string) {
        Some(cause) if cause != status.message() => format!("{}: {cause}", status.message()),
        _ => status.message().to_owned(),
    }
}
