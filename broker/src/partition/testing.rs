//! A partition with a log of its own, for tests.

use std::path::Path;
use std::sync::Arc;

use barnabas_protocol::kafka::record_batch::{BatchBuilder, Compression, TimestampType};
use barnabas_protocol::kafka::{Records, Str};
use barnabas_protocol::state::ids::{
    BrokerEpoch, BrokerId, LeaderEpoch, Offset, PartitionIndex, TopicId,
};
use tokio::sync::oneshot;
use uuid::Uuid;

use super::state::epochs::EpochHistory;
use super::state::leader::Leadership;
use super::state::producers::Producers;
use super::state::{Assignment, Bounds, ReplicaState};
use super::waiters::acks::AckTicket;
use super::{Acks, Appended, Partition, ProduceError};
use crate::config::{CleanupPolicy, TopicConfig};
use crate::log::{Store, StoreOptions};
use crate::metadata::IsrMember;

fn config() -> TopicConfig {
    TopicConfig {
        retention_ms: -1,
        retention_bytes: -1,
        max_message_bytes: 1 << 20,
        min_insync_replicas: 1,
        cleanup_policy: CleanupPolicy { delete: true, compact: false },
        message_timestamp_type: TimestampType::CreateTime,
        message_timestamp_before_max_ms: i64::MAX,
        message_timestamp_after_max_ms: i64::MAX,
        unclean_leader_election_enable: false,
        flush_messages: i64::MAX,
        flush_ms: i64::MAX,
    }
}

/// Leads in this epoch, as the only replica.
pub(super) fn alone(epoch: i32) -> Assignment {
    let isr = vec![IsrMember { id: BrokerId(1), epoch: BrokerEpoch(1) }];
    Assignment::Leader(Leadership { epoch: LeaderEpoch(epoch), isr, min_isr: 1, replicas: 1 })
}

/// The only replica of an empty partition, leading in epoch 1.
pub(super) fn leader(dir: &Path) -> (Store, Arc<Partition>) {
    let (store, _) = Store::open(StoreOptions::new(dir)).unwrap();
    let place = (TopicId(Uuid::from_u128(1)), PartitionIndex(0));
    let log = store.create(&[place]).unwrap()[0];
    let zero = Offset(0);
    let bounds = Bounds { log_start: zero, high_watermark: zero, log_end: zero };
    let state = ReplicaState::new(bounds, EpochHistory::default(), Producers::default());
    let partition =
        Partition::new(Str::from("t"), place, log, store.clone(), Arc::new(config()), state);
    partition.assign(alone(1));
    (store, Arc::new(partition))
}

/// Appends a batch of `count` records without timestamps, and waits until it is written.
pub(super) fn produce(partition: &Arc<Partition>, count: usize) -> Result<Appended, ProduceError> {
    let (ticket, done) = AckTicket::new();
    let produced = partition.produce(Some(&batch(count)), 9, Acks::Leader, ticket.wait_for(0), 0);
    ticket.release();
    partition.store.write_queued();
    done.blocking_recv().unwrap();
    produced
}

/// Hands a batch of `count` records to the log, which does not write it yet.
pub(super) fn send(
    partition: &Arc<Partition>,
    count: usize,
) -> Result<oneshot::Receiver<()>, ProduceError> {
    let (ticket, done) = AckTicket::new();
    partition.produce(Some(&batch(count)), 9, Acks::Leader, ticket.wait_for(0), 0)?;
    ticket.release();
    Ok(done)
}

fn batch(count: usize) -> Records {
    let mut batch = BatchBuilder::new(Compression::None);
    (0..count).for_each(|_| batch.push(-1, None, Some(b"value"), &[]));
    Records::from(batch.build().unwrap())
}
