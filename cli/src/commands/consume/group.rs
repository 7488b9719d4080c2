//! Committed offsets of a group that has no members: this tool reads all partitions by itself.

use std::collections::BTreeMap;

use barnabas_client::{ClientError, Cluster};
use barnabas_protocol::kafka::Str;
use barnabas_protocol::kafka::messages::offset_commit::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use barnabas_protocol::kafka::messages::offset_fetch::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use barnabas_protocol::kafka::messages::{OffsetCommitRequest, OffsetFetchRequest};

/// What the group has committed, by partition.
pub(super) async fn committed(
    cluster: &Cluster,
    group: &str,
    topic: &str,
    partitions: &[i32],
) -> Result<BTreeMap<i32, i64>, ClientError> {
    cluster
        .patiently(async || {
            let coordinator = cluster.coordinator(group).await?;
            let newer = coordinator.version::<OffsetFetchRequest>()? >= 8;
            let response = coordinator.call(&request(newer, group, topic, partitions)).await?;
            ClientError::check(response.error_code, None)?;
            let old = response.topics.iter().flat_map(|topic| &topic.partitions);
            let mut found: BTreeMap<i32, i64> =
                old.map(|p| (p.partition_index, p.committed_offset)).collect();
            for group in &response.groups {
                ClientError::check(group.error_code, None)?;
                let new = group.topics.iter().flat_map(|topic| &topic.partitions);
                found.extend(new.map(|p| (p.partition_index, p.committed_offset)));
            }
            found.retain(|_, offset| *offset >= 0);
            Ok(found)
        })
        .await
}

fn request(newer: bool, group: &str, topic: &str, partitions: &[i32]) -> OffsetFetchRequest {
    let (group_id, name) = (Str::from(group), Str::from(topic));
    if newer {
        let topics =
            vec![OffsetFetchRequestTopics { name, partition_indexes: partitions.to_vec() }];
        let asked = OffsetFetchRequestGroup {
            group_id,
            topics: Some(topics),
            ..OffsetFetchRequestGroup::default()
        };
        return OffsetFetchRequest { groups: vec![asked], ..OffsetFetchRequest::default() };
    }
    let asked = OffsetFetchRequestTopic { name, partition_indexes: partitions.to_vec() };
    OffsetFetchRequest { group_id, topics: Some(vec![asked]), ..OffsetFetchRequest::default() }
}

/// Commits the next offsets to read.
pub(super) async fn commit(
    cluster: &Cluster,
    group: &str,
    topic: &str,
    positions: &BTreeMap<i32, i64>,
) -> Result<(), ClientError> {
    let partitions = positions.iter().map(|(index, offset)| OffsetCommitRequestPartition {
        partition_index: *index,
        committed_offset: *offset,
        committed_metadata: Some(Str::default()),
        ..OffsetCommitRequestPartition::default()
    });
    let request = OffsetCommitRequest {
        group_id: Str::from(group),
        topics: vec![OffsetCommitRequestTopic {
            name: Str::from(topic),
            partitions: partitions.collect(),
        }],
        ..OffsetCommitRequest::default()
    };
    cluster
        .patiently(async || {
            let response = cluster.coordinator(group).await?.call(&request).await?;
            for result in response.topics.iter().flat_map(|topic| &topic.partitions) {
                ClientError::check(result.error_code, None)?;
            }
            Ok(())
        })
        .await
}
