//! ListOffsets: the ends of a partition, and the first record at or after a time.

use std::collections::HashMap;

use barnabas_protocol::kafka::error_code::ErrorCode;
use barnabas_protocol::kafka::messages::list_offsets::{
    ListOffsetsPartition, ListOffsetsPartitionResponse, ListOffsetsRequest, ListOffsetsResponse,
    ListOffsetsTopicResponse,
};
use barnabas_protocol::state::ids::{LeaderEpoch, Offset};

use crate::api::context::RequestContext;
use crate::api::error_map;
use crate::partition::timestamps::TimedOffset;

/// The end of the log: the high watermark.
const LATEST: i64 = -1;
/// The first record kept.
const EARLIEST: i64 = -2;
/// The record with the largest timestamp (KIP-734).
const MAX_TIMESTAMP: i64 = -3;
/// The first record kept on this broker (KIP-405); all records are.
const EARLIEST_LOCAL: i64 = -4;
/// The last record in remote storage (KIP-1005); there is none.
const LATEST_TIERED: i64 = -5;

pub(crate) async fn handle(
    context: &RequestContext,
    request: ListOffsetsRequest,
) -> ListOffsetsResponse {
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let mut partitions: Vec<ListOffsetsPartitionResponse> = Vec::new();
        let mut times = HashMap::new();
        for asked in &topic.partitions {
            *times.entry(asked.partition_index).or_insert(0) += 1;
        }
        for asked in &topic.partitions {
            let index = asked.partition_index;
            // One that is asked for several times is answered once.
            match times.remove(&index) {
                Some(1) => partitions.push(answer(context, &topic.name, asked).await),
                Some(_) => partitions.push(refused(index, ErrorCode::InvalidRequest)),
                None => {}
            }
        }
        topics.push(ListOffsetsTopicResponse { name: topic.name, partitions });
    }
    ListOffsetsResponse { topics, ..ListOffsetsResponse::default() }
}

async fn answer(
    context: &RequestContext,
    topic: &str,
    asked: &ListOffsetsPartition,
) -> ListOffsetsPartitionResponse {
    let partition_index = asked.partition_index;
    match find(context, topic, asked).await {
        Ok((timestamp, offset, epoch)) => ListOffsetsPartitionResponse {
            partition_index,
            error_code: ErrorCode::None,
            timestamp,
            offset: offset.0,
            // The field came with version 4.
            leader_epoch: if context.version >= 4 { epoch.0 } else { -1 },
        },
        Err(error_code) => refused(partition_index, error_code),
    }
}

fn refused(partition_index: i32, error_code: ErrorCode) -> ListOffsetsPartitionResponse {
    ListOffsetsPartitionResponse {
        partition_index,
        error_code,
        ..ListOffsetsPartitionResponse::default()
    }
}

/// The first version in which a special timestamp may be asked for.
const fn needed_version(timestamp: i64) -> i16 {
    match timestamp {
        LATEST_TIERED => 9,
        EARLIEST_LOCAL => 8,
        MAX_TIMESTAMP => 7,
        _ => 1,
    }
}

/// Timestamp, offset and leader epoch of what was asked for; -1 each where there is none.
async fn find(
    context: &RequestContext,
    topic: &str,
    asked: &ListOffsetsPartition,
) -> Result<(i64, Offset, LeaderEpoch), ErrorCode> {
    let partition = context.partition(topic, asked.partition_index)?;
    let requested = LeaderEpoch(asked.current_leader_epoch);
    let current = partition.check_leadership(requested).map_err(error_map::leadership)?;
    let bounds = partition.bounds();
    let time = asked.timestamp;
    if context.version < needed_version(time) {
        return Err(ErrorCode::UnsupportedVersion);
    }
    match time {
        LATEST => return Ok((-1, bounds.high_watermark, current)),
        EARLIEST | EARLIEST_LOCAL => {
            return Ok((-1, bounds.log_start, partition.epoch_at(bounds.log_start)));
        }
        LATEST_TIERED => return Ok((-1, Offset(-1), LeaderEpoch::UNKNOWN)),
        MAX_TIMESTAMP => {}
        unknown if unknown < 0 => return Err(ErrorCode::UnsupportedVersion),
        _ => {}
    }
    let reading = std::sync::Arc::clone(&partition);
    let found = tokio::task::spawn_blocking(move || match time {
        MAX_TIMESTAMP => reading.newest(),
        _ => reading.first_at_or_after(time),
    });
    let found = found.await.map_err(|_| ErrorCode::UnknownServerError)?;
    Ok(match found.map_err(|error| error_map::lookup(&error))? {
        Some(TimedOffset { offset, timestamp_ms }) => {
            (timestamp_ms, offset, partition.epoch_at(offset))
        }
        None => (-1, Offset(-1), LeaderEpoch::UNKNOWN),
    })
}
