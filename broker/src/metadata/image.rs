//! The immutable picture of the cluster at one etcd revision.
//!
//! It is a function of the keys and values under the prefix and of nothing else: applying changes
//! one by one gives the same image as listing everything anew (`delta` holds the property test).
//! Its maps share their structure with those of the image before, so that a new image costs what
//! changed and not what exists.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use barnabas_coordinator_client::Revision;
use barnabas_protocol::kafka::primitives::Str;
use barnabas_protocol::state::ids::{BrokerEpoch, BrokerId, PartitionIndex, TopicId};
use rpds::{HashTrieMapSync, RedBlackTreeMapSync, RedBlackTreeSetSync};
use uuid::Uuid;

use super::changes::TopicChanges;
use super::held_data::HeldData;
use super::topic::{ConfigImage, PartitionImage, TopicImage, TopicName, TopicRemains};

/// The cluster as it was at [`Image::revision`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Image {
    /// All changes up to and including this revision are contained.
    pub revision: Revision,
    /// The cluster's id as clients see it; absent only before the first broker has started.
    pub cluster_id: Option<Str>,
    /// How often etcd went back in time.
    pub restored: RestoredImage,
    /// The elected controller, if there is one.
    pub controller: Option<BrokerId>,
    /// `create_revision` of the `/controller` key; 0 without a controller.
    pub controller_revision: Revision,
    /// The registered, hence presumably live, brokers.
    pub brokers: BTreeMap<BrokerId, Arc<BrokerImage>>,
    /// What the controller last noted about each broker that it ever saw.
    pub broker_states: BTreeMap<BrokerId, BrokerStateImage>,
    /// The topics by name. Change them through `delta` only, so that everything derived from them
    /// agrees.
    pub topics: RedBlackTreeMapSync<TopicName, Arc<TopicImage>>,
    /// The names of the topics by id.
    pub topics_by_id: HashTrieMapSync<TopicId, TopicName>,
    /// Deleted topics of which brokers may still hold data.
    pub deleted: HashTrieMapSync<TopicId, Arc<DeletedTopicImage>>,
    /// Overrides by broker; `None` is the cluster-wide default (`/config/brokers/<default>`).
    pub broker_configs: BTreeMap<Option<BrokerId>, Arc<ConfigImage>>,
    /// What there is under names that no topic has.
    pub(crate) remains: RedBlackTreeMapSync<TopicName, Arc<TopicRemains>>,
    /// Topics with partitions whose state is absent, or with states that belong to none of their
    /// partitions.
    pub(crate) irregular: RedBlackTreeSetSync<TopicName>,
    /// Topics with '.' or '_' in their name, by the name with '_' only: two of one entry would
    /// share a metric.
    pub(crate) similar_names: HashTrieMapSync<TopicName, BTreeSet<TopicName>>,
    pub(crate) changes: TopicChanges,
}

/// How often etcd was found to have gone back in time, as after a restore from a backup.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RestoredImage {
    /// How often. A partition whose state was written under a lower count has no leader.
    pub count: i64,
    /// `mod_revision` of the key; 0 where there is none.
    pub revision: Revision,
}

/// A deleted topic of which brokers may still hold data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletedTopicImage {
    /// Its name.
    pub name: TopicName,
    /// The brokers that may hold data of it.
    pub brokers: Vec<BrokerId>,
    /// `mod_revision` of the key.
    pub revision: Revision,
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
    /// What its data directory holds.
    pub held: HeldData,
    /// It acts on the state of the cluster: it may lead, and be given replicas.
    pub ready: bool,
    /// In controlled shutdown: others are to lead.
    pub shutting_down: bool,
    /// `mod_revision` of the registration: `ready` and `shutting_down` change it.
    pub revision: Revision,
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
    /// Its registration is gone.
    pub fenced: bool,
    /// `mod_revision` of the key.
    pub revision: Revision,
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

    /// A partition of a topic, unless its state is absent.
    #[must_use]
    pub fn partition(&self, topic: &str, index: PartitionIndex) -> Option<&Arc<PartitionImage>> {
        self.topic(topic)?.partition(index)
    }

    /// Whether the topic exists and has this partition, with or without a state.
    #[must_use]
    pub fn has_partition(&self, topic: &str, index: PartitionIndex) -> bool {
        self.topic(topic).is_some_and(|topic| topic.has_partition(index))
    }

    /// The names of the topics below which something differs from an earlier image: new topics and
    /// deleted ones too.
    #[must_use]
    pub fn topics_changed_since(&self, before: &Self) -> BTreeSet<TopicName> {
        self.changes.since(&before.changes).unwrap_or_else(|| self.topics_unlike(before))
    }

    /// The same by comparing all topics.
    fn topics_unlike(&self, other: &Self) -> BTreeSet<TopicName> {
        let unlike = |name: &&TopicName| {
            let same_topic = match (self.topics.get(*name), other.topics.get(*name)) {
                (Some(one), Some(other)) => Arc::ptr_eq(one, other) || one == other,
                (one, other) => one.is_none() && other.is_none(),
            };
            !same_topic || self.remains.get(*name) != other.remains.get(*name)
        };
        let names = [self, other].into_iter().flat_map(|i| i.topics.keys().chain(i.remains.keys()));
        names.filter(unlike).cloned().collect()
    }

    /// Whether the broker is registered.
    #[must_use]
    pub fn alive(&self, id: BrokerId) -> bool {
        self.brokers.contains_key(&id)
    }

    /// Whether the broker may be elected or given replicas: registered, ready, and not shutting
    /// down.
    #[must_use]
    pub fn eligible(&self, id: BrokerId) -> bool {
        self.brokers.get(&id).is_some_and(|broker| broker.ready && !broker.shutting_down)
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

impl PartitionImage {
    /// The replicas on brokers that are not alive: `offline_replicas` of a Metadata response.
    #[must_use]
    pub fn offline(&self, image: &Image) -> Vec<BrokerId> {
        self.replicas.iter().copied().filter(|replica| !image.alive(*replica)).collect()
    }
}
