//! What a leader does to a batch from a client before it appends it.

use super::batch::RecordBatch;
use super::compression::{Compression, DecompressLimits};
use super::error::{BatchError, RecordError, RecordErrorKind, RejectedRecords};
use super::header::{BatchHeader, TimestampType};
use super::record::RecordView;
use bytes::Bytes;

/// First version of Produce that may carry zstd (KIP-110).
const ZSTD_FROM_PRODUCE: i16 = 7;

/// What a topic's configuration demands of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppendRules {
    /// Every record needs a key: `cleanup.policy` has `compact`.
    pub compacted: bool,
    /// `message.timestamp.type`.
    pub timestamp_type: TimestampType,
    /// `message.timestamp.before.max.ms`: how far before now a `CreateTime` may lie; `i64::MAX` for no bound.
    pub before_max_ms: i64,
    /// `message.timestamp.after.max.ms`: how far after now a `CreateTime` may lie; `i64::MAX` for no bound.
    pub after_max_ms: i64,
}

impl RecordBatch {
    /// Takes the one batch that a partition of a produce request may hold.
    ///
    /// A batch that is cut off counts as none, as in Kafka, and so do bytes after the first batch that are fewer than
    /// they should be; the latter are left behind.
    ///
    /// # Errors
    /// No batch or several, another format version, or a codec that `api_version` does not allow.
    pub fn from_produce(records: &Bytes, api_version: i16) -> Result<Self, BatchError> {
        let size = next_batch_size(records)?.ok_or(BatchError::NoBatch)?;
        let batch = Self::parse(records)?;
        let zstd = batch.header.compression() == Ok(Compression::Zstd);
        if zstd && api_version < ZSTD_FROM_PRODUCE {
            return Err(BatchError::ZstdTooEarly(api_version));
        }
        match next_batch_size(&records[size..])? {
            None => Ok(batch),
            Some(_) => Err(BatchError::SeveralBatches),
        }
    }

    /// Everything that stands between a client's batch and the log: [`validate`](Self::validate), the topic's rules for
    /// records, and the header that goes into the log, with its timestamps put right.
    ///
    /// Looks once at every uncompressed record. Compressed ones are opened for a compacted topic only; elsewhere the
    /// header's timestamps are taken for theirs.
    ///
    /// # Errors
    /// As `validate`; records that break a rule; compressed ones that cannot be opened.
    pub fn prepare_append(
        &self,
        rules: &AppendRules,
        now_ms: i64,
        limits: &DecompressLimits,
    ) -> Result<BatchHeader, BatchError> {
        let mut check = RecordCheck::new(&self.header, rules, now_ms);
        self.validate_with(|index, record| check.record(index, record))?;
        let compressed = self.header.compression()? != Compression::None;
        if compressed && rules.compacted {
            let records = self.decompressed(limits)?;
            self.walk_sequential(&records, |index, record| check.record(index, record))?;
        } else if compressed {
            check.header();
        }
        let max_timestamp = check.max_timestamp;
        check.finish()?;
        Ok(match rules.timestamp_type {
            TimestampType::LogAppendTime => self.with_log_append_time(now_ms),
            // Some clients leave the field empty; lookups by time and retention rely on it.
            TimestampType::CreateTime if max_timestamp != self.header.max_timestamp => {
                self.reseal(BatchHeader { max_timestamp, ..self.header })
            }
            TimestampType::CreateTime => self.header,
        })
    }

    /// Checks the form of every record and the topic's rules, opening compressed ones. Does not check the header.
    ///
    /// # Errors
    /// Malformed records, records that break a rule, compressed ones that cannot be opened.
    pub fn validate_records(
        &self,
        rules: &AppendRules,
        now_ms: i64,
        limits: &DecompressLimits,
    ) -> Result<(), BatchError> {
        let mut check = RecordCheck::new(&self.header, rules, now_ms);
        let records = self.decompressed(limits)?;
        self.walk_sequential(&records, |index, record| check.record(index, record))?;
        Ok(check.finish()?)
    }
}

/// Smallest length that Kafka takes for one, in any format: below it, the bytes are corrupt and not just cut off.
const MIN_LENGTH: i32 = 14;
/// Bytes up to and with the format version.
const UP_TO_MAGIC: usize = 17;

/// Size of the batch at the front in bytes; none if not all of it is there.
fn next_batch_size(bytes: &[u8]) -> Result<Option<usize>, BatchError> {
    let Some((_, rest)) = bytes.split_at_checked(BatchHeader::LENGTH_OVERHEAD - 4) else {
        return Ok(None);
    };
    let Some(length) = rest.first_chunk().map(|length| i32::from_be_bytes(*length)) else {
        return Ok(None);
    };
    let size = match usize::try_from(length) {
        Ok(size) if length >= MIN_LENGTH => size + BatchHeader::LENGTH_OVERHEAD,
        _ => return Err(BatchError::Length(length)),
    };
    let Some(&magic) = bytes.get(UP_TO_MAGIC - 1) else {
        return Ok(None);
    };
    if magic as i8 > BatchHeader::MAGIC || (magic as i8) < 0 {
        return Err(BatchError::UnknownMagic(magic as i8));
    }
    Ok((size <= bytes.len()).then_some(size))
}

/// Holds the records of one batch against a topic's rules.
struct RecordCheck<'a> {
    batch: &'a BatchHeader,
    rules: &'a AppendRules,
    /// `CreateTime`s that are allowed.
    earliest: i64,
    latest: i64,
    max_timestamp: i64,
    errors: Vec<RecordError>,
}

/// What a record without a timestamp has.
const NO_TIMESTAMP: i64 = -1;

impl<'a> RecordCheck<'a> {
    fn new(batch: &'a BatchHeader, rules: &'a AppendRules, now_ms: i64) -> Self {
        Self {
            batch,
            rules,
            earliest: match rules.before_max_ms {
                i64::MAX => i64::MIN,
                before => now_ms.saturating_sub(before),
            },
            latest: now_ms.saturating_add(rules.after_max_ms),
            max_timestamp: NO_TIMESTAMP,
            errors: Vec::new(),
        }
    }

    fn record(&mut self, index: i32, record: &RecordView<'_>) {
        let timestamp = self.batch.base_timestamp.wrapping_add(record.timestamp_delta);
        self.max_timestamp = self.max_timestamp.max(timestamp);
        let error = if self.rules.compacted && record.key.is_none() {
            Some(RecordErrorKind::MissingKey)
        } else {
            self.timestamp_error(timestamp)
        };
        self.errors.extend(error.map(|kind| RecordError { batch_index: index, kind }));
    }

    /// Takes the header's word for the timestamps of records that stay closed.
    fn header(&mut self) {
        self.max_timestamp = self.batch.max_timestamp;
        let error = self
            .timestamp_error(self.batch.max_timestamp)
            .or_else(|| self.timestamp_error(self.batch.base_timestamp));
        self.errors.extend(error.map(|kind| RecordError { batch_index: 0, kind }));
    }

    fn timestamp_error(&self, timestamp: i64) -> Option<RecordErrorKind> {
        let bounded =
            self.rules.timestamp_type == TimestampType::CreateTime && timestamp != NO_TIMESTAMP;
        if bounded && !(self.earliest..=self.latest).contains(&timestamp) {
            Some(RecordErrorKind::TimestampOutOfRange(timestamp))
        } else if self.batch.timestamp_type() == TimestampType::LogAppendTime {
            Some(RecordErrorKind::LogAppendTimeByClient)
        } else {
            None
        }
    }

    fn finish(self) -> Result<(), RejectedRecords> {
        if self.errors.is_empty() { Ok(()) } else { Err(RejectedRecords { errors: self.errors }) }
    }
}
