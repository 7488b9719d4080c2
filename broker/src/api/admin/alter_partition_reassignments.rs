//! AlterPartitionReassignments (versions 0 and 1, KIP-455). Partitions cannot be moved yet: what is
//! wrong with a request, or changes nothing, is answered as by Kafka; a move to another broker is
//! refused.

use barnabas_protocol::kafka::error_code::ErrorCode;
use barnabas_protocol::kafka::messages::alter_partition_reassignments::{
    AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse, ReassignablePartition,
    ReassignablePartitionResponse, ReassignableTopic, ReassignableTopicResponse,
};
use barnabas_protocol::state::ids::{BrokerId, PartitionIndex};

use crate::api::context::RequestContext;
use crate::controller::check_assignment;
use crate::metadata::Image;

pub(crate) async fn handle(
    context: &RequestContext,
    request: AlterPartitionReassignmentsRequest,
) -> AlterPartitionReassignmentsResponse {
    let image = context.broker().image();
    let of_topic = |topic: &ReassignableTopic| {
        let answer = |partition: &ReassignablePartition| {
            let (error_code, message) = match check(&image, &topic.name, partition) {
                Ok(()) => (ErrorCode::None, None),
                Err((code, message)) => (code, message),
            };
            ReassignablePartitionResponse {
                partition_index: partition.partition_index,
                error_code,
                error_message: message.map(Into::into),
            }
        };
        ReassignableTopicResponse {
            name: topic.name.clone(),
            partitions: topic.partitions.iter().map(answer).collect(),
        }
    };
    AlterPartitionReassignmentsResponse {
        allow_replication_factor_change: request.allow_replication_factor_change,
        // Kafka sends an empty text, not null, for a request without topics.
        error_message: request.topics.is_empty().then(Default::default),
        responses: request.topics.iter().map(of_topic).collect(),
        ..AlterPartitionReassignmentsResponse::default()
    }
}

/// Succeeds if the partition is where it shall be.
fn check(
    image: &Image,
    topic: &str,
    asked: &ReassignablePartition,
) -> Result<(), (ErrorCode, Option<String>)> {
    let unknown = |message| Err((ErrorCode::UnknownTopicOrPartition, Some(message)));
    let index = asked.partition_index;
    let Some(found) = image.topic(topic) else {
        return unknown(format!("Unable to find a topic named {topic}."));
    };
    if !found.has_partition(PartitionIndex(index)) {
        return unknown(format!("Unable to find partition {topic}:{index}."));
    }
    let Some(target) = &asked.replicas else {
        return Err((ErrorCode::NoReassignmentInProgress, None));
    };
    let target: Vec<_> = target.iter().copied().map(BrokerId).collect();
    check_assignment(image, &target, None)
        .map_err(|flaw| (ErrorCode::InvalidReplicaAssignment, Some(flaw)))?;
    let placed = found.partition(PartitionIndex(index));
    if placed.is_some_and(|placed| placed.replicas == target) {
        return Ok(());
    }
    let message = "Partitions cannot be moved to other brokers yet.".to_owned();
    Err((ErrorCode::InvalidReplicaAssignment, Some(message)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changes_nothing_succeeds() {
        let image = Image::default().with_broker(1, 5).with_broker(2, 6).with_topic("t", 1, &[1]);
        let code = |topic: &str, partition_index, replicas: Option<Vec<i32>>| {
            let asked = ReassignablePartition { partition_index, replicas };
            check(&image, topic, &asked).err().map(|(code, _)| code)
        };
        assert_eq!(code("t", 0, Some(vec![1])), None);
        assert_eq!(code("t", 0, None), Some(ErrorCode::NoReassignmentInProgress));
        for wrong in [vec![], vec![9], vec![1, 1], vec![2], vec![1, 2]] {
            let refused = Some(ErrorCode::InvalidReplicaAssignment);
            assert_eq!(code("t", 0, Some(wrong.clone())), refused, "{wrong:?}");
        }
        for (topic, partition) in [("t", 1), ("t", -1), ("u", 0)] {
            let unknown = Some(ErrorCode::UnknownTopicOrPartition);
            assert_eq!(code(topic, partition, Some(vec![1])), unknown);
        }
    }
}
