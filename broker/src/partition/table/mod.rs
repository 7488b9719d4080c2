//! Which partitions this broker holds, kept in step with the cluster image.
//!
//! Readers take the current map without a lock. [`apply`](PartitionTable::apply) replaces what
//! changed and shares the rest with the map before. Data is keyed by topic id, so a topic that was
//! deleted and created again never sees the records of the old one.

mod apply;
mod local;
mod unclaimed;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use arc_swap::ArcSwap;
use barnabas_protocol::kafka::Str;
use barnabas_protocol::state::ids::{BrokerEpoch, BrokerId, PartitionIndex, TopicId};
use parking_lot::{Mutex, RwLock};
use rpds::{HashTrieMapSync, RedBlackTreeSetSync};

use self::local::IdleLog;
pub use self::local::LocalTopic;
pub use self::unclaimed::{Stray, Strays, Unclaimed};
use super::Partition;
use super::state::Assignment;
use crate::log::{LogId, RecoveredLog, Store};
use crate::metadata::Image;

/// All local topics.
#[derive(Clone, Debug, Default)]
struct Topics {
    by_name: HashTrieMapSync<Str, Arc<LocalTopic>>,
    by_id: HashTrieMapSync<TopicId, Arc<LocalTopic>>,
    /// The names of those with partitions that are not open.
    unopened: RedBlackTreeSetSync<Str>,
}

impl Topics {
    fn insert(&mut self, topic: LocalTopic) {
        let name = topic.image.name.clone();
        if topic.unopened.is_empty() {
            self.unopened.remove_mut(&name);
        } else {
            self.unopened.insert_mut(name.clone());
        }
        let topic = Arc::new(topic);
        self.by_id.insert_mut(topic.image.id, Arc::clone(&topic));
        self.by_name.insert_mut(name, topic);
    }

    fn remove(&mut self, topic: &LocalTopic) {
        self.unopened.remove_mut(&topic.image.name);
        self.by_id.remove_mut(&topic.image.id);
        self.by_name.remove_mut(&topic.image.name);
    }
}

/// The partitions of this broker.
#[derive(Debug)]
pub struct PartitionTable {
    broker: BrokerId,
    store: Store,
    topics: ArcSwap<Topics>,
    by_log: Mutex<HashMap<LogId, Arc<Partition>>>,
    /// Logs that no partition uses.
    idle: Mutex<BTreeMap<(TopicId, PartitionIndex), IdleLog>>,
    /// This broker's registration of now. Roles are given out under this lock, so that none that an
    /// earlier registration had outlives it.
    registration: RwLock<Option<BrokerEpoch>>,
    /// How often etcd had been restored in the image that was last applied. Nobody leads by a state
    /// of an older count; `i64::MAX` while no image can be believed.
    restored: AtomicI64,
    /// The image that was last applied. Held while one is.
    applied: Mutex<Arc<Image>>,
}

impl PartitionTable {
    /// An empty table over a store with the logs it holds.
    #[must_use]
    pub fn new(broker: BrokerId, store: Store, recovered: Vec<RecoveredLog>) -> Self {
        let idle = recovered
            .into_iter()
            .map(|log| ((log.topic_id, log.partition), IdleLog::Recovered(Box::new(log))));
        Self {
            broker,
            store,
            topics: ArcSwap::default(),
            by_log: Mutex::default(),
            idle: Mutex::new(idle.collect()),
            registration: RwLock::new(None),
            restored: AtomicI64::new(0),
            applied: Mutex::default(),
        }
    }

    /// A topic by name.
    #[must_use]
    pub fn topic(&self, name: &str) -> Option<Arc<LocalTopic>> {
        self.topics.load().by_name.get(name).cloned()
    }

    /// A topic by id.
    #[must_use]
    pub fn topic_by_id(&self, id: TopicId) -> Option<Arc<LocalTopic>> {
        self.topics.load().by_id.get(&id).cloned()
    }

    /// A partition by its topic's name.
    #[must_use]
    pub fn partition(&self, topic: &str, index: PartitionIndex) -> Option<Arc<Partition>> {
        self.topics.load().by_name.get(topic)?.partition(index).cloned()
    }

    /// A partition by its log.
    #[must_use]
    pub fn by_log(&self, log: LogId) -> Option<Arc<Partition>> {
        self.by_log.lock().get(&log).cloned()
    }

    /// Whether partitions should be open whose logs cannot be opened.
    #[must_use]
    pub fn has_unopened(&self) -> bool {
        !self.topics.load().unopened.is_empty()
    }

    /// Every local partition.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Partition>> {
        self.by_log.lock().values().cloned().collect()
    }

    /// Gives every partition the role that it has under this registration of the broker, or without
    /// one: then none leads. Needs no I/O, and waits for none.
    pub fn set_registration(&self, registration: Option<BrokerEpoch>) {
        let mut current = self.registration.write();
        *current = registration;
        for topic in self.topics.load().by_id.values() {
            for partition in topic.partitions() {
                partition.assign(self.assignment(topic, partition.index, registration));
            }
        }
    }

    /// What the cluster's state makes of a partition here. Without a state it has no leader.
    fn assignment(
        &self,
        topic: &LocalTopic,
        index: PartitionIndex,
        registration: Option<BrokerEpoch>,
    ) -> Assignment {
        let restored = self.restored.load(Ordering::Acquire);
        let state = topic.image.partition(index).filter(|state| state.restored >= restored);
        state.map_or(Assignment::Offline, |state| Assignment::of(state, self.broker, registration))
    }

    /// Forgets the logs of a topic, which were deleted.
    pub fn forget(&self, topic_id: TopicId) {
        self.idle.lock().retain(|(id, _), _| *id != topic_id);
    }
}

#[cfg(test)]
mod tests;
