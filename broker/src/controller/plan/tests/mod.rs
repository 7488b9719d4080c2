//! Plans as a whole: for a view and a request, all that would be written.

mod brokers;
mod topics;

use std::collections::BTreeMap;

use barnabas_protocol::state::ids::{
    BrokerEpoch, BrokerId, LeaderEpoch, PartitionEpoch, PartitionIndex, TopicId,
};
use uuid::Uuid;

use super::*;
use crate::metadata::{Image, IsrMember, PartitionStateImage};

fn brokers(ids: &[i32]) -> Vec<BrokerId> {
    ids.iter().copied().map(BrokerId).collect()
}

fn members(members: &[(i32, i64)]) -> Vec<IsrMember> {
    members
        .iter()
        .map(|(id, epoch)| IsrMember { id: BrokerId(*id), epoch: BrokerEpoch(*epoch) })
        .collect()
}

/// A state that replaces the one of `replaced`.
fn state(
    leader: Option<i32>,
    epoch: i32,
    isr: &[(i32, i64)],
    replaced: i64,
) -> PartitionStateImage {
    PartitionStateImage {
        leader: leader.map(BrokerId),
        leader_epoch: LeaderEpoch(epoch),
        isr: members(isr),
        elr: Vec::new(),
        recovering: false,
        partition_epoch: PartitionEpoch(replaced),
    }
}

fn put_state(topic: &str, index: i32, state: PartitionStateImage) -> Change {
    Change::partition(&topic.into(), PartitionIndex(index), state)
}

fn put_topic(topic: &str, id: TopicId, replaced: i64, replicas: &[&[i32]]) -> Change {
    let assignment = |ids: &&[i32]| Assignment { replicas: brokers(ids), ..Assignment::default() };
    let value = Value::Topic { id, partitions: replicas.iter().map(assignment).collect() };
    Change::put(Key::Topic(topic.into()), Revision(replaced), value)
}

fn id(number: u128) -> TopicId {
    TopicId(Uuid::from_u128(number))
}

fn config(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn three_brokers() -> Image {
    Image::default().with_broker(1, 11).with_broker(2, 12).with_broker(3, 13)
}
