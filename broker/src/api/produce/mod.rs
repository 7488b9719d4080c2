//! Produce: takes records in, partition by partition, and answers when they are where `acks` wants
//! them.
//!
//! The records are queued for the log before this returns, in the order in which requests came;
//! only the wait for the acknowledgement is left for later. Record bytes are not copied.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::time::{Duration, Instant};

use barnabas_protocol::kafka::error_code::ErrorCode;
use barnabas_protocol::kafka::messages::produce::{
    BatchIndexAndErrorMessage, LeaderIdAndEpoch, NodeEndpoint, PartitionProduceData,
    PartitionProduceResponse, ProduceRequest, ProduceResponse, TopicProduceResponse,
};
use barnabas_protocol::kafka::record_batch::BatchError;
use barnabas_protocol::kafka::{Records, Str};
use barnabas_protocol::state::ids::Offset;
use bytes::Bytes;
use tokio::sync::oneshot;
use tokio::time::timeout_at;

use super::leaders::{Endpoint, Leaders};
use crate::api::context::RequestContext;
use crate::api::error_map;
use crate::api::reply::{Dispatched, Malformed};
use crate::controller::is_internal_topic;
use crate::env;
use crate::partition::state::Bounds;
use crate::partition::validate::InvalidRecords;
use crate::partition::waiters::acks::{Ack, AckTicket};
use crate::partition::{Acks, Appended, Partition, ProduceError};

/// How often a request whose time is up looks whether the own log has its records.
const OWN_WRITE: Duration = Duration::from_millis(100);

/// Appends all that can be appended and leaves the wait to the returned future.
pub(crate) fn handle(
    context: RequestContext,
    request: ProduceRequest,
) -> Result<Dispatched, Malformed> {
    let acks = acks(request.acks);
    let timeout = Duration::from_millis(u64::try_from(request.timeout_ms).unwrap_or(0));
    let (ticket, done) = AckTicket::new();
    let mut response = ProduceResponse::default();
    let now_ms = env::wall_clock_ms();
    let share = context.frame_sharing().may_share(context.frame_bytes);
    let (mut slot, mut kept_bytes) = (0, 0);
    for topic in request.topic_data {
        let mut partition_responses = Vec::with_capacity(topic.partition_data.len());
        for mut data in distinct(topic.partition_data) {
            if !share {
                data.records = data.records.map(|records| copied(&records));
            }
            let index = data.index;
            let outcome = append(&context, &topic.name, data, acks, ticket.wait_for(slot), now_ms);
            kept_bytes += outcome.as_ref().map_or(0, |appended| appended.bytes);
            partition_responses.push(partition_response(index, outcome));
            slot += 1;
        }
        response.responses.push(TopicProduceResponse { name: topic.name, partition_responses });
    }
    ticket.release();
    let deadline = (acks == Some(Acks::All)).then(|| env::now() + timeout);
    context.frame_sharing().kept(kept_bytes);
    if acks == Some(Acks::None) {
        return silent(&response, done);
    }
    Ok(Dispatched::Pipelined(Box::pin(async move {
        let response = acknowledged(&context, response, &ticket, done, deadline).await;
        context.reply_to().encode(&response)
    })))
}

/// The same bytes, in memory of their own.
fn copied(records: &Records) -> Records {
    Records::from(Bytes::from(records.segments().concat()))
}

/// A partition that is named twice counts once, with what is named last (as in Kafka).
fn distinct(data: Vec<PartitionProduceData>) -> Vec<PartitionProduceData> {
    // Requests name partitions in order, as a rule.
    if data.is_sorted_by(|one, next| one.index < next.index) {
        return data;
    }
    let mut distinct: Vec<PartitionProduceData> = Vec::with_capacity(data.len());
    let mut places = HashMap::with_capacity(data.len());
    for next in data {
        match places.entry(next.index) {
            Entry::Occupied(place) => distinct[*place.get()] = next,
            Entry::Vacant(place) => {
                place.insert(distinct.len());
                distinct.push(next);
            }
        }
    }
    distinct
}

const fn acks(requested: i16) -> Option<Acks> {
    match requested {
        0 => Some(Acks::None),
        1 => Some(Acks::Leader),
        -1 => Some(Acks::All),
        _ => None,
    }
}

fn append(
    context: &RequestContext,
    topic: &Str,
    data: PartitionProduceData,
    acks: Option<Acks>,
    ack: Ack,
    now_ms: i64,
) -> Result<Appended, Refusal> {
    let acks = acks.ok_or(ErrorCode::InvalidRequiredAcks)?;
    if is_internal_topic(topic) {
        return Err(ErrorCode::InvalidTopicException.into());
    }
    let partition = context.partition(topic, data.index)?;
    let appended =
        Partition::produce(&partition, data.records.as_ref(), context.version, acks, ack, now_ms);
    Ok(appended?)
}

fn partition_response(index: i32, outcome: Result<Appended, Refusal>) -> PartitionProduceResponse {
    match outcome {
        Ok(appended) => PartitionProduceResponse {
            index,
            base_offset: appended.base_offset.0,
            log_append_time_ms: appended.log_append_time_ms,
            log_start_offset: appended.log_start.0,
            ..PartitionProduceResponse::default()
        },
        Err(refusal) => refusal.response(index),
    }
}

/// Why one partition's records were not accepted, as the client is told.
struct Refusal {
    error_code: ErrorCode,
    message: Option<String>,
    records: Vec<BatchIndexAndErrorMessage>,
}

impl Refusal {
    fn response(self, index: i32) -> PartitionProduceResponse {
        PartitionProduceResponse {
            index,
            error_code: self.error_code,
            base_offset: -1,
            record_errors: self.records,
            error_message: self.message.map(Str::from),
            ..PartitionProduceResponse::default()
        }
    }
}

impl From<ErrorCode> for Refusal {
    fn from(error_code: ErrorCode) -> Self {
        Self { error_code, message: None, records: Vec::new() }
    }
}

impl From<ProduceError> for Refusal {
    fn from(error: ProduceError) -> Self {
        let records = match &error {
            ProduceError::Invalid(InvalidRecords::Batch(BatchError::Rejected(rejected))) => {
                rejected
                    .errors
                    .iter()
                    .map(|record| BatchIndexAndErrorMessage {
                        batch_index: record.batch_index,
                        batch_index_error_message: Some(Str::from(record.kind.to_string())),
                    })
                    .collect()
            }
            _ => Vec::new(),
        };
        Self { error_code: error_map::produce(&error), message: Some(error.to_string()), records }
    }
}

/// A producer that wants no answer learns of a failure by losing its connection (as in Kafka). The
/// request counts as in flight until the log has its records: otherwise such a producer could fill
/// the memory with them.
fn silent(
    response: &ProduceResponse,
    done: oneshot::Receiver<()>,
) -> Result<Dispatched, Malformed> {
    let mut results = response.responses.iter().flat_map(|topic| &topic.partition_responses);
    match results.find(|result| result.error_code != ErrorCode::None) {
        None => Ok(Dispatched::Pipelined(Box::pin(async move {
            // Whether they were written is none of this producer's concern.
            let _ = done.await;
            Ok(Vec::new())
        }))),
        Some(failure) => Err(Malformed::SilentFailure(failure.error_code)),
    }
}

async fn acknowledged(
    context: &RequestContext,
    mut response: ProduceResponse,
    ticket: &AckTicket,
    done: oneshot::Receiver<()>,
    deadline: Option<Instant>,
) -> ProduceResponse {
    let late = match deadline {
        Some(deadline) => late(context, &response, done, deadline).await,
        None => {
            // A request without its sender is as good as decided: what failed says so itself.
            let _ = done.await;
            Vec::new()
        }
    };
    let mut results: Vec<_> =
        response.responses.iter_mut().flat_map(|topic| &mut topic.partition_responses).collect();
    let failures = ticket.failures().into_iter().map(|(slot, error)| (slot, error_map::ack(error)));
    for (slot, error_code) in failures.chain(late) {
        // What failed before has its own error already.
        if results[slot].error_code == ErrorCode::None {
            *results[slot] = Refusal::from(error_code).response(results[slot].index);
        }
    }
    if context.version >= 10 {
        name_leaders(context, &mut response);
    }
    response
}

/// Waits until all partitions have decided, or until the deadline is over for those that wait for
/// other replicas, and says which these are. The own log takes as long as it takes: its records
/// will be there, whatever is answered.
async fn late(
    context: &RequestContext,
    response: &ProduceResponse,
    mut done: oneshot::Receiver<()>,
    mut deadline: Instant,
) -> Vec<(usize, ErrorCode)> {
    while timeout_at(deadline.into(), &mut done).await.is_err() {
        let progress = progress(context, response);
        if !progress.contains(&Progress::Queued) {
            let late = progress.iter().enumerate().filter(|(_, p)| **p == Progress::Written);
            return late.map(|(slot, _)| (slot, ErrorCode::RequestTimedOut)).collect();
        }
        deadline = env::now() + OWN_WRITE;
    }
    Vec::new()
}

/// How far the records for one partition have got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// On their way to the own log.
    Queued,
    /// In the own log, not in those of all in-sync replicas.
    Written,
    /// There is nothing to wait for.
    Decided,
}

impl Progress {
    fn of(base_offset: Offset, bounds: Bounds) -> Self {
        if bounds.high_watermark > base_offset {
            Self::Decided
        } else if bounds.log_end > base_offset {
            Self::Written
        } else {
            Self::Queued
        }
    }
}

/// By slot.
fn progress(context: &RequestContext, response: &ProduceResponse) -> Vec<Progress> {
    let topics = response.responses.iter();
    let slots = topics.flat_map(|t| t.partition_responses.iter().map(|result| (&t.name, result)));
    let of_slot = |(topic, result): (&Str, &PartitionProduceResponse)| {
        if result.error_code != ErrorCode::None {
            return Progress::Decided;
        }
        // A partition that is no longer here has failed those who waited.
        context.partition(topic, result.index).map_or(Progress::Decided, |partition| {
            Progress::of(Offset(result.base_offset), partition.bounds())
        })
    };
    slots.map(of_slot).collect()
}

/// Tells a client that came to the wrong broker which one leads (KIP-951).
fn name_leaders(context: &RequestContext, response: &mut ProduceResponse) {
    let mut leaders = Leaders::new(context.broker().image(), context.listener());
    for topic in &mut response.responses {
        for result in &mut topic.partition_responses {
            if result.error_code == ErrorCode::NotLeaderOrFollower
                && let Some((leader_id, leader_epoch)) = leaders.name(&topic.name, result.index)
            {
                result.current_leader = LeaderIdAndEpoch { leader_id, leader_epoch };
            }
        }
    }
    let endpoints = leaders.endpoints().into_iter();
    let endpoint =
        |Endpoint { node_id, host, port, rack }| NodeEndpoint { node_id, host, port, rack };
    response.node_endpoints = endpoints.map(endpoint).collect();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_that_is_named_twice_counts_once() {
        let data = |index: i32, byte: u8| PartitionProduceData {
            index,
            records: Some(Records::from(Bytes::from(vec![byte]))),
        };
        let sorted = vec![data(1, 1), data(2, 2), data(7, 3)];
        assert_eq!(distinct(sorted.clone()), sorted);
        let twice = vec![data(7, 1), data(2, 2), data(7, 3), data(2, 4), data(1, 5)];
        assert_eq!(distinct(twice), [data(7, 3), data(2, 4), data(1, 5)]);
    }

    /// Only other replicas can be late, and only for what they do not have.
    #[test]
    fn records_are_queued_then_written_then_decided() {
        let at = |log_end, high_watermark| Bounds {
            log_start: Offset(0),
            high_watermark: Offset(high_watermark),
            log_end: Offset(log_end),
        };
        assert_eq!(Progress::of(Offset(5), at(5, 5)), Progress::Queued);
        assert_eq!(Progress::of(Offset(5), at(7, 5)), Progress::Written);
        assert_eq!(Progress::of(Offset(5), at(7, 7)), Progress::Decided);
    }

    /// A million partitions in descending order, which a frame of some megabytes can name.
    #[test]
    fn many_partitions_out_of_order_take_no_longer_than_others() {
        let named = |index| PartitionProduceData { index, records: None };
        assert_eq!(distinct((0..1_000_000).rev().map(named).collect()).len(), 1_000_000);
    }
}
