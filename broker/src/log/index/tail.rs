//! The tail cache: the latest batches of each log, for readers that keep up, so that they need no
//! RocksDB.
//!
//! Each log has a queue of its own, under the log's lock. The writer alone adds and evicts; it
//! evicts what was written first, over all logs, so that the whole stays within one budget.

use std::collections::VecDeque;

use barnabas_protocol::kafka::record_batch::BatchHeader;
use barnabas_protocol::state::ids::Offset;
use bytes::Bytes;

use crate::log::LogId;
use crate::log::format::batch_span::SpannedBatch;

/// A body smaller than this is copied, together with its header, into an allocation of its own: a
/// slice of a network buffer would keep all of that buffer in memory.
const COPY_BELOW: usize = 4 << 10;

/// What one cached batch costs beyond its bytes: queue entries and allocation headers.
const OVERHEAD: usize = 192;

struct CachedBatch {
    first: Offset,
    last: Offset,
    /// The header, or the whole batch.
    head: Bytes,
    /// The rest, empty if `head` is the whole batch.
    body: Bytes,
}

impl CachedBatch {
    fn new(SpannedBatch { batch, span }: SpannedBatch) -> Self {
        let (head, body) = if batch.body.len() < COPY_BELOW {
            let mut whole = Vec::with_capacity(BatchHeader::LEN + batch.body.len());
            whole.extend_from_slice(&batch.header);
            whole.extend_from_slice(&batch.body);
            (whole.into(), Bytes::new())
        } else {
            (Bytes::copy_from_slice(&batch.header), batch.body)
        };
        Self { first: span.first, last: span.last, head, body }
    }

    const fn len(&self) -> usize {
        self.head.len() + self.body.len()
    }

    const fn cost(&self) -> usize {
        self.len() + OVERHEAD
    }
}

/// The cached batches of one log.
#[derive(Default)]
pub(in crate::log) struct Tail {
    batches: VecDeque<CachedBatch>,
}

impl Tail {
    /// Whole batches from the one that holds `from`, up to but excluding `limit`: at least one if
    /// there is one, else no more than `max_bytes`. `None` where `from` is older than what is
    /// cached.
    pub(in crate::log) fn read(
        &self,
        from: Offset,
        limit: Offset,
        max_bytes: usize,
    ) -> Option<Vec<Bytes>> {
        if self.batches.front().is_none_or(|oldest| from < oldest.first) {
            return None;
        }
        let at = self.batches.partition_point(|batch| batch.last < from);
        let (mut segments, mut taken) = (Vec::new(), 0);
        for batch in self.batches.range(at..).take_while(|batch| batch.last < limit) {
            if taken > 0 && taken + batch.len() > max_bytes {
                break;
            }
            taken += batch.len();
            segments.push(batch.head.clone());
            if !batch.body.is_empty() {
                segments.push(batch.body.clone());
            }
        }
        Some(segments)
    }

    /// Adds a batch at the end; returns what it costs.
    pub(in crate::log) fn push(&mut self, batch: SpannedBatch) -> usize {
        let batch = CachedBatch::new(batch);
        let cost = batch.cost();
        self.batches.push_back(batch);
        cost
    }

    /// Removes the batches up to the one that ends at `last`; returns what they cost.
    fn evict(&mut self, last: Offset) -> usize {
        let mut freed = 0;
        // Almost always it is the first one and no other.
        while let Some(batch) = self.batches.pop_front_if(|batch| batch.last <= last) {
            freed += batch.cost();
        }
        freed
    }

    /// Removes the batches that end at or after `to`; returns what they cost.
    pub(in crate::log) fn truncate(&mut self, to: Offset) -> usize {
        let keep = self.batches.partition_point(|batch| batch.last < to);
        self.batches.drain(keep..).map(|batch| batch.cost()).sum()
    }

    /// Removes everything; returns what it cost.
    pub(in crate::log) fn clear(&mut self) -> usize {
        self.truncate(Offset(0))
    }
}

/// The writer's account of all tails.
pub(in crate::log) struct Budget {
    limit: usize,
    used: usize,
    /// What to evict next. May name batches that are gone already: with their log, or cut off.
    order: VecDeque<(LogId, Offset)>,
}

impl Budget {
    pub(in crate::log) const fn new(limit: usize) -> Self {
        Self { limit, used: 0, order: VecDeque::new() }
    }

    pub(in crate::log) fn added(&mut self, log: LogId, last: Offset, cost: usize) {
        self.order.push_back((log, last));
        self.used += cost;
    }

    pub(in crate::log) fn freed(&mut self, cost: usize) {
        self.used -= cost;
    }

    /// Evicts until the budget holds; `evict` gives access to a log's tail.
    pub(in crate::log) fn enforce(
        &mut self,
        mut evict: impl FnMut(LogId, &mut dyn FnMut(&mut Tail)),
    ) {
        // The queue never needs to be longer than this: entries beyond it are evicted already or
        // stale.
        let most = self.limit / OVERHEAD;
        while self.used > self.limit || self.order.len() > most {
            let Some((log, last)) = self.order.pop_front() else { break };
            let mut freed = 0;
            evict(log, &mut |tail| freed = tail.evict(last));
            self.used -= freed;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::tests::common::batch;

    #[test]
    fn what_goes_with_its_log_leaves_nothing_behind() {
        let mut budget = Budget::new(100 << 10);
        for log in 0..10_000 {
            let mut tail = Tail::default();
            let cost = tail.push(SpannedBatch::new(batch(0, 1, 10, 0)).unwrap());
            budget.added(LogId(log), Offset(0), cost);
            budget.freed(tail.clear());
            budget.enforce(|_, _| {});
        }
        assert_eq!(budget.used, 0);
        assert!(budget.order.len() <= (100 << 10) / OVERHEAD, "{}", budget.order.len());
    }
}
