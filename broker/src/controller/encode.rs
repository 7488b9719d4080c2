//! Changes as keys and values of etcd: the only place where the controller's values get their form.

use barnabas_protocol::state::ids::{BrokerEpoch, BrokerId, ControllerEpoch};
use barnabas_protocol::state::values::{
    BrokerState, Config, DeletedTopic, PartitionState, Replica, Topic, Writer,
};
use barnabas_protocol::state::{Keys, StateValue, to_json};

use super::plan::{Key, Value};
use super::request::ConfigResource;
use crate::metadata::{IsrMember, PartitionImage};

/// The writer and the number of its write: no two partition states carry the same stamp.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stamp {
    pub(super) broker: BrokerId,
    pub(super) broker_epoch: BrokerEpoch,
    pub(super) controller_epoch: ControllerEpoch,
    pub(super) sequence: i64,
}

/// The key in etcd.
pub(super) fn key(keys: &Keys, key: &Key) -> String {
    match key {
        Key::Topic(name) => keys.topic(name),
        Key::Partition(name, index) => keys.partition_state(name, *index),
        Key::Config(ConfigResource::Topic(name)) => keys.topic_config(name),
        Key::Config(ConfigResource::Broker(id)) => keys.broker_config(*id),
        Key::BrokerState(id) => keys.broker_state(*id),
        Key::DeletedTopic(id) => keys.deleted_topic(*id),
    }
}

/// The JSON value in etcd.
pub(super) fn value(value: &Value, stamp: &Stamp) -> Vec<u8> {
    match value {
        Value::Topic { id, partitions } => to_json(&Topic {
            version: Topic::VERSION,
            topic_id: id.to_kafka_string(),
            partitions: *partitions,
        }),
        Value::Partition(state) => to_json(&partition_state(state, stamp)),
        Value::Config(values) => {
            let config = values.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
            to_json(&Config { version: Config::VERSION, config })
        }
        Value::DeletedTopic { name, brokers } => to_json(&DeletedTopic {
            version: DeletedTopic::VERSION,
            name: name.to_string(),
            brokers: brokers.iter().map(|id| id.0).collect(),
        }),
        Value::BrokerState(state) => to_json(&BrokerState {
            version: BrokerState::VERSION,
            last_epoch: state.last_epoch.0,
            fenced: state.fenced,
        }),
    }
}

fn partition_state(state: &PartitionImage, stamp: &Stamp) -> PartitionState {
    let ids = |brokers: &[BrokerId]| brokers.iter().map(|id| id.0).collect();
    let members = |members: &[IsrMember]| {
        members.iter().map(|m| Replica { id: m.id.0, broker_epoch: m.epoch.0 }).collect()
    };
    PartitionState {
        version: PartitionState::VERSION,
        topic_id: state.topic_id.to_kafka_string(),
        replicas: ids(&state.replicas),
        adding: ids(&state.adding),
        removing: ids(&state.removing),
        min_isr: state.min_isr,
        leader: state.leader.map_or(-1, |id| id.0),
        leader_epoch: state.leader_epoch.0,
        isr: members(&state.isr),
        elr: members(&state.elr),
        failed: ids(&state.failed),
        recovery_state: state.recovery.into(),
        restored: state.restored,
        controller_epoch: stamp.controller_epoch.0,
        writer: Some(Writer {
            broker_id: stamp.broker.0,
            broker_epoch: stamp.broker_epoch.0,
            sequence: stamp.sequence,
        }),
    }
}
