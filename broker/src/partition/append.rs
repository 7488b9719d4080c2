//! Records on their way into a partition: validated, given their offsets, handed to the log.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use barnabas_protocol::kafka::Records;
use barnabas_protocol::kafka::record_batch::RecordBatch;
use barnabas_protocol::state::ids::{LeaderEpoch, Offset};

use super::Partition;
use super::state::{AppendError, Decision, ReplicaState};
use super::validate::{InvalidRecords, log_append_time, validate};
use super::waiters::acks::Ack;
use crate::config::TopicConfig;
use crate::log::{Append, AppendSink, EpochEntry, StoreFault};

/// When a produce request wants its answer (`acks`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acks {
    /// 0: it wants none.
    None,
    /// 1: when the leader has written the records.
    Leader,
    /// -1 (all): when every in-sync replica has them.
    All,
}

/// Where accepted records stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Offset of the first record.
    pub base_offset: Offset,
    /// The broker's time given to the records, if the topic says so; otherwise -1.
    pub log_append_time_ms: i64,
    /// The partition's first offset.
    pub log_start: Offset,
    /// Bytes that went into the log: none of a batch that is there already.
    pub bytes: usize,
}

/// Why records were not accepted.
#[derive(Debug, thiserror::Error)]
pub enum ProduceError {
    /// The records themselves are at fault.
    #[error(transparent)]
    Invalid(#[from] InvalidRecords),
    /// The partition cannot take them.
    #[error(transparent)]
    Refused(#[from] AppendError),
}

impl Partition {
    /// Validates and appends one partition's records of a produce request in version `api_version`.
    /// `ack` is answered when the records are where `acks` wants them; with [`Acks::None`], as for
    /// the leader.
    pub fn produce(
        self: &Arc<Self>,
        records: Option<&Records>,
        api_version: i16,
        acks: Acks,
        ack: Ack,
        now_ms: i64,
    ) -> Result<Appended, ProduceError> {
        let config = self.config.load();
        let batch = validate(records, api_version, &config, now_ms)?;
        let sync = self.wants_sync(&config, i64::from(batch.header.records_count));
        let mut locked = self.locked.lock();
        let decision = locked.state.append(&batch.header, acks == Acks::All);
        let decision = decision.map_err(ProduceError::from)?;
        let mut log_append_time_ms = log_append_time(&batch.header);
        let mut bytes = 0;
        let (base_offset, end) = match decision {
            Decision::Append { base, end, epoch, epoch_start } => {
                if self.enqueue(&batch, base, epoch, epoch_start, sync).is_err() {
                    locked.decide(ReplicaState::write_failed);
                    return Err(AppendError::Storage.into());
                }
                if config.flush_ms != i64::MAX {
                    self.store.sync_by(now_ms.saturating_add(config.flush_ms));
                }
                bytes = batch.bytes.len();
                (base, end)
            }
            Decision::Duplicate(first) => {
                log_append_time_ms = first.timestamp_ms;
                (first.base_offset, first.base_offset.plus(i64::from(first.offset_delta) + 1))
            }
        };
        let bounds = locked.state.bounds();
        locked.waiters.wait(acks, end, ack, bounds);
        Ok(Appended { base_offset, log_append_time_ms, log_start: bounds.log_start, bytes })
    }

    /// Hands a batch to the log. Called under the lock: the order in the log's queue is that of
    /// offsets.
    fn enqueue(
        self: &Arc<Self>,
        batch: &RecordBatch,
        base: Offset,
        epoch: LeaderEpoch,
        epoch_start: Option<EpochEntry>,
        sync: bool,
    ) -> Result<(), StoreFault> {
        let sink = Arc::clone(self) as Arc<dyn AppendSink>;
        let batches = vec![batch.stored(base, epoch)];
        self.store.append(Append { log: self.log, batches, epoch_start, sync, sink })
    }

    /// Whether this append is the one that `flush.messages` wants on disk before it is
    /// acknowledged.
    fn wants_sync(&self, config: &TopicConfig, records: i64) -> bool {
        let every = config.flush_messages;
        if every == i64::MAX {
            return false;
        }
        let unsynced = self.unsynced.fetch_add(records as u64, Ordering::Relaxed) + records as u64;
        let due = unsynced >= every as u64;
        if due {
            self.unsynced.store(0, Ordering::Relaxed);
        }
        due
    }
}

impl AppendSink for Partition {
    fn appended(&self, result: Result<Offset, StoreFault>) {
        // The log reports in order: what is not written yet is lost together with a batch that
        // failed.
        self.locked.lock().decide(|state| match result {
            Ok(end) => state.written(end),
            Err(_) => state.write_failed(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{leader, produce};
    use super::*;

    /// The log is asked under the partition's lock, and its reports take that lock, too.
    #[test]
    fn a_log_that_takes_nothing_any_more_refuses_records() {
        let dir = tempfile::tempdir().unwrap();
        let (store, partition) = leader(dir.path());
        produce(&partition, 5).unwrap();
        store.close().unwrap();
        for _ in 0..2 {
            let refused = produce(&partition, 1);
            assert!(matches!(refused, Err(ProduceError::Refused(AppendError::Storage))));
        }
        assert_eq!(partition.bounds().log_end, Offset(5));
    }
}
