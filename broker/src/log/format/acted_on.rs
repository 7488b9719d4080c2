//! The stored form of [`ActedOn`]: partition epoch i64, leader epoch i32, restored i64, partitions
//! i32, number of replicas u32, their ids i32 each, and the topic's name as UTF-8. Numbers are
//! big-endian.

use barnabas_protocol::state::ids::{BrokerId, LeaderEpoch, PartitionEpoch};

use crate::log::ActedOn;

pub(super) fn encode(acted_on: &ActedOn, value: &mut Vec<u8>) {
    let ActedOn { topic, partitions, restored, partition_epoch, leader_epoch, replicas } = acted_on;
    value.extend_from_slice(&partition_epoch.0.to_be_bytes());
    value.extend_from_slice(&leader_epoch.0.to_be_bytes());
    value.extend_from_slice(&restored.to_be_bytes());
    value.extend_from_slice(&partitions.to_be_bytes());
    let count = u32::try_from(replicas.len()).unwrap_or(u32::MAX);
    value.extend_from_slice(&count.to_be_bytes());
    replicas.iter().for_each(|id| value.extend_from_slice(&id.0.to_be_bytes()));
    value.extend_from_slice(topic.as_bytes());
}

pub(super) fn decode(mut body: &[u8]) -> Option<ActedOn> {
    let partition_epoch = PartitionEpoch(i64::from_be_bytes(take(&mut body)?));
    let leader_epoch = LeaderEpoch(i32::from_be_bytes(take(&mut body)?));
    let restored = i64::from_be_bytes(take(&mut body)?);
    let partitions = i32::from_be_bytes(take(&mut body)?);
    let count = u32::from_be_bytes(take(&mut body)?);
    // The size is not taken from the count, which may be damaged.
    let mut replicas = Vec::new();
    for _ in 0..count {
        replicas.push(BrokerId(i32::from_be_bytes(take(&mut body)?)));
    }
    let topic = std::str::from_utf8(body).ok()?.to_owned();
    Some(ActedOn { topic, partitions, restored, partition_epoch, leader_epoch, replicas })
}

fn take<const N: usize>(body: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = body.split_first_chunk::<N>()?;
    *body = rest;
    Some(*head)
}
