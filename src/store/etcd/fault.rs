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
    /// The members that answer have no leader. Nothing happened; they elect one.
    #[error("etcd has no leader")]
    NoLeader,
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
        matches!(self, Self::Unreached(_) | Self::NoLeader | Self::Unknown(_))
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
            Code::Unavailable if says("etcdserver: no leader") => Self::NoLeader,
            Code::Unavailable if did_not_connect(&status) => Self::Unreached(text),
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What a status means, in a word.
    fn meaning(code: Code, message: &str) -> &'static str {
        match Fault::from(Status::new(code, message)) {
            Fault::Refused(_) => "refused",
            Fault::Unreached(_) => "unreached",
            Fault::NoLeader => "no leader",
            Fault::Unknown(_) => "unknown",
            Fault::Compacted => "compacted",
            Fault::Login(_) => "login",
            Fault::NoLease => "no lease",
        }
    }

    #[test]
    fn f12_only_what_is_known_not_to_have_happened_is_called_so() {
        for (code, message, means) in [
            (Code::InvalidArgument, "etcdserver: request is too large", "refused"),
            (Code::InvalidArgument, "etcdserver: too many operations in txn request", "refused"),
            (Code::PermissionDenied, "etcdserver: permission denied", "refused"),
            (Code::ResourceExhausted, "etcdserver: mvcc: database space exceeded", "refused"),
            (Code::ResourceExhausted, "grpc: received message larger than max (3 vs. 2)", "refused"),
            (Code::ResourceExhausted, "h2 protocol error: enhance your calm", "unknown"),
            (Code::OutOfRange, "etcdserver: mvcc: required revision has been compacted", "compacted"),
            (Code::NotFound, "etcdserver: requested lease not found", "no lease"),
            (Code::Unauthenticated, "etcdserver: invalid auth token", "login"),
            (Code::InvalidArgument, "etcdserver: revision of auth store is old", "login"),
            (Code::Unavailable, "etcdserver: no leader", "no leader"),
            (Code::Unavailable, "etcdserver: leader changed", "unknown"),
            (Code::Unavailable, "etcdserver: request timed out", "unknown"),
            (Code::Unavailable, "etcdserver: request timed out, possibly due to previous leader failure", "unknown"),
            (Code::Unavailable, "etcdserver: request timed out, possibly due to connection lost", "unknown"),
            (Code::Unavailable, "etcdserver: server stopped", "unknown"),
            (Code::Unavailable, "transport is closing", "unknown"),
            (Code::DeadlineExceeded, "context deadline exceeded", "unknown"),
            (Code::Cancelled, "operation was canceled", "unknown"),
            (Code::Internal, "stream closed", "unknown"),
            (Code::Unknown, "", "unknown"),
        ] {
            assert_eq!(meaning(code, message), means, "{message}");
        }
    }

    #[tokio::test]
    async fn a_connection_that_is_refused_is_known_to_have_carried_nothing() {
        let endpoint = tonic::transport::Endpoint::from_static("http://127.0.0.1:1");
        let mut client = super::super::wire::kv_client::KvClient::new(endpoint.connect_lazy());
        let status = client.range(super::super::wire::RangeRequest::default()).await.unwrap_err();
        assert!(matches!(Fault::from(status), Fault::Unreached(_)));
    }
}
