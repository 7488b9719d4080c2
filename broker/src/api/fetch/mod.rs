//! Fetch: records out, as they are stored, with long polling.
//!
//! A pass over the wanted partitions takes what the tail cache has; if anything must come from the store,
//! the pass is repeated on a blocking thread. With less than `min_bytes` the request leaves its handle at
//! each partition and sleeps until one of them advances or `max_wait_ms` is over.

pub mod memory;
pub mod session;

use std::sync::Arc;
use std::time::{Duration, Instant};

use barnabas_protocol::kafka::Records;
use barnabas_protocol::kafka::error_code::ErrorCode;
use barnabas_protocol::kafka::messages::fetch::{
    EpochEndOffset, FetchRequest, FetchResponse, FetchableTopicResponse, LeaderIdAndEpoch,
    NodeEndpoint, PartitionData,
};
use barnabas_protocol::kafka::record_batch::BatchHeader;
use barnabas_protocol::state::ids::{LeaderEpoch, Offset};
use tokio::sync::Notify;

use self::memory::FREE_BYTES;
use self::session::{Mode, PartitionKey, Wanted};
use super::leaders::{Endpoint, Leaders};
use crate::api::context::{RequestContext, UNPAID_BYTES};
use crate::api::error_map;
use crate::env;
use crate::partition::Partition;
use crate::partition::read::{FetchError, FetchPlan, FetchRequest as PartitionFetch};
use crate::partition::state::Bounds;
use crate::partition::waiters::fetch_wait::FetchWaiter;

/// The longest wait, whatever the client asks for: a connection must not be parked for ever.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// The longest wait of a request that holds a part of what all requests in flight may take. Clients with so many
/// partitions send them once: later requests of their session are small.
const CHARGED_WAIT: Duration = Duration::from_secs(1);

/// The first version that names topics by their ids.
const TOPIC_IDS: i16 = 13;
/// The first version that says where leaders are.
const NODE_ENDPOINTS: i16 = 16;

/// A wanted partition that is here, or the error to answer.
type Resolved = (PartitionKey, Result<(Arc<Partition>, PartitionFetch), ErrorCode>);

/// What does not change between passes.
#[derive(Clone, Copy)]
struct Limits {
    max_bytes: usize,
    /// Less than this is waited for.
    min_bytes: usize,
    read_committed: bool,
}

/// The result of one pass.
#[derive(Default)]
struct Pass {
    answers: Vec<(PartitionKey, PartitionData)>,
    bytes: usize,
    /// What of `min_bytes` there is: a partition whose next batch does not fit has as much as it may give, as if part
    /// of that batch came, too. A wait would bring no more of it.
    available_bytes: usize,
    /// Something that the client should hear of at once.
    urgent: bool,
}

/// Something lies outside the tail cache.
struct NeedsStore;

pub(crate) async fn handle(context: &RequestContext, mut request: FetchRequest) -> FetchResponse {
    let sessions = &context.api().fetch_sessions;
    let by_id = context.version >= TOPIC_IDS;
    let new_id = || env::random_uuid().as_u128() as i32;
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

fn resolve(context: &RequestContext, wanted: Vec<Wanted>, replica: i32) -> Vec<Resolved> {
    let resolve_one = |key: &PartitionKey| {
        if replica >= 0 {
            // Only brokers that hold a replica may follow, and none does so over a client listener.
            return Err(ErrorCode::NotLeaderOrFollower);
        }
        if context.version >= TOPIC_IDS {
            context.partition_by_id(key.topic_id, key.index)
        } else {
            context.partition(&key.topic, key.index)
        }
    };
    let resolved = wanted.into_iter().map(|wanted| {
        let fetch = PartitionFetch {
            offset: Offset(wanted.fetch.fetch_offset),
            max_bytes: clamp(wanted.fetch.partition_max_bytes),
            leader_epoch: LeaderEpoch(wanted.fetch.current_leader_epoch),
            last_fetched_epoch: LeaderEpoch(wanted.fetch.last_fetched_epoch),
        };
        let partition = resolve_one(&wanted.key).map(|partition| (partition, fetch));
        (wanted.key, partition)
    });
    resolved.collect()
}

/// Passes over the partitions until there is enough to say.
async fn poll(
    resolved: &Arc<Vec<Resolved>>,
    limits: Limits,
    deadline: Instant,
) -> Vec<(PartitionKey, PartitionData)> {
    let waiter: FetchWaiter = Arc::new(Notify::new());
    loop {
        let pass = pass(resolved, limits).await;
        let enough = pass.urgent || pass.available_bytes >= limits.min_bytes || resolved.is_empty();
        if enough || env::now() >= deadline {
            return pass.answers;
        }
        let registered = Registered::new(resolved, &pass.answers, &waiter);
        if registered.complete {
            let woken = waiter.notified();
            // A timeout is not an error: the next pass answers with what there is.
            let _ = tokio::time::timeout_at(deadline.into(), woken).await;
        }
    }
}

async fn pass(resolved: &Arc<Vec<Resolved>>, limits: Limits) -> Pass {
    if let Ok(pass) = read_all(resolved, limits, false) {
        return pass;
    }
    let blocking = Arc::clone(resolved);
    let read = move || read_all(&blocking, limits, true).unwrap_or_default();
    // The blocking pool only goes away when the runtime does.
    tokio::task::spawn_blocking(read).await.unwrap_or_default()
}

fn read_all(resolved: &[Resolved], limits: Limits, may_block: bool) -> Result<Pass, NeedsStore> {
    let mut pass = Pass::default();
    for (key, partition) in resolved {
        let data = match partition {
            Err(error_code) => PartitionData {
                aborted_transactions: Some(Vec::new()),
                ..failed(key.index, *error_code)
            },
            Ok((partition, fetch)) => {
                let left = limits.max_bytes.saturating_sub(pass.bytes);
                let first = pass.bytes == 0;
                match read_one(partition, fetch, left, first, may_block)? {
                    Ok((data, records)) => {
                        pass.count(fetch, left, limits.min_bytes, &data, &records);
                        with_records(data, records, limits)
                    }
                    Err(error) => failed(key.index, error_map::fetch(&error)),
                }
            }
        };
        pass.urgent |= data.error_code != ErrorCode::None || data.diverging_epoch.epoch >= 0;
        pass.answers.push((key.clone(), data));
    }
    Ok(pass)
}

impl Pass {
    /// Counts what a partition that may give up to `left` bytes gave.
    fn count(
        &mut self,
        fetch: &PartitionFetch,
        left: usize,
        min_bytes: usize,
        data: &PartitionData,
        records: &Records,
    ) {
        self.bytes += records.len();
        self.available_bytes += records.len();
        if self.available_bytes < min_bytes
            && next_offset(records).unwrap_or(fetch.offset).0 < data.high_watermark
        {
            self.available_bytes += fetch.max_bytes.min(left).saturating_sub(records.len());
        }
    }
}

/// The offset after the last batch.
fn next_offset(records: &Records) -> Option<Offset> {
    // The log gives a segment for each batch.
    let last = BatchHeader::parse(records.segments().last()?).ok()?;
    Some(last.next_offset())
}

type PartitionRead = Result<(PartitionData, Records), FetchError>;

fn read_one(
    partition: &Partition,
    fetch: &PartitionFetch,
    left: usize,
    first: bool,
    may_block: bool,
) -> Result<PartitionRead, NeedsStore> {
    let bounds = match partition.plan_fetch(fetch) {
        Err(error) => return Ok(Err(error)),
        Ok(FetchPlan::Diverging { epoch, end }) => {
            let mut data = empty(partition.index.0, partition.bounds());
            data.diverging_epoch = EpochEndOffset { epoch: epoch.0, end_offset: end.0 };
            return Ok(Ok((data, Records::default())));
        }
        Ok(FetchPlan::Read(bounds)) => bounds,
    };
    let data = empty(partition.index.0, bounds);
    let max = fetch.max_bytes.min(left);
    if (left == 0 && !first) || fetch.offset >= bounds.high_watermark {
        return Ok(Ok((data, Records::default())));
    }
    let cached = partition.read_cached(fetch.offset, bounds.high_watermark, max);
    let segments = match cached {
        Some(segments) => segments,
        None if !may_block => return Err(NeedsStore),
        None => match partition.read_blocking(fetch.offset, bounds.high_watermark, max) {
            Ok(segments) => segments,
            Err(error) => return Ok(Err(error.into())),
        },
    };
    let records = Records::from(segments);
    // One batch is always returned, but only to the first partition that has any (KIP-74).
    let fits = first || records.len() <= left;
    Ok(Ok((data, if fits { records } else { Records::default() })))
}

fn with_records(mut data: PartitionData, records: Records, limits: Limits) -> PartitionData {
    data.records = Some(records);
    data.aborted_transactions = limits.read_committed.then(Vec::new);
    data
}

/// An answer without records. Without transactions everything committed is stable.
fn empty(index: i32, bounds: Bounds) -> PartitionData {
    PartitionData {
        partition_index: index,
        high_watermark: bounds.high_watermark.0,
        last_stable_offset: bounds.high_watermark.0,
        log_start_offset: bounds.log_start.0,
        aborted_transactions: None,
        preferred_read_replica: -1,
        records: Some(Records::default()),
        ..PartitionData::default()
    }
}

fn failed(index: i32, error_code: ErrorCode) -> PartitionData {
    let unknown = Offset(-1);
    let bounds = Bounds { log_start: unknown, high_watermark: unknown, log_end: unknown };
    PartitionData { error_code, ..empty(index, bounds) }
}

/// A waiting request's handles at its partitions; dropping it takes them back.
struct Registered<'a> {
    resolved: &'a [Resolved],
    waiter: &'a FetchWaiter,
    /// False when a partition had advanced already.
    complete: bool,
}

impl<'a> Registered<'a> {
    fn new(
        resolved: &'a [Resolved],
        answers: &[(PartitionKey, PartitionData)],
        waiter: &'a FetchWaiter,
    ) -> Self {
        let mut registered = Self { resolved, waiter, complete: true };
        for ((_, partition), (_, data)) in resolved.iter().zip(answers) {
            if let Ok((partition, fetch)) = partition {
                let seen = Offset(data.high_watermark);
                registered.complete &= partition.wait_past(seen, fetch.leader_epoch, waiter);
            }
        }
        registered
    }
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        for (_, partition) in self.resolved {
            if let Ok((partition, _)) = partition {
                partition.stop_waiting(self.waiter);
            }
        }
    }
}

/// Names the leader where the client came to the wrong broker or in an old epoch, and says where leaders are.
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

#[cfg(test)]
mod tests {
    use barnabas_protocol::kafka::record_batch::{BatchBuilder, Compression};

    use super::*;

    /// Batches of one record each at these offsets, as the log gives them.
    fn records(offsets: std::ops::Range<i64>) -> Records {
        let batch = |offset: i64| {
            let mut builder = BatchBuilder::new(Compression::None);
            builder.push(0, None, Some(&[7; 1000]), &[]);
            let mut batch = builder.build().expect("a batch").to_vec();
            batch[..8].copy_from_slice(&offset.to_be_bytes());
            batch.into()
        };
        Records::from(offsets.map(batch).collect::<Vec<_>>())
    }

    fn available(records: &Records, left: usize, high_watermark: i64) -> usize {
        let fetch = PartitionFetch {
            offset: Offset(3),
            max_bytes: 4000,
            leader_epoch: LeaderEpoch::UNKNOWN,
            last_fetched_epoch: LeaderEpoch::UNKNOWN,
        };
        let data = PartitionData { high_watermark, ..PartitionData::default() };
        let mut pass = Pass::default();
        pass.count(&fetch, left, 4000, &data, records);
        assert_eq!(pass.bytes, records.len());
        pass.available_bytes
    }

    #[test]
    fn a_partition_with_a_backlog_has_as_much_as_it_may_give() {
        let three = records(3..6);
        assert!(three.len() < 4000);
        assert_eq!(available(&three, 9000, 7), 4000, "the next batch does not fit");
        assert_eq!(available(&three, 3800, 7), 3800, "nor into the answer");
        assert_eq!(available(&three, 9000, 6), three.len(), "there is no more");
        assert_eq!(available(&Records::default(), 500, 7), 500, "the first batch does not fit");
        assert_eq!(available(&Records::default(), 500, 3), 0, "there is nothing");
    }
}
