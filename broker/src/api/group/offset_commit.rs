//! OffsetCommit: keeps how far a group has read. Answered when it is in etcd.

use barnabas_protocol::kafka::messages::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitResponse,
    OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use barnabas_protocol::kafka::{ErrorCode, Str};
use barnabas_protocol::state::ids::PartitionIndex;

use super::{caller, code, partition_exists};
use crate::api::context::RequestContext;
use crate::api::error_map;
use crate::env;
use crate::group::{Committed, GroupError, TopicPartition};

pub(crate) async fn handle(
    context: &RequestContext,
    request: OffsetCommitRequest,
) -> OffsetCommitResponse {
    let now_ms = env::wall_clock_ms();
    let mut offsets = Vec::new();
    let mut topics = Vec::with_capacity(request.topics.len());
    // Where in the response the results of `offsets` go.
    let mut places = Vec::new();
    for topic in &request.topics {
        let name = topic.name.detach();
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for partition in &topic.partitions {
            let checked = check(context, &name, partition, now_ms, request.retention_time_ms);
            let error_code = code(checked.as_ref().map_err(|error| *error));
            if let Ok(offset) = checked {
                places.push((topics.len(), partitions.len()));
                offsets.push(offset);
            }
            let partition_index = partition.partition_index;
            partitions.push(OffsetCommitResponsePartition { partition_index, error_code });
        }
        topics.push(OffsetCommitResponseTopic { name: topic.name.clone(), partitions });
    }
    if !offsets.is_empty() {
        let codes = commit(context, &request, offsets).await;
        for ((topic, partition), error_code) in places.into_iter().zip(codes) {
            topics[topic].partitions[partition].error_code = error_code;
        }
    }
    OffsetCommitResponse { topics, ..OffsetCommitResponse::default() }
}

fn check(
    context: &RequestContext,
    topic: &Str,
    partition: &OffsetCommitRequestPartition,
    timestamp_ms: i64,
    retention_ms: i64,
) -> Result<(TopicPartition, Committed), GroupError> {
    let index = partition.partition_index;
    if !partition_exists(context, topic, index) {
        return Err(GroupError::UnknownPartition);
    }
    let metadata = partition.committed_metadata.as_ref().map(Str::detach).unwrap_or_default();
    if metadata.len() > context.broker().config().offset_metadata_max_bytes {
        return Err(GroupError::MetadataTooLarge);
    }
    let committed = Committed {
        offset: partition.committed_offset,
        leader_epoch: partition.committed_leader_epoch,
        metadata,
        timestamp_ms,
        // Versions 2 to 4, which older clients send; -1 is what the broker is configured for.
        expires_ms: (retention_ms != -1).then(|| timestamp_ms.saturating_add(retention_ms)),
    };
    Ok(((topic.clone(), PartitionIndex(index)), committed))
}

async fn commit(
    context: &RequestContext,
    request: &OffsetCommitRequest,
    offsets: Vec<(TopicPartition, Committed)>,
) -> Vec<ErrorCode> {
    let generation = request.generation_id_or_member_epoch;
    let caller = caller(&request.member_id, request.group_instance_id.as_ref(), generation);
    let count = offsets.len();
    match context.broker().groups.commit(request.group_id.clone(), caller, offsets).await {
        Ok(results) => results.into_iter().map(code).collect(),
        Err(error) => vec![error_map::group(error); count],
    }
}
