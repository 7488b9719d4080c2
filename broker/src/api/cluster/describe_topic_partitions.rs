//! DescribeTopicPartitions: topics in pages, sorted by name, with their eligible leaders (KIP-966).

use barnabas_protocol::kafka::Str;
use barnabas_protocol::kafka::error_code::ErrorCode;
use barnabas_protocol::kafka::messages::describe_topic_partitions::{
    Cursor, DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse,
    DescribeTopicPartitionsResponsePartition, DescribeTopicPartitionsResponseTopic,
};

use crate::api::context::RequestContext;
use crate::controller::is_internal_topic;
use crate::metadata::{Image, IsrMember, PartitionImage};

/// Everything is allowed where there are no ACLs: one bit for each of Kafka's operations on a
/// topic.
pub(super) const ALL_TOPIC_OPERATIONS: i32 = 3576;

pub(crate) async fn handle(
    context: &RequestContext,
    request: DescribeTopicPartitionsRequest,
) -> DescribeTopicPartitionsResponse {
    let image = context.broker().image();
    let everything = request.topics.is_empty();
    let mut names: Vec<Str> = if everything {
        image.topics.keys().map(|name| Str::from(&**name)).collect()
    } else {
        request.topics.into_iter().map(|topic| topic.name).collect()
    };
    names.sort();
    names.dedup();
    let (start_topic, mut start) = match request.cursor {
        Some(cursor) => (cursor.topic_name, usize::try_from(cursor.partition_index).unwrap_or(0)),
        None => (Str::default(), 0),
    };
    let page = context.broker().config().max_request_partition_size_limit;
    let mut left = usize::try_from(request.response_partition_limit).unwrap_or(page).clamp(1, page);
    let mut response = DescribeTopicPartitionsResponse::default();
    for name in names.into_iter().filter(|name| *name >= start_topic) {
        let first = if name == start_topic { std::mem::take(&mut start) } else { 0 };
        if left == 0 {
            response.next_cursor = Some(Cursor { topic_name: name, partition_index: first as i32 });
            break;
        }
        let (topic, next) = describe(&image, name.clone(), first, left);
        left -= topic.partitions.len().min(left);
        response.topics.push(topic);
        if let Some(next) = next {
            response.next_cursor = Some(Cursor { topic_name: name, partition_index: next as i32 });
            break;
        }
    }
    response
}

/// A topic's partitions from `first` on, at most `limit`, and where to go on if there are more.
fn describe(
    image: &Image,
    name: Str,
    first: usize,
    limit: usize,
) -> (DescribeTopicPartitionsResponseTopic, Option<usize>) {
    let Some(topic) = image.topic(&name) else {
        let valid = crate::controller::is_valid_topic_name(&name);
        let error_code = if valid {
            ErrorCode::UnknownTopicOrPartition
        } else {
            ErrorCode::InvalidTopicException
        };
        let unknown = DescribeTopicPartitionsResponseTopic {
            error_code,
            name: Some(name),
            topic_authorized_operations: ALL_TOPIC_OPERATIONS,
            ..DescribeTopicPartitionsResponseTopic::default()
        };
        return (unknown, None);
    };
    let page = topic.shown_partitions().skip(first).take(limit);
    let described = DescribeTopicPartitionsResponseTopic {
        name: Some(name),
        topic_id: topic.id.0,
        is_internal: is_internal_topic(&topic.name),
        partitions: page.map(|placed| partition(image, &placed)).collect(),
        topic_authorized_operations: ALL_TOPIC_OPERATIONS,
        ..DescribeTopicPartitionsResponseTopic::default()
    };
    let next = first + limit;
    (described, (next < usize::try_from(topic.partition_count).unwrap_or(0)).then_some(next))
}

fn partition(image: &Image, placed: &PartitionImage) -> DescribeTopicPartitionsResponsePartition {
    let members = |set: &[IsrMember]| set.iter().map(|member| member.id.0).collect::<Vec<_>>();
    let leader = placed.leader.filter(|leader| image.alive(*leader));
    let error_code = if leader.is_some() { ErrorCode::None } else { ErrorCode::LeaderNotAvailable };
    DescribeTopicPartitionsResponsePartition {
        error_code,
        partition_index: placed.index.0,
        leader_id: leader.map_or(-1, |leader| leader.0),
        leader_epoch: placed.leader_epoch.0,
        replica_nodes: placed.replicas.iter().map(|replica| replica.0).collect(),
        isr_nodes: members(&placed.isr),
        eligible_leader_replicas: Some(members(&placed.elr)),
        last_known_elr: Some(Vec::new()),
        offline_replicas: placed.offline(image).iter().map(|replica| replica.0).collect(),
    }
}
