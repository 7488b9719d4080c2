//! Images for tests.

use std::sync::Arc;

use barnabas_coordinator_client::Revision;
use barnabas_protocol::state::ids::{
    BrokerEpoch, BrokerId, PartitionEpoch, PartitionIndex, TopicId,
};
use uuid::Uuid;

use super::delta::similar_form;
use super::held_data::HeldData;
use super::image::{BrokerImage, BrokerStateImage, Image};
use super::topic::{ConfigImage, IsrMember, PartitionImage, Partitions, TopicImage};

impl Image {
    /// Adds a live broker.
    pub(crate) fn with_broker(mut self, id: i32, epoch: i64) -> Self {
        let broker = BrokerImage {
            id: BrokerId(id),
            epoch: BrokerEpoch(epoch),
            incarnation: Uuid::from_u128(1),
            endpoints: Vec::new(),
            rack: None,
            held: HeldData::since(BrokerEpoch(epoch)),
            ready: true,
            shutting_down: false,
            revision: Revision(epoch),
        };
        self.brokers.insert(BrokerId(id), Arc::new(broker));
        self
    }

    /// Adds the controller's note about a broker.
    pub(crate) fn with_broker_state(mut self, id: i32, last_epoch: i64, fenced: bool) -> Self {
        let state = BrokerStateImage {
            last_epoch: BrokerEpoch(last_epoch),
            fenced,
            revision: Revision(last_epoch + 1),
        };
        self.broker_states.insert(BrokerId(id), state);
        self
    }

    /// Adds a topic of which all partitions have these replicas; the first one leads, all are in
    /// sync, in the epochs of their present registrations (0 where there is none).
    pub(crate) fn with_topic(mut self, name: &str, partitions: i32, replicas: &[i32]) -> Self {
        let id = TopicId(Uuid::from_u128(name.bytes().map(u128::from).sum()));
        let replicas: Vec<_> = replicas.iter().copied().map(BrokerId).collect();
        let member = |id: &BrokerId| IsrMember {
            id: *id,
            epoch: self.broker_epoch(*id).unwrap_or_default(),
        };
        let isr: Vec<_> = replicas.iter().map(member).collect();
        let partition = |index| PartitionImage {
            replicas: replicas.clone(),
            partition_epoch: PartitionEpoch(50),
            ..PartitionImage::first(id, index, isr.clone())
        };
        let indexes = (0..partitions).map(PartitionIndex);
        let topic = TopicImage {
            name: name.into(),
            id,
            partition_count: partitions,
            partitions: indexes.map(|index| (index, Arc::new(partition(index)))).collect(),
            configs: Arc::new(ConfigImage::default()),
            revision: Revision(60),
            unlisted: Partitions::new_sync(),
        };
        self.topics_by_id.insert_mut(topic.id, topic.name.clone());
        if let Some(form) = similar_form(name) {
            self.similar_names.insert_mut(form, [name.into()].into());
        }
        self.changes.record(&topic.name);
        self.topics.insert_mut(topic.name.clone(), Arc::new(topic));
        self
    }

    /// Changes a topic that is there.
    pub(crate) fn change_topic(&mut self, name: &str, change: impl FnOnce(&mut TopicImage)) {
        let topic = Arc::make_mut(self.topics.get_mut(name).expect("the topic is there"));
        change(topic);
        self.changes.record(&name.into());
    }

    /// Replaces the state of a topic's first partition.
    pub(crate) fn with_state(mut self, name: &str, state: PartitionImage) -> Self {
        self.change_topic(name, |topic| topic.partitions.insert_mut(state.index, Arc::new(state)));
        self
    }

    /// Gives a topic another identity, as if it had been deleted and created again at `revision`.
    pub(crate) fn with_recreated(mut self, name: &str, id: u128, revision: i64) -> Self {
        let (id, before) = (TopicId(Uuid::from_u128(id)), self.topic(name).map(|topic| topic.id));
        if let Some(before) = before {
            self.topics_by_id.remove_mut(&before);
        }
        self.topics_by_id.insert_mut(id, name.into());
        self.change_topic(name, |topic| (topic.id, topic.revision) = (id, Revision(revision)));
        self
    }

    /// Removes a topic.
    pub(crate) fn without_topic(mut self, name: &str) -> Self {
        if let Some(id) = self.topic(name).map(|topic| topic.id) {
            self.topics_by_id.remove_mut(&id);
            self.topics.remove_mut(name);
            self.changes.record(&name.into());
        }
        self
    }
}
