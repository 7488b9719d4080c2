//! Values of etcd as parts of the image, checked for what no value may say.

use barnabas_protocol::kafka::primitives::Str;
use barnabas_protocol::state::from_json;
use barnabas_protocol::state::ids::{
    BrokerEpoch, BrokerId, LeaderEpoch, PartitionEpoch, PartitionIndex, TopicId,
};
use barnabas_protocol::state::values::{
    BrokerRegistration, BrokerState, Config, DeletedTopic, Endpoint, PartitionState, RecoveryState,
    Replica, Restored, Topic,
};

use super::super::held_data::HeldData;
use super::super::image::{
    BrokerImage, BrokerStateImage, DeletedTopicImage, EndpointImage, RestoredImage,
};
use super::super::topic::{ConfigImage, IsrMember, PartitionImage};
use super::topics::TopicKey;
use super::{DeltaError, Entry};

/// More partitions than any topic has: what a broken value says must not be believed.
const MAX_PARTITIONS: i32 = 1_000_000;

pub(super) fn registration(id: BrokerId, entry: Entry<'_>) -> Result<BrokerImage, DeltaError> {
    let value: BrokerRegistration = from_json(entry.value)?;
    let epoch = BrokerEpoch(entry.created.0);
    let held = HeldData::of(&value, epoch);
    let incarnation = value
        .incarnation
        .parse()
        .map_err(|_| DeltaError::Invalid("the broker's incarnation is not a UUID"))?;
    let endpoint = |endpoint: Endpoint| {
        Ok(EndpointImage {
            listener: endpoint.listener.into(),
            security_protocol: endpoint.security_protocol.into(),
            host: endpoint.host.into(),
            port: u16::try_from(endpoint.port)
                .map_err(|_| DeltaError::Invalid("an endpoint's port is out of range"))?,
        })
    };
    Ok(BrokerImage {
        id,
        epoch,
        incarnation,
        endpoints: value.endpoints.into_iter().map(endpoint).collect::<Result<_, DeltaError>>()?,
        rack: value.rack.map(Str::from),
        held,
        ready: value.ready,
        shutting_down: value.shutting_down,
        revision: entry.modified,
    })
}

pub(super) fn broker_state(entry: Entry<'_>) -> Result<BrokerStateImage, DeltaError> {
    let value: BrokerState = from_json(entry.value)?;
    Ok(BrokerStateImage {
        last_epoch: BrokerEpoch(value.last_epoch),
        fenced: value.fenced,
        revision: entry.modified,
    })
}

pub(super) fn restored(entry: Entry<'_>) -> Result<RestoredImage, DeltaError> {
    let value: Restored = from_json(entry.value)?;
    if value.count < 0 {
        return Err(DeltaError::Invalid("the count is negative"));
    }
    Ok(RestoredImage { count: value.count, revision: entry.modified })
}

pub(super) fn deleted_topic(entry: Entry<'_>) -> Result<DeletedTopicImage, DeltaError> {
    let value: DeletedTopic = from_json(entry.value)?;
    let brokers = value.brokers.into_iter().map(BrokerId).collect();
    Ok(DeletedTopicImage { name: value.name.into(), brokers, revision: entry.modified })
}

pub(super) fn config(entry: Entry<'_>) -> Result<ConfigImage, DeltaError> {
    let value: Config = from_json(entry.value)?;
    Ok(ConfigImage { values: value.config, revision: entry.modified })
}

pub(super) fn topic_key(entry: Entry<'_>) -> Result<TopicKey, DeltaError> {
    let value: Topic = from_json(entry.value)?;
    if !(0..=MAX_PARTITIONS).contains(&value.partitions) {
        return Err(DeltaError::Invalid("the number of partitions is out of range"));
    }
    let id = topic_id(&value.topic_id)?;
    Ok(TopicKey { id, partition_count: value.partitions, revision: entry.modified })
}

pub(super) fn partition(
    index: PartitionIndex,
    entry: Entry<'_>,
) -> Result<PartitionImage, DeltaError> {
    let value: PartitionState = from_json(entry.value)?;
    let recovery = RecoveryState::try_from(value.recovery_state)
        .map_err(|_| DeltaError::Invalid("the recovery state is not one"))?;
    if value.leader < -1 || value.leader_epoch < 0 || value.min_isr < 1 || index.0 < 0 {
        return Err(DeltaError::Invalid("a number is out of range"));
    }
    let brokers = |ids: Vec<i32>| ids.into_iter().map(BrokerId).collect();
    let member = |r: Replica| IsrMember { id: BrokerId(r.id), epoch: BrokerEpoch(r.broker_epoch) };
    Ok(PartitionImage {
        index,
        topic_id: topic_id(&value.topic_id)?,
        replicas: brokers(value.replicas),
        adding: brokers(value.adding),
        removing: brokers(value.removing),
        min_isr: value.min_isr,
        leader: (value.leader >= 0).then_some(BrokerId(value.leader)),
        leader_epoch: LeaderEpoch(value.leader_epoch),
        isr: value.isr.into_iter().map(member).collect(),
        elr: value.elr.into_iter().map(member).collect(),
        failed: brokers(value.failed),
        recovery,
        restored: value.restored,
        partition_epoch: PartitionEpoch(entry.modified.0),
    })
}

fn topic_id(text: &str) -> Result<TopicId, DeltaError> {
    TopicId::from_kafka_string(text).map_err(|_| DeltaError::Invalid("the topic id is not one"))
}
