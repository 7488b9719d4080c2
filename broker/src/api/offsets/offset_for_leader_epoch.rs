//! OffsetForLeaderEpoch: where a leader's records end, for clients that check for lost records
//! (KIP-320).

use barnabas_protocol::kafka::error_code::ErrorCode;
use barnabas_protocol::kafka::messages::offset_for_leader_epoch::{
    EpochEndOffset, OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse,
    OffsetForLeaderPartition, OffsetForLeaderTopicResult,
};
use barnabas_protocol::state::ids::LeaderEpoch;

use crate::api::context::RequestContext;
use crate::api::error_map;

pub(crate) async fn handle(
    context: &RequestContext,
    request: OffsetForLeaderEpochRequest,
) -> OffsetForLeaderEpochResponse {
    let topics = request.topics.into_iter().map(|topic| OffsetForLeaderTopicResult {
        partitions: topic.partitions.iter().map(|p| answer(context, &topic.topic, p)).collect(),
        topic: topic.topic,
    });
    OffsetForLeaderEpochResponse {
        topics: topics.collect(),
        ..OffsetForLeaderEpochResponse::default()
    }
}

fn answer(
    context: &RequestContext,
    topic: &str,
    asked: &OffsetForLeaderPartition,
) -> EpochEndOffset {
    let partition = asked.partition;
    let found = context.partition(topic, partition).and_then(|replica| {
        let current = LeaderEpoch(asked.current_leader_epoch);
        replica.check_leadership(current).map_err(error_map::leadership)?;
        Ok(replica.epoch_end(LeaderEpoch(asked.leader_epoch)))
    });
    match found {
        Ok(Some((epoch, end))) => EpochEndOffset {
            error_code: ErrorCode::None,
            partition,
            leader_epoch: epoch.0,
            end_offset: end.0,
        },
        Ok(None) => EpochEndOffset { partition, ..EpochEndOffset::default() },
        Err(error_code) => EpochEndOffset { error_code, partition, ..EpochEndOffset::default() },
    }
}
