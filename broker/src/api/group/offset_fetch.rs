//! OffsetFetch: how far groups have read; one group up to version 7, several from version 8 on
//! (KIP-709).
//!
//! `require_stable` asks for an error while offsets of an open transaction are pending. There are
//! no transactions yet.

use std::collections::{BTreeMap, HashSet};

use barnabas_protocol::kafka::messages::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
    OffsetFetchResponse, OffsetFetchResponseGroup, OffsetFetchResponsePartition,
    OffsetFetchResponsePartitions, OffsetFetchResponseTopic, OffsetFetchResponseTopics,
};
use barnabas_protocol::kafka::{ErrorCode, Str};
use barnabas_protocol::state::ids::PartitionIndex;

use crate::api::context::RequestContext;
use crate::api::error_map;
use crate::group::{Committed, TopicPartition};

const FIRST_WITH_GROUPS: i16 = 8;

/// The first version with an error code for the whole group.
const FIRST_WITH_ERROR: i16 = 2;

pub(crate) async fn handle(
    context: &RequestContext,
    request: OffsetFetchRequest,
) -> OffsetFetchResponse {
    if context.version >= FIRST_WITH_GROUPS {
        let mut groups = Vec::new();
        // Each group once, and below each partition once: an answer can be thousands of times as
        // large as the question.
        let mut seen = HashSet::new();
        for group in request.groups.into_iter().filter(|one| seen.insert(one.group_id.clone())) {
            groups.push(fetch(context, group).await);
        }
        return OffsetFetchResponse { groups, ..OffsetFetchResponse::default() };
    }
    let topic = |topic: OffsetFetchRequestTopic| OffsetFetchRequestTopics {
        name: topic.name,
        partition_indexes: topic.partition_indexes,
    };
    let group = OffsetFetchRequestGroup {
        group_id: request.group_id,
        topics: request.topics.map(|topics| topics.into_iter().map(topic).collect()),
        ..OffsetFetchRequestGroup::default()
    };
    let asked = group.topics.clone();
    let found = fetch(context, group).await;
    single(context.version, found, asked)
}

async fn fetch(
    context: &RequestContext,
    group: OffsetFetchRequestGroup,
) -> OffsetFetchResponseGroup {
    let OffsetFetchRequestGroup { group_id, topics, .. } = group;
    let partitions = topics.as_ref().map(|topics| {
        let all = topics.iter().flat_map(|topic| {
            topic.partition_indexes.iter().map(|p| (topic.name.clone(), PartitionIndex(*p)))
        });
        all.collect()
    });
    let found = context.broker().groups.fetch(group_id.clone(), partitions).await;
    let (topics, error_code) = match (found, topics) {
        (Ok(found), Some(asked)) => (of_asked(found, asked), ErrorCode::None),
        (Ok(found), None) => (of_all(found), ErrorCode::None),
        (Err(error), _) => (Vec::new(), error_map::group(error)),
    };
    OffsetFetchResponseGroup { group_id, topics, error_code }
}

/// Every partition that was asked for, in that order. The offset is -1 if none is committed.
fn of_asked(
    found: Vec<(TopicPartition, Committed)>,
    asked: Vec<OffsetFetchRequestTopics>,
) -> Vec<OffsetFetchResponseTopics> {
    let found: BTreeMap<TopicPartition, Committed> = found.into_iter().collect();
    let mut seen = HashSet::new();
    let topic = |topic: OffsetFetchRequestTopics| {
        let places = topic.partition_indexes.into_iter();
        let places = places.map(|index| (topic.name.clone(), PartitionIndex(index)));
        let partitions = places
            .filter(|at| seen.insert(at.clone()))
            .map(|at| partition(at.1.0, found.get(&at)))
            .collect();
        OffsetFetchResponseTopics { name: topic.name, partitions }
    };
    asked.into_iter().map(topic).collect()
}

fn of_all(found: Vec<(TopicPartition, Committed)>) -> Vec<OffsetFetchResponseTopics> {
    let mut topics: BTreeMap<Str, Vec<OffsetFetchResponsePartitions>> = BTreeMap::new();
    for ((topic, index), committed) in found {
        topics.entry(topic).or_default().push(partition(index.0, Some(&committed)));
    }
    let topic = |(name, partitions)| OffsetFetchResponseTopics { name, partitions };
    topics.into_iter().map(topic).collect()
}

fn partition(index: i32, committed: Option<&Committed>) -> OffsetFetchResponsePartitions {
    let none = OffsetFetchResponsePartitions {
        partition_index: index,
        committed_offset: -1,
        ..OffsetFetchResponsePartitions::default()
    };
    let Some(committed) = committed else { return none };
    OffsetFetchResponsePartitions {
        committed_offset: committed.offset,
        committed_leader_epoch: committed.leader_epoch,
        metadata: Some(committed.metadata.clone()),
        ..none
    }
}

/// The response before version 8. In version 1 each partition carries the error of the group.
fn single(
    version: i16,
    found: OffsetFetchResponseGroup,
    asked: Option<Vec<OffsetFetchRequestTopics>>,
) -> OffsetFetchResponse {
    let mut topics: Vec<_> = found.topics.into_iter().map(older_topic).collect();
    if version < FIRST_WITH_ERROR && found.error_code != ErrorCode::None {
        topics =
            of_asked(Vec::new(), asked.unwrap_or_default()).into_iter().map(older_topic).collect();
        for partition in topics.iter_mut().flat_map(|topic| &mut topic.partitions) {
            partition.error_code = found.error_code;
        }
    }
    OffsetFetchResponse { topics, error_code: found.error_code, ..OffsetFetchResponse::default() }
}

fn older_topic(topic: OffsetFetchResponseTopics) -> OffsetFetchResponseTopic {
    let partition = |p: OffsetFetchResponsePartitions| OffsetFetchResponsePartition {
        partition_index: p.partition_index,
        committed_offset: p.committed_offset,
        committed_leader_epoch: p.committed_leader_epoch,
        metadata: p.metadata,
        error_code: p.error_code,
    };
    let partitions = topic.partitions.into_iter().map(partition).collect();
    OffsetFetchResponseTopic { name: topic.name, partitions }
}
