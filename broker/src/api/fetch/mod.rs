//! Fetch: records out, as they are stored, with long polling.
//!
//! A pass over the wanted partitions takes what the tail cache has; if anything must come from the
//! store, the pass is repeated on a blocking thread. With less than `min_bytes` the request leaves
//! its handle at each partition and sleeps until one of them advances or `max_wait_ms` is over.

mod pass;
mod wait;

use std::sync::Arc;
use std::time::Duration;

use barnabas_protocol::kafka::error_code::ErrorCode;
use barnabas_protocol::kafka::messages::fetch::{
    FetchRequest, FetchResponse, FetchableTopicResponse, LeaderIdAndEpoch, NodeEndpoint,
    PartitionData,
};
use barnabas_protocol::state::ids::{LeaderEpoch, Offset, PartitionIndex, TopicId};

use self::pass::{Limits, Resolved, pass};
use self::wait::poll;
use super::fetch_sessions::{Mode, PartitionKey, Wanted};
use super::leaders::{Endpoint, Leaders};
use super::reply_memory::FREE_BYTES;
use crate::api::context::{RequestContext, UNPAID_BYTES};
use crate::env;
use crate::metadata::Image;
use crate::partition::read::FetchRequest as PartitionFetch;

/// The longest wait, whatever the client asks for: a connection must not be parked for ever.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// The longest wait of a request that holds a part of what all requests in flight may take. Clients
/// with so many partitions send them once: later requests of their session are small.
const CHARGED_WAIT: Duration = Duration::from_secs(1);

/// The first version that names topics by their ids.
const TOPIC_IDS: i16 = 13;
/// The first version that says where leaders are.
const NODE_ENDPOINTS: i16 = 16;

pub(crate) async fn handle(context: &RequestContext, mut request: FetchRequest) -> FetchResponse {
    let sessions = &context.api().fetch_sessions;
    let by_id = context.version >= TOPIC_IDS;
    let new_id = || env::random_uuid().as_u128() as i32;
    if by_id {
        name_topics(context, &mut request);
    }
    let begun = sessions.begin(&mut request, by_id, env::now(), new_id);
    let (mode, wanted) = match begun {
        Ok(begun) => begun,
        Err(error_code) => return FetchResponse { error_code, ..FetchResponse::default() },
    };
    let replica = replica_of(&request);
    let resolved = Arc::new(resolve(context, wanted, replica));
    let max_bytes = clamp(request.max_bytes).min(context.broker().config().fetch_max_bytes);
    let limits = Limits {
        max_bytes,
        min_bytes: clamp(request.min_bytes).min(max_bytes),
        read_committed: request.isolation_level == 1,
    };
    let wait = Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0));
    let longest = if context.frame_bytes > UNPAID_BYTES { CHARGED_WAIT } else { LONGEST_WAIT };
    let deadline = env::now() + wait.min(longest);
    let mut answers = poll(&resolved, limits, deadline).await;
    if !context.api().reply_memory.hold(answers.iter_mut().map(|(_, data)| data)) {
        let short = Limits { max_bytes: limits.max_bytes.min(FREE_BYTES), ..limits };
        drop(answers);
        answers = pass(&resolved, short).await.answers;
    }
    sessions.finish(mode, &mut answers);
    let (Mode::Full(session_id) | Mode::Incremental(session_id)) = mode;
    let node_endpoints = name_leaders(context, &mut answers);
    let responses = grouped(answers);
    FetchResponse { session_id, responses, node_endpoints, ..FetchResponse::default() }
}

fn clamp(value: i32) -> usize {
    usize::try_from(value).unwrap_or(0)
}

/// The follower that asks, or a negative number for a consumer.
fn replica_of(request: &FetchRequest) -> i32 {
    request.replica_id.max(request.replica_state.replica_id)
}

/// Puts the names beside the ids of the topics that exist: a session remembers them.
fn name_topics(context: &RequestContext, request: &mut FetchRequest) {
    if request.topics.is_empty() {
        return;
    }
    let image = context.broker().image();
    for topic in &mut request.topics {
        let found = image.topic_by_id(TopicId(topic.topic_id));
        topic.topic = found.map(|found| found.name.clone()).unwrap_or_default();
    }
}

fn resolve(context: &RequestContext, wanted: Vec<Wanted>, replica: i32) -> Vec<Resolved> {
    let resolve_one = |Wanted { key, name, .. }: &Wanted| {
        if replica >= 0 {
            // Only brokers that hold a replica may follow, and none does so over a client listener.
            return Err(ErrorCode::NotLeaderOrFollower);
        }
        if context.version < TOPIC_IDS {
            return context.partition(&key.topic, key.index);
        }
        context.partition_by_id(key.topic_id, key.index).map_err(|error| match error {
            ErrorCode::UnknownTopicId if !name.is_empty() => {
                deleted(&context.broker().image(), name, key.index)
            }
            error => error,
        })
    };
    let resolved = wanted.into_iter().map(|wanted| {
        let fetch = PartitionFetch {
            offset: Offset(wanted.fetch.fetch_offset),
            max_bytes: clamp(wanted.fetch.partition_max_bytes),
            leader_epoch: LeaderEpoch(wanted.fetch.current_leader_epoch),
            last_fetched_epoch: LeaderEpoch(wanted.fetch.last_fetched_epoch),
        };
        let partition = resolve_one(&wanted).map(|partition| (partition, fetch));
        (wanted.key, partition)
    });
    resolved.collect()
}

/// The error for a partition of a session whose topic was deleted: there may be a new topic of its
/// name.
fn deleted(image: &Image, name: &str, index: i32) -> ErrorCode {
    match image.has_partition(name, PartitionIndex(index)) {
        true => ErrorCode::InconsistentTopicId,
        false => ErrorCode::UnknownTopicOrPartition,
    }
}

/// Names the leader where the client came to the wrong broker or in an old epoch, and says where
/// leaders are.
fn name_leaders(
    context: &RequestContext,
    answers: &mut [(PartitionKey, PartitionData)],
) -> Vec<NodeEndpoint> {
    if context.version < NODE_ENDPOINTS {
        return Vec::new();
    }
    let mut leaders = Leaders::new(context.broker().image(), context.listener());
    for (key, data) in answers {
        let elsewhere = matches!(
            data.error_code,
            ErrorCode::NotLeaderOrFollower | ErrorCode::FencedLeaderEpoch
        );
        if elsewhere
            && let Some((leader_id, leader_epoch)) = leaders.name_by_id(key.topic_id, key.index)
        {
            data.current_leader = LeaderIdAndEpoch { leader_id, leader_epoch };
        }
    }
    let endpoint =
        |Endpoint { node_id, host, port, rack }| NodeEndpoint { node_id, host, port, rack };
    leaders.endpoints().into_iter().map(endpoint).collect()
}

/// Puts the answers under their topics.
fn grouped(answers: Vec<(PartitionKey, PartitionData)>) -> Vec<FetchableTopicResponse> {
    let mut topics: Vec<FetchableTopicResponse> = Vec::new();
    for (key, data) in answers {
        let same =
            |t: &FetchableTopicResponse| t.topic == key.topic && t.topic_id == key.topic_id.0;
        match topics.last_mut().filter(|last| same(last)) {
            Some(last) => last.partitions.push(data),
            None => topics.push(FetchableTopicResponse {
                topic: key.topic,
                topic_id: key.topic_id.0,
                partitions: vec![data],
            }),
        }
    }
    topics
}
