//! DescribeProducers (version 0, KIP-664): the producers that the partitions led here remember.

use std::collections::HashSet;

use barnabas_protocol::kafka::Str;
use barnabas_protocol::kafka::error_code::ErrorCode;
use barnabas_protocol::kafka::messages::describe_producers::{
    DescribeProducersRequest, DescribeProducersResponse, PartitionResponse, ProducerState,
    TopicResponse,
};
use barnabas_protocol::state::ids::ProducerId;

use crate::api::context::RequestContext;
use crate::api::error_map;
use crate::controller::topic_name_flaw;
use crate::partition::state::producers::ProducerEntry;

pub(crate) async fn handle(
    context: &RequestContext,
    request: DescribeProducersRequest,
) -> DescribeProducersResponse {
    // Each partition once: the answer may be far larger than the question.
    let mut seen = HashSet::new();
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let mut partitions = topic.partition_indexes;
        partitions.retain(|index| seen.insert((topic.name.clone(), *index)));
        let describe = |index: i32| describe(context, &topic.name, index);
        let partitions = partitions.into_iter().map(describe).collect();
        topics.push(TopicResponse { name: topic.name, partitions });
    }
    DescribeProducersResponse { topics, ..DescribeProducersResponse::default() }
}

fn describe(context: &RequestContext, topic: &Str, partition_index: i32) -> PartitionResponse {
    let mut response = PartitionResponse { partition_index, ..PartitionResponse::default() };
    match producers(context, topic, partition_index) {
        Ok(producers) => response.active_producers = producers,
        Err((error_code, message)) => {
            response.error_code = error_code;
            response.error_message = message.map(Str::from);
        }
    }
    response
}

fn producers(
    context: &RequestContext,
    topic: &str,
    index: i32,
) -> Result<Vec<ProducerState>, (ErrorCode, Option<String>)> {
    if let Some(flaw) = topic_name_flaw(topic) {
        let message = format!("Topic name is invalid: {flaw}");
        return Err((ErrorCode::InvalidTopicException, Some(message)));
    }
    let partition = context.partition(topic, index).map_err(|code| {
        // Kafka has words for a topic that does not exist only.
        let unknown = context.broker().image().topic(topic).is_none();
        (code, unknown.then(|| format!("The topic {topic} does not exist.")))
    })?;
    let describe = |(id, entry): (&ProducerId, &ProducerEntry)| producer(*id, entry);
    partition
        .producers(|producers| producers.iter().map(describe).collect())
        .map_err(|error| (error_map::leadership(error), None))
}

fn producer(id: ProducerId, entry: &ProducerEntry) -> ProducerState {
    let last = entry.batches.back();
    ProducerState {
        producer_id: id.0,
        producer_epoch: entry.epoch.into(),
        last_sequence: last.map_or(-1, |batch| batch.last_sequence),
        last_timestamp: last.map_or(-1, |batch| batch.timestamp_ms),
        coordinator_epoch: -1,
        current_txn_start_offset: -1,
    }
}
