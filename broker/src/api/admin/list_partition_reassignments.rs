//! ListPartitionReassignments (version 0, KIP-455): the partitions that the image shows as moving.

use std::sync::Arc;

use barnabas_protocol::kafka::Str;
use barnabas_protocol::kafka::messages::list_partition_reassignments::{
    ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse,
    OngoingPartitionReassignment, OngoingTopicReassignment,
};
use barnabas_protocol::state::ids::{BrokerId, PartitionIndex};

use crate::api::context::RequestContext;
use crate::metadata::{Image, PartitionImage, TopicImage};

pub(crate) async fn handle(
    context: &RequestContext,
    request: ListPartitionReassignmentsRequest,
) -> ListPartitionReassignmentsResponse {
    respond(&context.broker().image(), request)
}

/// Topics and partitions that do not exist are left out, as in Kafka.
fn respond(
    image: &Image,
    request: ListPartitionReassignmentsRequest,
) -> ListPartitionReassignmentsResponse {
    let mut topics: Vec<_> = match request.topics {
        None => image.topics.values().filter_map(|topic| moving(topic, |_| true)).collect(),
        Some(asked) => asked
            .iter()
            .filter_map(|asked| {
                let among = |index: PartitionIndex| asked.partition_indexes.contains(&index.0);
                moving(image.topic(&asked.name)?, among)
            })
            .collect(),
    };
    topics.sort_by(|a, b| a.name.cmp(&b.name));
    ListPartitionReassignmentsResponse {
        error_message: None,
        topics,
        ..ListPartitionReassignmentsResponse::default()
    }
}

/// The partitions of the topic that are moving and asked for; none if there are none.
fn moving(
    topic: &TopicImage,
    asked: impl Fn(PartitionIndex) -> bool,
) -> Option<OngoingTopicReassignment> {
    let moving = |partition: &&Arc<PartitionImage>| {
        asked(partition.index) && !(partition.adding.is_empty() && partition.removing.is_empty())
    };
    let moving = topic.partitions.values().filter(moving);
    let partitions: Vec<_> = moving.map(|partition| ongoing(partition)).collect();
    (!partitions.is_empty())
        .then(|| OngoingTopicReassignment { name: Str::from(&*topic.name), partitions })
}

fn ongoing(partition: &PartitionImage) -> OngoingPartitionReassignment {
    let numbers = |brokers: &[BrokerId]| brokers.iter().map(|broker| broker.0).collect();
    OngoingPartitionReassignment {
        partition_index: partition.index.0,
        replicas: numbers(&partition.replicas),
        adding_replicas: numbers(&partition.adding),
        removing_replicas: numbers(&partition.removing),
    }
}
