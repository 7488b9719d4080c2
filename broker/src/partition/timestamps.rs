//! Finds records by time: first the chunk, then the batch by its header, then the record inside it.

use std::ops::ControlFlow;

use barnabas_protocol::kafka::record_batch::{
    BatchError, BatchHeader, DecompressLimits, RecordBatch,
};
use barnabas_protocol::state::ids::Offset;
use bytes::{Bytes, BytesMut};

use super::Partition;
use crate::log::ReadError;

/// A record's place and time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedOffset {
    /// Its offset.
    pub offset: Offset,
    /// Its timestamp, in milliseconds since 1970.
    pub timestamp_ms: i64,
}

/// Why a time cannot be looked up.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// The log could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A batch in the log could not be unpacked.
    #[error(transparent)]
    Batch(#[from] BatchError),
}

impl Partition {
    /// The first committed record whose timestamp is not below `timestamp_ms`. Blocks on the disk.
    pub fn first_at_or_after(&self, timestamp_ms: i64) -> Result<Option<TimedOffset>, LookupError> {
        let bounds = self.bounds();
        let chunks = self.store.chunks(self.log);
        let late = chunks.iter().position(|chunk| chunk.max_timestamp >= timestamp_ms);
        let Some(chunk) = late.map(|at| chunks[at].first) else { return Ok(None) };
        let mut from = chunk.max(bounds.log_start);
        while let Some(header) = self.late_batch(from, bounds.high_watermark, timestamp_ms)? {
            let batch = self.batch_at(from.max(header.base_offset), bounds.high_watermark)?;
            for record in batch.records(&DecompressLimits::default())? {
                let record = record?;
                let offset = header.base_offset.plus(i64::from(record.offset_delta));
                let time = header.base_timestamp.saturating_add(record.timestamp_delta);
                // Records in front of the log's start are in the batch still, but no longer there.
                if time >= timestamp_ms && offset >= bounds.log_start {
                    return Ok(Some(TimedOffset { offset, timestamp_ms: time }));
                }
            }
            from = header.next_offset();
        }
        Ok(None)
    }

    /// The first batch from `from` on that has a record as late as `timestamp_ms`.
    fn late_batch(
        &self,
        from: Offset,
        limit: Offset,
        timestamp_ms: i64,
    ) -> Result<Option<BatchHeader>, LookupError> {
        let mut found = None;
        if from < limit {
            self.store.batch_headers(self.log, from, limit, &mut |header| {
                if header.max_timestamp < timestamp_ms {
                    return ControlFlow::Continue(());
                }
                found = Some(*header);
                ControlFlow::Break(())
            })?;
        }
        Ok(found)
    }

    /// The committed record with the largest timestamp; the first of them where several share it.
    pub fn newest(&self) -> Result<Option<TimedOffset>, LookupError> {
        let bounds = self.bounds();
        if bounds.log_start == bounds.high_watermark {
            return Ok(None);
        }
        let mut newest: Option<(i64, Offset)> = None;
        let start = self.newest_chunk(bounds.log_start);
        self.store.batch_headers(self.log, start, bounds.high_watermark, &mut |header| {
            if newest.is_none_or(|(timestamp, _)| header.max_timestamp > timestamp) {
                newest = Some((header.max_timestamp, header.base_offset));
            }
            ControlFlow::Continue(())
        })?;
        let Some((_, base)) = newest else { return Ok(None) };
        let batch = self.batch_at(base.max(bounds.log_start), bounds.high_watermark)?;
        let found = batch.max_timestamp_record(&DecompressLimits::default())?;
        Ok(found.map(|(offset, timestamp_ms)| TimedOffset { offset, timestamp_ms }))
    }

    /// Where the chunk with the largest timestamp begins.
    fn newest_chunk(&self, log_start: Offset) -> Offset {
        let chunks = self.store.chunks(self.log);
        let largest = chunks.iter().map(|chunk| chunk.max_timestamp).max();
        let newest = chunks.iter().find(|chunk| Some(chunk.max_timestamp) == largest);
        newest.map_or(log_start, |chunk| chunk.first.max(log_start))
    }

    /// The batch that holds the record at `offset`; the whole of it lies below `limit`.
    fn batch_at(&self, offset: Offset, limit: Offset) -> Result<RecordBatch, LookupError> {
        let segments = self.read_blocking(offset, limit, 1)?;
        Ok(RecordBatch::parse(&joined(segments))?)
    }
}

fn joined(segments: Vec<Bytes>) -> Bytes {
    match <[Bytes; 1]>::try_from(segments) {
        Ok([whole]) => whole,
        Err(segments) => {
            let mut joined = BytesMut::new();
            segments.iter().for_each(|segment| joined.extend_from_slice(segment));
            joined.freeze()
        }
    }
}
