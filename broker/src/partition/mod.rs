//! Partitions on this broker: the only door to a partition's log.
//!
//! A [`Partition`] is what requests hold. It decides under a short lock ([`state`]), hands bytes to the log
//! while it still holds that lock, so that the order in the log's queue is the order of offsets, and is
//! told by the log when they are written ([`AppendSink`]). Nothing here waits and nothing is async; waiting
//! requests are woken through [`acks`] and [`fetch_wait`].

pub mod maintenance;
pub mod read;
pub mod recovery;
pub mod state;
pub mod table;
#[cfg(test)]
mod testing;
pub mod timestamps;
pub mod validate;
pub mod waiters;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use arc_swap::ArcSwap;
use barnabas_protocol::kafka::record_batch::RecordBatch;
use barnabas_protocol::kafka::{Records, Str};
use barnabas_protocol::state::ids::{LeaderEpoch, Offset, PartitionIndex, TopicId};
use bytes::Bytes;
use parking_lot::Mutex;

use self::state::{AppendError, Bounds, Decision, LeadershipError, ReplicaState, Role};
use self::validate::{InvalidRecords, log_append_time, validate};
use self::waiters::acks::{Ack, AckError, AckQueue};
use self::waiters::fetch_wait::{FetchWaiter, FetchWaiters};
use crate::config::TopicConfig;
use crate::log::{Append, AppendSink, EpochEntry, LogId, RecoveredLog, Store, StoreFault};

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

/// One replica of a partition on this broker.
#[derive(Debug)]
pub struct Partition {
    /// Topic name.
    pub topic: Str,
    /// Topic id.
    pub topic_id: TopicId,
    /// Number within the topic.
    pub index: PartitionIndex,
    /// Its log in the store.
    pub log: LogId,
    store: Store,
    config: ArcSwap<TopicConfig>,
    shared: Mutex<Locked>,
    /// Records appended since the last one that was synced (`flush.messages`).
    unsynced: AtomicU64,
    /// When it was last reported that records of it are damaged.
    damage_reported: Mutex<Option<Instant>>,
}

/// What the lock protects: the decisions, and who waits for them.
#[derive(Debug)]
struct Locked {
    state: ReplicaState,
    acks_leader: AckQueue,
    acks_all: AckQueue,
    fetches: FetchWaiters,
}

impl Partition {
    /// A replica with the state that was recovered for it.
    #[must_use]
    pub fn new(
        topic: Str,
        (topic_id, index): (TopicId, PartitionIndex),
        log: LogId,
        store: Store,
        config: Arc<TopicConfig>,
        state: ReplicaState,
    ) -> Self {
        let shared = Locked {
            state,
            acks_leader: AckQueue::default(),
            acks_all: AckQueue::default(),
            fetches: FetchWaiters::default(),
        };
        Self {
            topic,
            topic_id,
            index,
            log,
            store,
            config: ArcSwap::new(config),
            shared: Mutex::new(shared),
            unsynced: AtomicU64::new(0),
            damage_reported: Mutex::new(None),
        }
    }

    /// Validates and appends one partition's records of a produce request in version `api_version`. `ack`
    /// is answered when the records are where `acks` wants them; with [`Acks::None`], as for the leader.
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
        let required = if acks == Acks::All { config.min_insync_replicas as usize } else { 0 };
        let sync = self.wants_sync(&config, i64::from(batch.header.records_count));
        let mut shared = self.shared.lock();
        let decision = shared.state.append(&batch.header, required).map_err(ProduceError::from)?;
        let log_start = shared.state.bounds().log_start;
        let mut log_append_time_ms = log_append_time(&batch.header);
        let mut bytes = 0;
        let (base_offset, end) = match decision {
            Decision::Append { base, end, epoch, epoch_start } => {
                if self.enqueue(&batch, base, epoch, epoch_start, sync).is_err() {
                    shared.write_failed();
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
        shared.wait(acks, end, ack);
        Ok(Appended { base_offset, log_append_time_ms, log_start, bytes })
    }

    /// Hands a batch to the log. Called under the lock: the order in the log's queue is that of offsets.
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

    /// Whether this append is the one that `flush.messages` wants on disk before it is acknowledged.
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

    /// The offsets that bound reads.
    #[must_use]
    pub fn bounds(&self) -> Bounds {
        self.shared.lock().state.bounds()
    }

    /// Checks that this broker leads, in the epoch the request names (-1: any). Returns the epoch.
    pub fn check_leadership(&self, requested: LeaderEpoch) -> Result<LeaderEpoch, LeadershipError> {
        self.shared.lock().state.check_leadership(requested)
    }

    /// The offsets that bound reads, for a request that may be served here.
    pub fn leader_bounds(&self, requested: LeaderEpoch) -> Result<Bounds, LeadershipError> {
        let shared = self.shared.lock();
        shared.state.check_leadership(requested).map(|_| shared.state.bounds())
    }

    /// Where `requested`, or the largest known epoch below it, ends (KIP-101).
    #[must_use]
    pub fn epoch_end(&self, requested: LeaderEpoch) -> Option<(LeaderEpoch, Offset)> {
        let shared = self.shared.lock();
        shared.state.epochs.end_of(requested, shared.state.bounds().log_end)
    }

    /// The epoch in which the record at `offset` was written, or [`LeaderEpoch::UNKNOWN`].
    #[must_use]
    pub fn epoch_at(&self, offset: Offset) -> LeaderEpoch {
        self.shared.lock().state.epochs.epoch_at(offset).unwrap_or(LeaderEpoch::UNKNOWN)
    }

    /// Leaves a fetch request's handle, to be woken when the high watermark passes `seen` or leadership
    /// changes. Returns false, leaving nothing, when that has happened already: also where this broker does not lead
    /// (any more), in the epoch that the request names.
    #[must_use]
    pub fn wait_past(&self, seen: Offset, requested: LeaderEpoch, waiter: &FetchWaiter) -> bool {
        let mut shared = self.shared.lock();
        let unchanged = shared.state.bounds().high_watermark == seen
            && shared.state.check_leadership(requested).is_ok();
        if unchanged {
            shared.fetches.register(waiter);
        }
        unchanged
    }

    /// Takes a fetch request's handle back.
    pub fn stop_waiting(&self, waiter: &FetchWaiter) {
        self.shared.lock().fetches.deregister(waiter);
    }

    /// Hides records below `to` (DeleteRecords, retention). Returns the log start offset, which has to be stored
    /// yet: see [`Partition::unsaved_log_start`].
    pub fn advance_log_start(&self, to: Offset) -> Offset {
        self.shared.lock().state.advance_log_start(to)
    }

    /// The log start offset, unless the store has it: it may refuse to take it, whoever has advanced it, and then it
    /// is owed until it does.
    #[must_use]
    pub fn unsaved_log_start(&self) -> Option<Offset> {
        let start = self.bounds().log_start;
        self.store.log_start(self.log).filter(|saved| *saved < start).map(|_| start)
    }

    /// Takes the role that the cluster state gives to this replica.
    pub fn become_role(&self, role: Role) {
        let mut shared = self.shared.lock();
        if shared.state.role == role {
            return;
        }
        let still_leads = matches!(role, Role::Leader { .. });
        shared.state.become_role(role);
        if !still_leads {
            shared.fail_acks(AckError::NotLeader);
        }
        shared.release();
        shared.fetches.wake();
    }

    /// The topic is gone: everyone who waits is told.
    pub fn close(&self) {
        let mut shared = self.shared.lock();
        shared.state.become_role(Role::Offline);
        shared.fail_acks(AckError::Deleted);
        shared.fetches.wake();
    }

    /// The topic's configuration.
    #[must_use]
    pub fn config(&self) -> Arc<TopicConfig> {
        self.config.load_full()
    }

    /// Replaces the topic's configuration.
    pub fn set_config(&self, config: Arc<TopicConfig>) {
        self.config.store(config);
    }

    /// The stored form of this partition's producers and the offset up to which it holds.
    #[must_use]
    pub fn producer_snapshot(&self) -> (Offset, Bytes) {
        let shared = self.shared.lock();
        let end = shared.state.bounds().log_end;
        (end, state::snapshot::encode(&shared.state.producers, end))
    }

    /// What a restart would find of this partition.
    #[must_use]
    pub fn recovered(&self) -> RecoveredLog {
        let producer_snapshot = Some(self.producer_snapshot());
        let shared = self.shared.lock();
        let bounds = shared.state.bounds();
        RecoveredLog {
            id: self.log,
            topic_id: self.topic_id,
            partition: self.index,
            log_start: bounds.log_start,
            end: bounds.log_end,
            high_watermark: bounds.high_watermark,
            epochs: shared.state.epochs.entries().to_vec(),
            producer_snapshot,
            clean_shutdown: false,
        }
    }

    /// Forgets producers that have been silent since `oldest_ms`.
    pub fn expire_producers(&self, oldest_ms: i64) {
        self.shared.lock().state.producers.expire(oldest_ms);
    }
}

impl AppendSink for Partition {
    fn appended(&self, result: Result<Offset, StoreFault>) {
        let mut shared = self.shared.lock();
        match result {
            Ok(end) => {
                shared.state.written(end);
                shared.release();
                shared.fetches.wake();
            }
            Err(_) => shared.write_failed(),
        }
    }
}

impl Locked {
    fn wait(&mut self, acks: Acks, end: Offset, ack: Ack) {
        match acks {
            Acks::None | Acks::Leader => self.acks_leader.push(end, ack),
            Acks::All => self.acks_all.push(end, ack),
        }
        // A duplicate may be in the log already.
        self.release();
    }

    fn release(&mut self) {
        let bounds = self.state.bounds();
        self.acks_leader.release(bounds.log_end);
        self.acks_all.release(bounds.high_watermark);
    }

    /// The log reports in order: what is not written yet is lost together with this batch.
    fn write_failed(&mut self) {
        self.state.write_failed();
        let written = self.state.bounds().log_end;
        self.acks_leader.fail_beyond(written, AckError::Storage);
        self.acks_all.fail_beyond(written, AckError::Storage);
    }

    fn fail_acks(&mut self, error: AckError) {
        self.acks_leader.fail_all(error);
        self.acks_all.fail_all(error);
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{leader, produce};
    use super::*;

    /// The log is asked under the partition's lock, which what it reports takes, too.
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
