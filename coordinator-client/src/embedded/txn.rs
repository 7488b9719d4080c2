//! Transactions: which branch is taken, whether its requests can be done, and doing them.
//!
//! As in etcd all compares, those of nested transactions too, look at the store as it was before
//! the transaction; then everything that may fail is looked at; then nothing can fail any more.

use std::cmp::Ordering;

use etcd_client::proto::{
    PbCompare, PbCompareTarget, PbDeleteRequest, PbPutRequest, PbRangeRequest, PbResponseHeader,
    PbResponseOp, PbTargetUnion, PbTxnOpRequest, PbTxnOpResponse, PbTxnRequest, PbTxnRequestOp,
    PbTxnResponse,
};

use super::{
    error::OpError, history::Version, key_range::KeyRange, machine::Machine, mvcc::Store,
    range::range,
};

// The numbers of etcd's enum `CompareResult`, which etcd-client does not export.
const EQUAL: i32 = 0;
const GREATER: i32 = 1;
const LESS: i32 = 2;
const NOT_EQUAL: i32 = 3;

/// A transaction whose branch is chosen.
pub(crate) struct Plan {
    succeeded: bool,
    ops: Vec<PlanOp>,
}

enum PlanOp {
    Range(PbRangeRequest),
    Put(PbPutRequest),
    Delete(PbDeleteRequest),
    Txn(Plan),
}

impl Plan {
    /// Evaluates the compares of `request` and of the transactions nested in the branch taken.
    pub(crate) fn of(store: &Store, request: PbTxnRequest) -> Self {
        let succeeded = request.compare.into_iter().all(|compare| holds(store, compare));
        let ops = if succeeded { request.success } else { request.failure };
        // Empty operations were refused before.
        let ops = ops.into_iter().filter_map(|op: PbTxnRequestOp| {
            Some(match op.request? {
                PbTxnOpRequest::RequestRange(request) => PlanOp::Range(request),
                PbTxnOpRequest::RequestPut(request) => PlanOp::Put(request),
                PbTxnOpRequest::RequestDeleteRange(request) => PlanOp::Delete(request),
                PbTxnOpRequest::RequestTxn(nested) => PlanOp::Txn(Self::of(store, nested)),
            })
        });
        Self { succeeded, ops: ops.collect() }
    }

    /// Whether all of it can be done on the store as it is: first the puts, then the ranges.
    ///
    /// # Errors
    /// A missing key or lease of a put, a revision that cannot be read.
    pub(crate) fn check(&self, machine: &Machine) -> Result<(), OpError> {
        self.check_puts(machine)?;
        self.check_ranges(machine.store())
    }

    fn check_puts(&self, machine: &Machine) -> Result<(), OpError> {
        self.ops.iter().try_for_each(|op| match op {
            PlanOp::Put(request) => machine.check_put(request),
            PlanOp::Txn(plan) => plan.check_puts(machine),
            PlanOp::Range(_) | PlanOp::Delete(_) => Ok(()),
        })
    }

    fn check_ranges(&self, store: &Store) -> Result<(), OpError> {
        self.ops.iter().try_for_each(|op| match op {
            PlanOp::Range(request) if request.revision == 0 => Ok(()),
            PlanOp::Range(request) if request.revision > store.revision() => {
                Err(OpError::FutureRevision)
            }
            PlanOp::Range(request) if request.revision < store.history().compacted() => {
                Err(OpError::Compacted)
            }
            PlanOp::Txn(plan) => plan.check_ranges(store),
            PlanOp::Range(_) | PlanOp::Put(_) | PlanOp::Delete(_) => Ok(()),
        })
    }

    /// Does it; the caller commits.
    ///
    /// # Errors
    /// Only what [`check`](Self::check) would have found.
    pub(crate) fn apply(self, machine: &mut Machine) -> Result<PbTxnResponse, OpError> {
        let mut responses = Vec::with_capacity(self.ops.len());
        for op in self.ops {
            let response = match op {
                PlanOp::Range(request) => {
                    PbTxnOpResponse::ResponseRange(range(machine.store(), request)?)
                }
                PlanOp::Put(request) => PbTxnOpResponse::ResponsePut(machine.stage_put(request)),
                PlanOp::Delete(request) => {
                    PbTxnOpResponse::ResponseDeleteRange(machine.stage_delete(request))
                }
                PlanOp::Txn(plan) => PbTxnOpResponse::ResponseTxn(plan.apply(machine)?),
            };
            responses.push(PbResponseOp { response: Some(response) });
        }
        let header = Some(PbResponseHeader::default());
        Ok(PbTxnResponse { header, succeeded: self.succeeded, responses })
    }
}

/// Whether `compare` holds for every key it names; a missing key compares as zeros, but never by
/// value: no value could stand for "missing".
fn holds(store: &Store, compare: PbCompare) -> bool {
    let range = KeyRange::new(compare.key, compare.range_end);
    let value = PbCompareTarget::Value as i32;
    let test = |version: Option<&Version>| {
        let ordering = compare_target(compare.target, compare.target_union.as_ref(), version);
        matches_result(compare.result, ordering)
    };
    let mut versions = store.range(&range, None).map(|(_, version)| version).peekable();
    if versions.peek().is_none() {
        return compare.target != value && test(None);
    }
    versions.all(|version| test(Some(version)))
}

fn compare_target(
    target: i32,
    wanted: Option<&PbTargetUnion>,
    version: Option<&Version>,
) -> Ordering {
    let number = |of: fn(&Version) -> i64| version.map_or(0, of);
    match PbCompareTarget::try_from(target) {
        Ok(PbCompareTarget::Value) => {
            let wanted = match wanted {
                Some(PbTargetUnion::Value(value)) => value.as_slice(),
                _ => &[],
            };
            version.map_or(&[][..], |version| &version.value[..]).cmp(wanted)
        }
        Ok(PbCompareTarget::Create) => {
            number(|version| version.create_revision).cmp(&match wanted {
                Some(PbTargetUnion::CreateRevision(revision)) => *revision,
                _ => 0,
            })
        }
        Ok(PbCompareTarget::Mod) => number(|version| version.mod_revision).cmp(&match wanted {
            Some(PbTargetUnion::ModRevision(revision)) => *revision,
            _ => 0,
        }),
        Ok(PbCompareTarget::Lease) => number(|version| version.lease).cmp(&match wanted {
            Some(PbTargetUnion::Lease(lease)) => *lease,
            _ => 0,
        }),
        Ok(PbCompareTarget::Version) => number(|version| version.version).cmp(&match wanted {
            Some(PbTargetUnion::Version(version)) => *version,
            _ => 0,
        }),
        Err(_) => Ordering::Equal,
    }
}

/// An unknown kind of comparison holds, as in etcd.
fn matches_result(result: i32, ordering: Ordering) -> bool {
    match result {
        EQUAL => ordering.is_eq(),
        NOT_EQUAL => ordering.is_ne(),
        GREATER => ordering.is_gt(),
        LESS => ordering.is_lt(),
        _ => true,
    }
}
