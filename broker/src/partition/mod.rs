//! Partitions on this broker: the only door to a partition's log.
//!
//! A [`Partition`] is what requests hold. It decides under a short lock ([`state`]), hands bytes to
//! the log while it still holds that lock, so that the order in the log's queue is the order of
//! offsets, and is told by the log when they are written. Nothing here waits and nothing is async;
//! waiting requests are woken through [`waiters`].

mod append;
pub(crate) mod history;
pub mod maintenance;
pub mod read;
pub mod recovery;
mod roles;
pub mod state;
pub mod table;
#[cfg(test)]
mod testing;
pub mod timestamps;
pub mod validate;
pub mod waiters;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use arc_swap::ArcSwap;
use barnabas_protocol::kafka::Str;
use barnabas_protocol::state::ids::{LeaderEpoch, Offset, PartitionIndex, TopicId};
use bytes::Bytes;
use parking_lot::Mutex;

pub use self::append::{Acks, Appended, ProduceError};
use self::state::producers::Producers;
use self::state::{Bounds, Commands, LeadershipError, ReplicaState};
use self::waiters::Waiters;
use crate::config::TopicConfig;
use crate::log::{LogId, Store};

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
    locked: Mutex<Locked>,
    /// Records appended since the last one that was synced (`flush.messages`).
    unsynced: AtomicU64,
    /// When it was last reported that records of it are damaged.
    damage_reported: Mutex<Option<Instant>>,
}

/// What the lock protects: the decisions, and who waits for them.
#[derive(Debug)]
struct Locked {
    state: ReplicaState,
    waiters: Waiters,
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
        Self {
            topic,
            topic_id,
            index,
            log,
            store,
            config: ArcSwap::new(config),
            locked: Mutex::new(Locked { state, waiters: Waiters::default() }),
            unsynced: AtomicU64::new(0),
            damage_reported: Mutex::new(None),
        }
    }

    /// The offsets that bound reads.
    #[must_use]
    pub fn bounds(&self) -> Bounds {
        self.locked.lock().state.bounds()
    }

    /// Where `requested`, or the largest known epoch below it, ends (KIP-101).
    #[must_use]
    pub fn epoch_end(&self, requested: LeaderEpoch) -> Option<(LeaderEpoch, Offset)> {
        let locked = self.locked.lock();
        locked.state.epochs.end_of(requested, locked.state.bounds().log_end)
    }

    /// The epoch in which the record at `offset` was written, or [`LeaderEpoch::UNKNOWN`].
    #[must_use]
    pub fn epoch_at(&self, offset: Offset) -> LeaderEpoch {
        self.locked.lock().state.epochs.epoch_at(offset).unwrap_or(LeaderEpoch::UNKNOWN)
    }

    /// Hides records below `to` (DeleteRecords, retention). Returns the log start offset, which has
    /// to be stored yet: see [`Partition::unsaved_log_start`].
    pub fn advance_log_start(&self, to: Offset) -> Offset {
        self.locked.lock().state.advance_log_start(to)
    }

    /// The log start offset if the store does not have it. The store may refuse to take it, for
    /// instance on a full disk; then it is brought to the store again.
    #[must_use]
    pub fn unsaved_log_start(&self) -> Option<Offset> {
        let start = self.bounds().log_start;
        self.store.log_start(self.log).filter(|saved| *saved < start).map(|_| start)
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
        let locked = self.locked.lock();
        let end = locked.state.bounds().log_end;
        (end, state::snapshot::encode(&locked.state.producers, end))
    }

    /// Reads the producers that this partition remembers, under its lock.
    ///
    /// # Errors
    /// If this broker does not lead the partition: then others may have written more.
    pub fn producers<T>(&self, read: impl FnOnce(&Producers) -> T) -> Result<T, LeadershipError> {
        let locked = self.locked.lock();
        locked.state.check_leadership(LeaderEpoch::UNKNOWN)?;
        Ok(read(&locked.state.producers))
    }

    /// Forgets producers that have been silent since `oldest_ms`.
    pub fn expire_producers(&self, oldest_ms: i64) {
        self.locked.lock().state.producers.expire(oldest_ms);
    }
}

impl Locked {
    /// Decides something, and tells those who wait what comes of it.
    fn decide(&mut self, decision: impl FnOnce(&mut ReplicaState) -> Commands) {
        let commands = decision(&mut self.state);
        self.waiters.carry_out(commands);
    }
}
