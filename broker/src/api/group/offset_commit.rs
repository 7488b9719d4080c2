//! OffsetCommit: stores how far a group has read. The response is sent when the offsets are in
//! etcd.

use std::collections::HashMap;

use barnabas_protocol::kafka::messages::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitResponse,
    OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use barnabas_protocol::kafka::{ErrorCode, Str};
use barnabas_protocol::state::ids::{PartitionIndex, TopicId};

use super::{caller, code};
use crate::api::context::RequestContext;
use crate::api::error_map;
use crate::env;
use crate::group::{Committed, GroupError, TopicPartition};
use crate::metadata::TopicImage;

pub(crate) async fn handle(
    context: &RequestContext,
    request: OffsetCommitRequest,
) -> OffsetCommitResponse {
    let Checked { mut topics, offsets, places } = check_all(context, &request);
    if !offsets.is_empty() {
        let codes = commit(context, &request, offsets).await;
        for Place { topic, partition, offset } in places {
            topics[topic].partitions[partition].error_code = codes[offset];
        }
    }
    OffsetCommitResponse { topics, ..OffsetCommitResponse::default() }
}

/// A request whose partitions were looked at one by one.
#[derive(Default)]
struct Checked {
    /// The response. Partitions that are to be committed have no error yet.
    topics: Vec<OffsetCommitResponseTopic>,
    /// What is to be committed: each partition once, however often the request names it. The last
    /// value counts.
    offsets: Vec<(TopicPartition, Committed)>,
    /// Which partition of the response gets the result of which offset.
    places: Vec<Place>,
}

/// A partition of the response by its position, and the position of its offset among those to
/// commit.
struct Place {
    topic: usize,
    partition: usize,
    offset: usize,
}

fn check_all(context: &RequestContext, request: &OffsetCommitRequest) -> Checked {
    let (now_ms, image) = (env::wall_clock_ms(), context.broker().image());
    let mut checked = Checked::default();
    let mut positions = HashMap::new();
    for topic in &request.topics {
        let name = topic.name.detach();
        let found = image.topic(&name);
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for asked in &topic.partitions {
            let (partition_index, place) = (asked.partition_index, partitions.len());
            let result = check(context, found.map(|topic| &**topic), asked);
            let error_code = code(result.as_ref().map_err(|error| *error));
            partitions.push(OffsetCommitResponsePartition { partition_index, error_code });
            let Ok(topic_id) = result else { continue };
            let committed = committed(asked, topic_id, now_ms, request.retention_time_ms);
            let offset = *positions.entry((topic_id, partition_index)).or_insert_with(|| {
                let at = (name.clone(), PartitionIndex(partition_index));
                checked.offsets.push((at, committed.clone()));
                checked.offsets.len() - 1
            });
            checked.offsets[offset].1 = committed;
            let topic = checked.topics.len();
            checked.places.push(Place { topic, partition: place, offset });
        }
        checked.topics.push(OffsetCommitResponseTopic { name: topic.name.clone(), partitions });
    }
    checked
}

/// Whether the offset may be committed: returns the id of its topic.
fn check(
    context: &RequestContext,
    topic: Option<&TopicImage>,
    asked: &OffsetCommitRequestPartition,
) -> Result<TopicId, GroupError> {
    let topic = topic.ok_or(GroupError::UnknownPartition)?;
    let index = PartitionIndex(asked.partition_index);
    topic.partition(index).ok_or(GroupError::UnknownPartition)?;
    // Despite its name the limit counts characters as Java does, in units of UTF-16.
    let limit = context.broker().config().offset_metadata_max_bytes;
    let metadata = asked.committed_metadata.as_deref().unwrap_or_default();
    if metadata.encode_utf16().count() > limit {
        return Err(GroupError::MetadataTooLarge);
    }
    Ok(topic.id)
}

fn committed(
    asked: &OffsetCommitRequestPartition,
    topic_id: TopicId,
    timestamp_ms: i64,
    retention_ms: i64,
) -> Committed {
    Committed {
        topic_id,
        offset: asked.committed_offset,
        leader_epoch: asked.committed_leader_epoch,
        metadata: asked.committed_metadata.as_ref().map(Str::detach).unwrap_or_default(),
        timestamp_ms,
        // Clients that speak versions 2 to 4 may say how long. -1 leaves it to the broker's
        // configuration.
        expires_ms: (retention_ms != -1).then(|| timestamp_ms.saturating_add(retention_ms)),
    }
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
