//! Batches, sinks and stores for tests.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use barnabas_protocol::kafka::record_batch::{BatchHeader, StoredBatch};
use barnabas_protocol::state::ids::{Offset, PartitionIndex, TopicId};
use bytes::Bytes;
use uuid::Uuid;

use crate::log::{Append, AppendSink, LogId, RecoveredLog, Store, StoreFault, StoreOptions};

/// Collects results of appends.
pub(in crate::log) struct Results(Sender<Result<Offset, StoreFault>>);

impl AppendSink for Results {
    fn appended(&self, result: Result<Offset, StoreFault>) {
        let _ = self.0.send(result);
    }
}

pub(in crate::log) type Reported = Receiver<Result<Offset, StoreFault>>;

pub(in crate::log) fn sink() -> (Arc<Results>, Reported) {
    let (sender, receiver) = channel();
    (Arc::new(Results(sender)), receiver)
}

/// A batch of `count` records with offsets from `base`; the body is `len` bytes that depend on
/// `seed`.
pub(in crate::log) fn batch(base: i64, count: i32, len: usize, seed: u64) -> StoredBatch {
    let body: Vec<u8> = (0..len).map(|i| (seed.wrapping_mul(31) as usize + i) as u8).collect();
    let mut header = [0; 61];
    header[..8].copy_from_slice(&base.to_be_bytes());
    header[8..12].copy_from_slice(&((49 + len) as i32).to_be_bytes());
    header[16] = 2;
    header[23..27].copy_from_slice(&(count - 1).to_be_bytes());
    header[35..43].copy_from_slice(&(1000 + base).to_be_bytes());
    header[57..].copy_from_slice(&count.to_be_bytes());
    StoredBatch { header, body: body.into() }
}

/// The bytes of a batch as a reader gets them.
pub(in crate::log) fn whole(batch: &StoredBatch) -> Vec<u8> {
    [&batch.header[..], &batch.body[..]].concat()
}

/// Splits what a read returned into batches by their lengths.
pub(in crate::log) fn split(segments: &[Bytes]) -> Vec<Vec<u8>> {
    let all = segments.concat();
    let (mut batches, mut at) = (Vec::new(), 0);
    while at < all.len() {
        let len = 12 + i32::from_be_bytes(all[at + 8..at + 12].try_into().unwrap()) as usize;
        batches.push(all[at..at + len].to_vec());
        at += len;
    }
    batches
}

pub(in crate::log) fn topic(n: u128) -> (TopicId, PartitionIndex) {
    (TopicId(Uuid::from_u128(n)), PartitionIndex(n as i32))
}

pub(in crate::log) fn small(dir: &Path) -> StoreOptions {
    StoreOptions {
        generation_bytes: 256 << 10,
        tail_cache_bytes: 64 << 10,
        ..StoreOptions::new(dir)
    }
}

pub(in crate::log) fn open(dir: &Path) -> (Store, Vec<RecoveredLog>) {
    Store::open(small(dir)).unwrap()
}

/// Appends and waits for the result.
pub(in crate::log) fn append(
    store: &Store,
    log: LogId,
    batches: Vec<StoredBatch>,
) -> Result<Offset, StoreFault> {
    let (sink, reported) = sink();
    store.append(Append { log, batches, epoch_start: None, sync: false, sink })?;
    store.write_queued();
    reported.recv().unwrap()
}

/// Everything from the log's start, read in pieces.
pub(in crate::log) fn read_all(store: &Store, log: LogId) -> Vec<Vec<u8>> {
    let (mut from, end) = (store.log_start(log).unwrap(), store.end(log).unwrap());
    let mut batches = Vec::new();
    while from < end {
        let segments = store.read(log, from, end, 10_000).unwrap();
        let Some(last) = split(&segments).last().cloned() else { break };
        batches.extend(split(&segments));
        let header = BatchHeader::parse(&last).unwrap();
        from = header.last_offset().plus(1);
    }
    batches
}
