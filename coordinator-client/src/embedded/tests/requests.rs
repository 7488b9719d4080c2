//! Short ways to write requests.

use etcd_client::proto::{
    PbCompare, PbCompareTarget, PbDeleteRequest, PbPutRequest, PbRangeRequest, PbTargetUnion,
    PbTxnOpRequest, PbTxnRequest, PbTxnRequestOp,
};

pub(super) fn put(key: &str, value: &str) -> PbPutRequest {
    PbPutRequest { key: key.into(), value: value.into(), ..PbPutRequest::default() }
}

pub(super) fn leased(key: &str, lease: i64) -> PbPutRequest {
    PbPutRequest { lease, ..put(key, "leased") }
}

pub(super) fn delete(key: &str, range_end: &str) -> PbDeleteRequest {
    let (key, range_end) = (key.into(), range_end.into());
    PbDeleteRequest { key, range_end, prev_kv: true }
}

/// All keys from `key` below `range_end`.
pub(super) fn range(key: &str, range_end: &str) -> PbRangeRequest {
    PbRangeRequest { key: key.into(), range_end: range_end.into(), ..PbRangeRequest::default() }
}

pub(super) fn get(key: &str) -> PbRangeRequest {
    range(key, "")
}

pub(super) fn op_put(request: PbPutRequest) -> PbTxnRequestOp {
    PbTxnRequestOp { request: Some(PbTxnOpRequest::RequestPut(request)) }
}

pub(super) fn op_delete(request: PbDeleteRequest) -> PbTxnRequestOp {
    PbTxnRequestOp { request: Some(PbTxnOpRequest::RequestDeleteRange(request)) }
}

pub(super) fn op_range(request: PbRangeRequest) -> PbTxnRequestOp {
    PbTxnRequestOp { request: Some(PbTxnOpRequest::RequestRange(request)) }
}

pub(super) fn op_txn(request: PbTxnRequest) -> PbTxnRequestOp {
    PbTxnRequestOp { request: Some(PbTxnOpRequest::RequestTxn(request)) }
}

/// `success` if every compare holds, else `failure`.
pub(super) fn txn(
    compare: Vec<PbCompare>,
    success: Vec<PbTxnRequestOp>,
    failure: Vec<PbTxnRequestOp>,
) -> PbTxnRequest {
    PbTxnRequest { compare, success, failure }
}

/// `result`: 0 equal, 1 greater, 2 less, 3 not equal.
pub(super) fn compare(key: &str, result: i32, union: PbTargetUnion) -> PbCompare {
    let target = match union {
        PbTargetUnion::Version(_) => PbCompareTarget::Version,
        PbTargetUnion::CreateRevision(_) => PbCompareTarget::Create,
        PbTargetUnion::ModRevision(_) => PbCompareTarget::Mod,
        PbTargetUnion::Value(_) => PbCompareTarget::Value,
        PbTargetUnion::Lease(_) => PbCompareTarget::Lease,
    };
    PbCompare {
        result,
        target: target as i32,
        key: key.into(),
        range_end: Vec::new(),
        target_union: Some(union),
    }
}
