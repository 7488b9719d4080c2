//! More partitions for a topic that exists (KIP-195).

use barnabas_protocol::state::ids::{PartitionEpoch, PartitionIndex};

use super::assign_replicas::{automatic, check_manual, first_state};
use super::topic::all_fenced;
use super::{Assignment, Change, ChangeSet, Key, MAX_PARTITIONS_PER_REQUEST, Value};
use crate::controller::error::CreatePartitionsError;
use crate::controller::request::NewPartitions;
use crate::metadata::{Image, PartitionImage, TopicImage, TopicName};

/// Plans the new partitions of one topic: their states, and the topic key last.
///
/// # Errors
/// What Kafka refuses, in its order and words.
pub(crate) fn create(
    view: &Image,
    request: &NewPartitions,
    start: usize,
) -> Result<ChangeSet, CreatePartitionsError> {
    let topic = view.topic(&request.topic).ok_or(CreatePartitionsError::UnknownTopic)?;
    let additional = additional(topic, request.count)?;
    let factor = topic.partitions.first().map_or(1, |partition| partition.replicas.len());
    let present = topic.partitions.len();
    let new = match &request.assignments {
        None => automatic(view, additional, factor, start.wrapping_add(present))
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
    let mut set = ChangeSet::default();
    let mut partitions: Vec<_> = topic.partitions.iter().map(assignment).collect();
    for (number, replicas) in (present..).zip(new) {
        let index = PartitionIndex(i32::try_from(number).unwrap_or(i32::MAX));
        let mut state = first_state(view, &replicas)
            .ok_or_else(|| CreatePartitionsError::InvalidReplicaAssignment(all_fenced(index)))?;
        let left_over = topic.unlisted.get(&index);
        state.partition_epoch = left_over.map_or(PartitionEpoch(0), |old| old.partition_epoch);
        set.changes.push(Change::partition(&topic.name, index, state));
        partitions.push(Assignment { replicas, ..Assignment::default() });
    }
    let key = Key::Topic(TopicName::clone(&topic.name));
    set.changes.push(Change::put(key, topic.revision, Value::Topic { id: topic.id, partitions }));
    Ok(set)
}

/// How many partitions the new total adds.
fn additional(topic: &TopicImage, count: i32) -> Result<usize, CreatePartitionsError> {
    let present = topic.partitions.len();
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

fn assignment(partition: &PartitionImage) -> Assignment {
    Assignment {
        replicas: partition.replicas.clone(),
        adding: partition.adding.clone(),
        removing: partition.removing.clone(),
    }
}
