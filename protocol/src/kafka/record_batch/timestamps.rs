//! Offsets by time: what `ListOffsets` asks of a batch.

use super::batch::RecordBatch;
use super::compression::DecompressLimits;
use super::error::BatchError;
use super::header::TimestampType;
use super::record::{offset, timestamp, walk};
use crate::state::ids::Offset;

impl RecordBatch {
    /// The first record, by offset, that is not below `from` and whose timestamp is `target_ms` or
    /// later, and its timestamp.
    ///
    /// # Errors
    /// Records that cannot be decompressed within the limits, or have no form.
    pub fn first_record_at_or_after(
        &self,
        target_ms: i64,
        from: Offset,
        limits: &DecompressLimits,
    ) -> Result<Option<(Offset, i64)>, BatchError> {
        if self.header.max_timestamp < target_ms {
            return Ok(None);
        }
        self.first_record(from, limits, |timestamp| timestamp >= target_ms)
    }

    /// The first record, by offset, among those with the batch's largest timestamp, and that
    /// timestamp.
    ///
    /// # Errors
    /// As [`first_record_at_or_after`](Self::first_record_at_or_after).
    pub fn max_timestamp_record(
        &self,
        limits: &DecompressLimits,
    ) -> Result<Option<(Offset, i64)>, BatchError> {
        let (from, max_timestamp) = (self.header.base_offset, self.header.max_timestamp);
        self.first_record(from, limits, |timestamp| timestamp == max_timestamp)
    }

    fn first_record(
        &self,
        from: Offset,
        limits: &DecompressLimits,
        wanted: impl Fn(i64) -> bool,
    ) -> Result<Option<(Offset, i64)>, BatchError> {
        let header = &self.header;
        // All records have one time, and the first is at the base offset unless compaction has
        // removed it.
        let whole = header.records_count.checked_sub(1) == Some(header.last_offset_delta);
        if whole && header.timestamp_type() == TimestampType::LogAppendTime {
            let found = (header.base_offset.max(from), header.max_timestamp);
            return Ok((found.0 < header.next_offset() && wanted(found.1)).then_some(found));
        }
        let mut found = None;
        walk(&self.decompressed(limits)?, header.records_count, |_, record| {
            let at = offset(header, record.offset_delta);
            let time = timestamp(header, record.timestamp_delta);
            if found.is_none() && at >= from && wanted(time) {
                found = Some((at, time));
            }
            Ok(())
        })?;
        Ok(found)
    }
}
