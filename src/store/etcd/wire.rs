//! The messages of etcd's API, as generated from `proto/etcd`, and short ways to make some.

use bytes::Bytes;

pub(super) use self::etcdserverpb::*;
pub(super) use self::mvccpb::{Event, KeyValue, event};
use compare::{CompareResult, CompareTarget, TargetUnion};

#[allow(unreachable_pub, reason = "generated")]
mod mvccpb {
    tonic::include_proto!("mvccpb");
}

#[allow(
    unreachable_pub,
    clippy::allow_attributes_without_reason,
    clippy::enum_variant_names,
    reason = "generated, with etcd's names"
)]
mod etcdserverpb {
    tonic::include_proto!("etcdserverpb");
}

/// Holds if the key has this version; 0: if it is absent.
pub(super) fn version_is(key: Bytes, version: i64) -> Compare {
    compare(key, CompareTarget::Version, TargetUnion::Version(version))
}

/// Holds if the key is there with this value.
pub(super) fn value_is(key: Bytes, value: Bytes) -> Compare {
    compare(key, CompareTarget::Value, TargetUnion::Value(value))
}

fn compare(key: Bytes, target: CompareTarget, union: TargetUnion) -> Compare {
    Compare { result: CompareResult::Equal.into(), target: target.into(), key, target_union: Some(union) }
}

/// Writes a key; a lease that is not 0 limits its life.
pub(super) fn put(key: Bytes, value: Bytes, lease: i64) -> RequestOp {
    RequestOp { request: Some(request_op::Request::RequestPut(PutRequest { key, value, lease })) }
}

/// Removes a key.
pub(super) fn delete(key: Bytes) -> RequestOp {
    let request = DeleteRangeRequest { key, ..DeleteRangeRequest::default() };
    RequestOp { request: Some(request_op::Request::RequestDeleteRange(request)) }
}

/// Reads a key.
pub(super) fn get(key: Bytes) -> RangeRequest {
    RangeRequest { key, ..RangeRequest::default() }
}

/// A read within a transaction.
pub(super) fn read(request: RangeRequest) -> RequestOp {
    RequestOp { request: Some(request_op::Request::RequestRange(request)) }
}

impl TxnResponse {
    /// The key that each read of the transaction found, in order.
    pub(super) fn found(self) -> impl Iterator<Item = Option<KeyValue>> {
        self.responses.into_iter().map(|op| match op.response {
            Some(response_op::Response::ResponseRange(range)) => range.kvs.into_iter().next(),
            _ => None,
        })
    }
}
