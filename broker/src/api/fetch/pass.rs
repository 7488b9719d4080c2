//! One pass over the wanted partitions: what each of them gives now.

use std::sync::Arc;

use barnabas_protocol::kafka::Records;
use barnabas_protocol::kafka::error_code::ErrorCode;
use barnabas_protocol::kafka::messages::fetch::{EpochEndOffset, PartitionData};
use barnabas_protocol::kafka::record_batch::BatchHeader;
use barnabas_protocol::state::ids::Offset;

use crate::api::error_map;
use crate::api::fetch_sessions::PartitionKey;
use crate::partition::Partition;
use crate::partition::read::{FetchError, FetchPlan, FetchRequest as PartitionFetch};
use crate::partition::state::Bounds;

/// A wanted partition that is here, or the error to answer.
pub(super) type Resolved = (PartitionKey, Result<(Arc<Partition>, PartitionFetch), ErrorCode>);

/// What does not change between passes.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub(super) max_bytes: usize,
    /// Less than this is waited for.
    pub(super) min_bytes: usize,
    pub(super) read_committed: bool,
}

/// The result of one pass.
#[derive(Default)]
pub(super) struct Pass {
    pub(super) answers: Vec<(PartitionKey, PartitionData)>,
    bytes: usize,
    /// Bytes that count towards `min_bytes`. A partition whose next batch does not fit counts with
    /// its full limit: waiting would not bring more of it.
    pub(super) available_bytes: usize,
    /// There is an error or a divergence, which must be reported at once.
    pub(super) urgent: bool,
}

/// Something lies outside the tail cache.
struct NeedsStore;

/// Reads from memory; on a blocking thread where anything must come from the store.
pub(super) async fn pass(resolved: &Arc<Vec<Resolved>>, limits: Limits) -> Pass {
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

#[cfg(test)]
mod tests {
    use barnabas_protocol::kafka::record_batch::{BatchBuilder, Compression};
    use barnabas_protocol::state::ids::LeaderEpoch;

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
