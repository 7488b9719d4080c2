//! Whether a producer's records may be appended to a topic, before any lock is taken.
//!
//! Pure: the time and the topic's configuration are arguments. The rules for the bytes themselves
//! are in the protocol crate ([`RecordBatch::prepare_append`]).

use barnabas_protocol::kafka::Records;
use barnabas_protocol::kafka::record_batch::{
    AppendRules, BatchError, BatchHeader, DecompressLimits, RecordBatch, TimestampType,
};

use crate::config::TopicConfig;

/// Why records are refused.
#[derive(Debug, thiserror::Error)]
pub enum InvalidRecords {
    /// The bytes are not a batch that the topic takes.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// Larger than the topic allows.
    #[error("the record batch has {size} bytes, and max.message.bytes is {max}")]
    TooLarge {
        /// Bytes of the batch.
        size: usize,
        /// The topic's `max.message.bytes`.
        max: usize,
    },
    /// The producer takes part in no transaction here.
    #[error("the producer has no ongoing transaction on this partition")]
    NoTransaction,
}

/// Checks one partition's records of a produce request in version `api_version`. The batch returned
/// has the header that goes into the log, but for offset and leader epoch.
pub fn validate(
    records: Option<&Records>,
    api_version: i16,
    config: &TopicConfig,
    now_ms: i64,
) -> Result<RecordBatch, InvalidRecords> {
    let bytes = records.map(Records::to_bytes).unwrap_or_default();
    let mut batch = RecordBatch::from_produce(&bytes, api_version)?;
    let (size, max) = (batch.bytes.len(), config.max_message_bytes as usize);
    // Before anything is opened: what is too large is not worth the work.
    if size > max {
        return Err(InvalidRecords::TooLarge { size, max });
    }
    let rules = AppendRules {
        compacted: config.cleanup_policy.compact,
        timestamp_type: config.message_timestamp_type,
        before_max_ms: config.message_timestamp_before_max_ms,
        after_max_ms: config.message_timestamp_after_max_ms,
    };
    batch.header = batch.prepare_append(&rules, now_ms, &DecompressLimits::default())?;
    if batch.header.is_transactional() {
        return Err(InvalidRecords::NoTransaction);
    }
    Ok(batch)
}

/// The time that the broker gave to the records, or -1 where they keep their own.
#[must_use]
pub fn log_append_time(header: &BatchHeader) -> i64 {
    match header.timestamp_type() {
        TimestampType::LogAppendTime => header.max_timestamp,
        TimestampType::CreateTime => -1,
    }
}
