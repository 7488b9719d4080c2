//! What can be said about a request without looking at the store: empty keys, contradictory flags,
//! too many operations, two writes of one key in one transaction.

use std::collections::HashSet;

use bytes::Bytes;
use etcd_client::proto::{
    PbDeleteRequest, PbPutRequest, PbRangeRequest, PbTxnOpRequest, PbTxnRequest, PbTxnRequestOp,
};

use super::{error::OpError, key_range::KeyRange};

/// etcd's `--max-txn-ops`: per transaction, and with what its nested ones hold.
const MAX_TXN_OPS: usize = 128;
/// etcd's `--max-request-bytes`.
const MAX_REQUEST_BYTES: usize = 3 << 19;

/// Refuses a request that etcd could not put through its log.
pub(crate) fn size(request: &impl prost::Message) -> Result<(), OpError> {
    match request.encoded_len() <= MAX_REQUEST_BYTES {
        true => Ok(()),
        false => Err(OpError::RequestTooLarge),
    }
}

/// A range needs a key.
pub(crate) fn range(request: &PbRangeRequest) -> Result<(), OpError> {
    key(&request.key)
}

/// A put needs a key, and either a value (lease) or the order to keep it.
pub(crate) fn put(request: &PbPutRequest) -> Result<(), OpError> {
    key(&request.key)?;
    if request.ignore_value && !request.value.is_empty() {
        return Err(OpError::ValueProvided);
    }
    if request.ignore_lease && request.lease != 0 {
        return Err(OpError::LeaseProvided);
    }
    Ok(())
}

/// A deletion needs a key.
pub(crate) fn delete(request: &PbDeleteRequest) -> Result<(), OpError> {
    key(&request.key)
}

/// All of the above for what a transaction holds, its size, and that no key is written twice.
pub(crate) fn txn(request: &PbTxnRequest) -> Result<(), OpError> {
    txn_ops(request, MAX_TXN_OPS)?;
    Writes::of(&request.success)?;
    Writes::of(&request.failure)?;
    Ok(())
}

fn key(key: &[u8]) -> Result<(), OpError> {
    if key.is_empty() { Err(OpError::EmptyKey) } else { Ok(()) }
}

fn txn_ops(request: &PbTxnRequest, budget: usize) -> Result<(), OpError> {
    let ops = request.compare.len().max(request.success.len()).max(request.failure.len());
    let left = budget.checked_sub(ops).ok_or(OpError::TooManyOps)?;
    request.compare.iter().try_for_each(|compare| key(&compare.key))?;
    let mut branches = request.success.iter().chain(&request.failure);
    branches.try_for_each(|op| match &op.request {
        Some(PbTxnOpRequest::RequestRange(request)) => range(request),
        Some(PbTxnOpRequest::RequestPut(request)) => put(request),
        Some(PbTxnOpRequest::RequestDeleteRange(request)) => delete(request),
        Some(PbTxnOpRequest::RequestTxn(request)) => txn_ops(request, left),
        None => Err(OpError::KeyNotFound),
    })
}

/// The keys of a deletion as etcd compares them with puts: it takes a `range_end` of one zero byte
/// literally here, so "everything from this key on" overlaps with nothing.
fn literal_range(delete: &PbDeleteRequest) -> KeyRange {
    let start = Bytes::copy_from_slice(&delete.key);
    match delete.range_end.as_slice() {
        [] => KeyRange::One(start),
        end => KeyRange::Span { start, end: Some(Bytes::copy_from_slice(end)) },
    }
}

/// What one branch of a transaction writes, its nested transactions included.
#[derive(Default)]
struct Writes<'a> {
    puts: HashSet<&'a [u8]>,
    deletes: Vec<KeyRange>,
}

impl<'a> Writes<'a> {
    /// # Errors
    /// [`OpError::DuplicateKey`] if a key is put twice, or put and deleted. The two branches of a
    /// nested transaction exclude each other, so a key may be in both.
    fn of(ops: &'a [PbTxnRequestOp]) -> Result<Self, OpError> {
        let mut writes = Self::default();
        let requests = || ops.iter().filter_map(|op| op.request.as_ref());
        for request in requests() {
            if let PbTxnOpRequest::RequestDeleteRange(delete) = request {
                writes.deletes.push(literal_range(delete));
            }
        }
        for request in requests() {
            if let PbTxnOpRequest::RequestTxn(nested) = request {
                writes.add_nested(Self::of(&nested.success)?, Self::of(&nested.failure)?)?;
            }
        }
        for request in requests() {
            if let PbTxnOpRequest::RequestPut(put) = request {
                writes.add_put(&put.key)?;
            }
        }
        Ok(writes)
    }

    fn add_nested(&mut self, success: Self, failure: Self) -> Result<(), OpError> {
        let either: HashSet<_> = success.puts.union(&failure.puts).copied().collect();
        either.into_iter().try_for_each(|key| self.add_put(key))?;
        self.deletes.extend(success.deletes);
        self.deletes.extend(failure.deletes);
        Ok(())
    }

    fn add_put(&mut self, key: &'a [u8]) -> Result<(), OpError> {
        let deleted = self.deletes.iter().any(|range| range.contains(key));
        match deleted || !self.puts.insert(key) {
            true => Err(OpError::DuplicateKey),
            false => Ok(()),
        }
    }
}
