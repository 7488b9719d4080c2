//! Finds records by time: first the chunk, then the batch by its header, then the record inside it.

use std::ops::{ControlFlow, Range};

use barnabas_protocol::kafka::record_batch::{
    BatchError, BatchHeader, DecompressLimits, RecordBatch,
};
use barnabas_protocol::state::ids::Offset;
use bytes::{Bytes, BytesMut};

use super::Partition;
use crate::log::{Chunk, ReadError};

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
            let limits = DecompressLimits::default();
            // Records in front of the log's start are in the batch still, but no longer there.
            match batch.first_record_at_or_after(timestamp_ms, bounds.log_start, &limits) {
                Ok(Some((offset, timestamp_ms))) => {
                    return Ok(Some(TimedOffset { offset, timestamp_ms }));
                }
                Ok(None) => from = header.next_offset(),
                Err(_) => return Ok(Some(unopened(&header, bounds.log_start))),
            }
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
    /// Blocks on the disk.
    pub fn newest(&self) -> Result<Option<TimedOffset>, LookupError> {
        let bounds = self.bounds();
        let committed = bounds.log_start..bounds.high_watermark;
        let mut newest: Option<BatchHeader> = None;
        for range in worth_reading(&self.store.chunks(self.log), &committed) {
            self.store.batch_headers(self.log, range.start, range.end, &mut |header| {
                if newest.is_none_or(|newest| header.max_timestamp > newest.max_timestamp) {
                    newest = Some(*header);
                }
                ControlFlow::Continue(())
            })?;
        }
        let Some(header) = newest else { return Ok(None) };
        let batch = self.batch_at(header.base_offset.max(committed.start), committed.end)?;
        Ok(match batch.max_timestamp_record(&DecompressLimits::default()) {
            Ok(found) => found.map(|(offset, timestamp_ms)| TimedOffset {
                offset: offset.max(committed.start),
                timestamp_ms,
            }),
            Err(_) => Some(unopened(&header, committed.start)),
        })
    }

    /// The batch that holds the record at `offset`; the whole of it lies below `limit`.
    fn batch_at(&self, offset: Offset, limit: Offset) -> Result<RecordBatch, LookupError> {
        let segments = self.read_blocking(offset, limit, 1)?;
        Ok(RecordBatch::parse(&joined(segments))?)
    }
}

/// Where the record with the largest timestamp may be: in the first chunk that says to have it, of
/// those that are committed as a whole, or in a chunk that is so in part, whose largest timestamp
/// may be that of another record. In the order of the log.
fn worth_reading(chunks: &[Chunk], committed: &Range<Offset>) -> Vec<Range<Offset>> {
    let whole = |chunk: &&Chunk| committed.start <= chunk.first && chunk.last < committed.end;
    let largest = chunks.iter().filter(whole).map(|chunk| chunk.max_timestamp).max();
    let first = chunks.iter().filter(whole).find(|chunk| Some(chunk.max_timestamp) == largest);
    let worth = chunks
        .iter()
        .filter(|chunk| !whole(chunk) || first.is_some_and(|first| first.first == chunk.first));
    let ranges =
        worth.map(|chunk| chunk.first.max(committed.start)..chunk.last.plus(1).min(committed.end));
    ranges.filter(|range| range.start < range.end).collect()
}

/// Stands for the record in a batch that cannot be decompressed. Such batches are let in
/// (docs/adr/003), and one of them must not keep clients from all times.
fn unopened(header: &BatchHeader, log_start: Offset) -> TimedOffset {
    TimedOffset { offset: header.base_offset.max(log_start), timestamp_ms: header.max_timestamp }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(first: i64, last: i64, max_timestamp: i64) -> Chunk {
        let (first, last) = (Offset(first), Offset(last));
        Chunk { first, last, generation: 1, max_timestamp, bytes: 100 }
    }

    #[test]
    fn only_chunks_that_may_have_the_newest_record_are_read() {
        let chunks = [chunk(0, 9, 50), chunk(10, 19, 70), chunk(20, 29, 70), chunk(30, 39, 90)];
        let read = |start, end| worth_reading(&chunks, &(Offset(start)..Offset(end)));
        let range = |start, end| Offset(start)..Offset(end);
        assert_eq!(read(0, 40), [range(30, 40)]);
        // A chunk that waits for its sync, as a whole and in part.
        assert_eq!(read(0, 30), [range(10, 20)]);
        assert_eq!(read(0, 35), [range(10, 20), range(30, 35)]);
        assert_eq!(read(15, 30), [range(15, 20), range(20, 30)]);
        assert_eq!(read(12, 12), []);
    }
}
