//! What one partition answers to a fetch: the checks, then record batches as they are stored.

use std::time::Duration;

use barnabas_protocol::state::ids::{LeaderEpoch, Offset};
use bytes::Bytes;

use super::Partition;
use super::state::{Bounds, LeadershipError};
use crate::env;
use crate::log::ReadError;

/// How often damaged records are reported, at most.
const DAMAGE_REPORT_INTERVAL: Duration = Duration::from_secs(60);

/// What a fetch request asks of one partition.
#[derive(Clone, Copy, Debug)]
pub struct FetchRequest {
    /// First offset wanted.
    pub offset: Offset,
    /// At most this many bytes, but always one whole batch.
    pub max_bytes: usize,
    /// The leader epoch the client knows, or -1.
    pub leader_epoch: LeaderEpoch,
    /// The epoch of the client's last record, or -1 (KIP-595's divergence check).
    pub last_fetched_epoch: LeaderEpoch,
}

/// Why a fetch is refused.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Not here, or not in this epoch.
    #[error(transparent)]
    Leadership(#[from] LeadershipError),
    /// The offset is deleted, or not written yet.
    #[error("offset {offset} is not between {} and {}", bounds.log_start, bounds.log_end)]
    OutOfRange {
        /// The offset asked for.
        offset: Offset,
        /// What there is.
        bounds: Bounds,
    },
    /// The log could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// How a fetch can be answered.
#[derive(Debug)]
pub enum FetchPlan {
    /// The client's log ends differently: it must go back to this epoch's end.
    Diverging {
        /// The largest epoch in common.
        epoch: LeaderEpoch,
        /// Where it ends here.
        end: Offset,
    },
    /// There is something to read, or nothing yet, within these bounds.
    Read(Bounds),
}

impl Partition {
    /// Checks a fetch without reading.
    pub fn plan_fetch(&self, request: &FetchRequest) -> Result<FetchPlan, FetchError> {
        let bounds = self.leader_bounds(request.leader_epoch)?;
        if request.last_fetched_epoch != LeaderEpoch::UNKNOWN {
            let Some((epoch, end)) = self.epoch_end(request.last_fetched_epoch) else {
                return Err(FetchError::OutOfRange { offset: request.offset, bounds });
            };
            if epoch < request.last_fetched_epoch || end < request.offset {
                return Ok(FetchPlan::Diverging { epoch, end });
            }
        }
        if request.offset < bounds.log_start || request.offset > bounds.log_end {
            return Err(FetchError::OutOfRange { offset: request.offset, bounds });
        }
        Ok(FetchPlan::Read(bounds))
    }

    /// Batches from the tail cache, if it holds them; never blocks.
    #[must_use]
    pub fn read_cached(&self, from: Offset, limit: Offset, max_bytes: usize) -> Option<Vec<Bytes>> {
        if from >= limit {
            return Some(Vec::new());
        }
        self.store.read_cached(self.log, from, limit, max_bytes)
    }

    /// Batches from the store; may block on the disk.
    pub fn read_blocking(
        &self,
        from: Offset,
        limit: Offset,
        max_bytes: usize,
    ) -> Result<Vec<Bytes>, ReadError> {
        let read = self.store.read(self.log, from, limit, max_bytes);
        if let Err(ReadError::Corrupt { what, .. }) = &read {
            self.report_damage(from, what);
        }
        read
    }

    /// Consumers try again and again: one line a minute will do.
    fn report_damage(&self, at: Offset, what: &str) {
        let now = env::now();
        let mut reported = self.damage_reported.lock();
        if reported.is_some_and(|last| now.duration_since(last) < DAMAGE_REPORT_INTERVAL) {
            return;
        }
        *reported = Some(now);
        let chunk = self.store.chunks(self.log).into_iter().find(|chunk| chunk.last >= at);
        let readable_from = chunk.map(|chunk| chunk.last.plus(1).0);
        tracing::error!(
            topic = %self.topic, partition = %self.index, offset = %at, readable_from, what,
            "records are damaged: consumers get CORRUPT_MESSAGE here. Restore the data directory from a copy, or \
             let consumers go on from `readable_from`, or delete the records before it"
        );
    }
}
