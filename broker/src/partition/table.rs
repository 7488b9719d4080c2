//! Which partitions this broker holds, kept in step with the cluster image.
//!
//! Readers take the current map without a lock; [`PartitionTable::apply`] replaces it as a whole. Data is keyed
//! by topic id, so a topic that was deleted and created again never sees the records of the old one.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use barnabas_protocol::kafka::Str;
use barnabas_protocol::state::ids::{BrokerId, Offset, PartitionIndex, TopicId};
use parking_lot::Mutex;

use super::state::Role;
use super::{Partition, recovery};
use crate::config::{BrokerConfig, TopicConfig};
use crate::log::{LogId, ReadError, RecoveredLog, Store, StoreFault};
use crate::metadata::{Image, PartitionImage, TopicImage};

/// A topic's partitions that are on this broker.
#[derive(Debug)]
pub struct LocalTopic {
    /// Its name.
    pub name: Str,
    /// What the cluster says of it.
    pub image: Arc<TopicImage>,
    partitions: HashMap<PartitionIndex, Arc<Partition>>,
}

impl LocalTopic {
    /// One of its partitions, if it is here.
    #[must_use]
    pub fn partition(&self, index: PartitionIndex) -> Option<&Arc<Partition>> {
        self.partitions.get(&index)
    }

    /// The partitions that are here, in no order.
    pub fn partitions(&self) -> impl Iterator<Item = &Arc<Partition>> {
        self.partitions.values()
    }
}

/// All local topics, by name and by id.
#[derive(Debug, Default)]
struct Topics {
    by_name: HashMap<Str, Arc<LocalTopic>>,
    by_id: HashMap<TopicId, Arc<LocalTopic>>,
}

/// Logs of a topic that the cluster no longer has. They are deleted once that is confirmed.
#[derive(Debug)]
pub struct Orphans {
    /// The topic's id.
    pub topic_id: TopicId,
    /// Its logs.
    pub logs: Vec<LogId>,
}

/// Why the cluster's state cannot be taken over.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// A log could not be made.
    #[error("cannot create a partition's log: {0}")]
    Create(#[from] StoreFault),
    /// A log could not be read after a restart.
    #[error("cannot recover a partition's log: {0}")]
    Recover(#[from] ReadError),
}

/// The partitions of this broker.
#[derive(Debug)]
pub struct PartitionTable {
    broker: BrokerId,
    store: Store,
    topics: ArcSwap<Topics>,
    by_log: Mutex<HashMap<LogId, Arc<Partition>>>,
    /// Logs found on disk that no topic has claimed yet.
    unclaimed: Mutex<HashMap<(TopicId, PartitionIndex), RecoveredLog>>,
}

impl PartitionTable {
    /// An empty registry over a store with the logs it holds.
    #[must_use]
    pub fn new(broker: BrokerId, store: Store, recovered: Vec<RecoveredLog>) -> Self {
        let unclaimed = recovered.into_iter().map(|log| ((log.topic_id, log.partition), log));
        Self {
            broker,
            store,
            topics: ArcSwap::default(),
            by_log: Mutex::default(),
            unclaimed: Mutex::new(unclaimed.collect()),
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

    /// Every local partition.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Partition>> {
        self.by_log.lock().values().cloned().collect()
    }

    /// Brings the local partitions in step with `image`: makes and recovers logs, takes over roles and
    /// configurations, and lets go of topics that are gone. Blocks on the disk.
    pub fn apply(
        &self,
        image: &Image,
        config: &BrokerConfig,
        recompute_configs: bool,
    ) -> Result<Vec<Orphans>, ApplyError> {
        let before = self.topics.load_full();
        self.drop_missing(&before, image);
        self.create_missing(&before, image)?;
        let (mut after, mut opened) = (Topics::default(), Vec::new());
        for (name, topic) in &image.topics {
            let known = before.by_id.get(&topic.id);
            let unchanged = known.filter(|k| Arc::ptr_eq(&k.image, topic) && !recompute_configs);
            let local = match unchanged {
                Some(local) => Arc::clone(local),
                None => Arc::new(self.local_topic(known, topic, image, config, &mut opened)?),
            };
            after.by_name.insert(Str::from(&**name), Arc::clone(&local));
            after.by_id.insert(topic.id, local);
        }
        // Only now: where this fails in between, the logs are still there to be opened by the next attempt.
        self.claim(opened);
        self.topics.store(Arc::new(after));
        Ok(self.orphans(image))
    }

    /// Lets go of logs that were deleted.
    pub fn forget(&self, topic_id: TopicId) {
        self.unclaimed.lock().retain(|(id, _), _| *id != topic_id);
    }

    /// Closes the partitions of topics that are not in the image. Their logs stay at hand: should the topic
    /// come back, they are its logs.
    fn drop_missing(&self, before: &Topics, image: &Image) {
        for (id, topic) in before.by_id.iter().filter(|(id, _)| image.topic_by_id(**id).is_none()) {
            for partition in topic.partitions() {
                partition.close();
                self.by_log.lock().remove(&partition.log);
                self.unclaimed.lock().insert((*id, partition.index), partition.recovered());
            }
        }
    }

    /// Makes the logs that the image wants here and that do not exist, in one write.
    fn create_missing(&self, before: &Topics, image: &Image) -> Result<(), ApplyError> {
        let mut wanted = Vec::new();
        {
            let unclaimed = self.unclaimed.lock();
            for topic in image.topics.values() {
                let known = before.by_id.get(&topic.id);
                if known.is_some_and(|known| Arc::ptr_eq(&known.image, topic)) {
                    continue;
                }
                let missing = self.replicas_here(topic).map(|p| p.index).filter(|index| {
                    known.is_none_or(|known| known.partition(*index).is_none())
                        && !unclaimed.contains_key(&(topic.id, *index))
                });
                wanted.extend(missing.map(|index| (topic.id, index)));
            }
        }
        if wanted.is_empty() {
            return Ok(());
        }
        let created = self.store.create(&wanted)?;
        let empty = |(&(topic_id, partition), id)| {
            ((topic_id, partition), empty_log(id, topic_id, partition))
        };
        self.unclaimed.lock().extend(wanted.iter().zip(created).map(empty));
        Ok(())
    }

    fn replicas_here<'a>(
        &self,
        topic: &'a TopicImage,
    ) -> impl Iterator<Item = &'a PartitionImage> + use<'a> {
        let broker = self.broker;
        let partitions = topic.partitions.values().map(|partition| &**partition);
        partitions.filter(move |partition| partition.replicas.contains(&broker))
    }

    fn local_topic(
        &self,
        known: Option<&Arc<LocalTopic>>,
        topic: &Arc<TopicImage>,
        image: &Image,
        config: &BrokerConfig,
        opened: &mut Vec<Arc<Partition>>,
    ) -> Result<LocalTopic, ApplyError> {
        let name = Str::from(&*topic.name);
        let config = Arc::new(topic_config(config, image, topic));
        let mut partitions = HashMap::new();
        for placed in self.replicas_here(topic) {
            let partition = match known.and_then(|known| known.partition(placed.index)) {
                Some(partition) => Arc::clone(partition),
                None => match self.open(&name, topic.id, placed.index, &config)? {
                    Some(partition) => {
                        opened.push(Arc::clone(&partition));
                        partition
                    }
                    None => continue,
                },
            };
            partition.set_config(Arc::clone(&config));
            partition.become_role(self.role_of(placed));
            partitions.insert(placed.index, partition);
        }
        Ok(LocalTopic { name, image: Arc::clone(topic), partitions })
    }

    /// Opens a log that was recovered or just made.
    fn open(
        &self,
        name: &Str,
        topic_id: TopicId,
        index: PartitionIndex,
        config: &Arc<TopicConfig>,
    ) -> Result<Option<Arc<Partition>>, ApplyError> {
        let found = self.unclaimed.lock().get(&(topic_id, index)).cloned();
        let Some(log) = found else { return Ok(None) };
        let state = recovery::replica_state(&self.store, &log)?;
        Ok(Some(Arc::new(Partition::new(
            name.clone(),
            (topic_id, index),
            log.id,
            self.store.clone(),
            Arc::clone(config),
            state,
        ))))
    }

    /// Makes opened logs those of their partitions.
    fn claim(&self, opened: Vec<Arc<Partition>>) {
        let (mut unclaimed, mut by_log) = (self.unclaimed.lock(), self.by_log.lock());
        for partition in opened {
            unclaimed.remove(&(partition.topic_id, partition.index));
            by_log.insert(partition.log, partition);
        }
    }

    fn role_of(&self, placed: &PartitionImage) -> Role {
        let epoch = placed.leader_epoch;
        match placed.leader {
            Some(leader) if leader == self.broker => {
                let isr = placed.isr.iter().map(|member| member.id).collect();
                Role::Leader { epoch, isr, replicas: placed.replicas.len() }
            }
            Some(leader) => Role::Follower { leader, epoch },
            None => Role::Offline,
        }
    }

    /// Logs on disk whose topic the image does not have.
    fn orphans(&self, image: &Image) -> Vec<Orphans> {
        let mut by_topic: HashMap<TopicId, Vec<LogId>> = HashMap::new();
        for ((topic_id, _), log) in &*self.unclaimed.lock() {
            if image.topic_by_id(*topic_id).is_none() {
                by_topic.entry(*topic_id).or_default().push(log.id);
            }
        }
        by_topic.into_iter().map(|(topic_id, logs)| Orphans { topic_id, logs }).collect()
    }
}

fn empty_log(id: LogId, topic_id: TopicId, partition: PartitionIndex) -> RecoveredLog {
    let zero = Offset(0);
    RecoveredLog {
        id,
        topic_id,
        partition,
        log_start: zero,
        end: zero,
        high_watermark: zero,
        epochs: Vec::new(),
        producer_snapshot: None,
        clean_shutdown: true,
    }
}

/// The configuration that holds for a topic: its own settings over the cluster's over this broker's.
fn topic_config(config: &BrokerConfig, image: &Image, topic: &TopicImage) -> TopicConfig {
    TopicConfig::effective(&config.layers(image.overrides(config.broker_id)), &topic.configs.values)
}
