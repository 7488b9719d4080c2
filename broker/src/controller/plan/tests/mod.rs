//! Plans as a whole: for a view and a request, all that would be written.

mod brokers;
mod elections;
mod restores;
mod topics;

use std::collections::BTreeMap;

use barnabas_protocol::state::ids::{
    BrokerEpoch, BrokerId, LeaderEpoch, PartitionEpoch, PartitionIndex, TopicId,
};
use uuid::Uuid;

use super::*;
use crate::metadata::{BrokerImage, Image, IsrMember, PartitionImage};

fn brokers(ids: &[i32]) -> Vec<BrokerId> {
    ids.iter().copied().map(BrokerId).collect()
}

fn members(members: &[(i32, i64)]) -> Vec<IsrMember> {
    members
        .iter()
        .map(|(id, epoch)| IsrMember { id: BrokerId(*id), epoch: BrokerEpoch(*epoch) })
        .collect()
}

/// A state of partition 0 of the topic `t`, on the brokers of its ISR, that replaces the one of
/// `replaced`.
fn state(leader: Option<i32>, epoch: i32, isr: &[(i32, i64)], replaced: i64) -> PartitionImage {
    PartitionImage {
        leader: leader.map(BrokerId),
        leader_epoch: LeaderEpoch(epoch),
        partition_epoch: PartitionEpoch(replaced),
        replicas: isr.iter().map(|(id, _)| BrokerId(*id)).collect(),
        ..PartitionImage::first(fixture_id("t"), PartitionIndex(0), members(isr))
    }
}

/// The id of a topic that a fixture adds.
fn fixture_id(name: &str) -> TopicId {
    Image::default().with_topic(name, 1, &[]).topics[name].id
}

fn put_state(state: PartitionImage) -> Change {
    Change::partition(&"t".into(), state)
}

/// The first state of a new partition.
fn first(topic: TopicId, index: i32, isr: &[(i32, i64)], min_isr: i32) -> PartitionImage {
    let state = state(Some(isr[0].0), 0, isr, 0);
    PartitionImage { topic_id: topic, index: PartitionIndex(index), min_isr, ..state }
}

fn put_topic(id: TopicId, replaced: i64, partitions: i32) -> Change {
    Change::topic(&"t".into(), Revision(replaced), id, partitions)
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
