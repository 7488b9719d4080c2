//! DeleteRecords: moves the start of a partition forward; the store frees the space behind it.

use barnabas_protocol::kafka::error_code::ErrorCode;
use barnabas_protocol::kafka::messages::delete_records::{
    DeleteRecordsPartition, DeleteRecordsPartitionResult, DeleteRecordsRequest,
    DeleteRecordsResponse, DeleteRecordsTopicResult,
};
use barnabas_protocol::state::ids::{LeaderEpoch, Offset};

use crate::api::context::RequestContext;
use crate::api::error_map;
use crate::log::LogId;

/// Stands for the high watermark: delete everything there is.
const HIGH_WATERMARK: i64 = -1;

pub(crate) async fn handle(
    context: &RequestContext,
    request: DeleteRecordsRequest,
) -> DeleteRecordsResponse {
    let mut starts = Vec::new();
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let partitions = topic
            .partitions
            .iter()
            .map(|asked| match delete(context, &topic.name, asked) {
                Ok((low_watermark, start)) => {
                    starts.extend(start);
                    result(asked, low_watermark.0, ErrorCode::None)
                }
                Err(error_code) => result(asked, -1, error_code),
            })
            .collect();
        topics.push(DeleteRecordsTopicResult { name: topic.name, partitions });
    }
    if !make_durable(context, starts).await {
        for partition in topics.iter_mut().flat_map(|topic| &mut topic.partitions) {
            if partition.error_code == ErrorCode::None {
                (partition.error_code, partition.low_watermark) =
                    (ErrorCode::KafkaStorageError, -1);
            }
        }
    }
    DeleteRecordsResponse { topics, ..DeleteRecordsResponse::default() }
}

fn delete(
    context: &RequestContext,
    topic: &str,
    asked: &DeleteRecordsPartition,
) -> Result<(Offset, Option<(LogId, Offset)>), ErrorCode> {
    let partition = context.partition(topic, asked.partition_index)?;
    let bounds = partition.leader_bounds(LeaderEpoch::UNKNOWN).map_err(error_map::leadership)?;
    if !partition.config().cleanup_policy.delete {
        return Err(ErrorCode::PolicyViolation);
    }
    let to = match asked.offset {
        HIGH_WATERMARK => bounds.high_watermark,
        offset => Offset(offset),
    };
    if to < Offset(0) || to > bounds.high_watermark {
        return Err(ErrorCode::OffsetOutOfRange);
    }
    let start = partition.advance_log_start(to);
    // Also if it is where it was: another request may have moved it that has not stored it yet, or
    // could not.
    Ok((start, partition.unsaved_log_start().map(|unsaved| (partition.log, unsaved))))
}

/// Writes the new starts; false when the store refuses.
async fn make_durable(context: &RequestContext, starts: Vec<(LogId, Offset)>) -> bool {
    if starts.is_empty() {
        return true;
    }
    let store = context.broker().store.clone();
    let written = tokio::task::spawn_blocking(move || store.set_log_start(&starts)).await;
    match written {
        Ok(Ok(())) => true,
        Ok(Err(error)) => {
            tracing::warn!(%error, "cannot store a new log start offset");
            false
        }
        Err(_) => false,
    }
}

fn result(
    asked: &DeleteRecordsPartition,
    low_watermark: i64,
    error_code: ErrorCode,
) -> DeleteRecordsPartitionResult {
    let partition_index = asked.partition_index;
    DeleteRecordsPartitionResult { partition_index, low_watermark, error_code }
}
