//! More partitions for a topic that exists (KIP-195).

use barnabas_protocol::state::ids::{PartitionEpoch, PartitionIndex};

use super::assign_replicas::{automatic, check_manual};
use super::topic::{all_fenced, first_state};
use super::{Change, ChangeSet, MAX_PARTITIONS_PER_REQUEST, min_isr};
use crate::controller::error::CreatePartitionsError;
use crate::controller::request::NewPartitions;
use crate::metadata::{Image, TopicImage};

/// Plans the new partitions of one topic: their states, and the topic key last, which makes them
/// count.
///
/// # Errors
/// What Kafka refuses, in its order and words.
pub(crate) fn create(
    view: &Image,
    request: &NewPartitions,
    default_min_isr: i32,
    start: usize,
) -> Result<ChangeSet, CreatePartitionsError> {
    let topic = view.topic(&request.topic).ok_or(CreatePartitionsError::UnknownTopic)?;
    let additional = additional(topic, request.count)?;
    let factor = topic.partitions.first().map_or(1, |(_, partition)| partition.replicas.len());
    let present = topic.partition_count;
    let start = start.wrapping_add(usize::try_from(present).unwrap_or(0));
    let new = match &request.assignments {
        None => automatic(view, additional, factor, start)
            .map_err(CreatePartitionsError::InvalidReplicationFactor)?,
        Some(given) if given.len() != additional => {
            return Err(CreatePartitionsError::InvalidReplicaAssignment(format!(
                "Attempted to add {additional} additional partition(s), but only {} assignment(s) were specified.",
                given.len()
            )));
        }
        Some(given) => {
            for replicas in given {
                check_manual(view, replicas, Some(factor))
                    .map_err(CreatePartitionsError::InvalidReplicaAssignment)?;
            }
            given.clone()
        }
    };
    let min_isr = min_isr::of_topic(&topic.configs.values, default_min_isr);
    let mut changes = Vec::with_capacity(new.len() + 1);
    for (index, replicas) in (present..).map(PartitionIndex).zip(new) {
        let mut state = first_state(view, topic.id, index, replicas, min_isr)
            .ok_or_else(|| CreatePartitionsError::InvalidReplicaAssignment(all_fenced(index)))?;
        let left_over = topic.unlisted.get(&index);
        state.partition_epoch = left_over.map_or(PartitionEpoch(0), |old| old.partition_epoch);
        changes.push(Change::partition(&topic.name, state));
    }
    changes.push(Change::topic(&topic.name, topic.revision, topic.id, request.count));
    Ok(changes.into())
}

/// How many partitions the new total adds.
fn additional(topic: &TopicImage, count: i32) -> Result<usize, CreatePartitionsError> {
    let present = usize::try_from(topic.partition_count).unwrap_or(0);
    let wanted = usize::try_from(count).unwrap_or(0);
    let invalid = |message| Err(CreatePartitionsError::InvalidPartitions(message));
    if wanted == present {
        return invalid(format!("Topic already has {present} partition(s)."));
    }
    if wanted < present {
        return invalid(format!(
            "The topic {} currently has {present} partition(s); {count} would not be an increase.",
            topic.name
        ));
    }
    if wanted - present > MAX_PARTITIONS_PER_REQUEST {
        return Err(CreatePartitionsError::TooManyPartitions);
    }
    Ok(wanted - present)
}
