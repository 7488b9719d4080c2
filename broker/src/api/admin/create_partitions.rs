//! CreatePartitions (versions 0 to 3, KIP-195): more partitions for topics that exist.

use barnabas_protocol::kafka::messages::create_partitions::{
    CreatePartitionsRequest, CreatePartitionsResponse, CreatePartitionsTopic,
    CreatePartitionsTopicResult,
};
use barnabas_protocol::kafka::{ErrorCode, Str};
use barnabas_protocol::state::ids::BrokerId;

use super::topics::{DUPLICATE_NAME, deadline, repeated};
use crate::api::context::RequestContext;
use crate::api::error_map;
use crate::controller::{CreatePartitionsError, NewPartitions};

/// Adds partitions to the topics of the request, each by itself.
pub(crate) async fn handle(
    context: &RequestContext,
    request: CreatePartitionsRequest,
) -> CreatePartitionsResponse {
    let broker = context.broker();
    let twice = repeated(request.topics.iter().map(|topic| &topic.name));
    let asked: Vec<_> =
        request.topics.iter().filter(|topic| !twice.contains(&topic.name)).collect();
    let wanted = asked.iter().map(|topic| new_partitions(topic)).collect();
    let deadline = deadline(request.timeout_ms);
    let done = broker.controller.create_partitions(wanted, request.validate_only, deadline).await;
    if let Some(last) = done.iter().flatten().map(|created| created.revision).max() {
        broker.wait_for(last).await;
    }
    let answers = asked.iter().zip(done).map(|(topic, result)| match result {
        Ok(_) => answer(&topic.name, ErrorCode::None, None),
        Err(error) => refused(&topic.name, &error),
    });
    let duplicate =
        |name: &&Str| answer(name, ErrorCode::InvalidRequest, Some(DUPLICATE_NAME.into()));
    let results = twice.iter().map(duplicate).chain(answers).collect();
    CreatePartitionsResponse { results, ..CreatePartitionsResponse::default() }
}

fn new_partitions(topic: &CreatePartitionsTopic) -> NewPartitions {
    let replicas = |ids: &Vec<i32>| ids.iter().copied().map(BrokerId).collect();
    let assignments = topic.assignments.as_ref();
    NewPartitions {
        topic: topic.name.to_string(),
        count: topic.count,
        assignments: assignments
            .map(|given| given.iter().map(|one| replicas(&one.broker_ids)).collect()),
    }
}

fn refused(name: &Str, error: &CreatePartitionsError) -> CreatePartitionsTopicResult {
    // Kafka has no words for this one here.
    let unknown = *error == CreatePartitionsError::UnknownTopic;
    let message = (!unknown).then(|| error.to_string().into());
    answer(name, error_map::create_partitions(error), message)
}

fn answer(name: &Str, error_code: ErrorCode, message: Option<Str>) -> CreatePartitionsTopicResult {
    CreatePartitionsTopicResult { name: name.clone(), error_code, error_message: message }
}
