//! The immutable picture of the cluster at one etcd revision.
//!
//! It is a function of the keys and values under the prefix and of nothing else: applying changes one by one
//! gives the same image as listing everything anew (`delta` holds the property test). Topics are behind `Arc`,
//! so that an image costs what changed and not what exists.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use barnabas_coordinator_client::Revision;
use barnabas_protocol::kafka::primitives::Str;
use barnabas_protocol::state::ids::{
    BrokerEpoch, BrokerId, LeaderEpoch, PartitionEpoch, PartitionIndex, TopicId,
};
use uuid::Uuid;

/// A topic's name; cheap to clone.
pub type TopicName = Str;

/// The cluster as it was at [`Image::revision`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Image {
    /// All changes up to and including this revision are contained.
    pub revision: Revision,
    /// The cluster's id as clients see it; absent only before the first broker has started.
    pub cluster_id: Option<Str>,
    /// The elected controller, if there is one.
    pub controller: Option<BrokerId>,
    /// `create_revision` of the `/controller` key; 0 without a controller.
    pub controller_revision: Revision,
    /// The registered, hence presumably live, brokers.
    pub brokers: BTreeMap<BrokerId, Arc<BrokerImage>>,
    /// What the controller last noted about each broker that it ever saw.
    pub broker_states: BTreeMap<BrokerId, BrokerStateImage>,
    /// The topics by name. Change them through `delta` only, so that `topics_by_id` agrees.
    pub topics: HashMap<TopicName, Arc<TopicImage>>,
    /// The names of the topics by id.
    pub topics_by_id: HashMap<TopicId, TopicName>,
    /// Overrides by broker; `None` is the cluster-wide default (`/config/brokers/<default>`).
    pub broker_configs: BTreeMap<Option<BrokerId>, Arc<ConfigImage>>,
    /// Partition states and configs whose topic key is not there: being created, being deleted, or left over
    /// by a controller that died in between.
    pub(crate) incomplete: HashMap<TopicName, Arc<TopicRemains>>,
}

/// One registered broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerImage {
    /// The broker's id.
    pub id: BrokerId,
    /// `create_revision` of the registration: a new one for each life of the broker.
    pub epoch: BrokerEpoch,
    /// Random id of the process life that registered.
    pub incarnation: Uuid,
    /// Where clients and other brokers connect.
    pub endpoints: Vec<EndpointImage>,
    /// `broker.rack`.
    pub rack: Option<Str>,
    /// The epoch of the life before, if that one was shut down cleanly.
    pub previous_epoch: Option<BrokerEpoch>,
}

/// One advertised listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointImage {
    /// The listener's name, such as `PLAINTEXT` or `INTERNAL`.
    pub listener: Str,
    /// `PLAINTEXT`, `SSL`, `SASL_PLAINTEXT` or `SASL_SSL`.
    pub security_protocol: Str,
    /// The advertised host.
    pub host: Str,
    /// The advertised port.
    pub port: u16,
}

/// What the controller wrote down about a broker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BrokerStateImage {
    /// The last registration that the controller handled.
    pub last_epoch: BrokerEpoch,
    /// Not to be elected nor added to an ISR.
    pub fenced: bool,
    /// In controlled shutdown: leaders move away.
    pub shutting_down: bool,
    /// `mod_revision` of the key.
    pub revision: Revision,
}

/// One topic.
#[derive(Clone, Debug, PartialEq)]
pub struct TopicImage {
    /// The topic's name.
    pub name: TopicName,
    /// The topic's identity: another topic of the same name has another one.
    pub id: TopicId,
    /// All partitions; the position is the partition's index.
    pub partitions: Vec<PartitionImage>,
    /// The overrides of the topic's configuration (not the defaults).
    pub configs: Arc<ConfigImage>,
    /// `mod_revision` of the topic key.
    pub revision: Revision,
    /// States of partitions that the topic key does not name (yet).
    pub(crate) unlisted: BTreeMap<PartitionIndex, PartitionStateImage>,
}

/// One partition: its replicas from the topic key, and its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionImage {
    /// The partition's index in its topic.
    pub index: PartitionIndex,
    /// The brokers that hold it, the preferred leader first.
    pub replicas: Vec<BrokerId>,
    /// Replicas that a reassignment adds.
    pub adding: Vec<BrokerId>,
    /// Replicas that a reassignment removes.
    pub removing: Vec<BrokerId>,
    /// Leader, epochs and ISR.
    pub state: PartitionStateImage,
}

/// The state key of a partition. The default is that of a partition without one: no leader, no ISR, epoch 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionStateImage {
    /// The leader, if there is one.
    pub leader: Option<BrokerId>,
    /// Counts the leaders; -1 where there is no state key.
    pub leader_epoch: LeaderEpoch,
    /// The in-sync replicas, each with the registration that it had when it was written.
    pub isr: Vec<IsrMember>,
    /// The eligible leader replicas (KIP-966).
    pub elr: Vec<IsrMember>,
    /// An unclean leader is recovering (KIP-966): the ISR may not grow.
    pub recovering: bool,
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

/// Overrides of one topic or broker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigImage {
    /// Kafka's key names and their values.
    pub values: BTreeMap<String, String>,
    /// `mod_revision` of the config key; 0 where there is none.
    pub revision: Revision,
}

/// What exists under a topic's name without the topic.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct TopicRemains {
    /// The partition states, by index.
    pub(crate) states: BTreeMap<PartitionIndex, PartitionStateImage>,
    /// The config key.
    pub(crate) configs: Arc<ConfigImage>,
}

impl Default for PartitionStateImage {
    fn default() -> Self {
        Self {
            leader: None,
            leader_epoch: LeaderEpoch::UNKNOWN,
            isr: Vec::new(),
            elr: Vec::new(),
            recovering: false,
            partition_epoch: PartitionEpoch(0),
        }
    }
}

impl std::ops::Deref for PartitionImage {
    type Target = PartitionStateImage;

    fn deref(&self) -> &PartitionStateImage {
        &self.state
    }
}

impl Image {
    /// The topic of this name.
    #[must_use]
    pub fn topic(&self, name: &str) -> Option<&Arc<TopicImage>> {
        self.topics.get(name)
    }

    /// The topic with this id.
    #[must_use]
    pub fn topic_by_id(&self, id: TopicId) -> Option<&Arc<TopicImage>> {
        self.topics.get(self.topics_by_id.get(&id)?)
    }

    /// A partition of a topic.
    #[must_use]
    pub fn partition(&self, topic: &str, index: PartitionIndex) -> Option<&PartitionImage> {
        self.topic(topic)?.partition(index)
    }

    /// Whether the broker is registered.
    #[must_use]
    pub fn alive(&self, id: BrokerId) -> bool {
        self.brokers.contains_key(&id)
    }

    /// Whether the broker may be elected or put into an ISR: registered, and neither fenced nor shutting down.
    #[must_use]
    pub fn eligible(&self, id: BrokerId) -> bool {
        let Some(epoch) = self.broker_epoch(id) else { return false };
        // What was noted about an earlier life says nothing about this one.
        !self
            .broker_states
            .get(&id)
            .is_some_and(|state| state.last_epoch == epoch && (state.fenced || state.shutting_down))
    }

    /// The registration epoch of a live broker.
    #[must_use]
    pub fn broker_epoch(&self, id: BrokerId) -> Option<BrokerEpoch> {
        self.brokers.get(&id).map(|broker| broker.epoch)
    }
}

impl BrokerImage {
    /// Where the broker listens under this listener name.
    #[must_use]
    pub fn endpoint(&self, listener: &str) -> Option<&EndpointImage> {
        self.endpoints.iter().find(|endpoint| &*endpoint.listener == listener)
    }
}

impl TopicImage {
    /// A partition by its index.
    #[must_use]
    pub fn partition(&self, index: PartitionIndex) -> Option<&PartitionImage> {
        self.partitions.get(usize::try_from(index.0).ok()?)
    }
}

impl PartitionImage {
    /// The replicas on brokers that are not alive: `offline_replicas` of a Metadata response.
    #[must_use]
    pub fn offline(&self, image: &Image) -> Vec<BrokerId> {
        self.replicas.iter().copied().filter(|replica| !image.alive(*replica)).collect()
    }
}
