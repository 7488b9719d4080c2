//! Random requests, and how to send them and to compare their answers.

use etcd_client::proto::{
    PbCompactionRequest, PbCompactionResponse, PbCompare, PbDeleteRequest, PbDeleteResponse,
    PbLeaseGrantRequest, PbLeaseGrantResponse, PbLeaseLeasesRequest, PbLeaseLeasesResponse,
    PbLeaseRevokeRequest, PbLeaseRevokeResponse, PbLeaseTimeToLiveRequest,
    PbLeaseTimeToLiveResponse, PbPutRequest, PbPutResponse, PbRangeRequest, PbRangeResponse,
    PbResponseHeader, PbTargetUnion, PbTxnOpRequest, PbTxnRequest, PbTxnRequestOp, PbTxnResponse,
};
use proptest::{collection::vec, prelude::*, sample::select};
use tonic::{codegen::http::uri::PathAndQuery, transport::Channel};
use tonic_prost::ProstCodec;

use crate::embedded::tests::requests::*;

/// A request. Revisions above 2 in it count back from the present until it is
/// [resolved](Self::resolve): 2 is the next revision, 3 the current one.
#[derive(Debug, Clone)]
pub(super) enum Call {
    Range(PbRangeRequest),
    Put(PbPutRequest),
    Delete(PbDeleteRequest),
    Txn(PbTxnRequest),
    Compact(PbCompactionRequest),
    Grant(PbLeaseGrantRequest),
    Revoke(PbLeaseRevokeRequest),
    TimeToLive(PbLeaseTimeToLiveRequest),
    Leases,
}

/// What can be compared of an answer.
#[derive(Debug, PartialEq)]
pub(super) struct Answer {
    /// The revision in its header.
    pub(super) revision: Option<i64>,
    text: String,
}

fn bytes(of: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    select(of).prop_map(|text| text.as_bytes().to_vec())
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    bytes(&["a", "b", "ba", "bb", "c", "d", "a", "b", "c", "d", "a", "b", "c", "d", ""])
}

fn range_end() -> impl Strategy<Value = Vec<u8>> {
    bytes(&["", "", "", "", "a", "b", "bb", "c", "z", "\0"])
}

/// Mostly the newest; else near it (see [`Call`]).
fn revision() -> impl Strategy<Value = i64> {
    prop_oneof![6 => Just(0), 4 => 2..30_i64, 1 => Just(-1)]
}

fn lease() -> impl Strategy<Value = i64> {
    select(vec![0, 0, 0, 0, 1, 2, 3, 4])
}

fn range_request() -> impl Strategy<Value = PbRangeRequest> {
    let bounds = || prop_oneof![8 => Just(0), 1 => 3..20_i64];
    let options = (revision(), 0..3_i64, 0..3_i32, 0..5_i32, any::<[bool; 2]>());
    (key(), range_end(), options, [bounds(), bounds(), bounds(), bounds()]).prop_map(
        |(key, range_end, (revision, limit, sort_order, sort_target, [keys, count]), bounds)| {
            PbRangeRequest {
                key,
                range_end,
                limit,
                revision,
                sort_order,
                sort_target,
                serializable: false,
                keys_only: keys,
                count_only: count && keys,
                min_mod_revision: bounds[0],
                max_mod_revision: bounds[1],
                min_create_revision: bounds[2],
                max_create_revision: bounds[3],
            }
        },
    )
}

fn put_request() -> impl Strategy<Value = PbPutRequest> {
    let flags = [prop::bool::weighted(0.5), prop::bool::weighted(0.1), prop::bool::weighted(0.1)];
    (key(), bytes(&["", "x", "y", "z"]), lease(), flags).prop_map(
        |(key, value, lease, [prev_kv, ignore_value, ignore_lease])| {
            // Contradictions are rare, or the flags would hardly ever be tried.
            let value = if ignore_value && lease != 4 { Vec::new() } else { value };
            let lease = if ignore_lease && lease != 4 { 0 } else { lease };
            PbPutRequest { key, value, lease, prev_kv, ignore_value, ignore_lease }
        },
    )
}

fn delete_request() -> impl Strategy<Value = PbDeleteRequest> {
    (key(), range_end(), any::<bool>()).prop_map(|(key, range_end, prev_kv)| PbDeleteRequest {
        key,
        range_end,
        prev_kv,
    })
}

fn compare_strategy() -> impl Strategy<Value = PbCompare> {
    let union = prop_oneof![
        (0..4_i64).prop_map(PbTargetUnion::Version),
        prop_oneof![Just(0), 3..30_i64].prop_map(PbTargetUnion::CreateRevision),
        prop_oneof![Just(0), 3..20_i64].prop_map(PbTargetUnion::ModRevision),
        bytes(&["", "x", "y", "z"]).prop_map(PbTargetUnion::Value),
        lease().prop_map(PbTargetUnion::Lease),
    ];
    (key(), 0..4_i32, union, range_end()).prop_map(|(key, result, union, range_end)| {
        let key = String::from_utf8(key).unwrap();
        PbCompare { range_end, ..compare(&key, result, union) }
    })
}

fn op() -> impl Strategy<Value = PbTxnRequestOp> {
    let leaf = || {
        prop_oneof![
            3 => put_request().prop_map(op_put),
            1 => delete_request().prop_map(op_delete),
            2 => range_request().prop_map(op_range),
        ]
    };
    let nested = (vec(compare_strategy(), 0..2), vec(leaf(), 0..3), vec(leaf(), 0..3))
        .prop_map(|(compare, success, failure)| op_txn(txn(compare, success, failure)));
    prop_oneof![8 => leaf(), 1 => nested]
}

fn txn_request() -> impl Strategy<Value = PbTxnRequest> {
    (vec(compare_strategy(), 0..3), vec(op(), 0..4), vec(op(), 0..4))
        .prop_map(|(compare, success, failure)| txn(compare, success, failure))
}

/// Any request.
pub(super) fn call() -> impl Strategy<Value = Call> {
    let grant = (1..5_i64, select(vec![600, 1000, 9_000_000_001_i64]));
    prop_oneof![
        20 => range_request().prop_map(Call::Range),
        30 => put_request().prop_map(Call::Put),
        8 => delete_request().prop_map(Call::Delete),
        30 => txn_request().prop_map(Call::Txn),
        2 => (2..40_i64).prop_map(|revision| {
            Call::Compact(PbCompactionRequest { revision, physical: true })
        }),
        6 => grant.prop_map(|(id, ttl)| Call::Grant(PbLeaseGrantRequest { id, ttl })),
        3 => (1..5_i64).prop_map(|id| Call::Revoke(PbLeaseRevokeRequest { id })),
        3 => (1..5_i64).prop_map(|id| {
            Call::TimeToLive(PbLeaseTimeToLiveRequest { id, keys: true })
        }),
        1 => Just(Call::Leases),
    ]
}

/// See [`Call`].
fn absolute(revision: &mut i64, current: i64) {
    if *revision > 1 {
        *revision = (current + 3 - *revision).max(0);
    }
}

fn resolve_range(request: &mut PbRangeRequest, current: i64) {
    for revision in [
        &mut request.revision,
        &mut request.min_mod_revision,
        &mut request.max_mod_revision,
        &mut request.min_create_revision,
        &mut request.max_create_revision,
    ] {
        absolute(revision, current);
    }
}

fn resolve_txn(request: &mut PbTxnRequest, current: i64) {
    for compare in &mut request.compare {
        if let Some(
            PbTargetUnion::CreateRevision(revision) | PbTargetUnion::ModRevision(revision),
        ) = &mut compare.target_union
        {
            absolute(revision, current);
        }
    }
    for op in request.success.iter_mut().chain(&mut request.failure) {
        match op.request.as_mut() {
            Some(PbTxnOpRequest::RequestRange(range)) => resolve_range(range, current),
            Some(PbTxnOpRequest::RequestTxn(nested)) => resolve_txn(nested, current),
            _ => {}
        }
    }
}

impl Call {
    /// Counts its revisions from `current`.
    pub(super) fn resolve(mut self, current: i64) -> Self {
        match &mut self {
            Self::Range(request) => resolve_range(request, current),
            Self::Txn(request) => resolve_txn(request, current),
            Self::Compact(request) => absolute(&mut request.revision, current),
            _ => {}
        }
        self
    }

    /// What is too large, too many, or too short, to be sent after all else.
    pub(super) fn edges() -> Vec<Self> {
        let puts = |count: usize| {
            (0..count).map(|n| op_put(put(&format!("n{n}"), ""))).collect::<Vec<_>>()
        };
        let nest = |count| txn(vec![], vec![op_txn(txn(vec![], puts(count), vec![]))], vec![]);
        let large = |bytes| PbPutRequest { value: vec![0; bytes], ..put("large", "") };
        vec![
            Self::Txn(txn(vec![], puts(128), vec![])),
            Self::Txn(txn(vec![], puts(129), vec![])),
            Self::Txn(nest(127)),
            Self::Txn(nest(128)),
            Self::Txn(txn(vec![], vec![PbTxnRequestOp { request: None }], vec![])),
            Self::Put(large(1_500_000)),
            Self::Put(large(1_600_000)),
            Self::Grant(PbLeaseGrantRequest { id: 100, ttl: 0 }),
            Self::Revoke(PbLeaseRevokeRequest { id: 100 }),
            Self::Grant(PbLeaseGrantRequest { id: 101, ttl: -5 }),
            Self::Revoke(PbLeaseRevokeRequest { id: 101 }),
            Self::Compact(PbCompactionRequest { revision: 0, physical: false }),
            Self::Compact(PbCompactionRequest { revision: -3, physical: false }),
        ]
    }

    /// Sends it to one of the servers.
    pub(super) async fn send(&self, to: &Channel) -> Answer {
        match self.clone() {
            Self::Range(it) => {
                unary(to, "/etcdserverpb.KV/Range", it, |it: &mut PbRangeResponse| &mut it.header)
                    .await
            }
            Self::Put(it) => {
                unary(to, "/etcdserverpb.KV/Put", it, |it: &mut PbPutResponse| &mut it.header).await
            }
            Self::Delete(it) => {
                let path = "/etcdserverpb.KV/DeleteRange";
                unary(to, path, it, |it: &mut PbDeleteResponse| &mut it.header).await
            }
            Self::Txn(it) => {
                unary(to, "/etcdserverpb.KV/Txn", it, |it: &mut PbTxnResponse| &mut it.header).await
            }
            Self::Compact(it) => {
                let path = "/etcdserverpb.KV/Compact";
                unary(to, path, it, |it: &mut PbCompactionResponse| &mut it.header).await
            }
            Self::Grant(it) => {
                let path = "/etcdserverpb.Lease/LeaseGrant";
                unary(to, path, it, |it: &mut PbLeaseGrantResponse| &mut it.header).await
            }
            Self::Revoke(it) => {
                let path = "/etcdserverpb.Lease/LeaseRevoke";
                unary(to, path, it, |it: &mut PbLeaseRevokeResponse| &mut it.header).await
            }
            Self::TimeToLive(it) => {
                let path = "/etcdserverpb.Lease/LeaseTimeToLive";
                unary(to, path, it, |it: &mut PbLeaseTimeToLiveResponse| {
                    // The seconds left depend on when it was asked; the order of keys on chance.
                    it.ttl = it.ttl.signum();
                    it.keys.sort();
                    &mut it.header
                })
                .await
            }
            Self::Leases => {
                let path = "/etcdserverpb.Lease/LeaseLeases";
                unary(to, path, PbLeaseLeasesRequest {}, |it: &mut PbLeaseLeasesResponse| {
                    it.leases.sort_by_key(|lease| lease.id);
                    &mut it.header
                })
                .await
            }
        }
    }
}

/// Calls `path`; `header` finds the answer's header and removes what cannot be compared.
async fn unary<Q, A>(
    to: &Channel,
    path: &'static str,
    request: Q,
    header: impl FnOnce(&mut A) -> &mut Option<PbResponseHeader>,
) -> Answer
where
    Q: prost::Message + Send + Sync + 'static,
    A: prost::Message + Default + std::fmt::Debug + Send + Sync + 'static,
{
    let mut client = tonic::client::Grpc::new(to.clone());
    client.ready().await.unwrap();
    let path = PathAndQuery::from_static(path);
    let codec = ProstCodec::<Q, A>::default();
    match client.unary(tonic::Request::new(request), path, codec).await {
        Err(status) => {
            let text = format!("{:?} {}", status.code(), status.message());
            Answer { revision: None, text }
        }
        Ok(answer) => {
            let mut answer = answer.into_inner();
            let revision = header(&mut answer).take().map(|header| header.revision);
            Answer { revision, text: format!("{answer:?}") }
        }
    }
}
