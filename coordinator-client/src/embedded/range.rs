//! Range requests: which versions are read, filtered, sorted and cut, as etcd does it.

use std::cmp::Ordering;

use bytes::Bytes;
use etcd_client::proto::{PbKeyValue, PbRangeRequest, PbRangeResponse, PbResponseHeader};

use super::{error::OpError, history::Version, key_range::KeyRange, mvcc::Store};

// The numbers of etcd's enums `SortOrder` and `SortTarget`, which etcd-client does not export.
const ORDER_NONE: i32 = 0;
const ORDER_DESCEND: i32 = 2;
const TARGET_KEY: i32 = 0;
const TARGET_VERSION: i32 = 1;
const TARGET_CREATE: i32 = 2;
const TARGET_MOD: i32 = 3;

/// A header that says only the revision; the service adds who answers.
pub(crate) fn header(revision: i64) -> Option<PbResponseHeader> {
    Some(PbResponseHeader { revision, ..PbResponseHeader::default() })
}

/// A version as etcd sends it.
pub(crate) fn key_value(key: &Bytes, version: &Version) -> PbKeyValue {
    PbKeyValue {
        key: key.to_vec(),
        create_revision: version.create_revision,
        mod_revision: version.mod_revision,
        version: version.version,
        value: version.value.to_vec(),
        lease: version.lease,
    }
}

/// Answers `request` from `store`.
///
/// # Errors
/// [`OpError::Compacted`] and [`OpError::FutureRevision`] for revisions that cannot be read.
pub(crate) fn range(store: &Store, request: PbRangeRequest) -> Result<PbRangeResponse, OpError> {
    let at = read_at(store, request.revision)?;
    let select = Select::of(&request);
    let range = KeyRange::new(request.key, request.range_end);
    let mut count = 0;
    let mut found: Vec<(&Bytes, &Version)> = Vec::new();
    for entry in store.range(&range, at) {
        count += 1;
        if !request.count_only && found.len() < select.fetch && select.accepts(entry.1) {
            found.push(entry);
        }
    }
    select.sort(&mut found);
    let more = found.len() > select.limit;
    let kvs = found.into_iter().take(select.limit).map(|(key, version)| {
        let mut kv = key_value(key, version);
        if request.keys_only {
            kv.value = Vec::new();
        }
        kv
    });
    Ok(PbRangeResponse { header: header(store.read_revision()), kvs: kvs.collect(), more, count })
}

/// `None` for the newest state.
fn read_at(store: &Store, revision: i64) -> Result<Option<i64>, OpError> {
    if revision <= 0 {
        Ok(None)
    } else if revision > store.read_revision() {
        Err(OpError::FutureRevision)
    } else if revision < store.history().compacted() {
        Err(OpError::Compacted)
    } else {
        Ok(Some(revision))
    }
}

/// What of the range is wanted, in which order.
struct Select {
    limit: usize,
    /// How many matches must be looked at: one more than the limit to know whether there are more,
    /// all where the order of the answer is not the order of the keys.
    fetch: usize,
    mod_revisions: (i64, i64),
    create_revisions: (i64, i64),
    order: i32,
    target: i32,
}

impl Select {
    fn of(request: &PbRangeRequest) -> Self {
        let limit = usize::try_from(request.limit).unwrap_or(0);
        let mod_revisions = (request.min_mod_revision, request.max_mod_revision);
        let create_revisions = (request.min_create_revision, request.max_create_revision);
        let all = limit == 0
            || request.sort_order != ORDER_NONE
            || mod_revisions != (0, 0)
            || create_revisions != (0, 0);
        Self {
            limit: if limit == 0 { usize::MAX } else { limit },
            fetch: if all { usize::MAX } else { limit + 1 },
            mod_revisions,
            create_revisions,
            order: request.sort_order,
            target: request.sort_target,
        }
    }

    fn accepts(&self, version: &Version) -> bool {
        let within =
            |(min, max): (i64, i64), it: i64| (min == 0 || it >= min) && (max == 0 || it <= max);
        within(self.mod_revisions, version.mod_revision)
            && within(self.create_revisions, version.create_revision)
    }

    fn sort(&self, found: &mut [(&Bytes, &Version)]) {
        let by_key = self.target == TARGET_KEY;
        match (self.order, by_key) {
            (ORDER_DESCEND, _) => found.sort_by(|a, b| self.compare(*b, *a)),
            (_, false) => found.sort_by(|a, b| self.compare(*a, *b)),
            (_, true) => {}
        }
    }

    fn compare(&self, a: (&Bytes, &Version), b: (&Bytes, &Version)) -> Ordering {
        match self.target {
            TARGET_KEY => a.0.cmp(b.0),
            TARGET_VERSION => a.1.version.cmp(&b.1.version),
            TARGET_CREATE => a.1.create_revision.cmp(&b.1.create_revision),
            TARGET_MOD => a.1.mod_revision.cmp(&b.1.mod_revision),
            _ => a.1.value.cmp(&b.1.value),
        }
    }
}
