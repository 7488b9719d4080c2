//! The types of the log's interface.

use std::path::PathBuf;
use std::sync::Arc;

use barnabas_protocol::kafka::record_batch::StoredBatch;
use barnabas_protocol::state::ids::{
    BrokerId, LeaderEpoch, Offset, PartitionEpoch, PartitionIndex, TopicId,
};
use bytes::Bytes;

use super::StoreFault;

/// Names one partition's log on this broker. Never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogId(pub u32);

/// The first offset written under a leader epoch (KIP-101).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochEntry {
    /// The leader epoch.
    pub epoch: LeaderEpoch,
    /// Its first offset.
    pub start: Offset,
}

/// One log's share of one generation: a run of batches that lie together on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Base offset of its first batch.
    pub first: Offset,
    /// Last offset of its last batch.
    pub last: Offset,
    /// The generation that holds it.
    pub generation: u32,
    /// The largest timestamp of its records, in milliseconds (after a truncation: an upper bound).
    /// If no record has one, the complement of the broker's time at the last append: negative, so
    /// that time lookups skip it.
    pub max_timestamp: i64,
    /// Size of its batches in bytes.
    pub bytes: u64,
}

impl Chunk {
    /// The time that it expires by: of its latest record, or, where none has a timestamp, of the
    /// last append (Kafka: of the last change of the segment's file).
    #[must_use]
    pub const fn latest_ms(&self) -> i64 {
        if self.max_timestamp < 0 { !self.max_timestamp } else { self.max_timestamp }
    }
}

/// The last state of a partition that its broker acted on. It is kept with the log, so that the log
/// can say what it is, and an older state is known as such, when etcd was restored from a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActedOn {
    /// The topic's name.
    pub topic: String,
    /// How many partitions the topic had.
    pub partitions: i32,
    /// How often etcd had been restored.
    pub restored: i64,
    /// The partition epoch.
    pub partition_epoch: PartitionEpoch,
    /// The leader epoch.
    pub leader_epoch: LeaderEpoch,
    /// The brokers that held the partition.
    pub replicas: Vec<BrokerId>,
}

/// How often etcd had been restored when this broker last acted on its state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RestoreCount {
    /// How often.
    pub count: i64,
    /// etcd's revision when that was counted. Another one with the same count belongs to another
    /// history.
    pub revision: i64,
}

/// Batches to append to one log.
pub struct Append {
    /// The log.
    pub log: LogId,
    /// The batches, in offset order, at or after the log's end.
    pub batches: Vec<StoredBatch>,
    /// Recorded together with the batches when they are the first of a leader epoch.
    pub epoch_start: Option<EpochEntry>,
    /// Report only after an fsync (`flush.messages=1`); else when the operating system has the
    /// bytes.
    pub sync: bool,
    /// Receives the result.
    pub sink: Arc<dyn AppendSink>,
}

/// Where the result of an append goes.
pub trait AppendSink: Send + Sync {
    /// Called once for each append that [`super::Store::append`] accepted, in order per log, on a
    /// thread of the store, which it must not block: with the log's end offset after the append, or
    /// with the reason why it failed.
    fn appended(&self, result: Result<Offset, StoreFault>);
}

/// Called on the writer's thread with the logs that a finished generation touched. It must not call
/// the blocking methods of the store; the queued ones, such as `write_producer_snapshot`, are fine.
pub type RotateHook = Arc<dyn Fn(Vec<LogId>) + Send + Sync>;

/// How to open a store.
#[derive(Clone)]
pub struct StoreOptions {
    /// The data directory; made when its parent exists.
    pub dir: PathBuf,
    /// Size at which a generation is flushed; up to twice as much when very many logs are written
    /// to.
    pub generation_bytes: usize,
    /// Bound of the tail caches of all logs together.
    pub tail_cache_bytes: usize,
    /// See [`RotateHook`].
    pub on_rotate: Option<RotateHook>,
}

impl StoreOptions {
    /// The defaults: generations of 32 MiB and a tail cache of 64 MiB.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            generation_bytes: 32 << 20,
            tail_cache_bytes: 64 << 20,
            on_rotate: None,
        }
    }
}

/// What a log looked like when the store was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveredLog {
    /// The log.
    pub id: LogId,
    /// The topic that it belongs to.
    pub topic_id: TopicId,
    /// The partition of that topic.
    pub partition: PartitionIndex,
    /// First offset that readers may have.
    pub log_start: Offset,
    /// Log end offset: the next one to write.
    pub end: Offset,
    /// The high watermark last checkpointed, never beyond `end`.
    pub high_watermark: Offset,
    /// Leader epochs, oldest first.
    pub epochs: Vec<EpochEntry>,
    /// The producer state last saved, and the offset up to which it holds; never beyond `end`.
    pub producer_snapshot: Option<(Offset, Bytes)>,
    /// The store was closed cleanly: nothing acknowledged can be missing, even after a power
    /// failure.
    pub clean_shutdown: bool,
}

/// Whether the store accepts appends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// It accepts them.
    Healthy,
    /// The disk is full. The store retries and recovers by itself when there is space.
    DiskFull,
    /// An I/O error, with its text. Appends are refused until the broker is restarted; reads still
    /// work.
    Failed(Arc<str>),
}

impl Health {
    /// Whether the store accepts appends.
    ///
    /// # Errors
    /// The reason why it does not.
    pub fn check(&self) -> Result<(), StoreFault> {
        match self {
            Self::Healthy => Ok(()),
            Self::DiskFull => Err(StoreFault::DiskFull),
            Self::Failed(reason) => Err(StoreFault::Failed(Arc::clone(reason))),
        }
    }
}

/// What one maintenance step freed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reclaimed {
    /// Chunks that no log needs any more.
    pub chunks: usize,
    /// Size of the deleted files, in bytes.
    pub bytes: u64,
    /// Generations rewritten because few live chunks pinned them.
    pub rewritten: usize,
}
