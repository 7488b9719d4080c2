//! One topic of the image, and its partitions.

use std::collections::BTreeMap;
use std::sync::Arc;

use barnabas_coordinator_client::Revision;
use barnabas_protocol::kafka::primitives::Str;
use barnabas_protocol::state::RecoveryState;
use barnabas_protocol::state::ids::{
    BrokerEpoch, BrokerId, LeaderEpoch, PartitionEpoch, PartitionIndex, TopicId,
};
use rpds::RedBlackTreeMapSync;

/// A topic's name; cheap to clone.
pub type TopicName = Str;

/// Overrides of one topic or broker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigImage {
    /// Kafka's key names and their values.
    pub values: BTreeMap<String, String>,
    /// `mod_revision` of the config key; 0 where there is none.
    pub revision: Revision,
}

/// Partitions by their index.
pub(crate) type Partitions = RedBlackTreeMapSync<PartitionIndex, Arc<PartitionImage>>;

/// One topic.
#[derive(Clone, Debug, PartialEq)]
pub struct TopicImage {
    /// The topic's name.
    pub name: TopicName,
    /// The topic's identity: another topic of the same name has another one.
    pub id: TopicId,
    /// How many partitions the topic has, numbered from 0.
    pub partition_count: i32,
    /// Those of them whose state is there: all, unless data in etcd was lost.
    pub partitions: Partitions,
    /// The overrides of the topic's configuration (not the defaults).
    pub configs: Arc<ConfigImage>,
    /// `mod_revision` of the topic key.
    pub revision: Revision,
    /// States under the topic's name that are of none of its partitions: of partitions that are
    /// being added, or of another topic.
    pub(crate) unlisted: Partitions,
}

/// One partition, as its state key says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionImage {
    /// The partition's index in its topic.
    pub index: PartitionIndex,
    /// The topic that it is part of.
    pub topic_id: TopicId,
    /// The brokers that hold it, the preferred leader first.
    pub replicas: Vec<BrokerId>,
    /// Replicas that a reassignment adds.
    pub adding: Vec<BrokerId>,
    /// Replicas that a reassignment removes.
    pub removing: Vec<BrokerId>,
    /// `min.insync.replicas`, at least 1; may be more than there are replicas.
    pub min_isr: i32,
    /// The leader, if there is one.
    pub leader: Option<BrokerId>,
    /// Counts the leaders.
    pub leader_epoch: LeaderEpoch,
    /// The in-sync replicas, each with the registration that it had when it was written.
    pub isr: Vec<IsrMember>,
    /// The eligible leader replicas (KIP-966).
    pub elr: Vec<IsrMember>,
    /// Replicas whose broker cannot read its log.
    pub failed: Vec<BrokerId>,
    /// Whether the leader was elected cleanly (KIP-966).
    pub recovery: RecoveryState,
    /// How often etcd had gone back in time when this was written.
    pub restored: i64,
    /// `mod_revision` of the state key; 0 where there is none.
    pub partition_epoch: PartitionEpoch,
}

/// A member of an ISR or ELR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IsrMember {
    /// The broker.
    pub id: BrokerId,
    /// Its registration when it became a member; another one now means that it restarted since.
    pub epoch: BrokerEpoch,
}

/// What there is under a name that no topic has.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct TopicRemains {
    /// The topic key, if it is there: with 0 partitions, of a topic that is being created or
    /// deleted.
    pub(crate) ended: Option<EndedTopic>,
    /// The partition states, by index.
    pub(crate) states: Partitions,
    /// The config key.
    pub(crate) configs: Arc<ConfigImage>,
}

/// A topic key with 0 partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EndedTopic {
    /// The topic's id.
    pub(crate) id: TopicId,
    /// `mod_revision` of the topic key.
    pub(crate) revision: Revision,
}

impl TopicImage {
    /// A partition by its index, unless its state is absent.
    #[must_use]
    pub fn partition(&self, index: PartitionIndex) -> Option<&Arc<PartitionImage>> {
        self.partitions.get(&index)
    }

    /// Whether the topic has this partition, with or without a state.
    #[must_use]
    pub const fn has_partition(&self, index: PartitionIndex) -> bool {
        0 <= index.0 && index.0 < self.partition_count
    }

    /// All partitions in order, as clients see them: one whose state is absent has no leader and no
    /// replicas.
    pub fn shown_partitions(&self) -> impl Iterator<Item = Arc<PartitionImage>> + use<'_> {
        (0..self.partition_count).map(PartitionIndex).map(|index| {
            let absent = || Arc::new(PartitionImage::absent(self.id, index));
            self.partition(index).cloned().unwrap_or_else(absent)
        })
    }

    /// The partitions whose state is absent.
    pub(crate) fn absent_partitions(&self) -> impl Iterator<Item = PartitionIndex> + use<'_> {
        let indexes = (0..self.partition_count).map(PartitionIndex);
        indexes.filter(|index| !self.partitions.contains_key(index))
    }

    /// Whether every partition has its state, and every state its partition.
    pub(crate) fn is_regular(&self) -> bool {
        self.unlisted.is_empty()
            && usize::try_from(self.partition_count).is_ok_and(|n| n == self.partitions.size())
    }

    /// Whether this is the state of one of the topic's partitions.
    pub(crate) fn lists(&self, state: &PartitionImage) -> bool {
        state.topic_id == self.id && self.has_partition(state.index)
    }
}

impl PartitionImage {
    /// Stands for a partition without a state.
    fn absent(topic_id: TopicId, index: PartitionIndex) -> Self {
        Self {
            index,
            topic_id,
            replicas: Vec::new(),
            adding: Vec::new(),
            removing: Vec::new(),
            min_isr: 1,
            leader: None,
            leader_epoch: LeaderEpoch::UNKNOWN,
            isr: Vec::new(),
            elr: Vec::new(),
            failed: Vec::new(),
            recovery: RecoveryState::Recovered,
            restored: 0,
            partition_epoch: PartitionEpoch(0),
        }
    }

    /// The first state of a partition: its first live replica leads in epoch 0.
    #[must_use]
    pub(crate) fn first(topic_id: TopicId, index: PartitionIndex, isr: Vec<IsrMember>) -> Self {
        let leader = isr.first().map(|member| member.id);
        let leader_epoch = LeaderEpoch(0);
        Self { leader, leader_epoch, isr, ..Self::absent(topic_id, index) }
    }
}
