//! OffsetDelete: deletes committed offsets of topics that the group is not subscribed to (KIP-496).

use barnabas_protocol::kafka::messages::offset_delete::{
    OffsetDeleteRequest, OffsetDeleteResponse, OffsetDeleteResponsePartition,
    OffsetDeleteResponseTopic,
};
use barnabas_protocol::state::ids::PartitionIndex;

use super::{check_group_id, code, partition_exists};
use crate::api::context::RequestContext;
use crate::api::error_map;
use crate::group::GroupError;

pub(crate) async fn handle(
    context: &RequestContext,
    request: OffsetDeleteRequest,
) -> OffsetDeleteResponse {
    let partitions = request.topics.iter().flat_map(|topic| {
        topic.partitions.iter().map(|p| (topic.name.detach(), PartitionIndex(p.partition_index)))
    });
    let partitions: Vec<_> = partitions.collect();
    let known: Vec<bool> =
        partitions.iter().map(|(topic, index)| partition_exists(context, topic, index.0)).collect();
    let asked = partitions.into_iter().zip(&known).filter(|(_, known)| **known);
    let asked = asked.map(|(at, _)| at).collect();
    let deleted = match check_group_id(&request.group_id) {
        Ok(()) => context.broker().groups.delete_offsets(request.group_id, asked).await,
        Err(error) => Err(error),
    };
    let mut deleted = match deleted {
        Ok(results) => results.into_iter(),
        Err(error) => {
            let error_code = error_map::group(error);
            return OffsetDeleteResponse { error_code, ..OffsetDeleteResponse::default() };
        }
    };
    let mut known = known.into_iter();
    let mut result = || {
        let known = known.next().unwrap_or(false);
        known.then(|| deleted.next()).flatten().unwrap_or(Err(GroupError::UnknownPartition))
    };
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for partition in topic.partitions {
            let (partition_index, error_code) = (partition.partition_index, code(result()));
            partitions.push(OffsetDeleteResponsePartition { partition_index, error_code });
        }
        topics.push(OffsetDeleteResponseTopic { name: topic.name, partitions });
    }
    OffsetDeleteResponse { topics, ..OffsetDeleteResponse::default() }
}
