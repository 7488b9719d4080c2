//! Offsets: where logs begin and end, and how far groups have consumed.

use std::collections::BTreeMap;

use barnabas_protocol::kafka::Str;
use barnabas_protocol::kafka::error_code::ErrorCode;
use barnabas_protocol::kafka::messages::list_offsets::{ListOffsetsPartition, ListOffsetsTopic};
use barnabas_protocol::kafka::messages::offset_commit::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use barnabas_protocol::kafka::messages::offset_fetch::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics, OffsetFetchResponse,
};
use barnabas_protocol::kafka::messages::{
    ListOffsetsRequest, OffsetCommitRequest, OffsetFetchRequest,
};

use crate::{ByPartition, ClientError, Cluster, PartitionSet};

/// ListOffsets: the end of a partition.
pub const LATEST: i64 = -1;
/// ListOffsets: the first record kept.
pub const EARLIEST: i64 = -2;

/// The offset that each partition has for its timestamp in ms, or [`LATEST`] or [`EARLIEST`]; -1
/// where no record is as late. A partition has an error code instead if it does not exist or its
/// leader refuses.
///
/// # Errors
/// A broker cannot be reached, or a leader stays unknown.
pub async fn list_offsets(
    cluster: &Cluster,
    timestamps: &ByPartition<i64>,
    read_committed: bool,
) -> Result<ByPartition<Result<i64, ErrorCode>>, ClientError> {
    cluster.retry(async || list_offsets_once(cluster, timestamps, read_committed).await).await
}

async fn list_offsets_once(
    cluster: &Cluster,
    timestamps: &ByPartition<i64>,
    read_committed: bool,
) -> Result<ByPartition<Result<i64, ErrorCode>>, ClientError> {
    let mut found = ByPartition::default();
    let mut by_leader: BTreeMap<i32, ByPartition<i64>> = BTreeMap::new();
    for (topic, index, timestamp) in timestamps.iter() {
        match leader(cluster, topic, index).await {
            Ok(leader) => {
                by_leader.entry(leader).or_default().insert(topic.clone(), index, *timestamp);
            }
            Err(ClientError::Refused { code: ErrorCode::UnknownTopicOrPartition, .. }) => {
                found.insert(topic.clone(), index, Err(ErrorCode::UnknownTopicOrPartition));
            }
            Err(error) => return Err(error),
        }
    }
    for (leader, wanted) in by_leader {
        let request = list_offsets_request(&wanted, read_committed);
        let response = cluster.broker(leader).await?.call(&request).await?;
        for topic in &response.topics {
            for partition in &topic.partitions {
                let offset = match partition.error_code {
                    ErrorCode::None => Ok(partition.offset),
                    code if code.is_retriable() => {
                        cluster.forget_topic(&topic.name);
                        return Err(ClientError::refused(code, None));
                    }
                    code => Err(code),
                };
                found.insert(topic.name.clone(), partition.partition_index, offset);
            }
        }
    }
    Ok(found)
}

async fn leader(cluster: &Cluster, topic: &str, index: i32) -> Result<i32, ClientError> {
    let leader = cluster.known_topic(topic).await?.leader(index);
    if leader.is_err() {
        cluster.forget_topic(topic);
    }
    leader
}

fn list_offsets_request(wanted: &ByPartition<i64>, read_committed: bool) -> ListOffsetsRequest {
    let topics = wanted.topics().map(|(name, partitions)| ListOffsetsTopic {
        name: name.clone(),
        partitions: partitions
            .iter()
            .map(|(index, timestamp)| ListOffsetsPartition {
                partition_index: *index,
                timestamp: *timestamp,
                ..ListOffsetsPartition::default()
            })
            .collect(),
    });
    ListOffsetsRequest {
        replica_id: -1,
        isolation_level: i8::from(read_committed),
        topics: topics.collect(),
        ..ListOffsetsRequest::default()
    }
}

/// What a group has committed, of some partitions or of all for which it has.
///
/// # Errors
/// The coordinator cannot be reached, or refuses.
pub async fn committed(
    cluster: &Cluster,
    group: &str,
    partitions: Option<&PartitionSet>,
) -> Result<ByPartition<i64>, ClientError> {
    cluster
        .retry(async || {
            let coordinator = cluster.coordinator_of(group).await?;
            let newer = coordinator.version::<OffsetFetchRequest>()? >= 8;
            let request = offset_fetch_request(newer, group, partitions);
            committed_in(&coordinator.call(&request).await?)
        })
        .await
}

fn offset_fetch_request(
    newer: bool,
    group: &str,
    partitions: Option<&PartitionSet>,
) -> OffsetFetchRequest {
    let group_id = Str::from(group);
    if !newer {
        let topics = partitions.map(|all| {
            let topic = |(name, indexes): (&Str, &BTreeMap<i32, ()>)| OffsetFetchRequestTopic {
                name: name.clone(),
                partition_indexes: indexes.keys().copied().collect(),
            };
            all.topics().map(topic).collect()
        });
        return OffsetFetchRequest { group_id, topics, ..OffsetFetchRequest::default() };
    }
    let topics = partitions.map(|all| {
        let topic = |(name, indexes): (&Str, &BTreeMap<i32, ()>)| OffsetFetchRequestTopics {
            name: name.clone(),
            partition_indexes: indexes.keys().copied().collect(),
        };
        all.topics().map(topic).collect()
    });
    let asked = OffsetFetchRequestGroup { group_id, topics, ..OffsetFetchRequestGroup::default() };
    OffsetFetchRequest { groups: vec![asked], ..OffsetFetchRequest::default() }
}

fn committed_in(response: &OffsetFetchResponse) -> Result<ByPartition<i64>, ClientError> {
    ClientError::check(response.error_code, None)?;
    let mut found = ByPartition::default();
    for topic in &response.topics {
        for partition in &topic.partitions {
            ClientError::check(partition.error_code, None)?;
            found.insert(
                topic.name.detach(),
                partition.partition_index,
                partition.committed_offset,
            );
        }
    }
    for group in &response.groups {
        ClientError::check(group.error_code, None)?;
        for topic in &group.topics {
            for one in &topic.partitions {
                ClientError::check(one.error_code, None)?;
                found.insert(topic.name.detach(), one.partition_index, one.committed_offset);
            }
        }
    }
    found.retain(|_, _, offset| *offset >= 0);
    Ok(found)
}

/// Who commits: a member of a generation, or somebody outside of the group's membership.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committer {
    /// -1 outside.
    pub generation: i32,
    /// Empty outside.
    pub member_id: Str,
    /// The name of a static member.
    pub instance_id: Option<Str>,
}

impl Default for Committer {
    fn default() -> Self {
        Self { generation: -1, member_id: Str::default(), instance_id: None }
    }
}

/// Commits the next offsets to consume.
///
/// # Errors
/// The coordinator cannot be reached, or refuses for one of the partitions.
pub async fn commit(
    cluster: &Cluster,
    group: &str,
    committer: &Committer,
    offsets: &ByPartition<i64>,
) -> Result<(), ClientError> {
    let topics = offsets.topics().map(|(name, partitions)| OffsetCommitRequestTopic {
        name: name.clone(),
        partitions: partitions
            .iter()
            .map(|(index, offset)| OffsetCommitRequestPartition {
                partition_index: *index,
                committed_offset: *offset,
                committed_metadata: Some(Str::default()),
                ..OffsetCommitRequestPartition::default()
            })
            .collect(),
    });
    let request = OffsetCommitRequest {
        group_id: Str::from(group),
        generation_id_or_member_epoch: committer.generation,
        member_id: committer.member_id.clone(),
        group_instance_id: committer.instance_id.clone(),
        topics: topics.collect(),
        ..OffsetCommitRequest::default()
    };
    cluster
        .retry(async || {
            let response = cluster.coordinator_of(group).await?.call(&request).await?;
            let mut results = response.topics.iter().flat_map(|topic| &topic.partitions);
            results.try_for_each(|result| ClientError::check(result.error_code, None))
        })
        .await
}
