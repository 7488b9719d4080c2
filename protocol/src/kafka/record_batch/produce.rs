//! What a leader does to a batch from a client before it appends it.

use super::batch::RecordBatch;
use super::builder::seal;
use super::compression::{Compression, DecompressLimits};
use super::error::{BatchError, RecordErrorKind, RejectedRecords};
use super::header::{BatchHeader, TimestampType};
use super::record::{RecordView, timestamp};
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
    /// `message.timestamp.before.max.ms`: how far before now a `CreateTime` may lie; `i64::MAX` for
    /// no bound.
    pub before_max_ms: i64,
    /// `message.timestamp.after.max.ms`: how far after now a `CreateTime` may lie; `i64::MAX` for
    /// no bound.
    pub after_max_ms: i64,
}

impl RecordBatch {
    /// Takes the one batch that a partition of a produce request may hold.
    ///
    /// A batch that is cut off counts as none, as in Kafka, and so do bytes after the first batch
    /// that are fewer than they should be; the latter are left behind.
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

    /// Everything that stands between a client's batch and the log: [`validate`](Self::validate),
    /// the topic's rules for records, and the header that goes into the log, with its timestamps
    /// put right.
    ///
    /// Looks once at every uncompressed record. Compressed ones are opened only where the header
    /// cannot answer for them: on a compacted topic, with `message.timestamp.before.max.ms`, or if
    /// the header's own timestamps look wrong.
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
        if compressed && check.must_open() {
            let records = self.decompressed(limits)?;
            self.walk_sequential(&records, |index, record| check.record(index, record))?;
        } else if compressed {
            check.max_timestamp = self.header.max_timestamp;
        }
        let max_timestamp = check.finish()?;
        if rules.timestamp_type == TimestampType::LogAppendTime {
            return Ok(self.with_log_append_time(now_ms));
        }
        // Some clients leave the maximum empty, but lookups by time and retention rely on it.
        let mut header = BatchHeader { max_timestamp, ..self.header };
        header.set_timestamp_type(TimestampType::CreateTime);
        Ok(if header == self.header { header } else { self.reseal(header) })
    }

    /// Checks the form of every record and the topic's rules, opening compressed ones. Does not
    /// check the header.
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
        check.finish()?;
        Ok(())
    }

    /// The same records under another codec (`compression.type` of a topic that is not `producer`).
    ///
    /// # Errors
    /// Records that cannot be opened, or a failure of the codec.
    pub fn recompressed(
        &self,
        compression: Compression,
        level: Option<i32>,
        limits: &DecompressLimits,
    ) -> Result<Self, BatchError> {
        let mut header = self.header;
        header.set_compression(compression);
        let body = compression.compress_at(&self.decompressed(limits)?, level)?;
        Self::parse(&seal(header, &body)?)
    }
}

/// Smallest length that Kafka takes for one, in any format: below it, the bytes are corrupt and not
/// just cut off.
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
    rejected: RejectedRecords,
}

/// What a record without a timestamp has.
const NO_TIMESTAMP: i64 = -1;

impl<'a> RecordCheck<'a> {
    fn new(batch: &'a BatchHeader, rules: &'a AppendRules, now_ms: i64) -> Self {
        Self {
            batch,
            rules,
            earliest: now_ms.saturating_sub(rules.before_max_ms),
            latest: now_ms.saturating_add(rules.after_max_ms),
            max_timestamp: NO_TIMESTAMP,
            rejected: RejectedRecords { errors: Vec::new(), total: 0 },
        }
    }

    /// Whether the header does not say enough about compressed records.
    fn must_open(&self) -> bool {
        let batch = self.batch;
        let plausible = batch.base_timestamp <= batch.max_timestamp
            && self.timestamp_error(batch.max_timestamp).is_none();
        let bounded_below = self.rules.before_max_ms != i64::MAX;
        self.rules.compacted
            || batch.timestamp_type() == TimestampType::LogAppendTime
            || self.create_time() && (bounded_below || !plausible)
    }

    fn create_time(&self) -> bool {
        self.rules.timestamp_type == TimestampType::CreateTime
    }

    fn record(&mut self, index: i32, record: &RecordView<'_>) {
        let timestamp = timestamp(self.batch, record.timestamp_delta);
        self.max_timestamp = self.max_timestamp.max(timestamp);
        let error = if self.rules.compacted && record.key.is_none() {
            Some(RecordErrorKind::MissingKey)
        } else {
            self.timestamp_error(timestamp)
        };
        if let Some(kind) = error {
            self.rejected.add(index, kind);
        }
    }

    /// As in Kafka, a batch marked `LogAppendTime` passes where its timestamp can be taken for a
    /// `CreateTime`.
    fn timestamp_error(&self, timestamp: i64) -> Option<RecordErrorKind> {
        let (earliest, latest) = (self.earliest, self.latest);
        if self.create_time() && timestamp != NO_TIMESTAMP {
            let within = (earliest..=latest).contains(&timestamp);
            let error = RecordErrorKind::TimestampOutOfRange { timestamp, earliest, latest };
            return (!within).then_some(error);
        }
        let marked = self.batch.timestamp_type() == TimestampType::LogAppendTime;
        marked.then_some(RecordErrorKind::LogAppendTimeByClient)
    }

    /// The largest timestamp, if no record was rejected.
    fn finish(self) -> Result<i64, RejectedRecords> {
        if self.rejected.total == 0 { Ok(self.max_timestamp) } else { Err(self.rejected) }
    }
}
