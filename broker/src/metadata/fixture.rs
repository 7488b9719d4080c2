//! Images for tests.

use std::sync::Arc;

use barnabas_coordinator_client::Revision;
use barnabas_protocol::state::ids::{
    BrokerEpoch, BrokerId, LeaderEpoch, PartitionEpoch, PartitionIndex, TopicId,
};
use uuid::Uuid;

use super::image::{
    BrokerImage, BrokerStateImage, ConfigImage, Image, IsrMember, PartitionImage,
    PartitionStateImage, TopicImage,
};

impl Image {
    /// Adds a live broker.
    pub(crate) fn with_broker(mut self, id: i32, epoch: i64) -> Self {
        let broker = BrokerImage {
            id: BrokerId(id),
            epoch: BrokerEpoch(epoch),
            incarnation: Uuid::from_u128(1),
            endpoints: Vec::new(),
            rack: None,
            previous_epoch: None,
        };
        self.brokers.insert(BrokerId(id), Arc::new(broker));
        self
    }

    /// Adds the controller's note about a broker.
    pub(crate) fn with_broker_state(mut self, id: i32, last_epoch: i64, fenced: bool) -> Self {
        let state = BrokerStateImage {
            last_epoch: BrokerEpoch(last_epoch),
            fenced,
            shutting_down: false,
            revision: Revision(last_epoch + 1),
        };
        self.broker_states.insert(BrokerId(id), state);
        self
    }

    /// Adds a topic of which all partitions have these replicas; the first one leads, all are in sync, in the epochs
    /// of their present registrations (0 where there is none).
    pub(crate) fn with_topic(mut self, name: &str, partitions: i32, replicas: &[i32]) -> Self {
        let replicas: Vec<_> = replicas.iter().copied().map(BrokerId).collect();
        let member = |id: &BrokerId| IsrMember {
            id: *id,
            epoch: self.broker_epoch(*id).unwrap_or_default(),
        };
        let state = PartitionStateImage {
            leader: replicas.first().copied(),
            leader_epoch: LeaderEpoch(0),
            isr: replicas.iter().map(member).collect(),
            partition_epoch: PartitionEpoch(50),
            ..PartitionStateImage::default()
        };
        let partition = |index| PartitionImage {
            index: PartitionIndex(index),
            replicas: replicas.clone(),
            adding: Vec::new(),
            removing: Vec::new(),
            state: state.clone(),
        };
        let topic = TopicImage {
            name: name.into(),
            id: TopicId(Uuid::from_u128(name.bytes().map(u128::from).sum())),
            partitions: (0..partitions).map(partition).collect(),
            configs: Arc::new(ConfigImage::default()),
            revision: Revision(60),
            unlisted: Default::default(),
        };
        self.topics_by_id.insert(topic.id, topic.name.clone());
        self.topics.insert(topic.name.clone(), Arc::new(topic));
        self
    }
}
