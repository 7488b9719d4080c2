//! What can be wrong with a batch, in the distinctions that Kafka's error codes make.

use super::compression::CompressionError;
use crate::kafka::ErrorCode;
use crate::state::ids::Offset;
use std::fmt;

/// Why a batch is refused. `RejectedRecords` has a response field of its own; everything else is a
/// code and a text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// The bytes end inside the batch.
    #[error("the batch is cut off: {needed} bytes needed, {available} there")]
    Truncated {
        /// Size that the batch should have, in bytes.
        needed: usize,
        /// Bytes that are there.
        available: usize,
    },
    /// A length field that no batch can have.
    #[error("the batch length {0} is not possible")]
    Length(i32),
    /// A format version that has never existed.
    #[error("record batch format (magic) {0} is not known")]
    UnknownMagic(i8),
    /// A message set of before Kafka 0.11.
    #[error("only record batches with magic version 2 are allowed, not {0}")]
    OldMagic(i8),
    /// A partition of a produce request without a whole batch.
    #[error("there must be exactly one record batch per partition, but there is none")]
    NoBatch,
    /// A partition of a produce request with several batches.
    #[error("there must be exactly one record batch per partition, but there are more")]
    SeveralBatches,
    /// The checksum does not match.
    #[error("record is corrupt (stored crc = {stored}, computed crc = {computed})")]
    Crc {
        /// What the header says.
        stored: u32,
        /// What the bytes give.
        computed: u32,
    },
    /// A producer has no say in offsets.
    #[error("the baseOffset of the record batch should be 0, but it is {0}")]
    BaseOffset(Offset),
    /// The count is not positive, or is not the number of offsets.
    #[error("{records_count} records do not fit to the last offset delta {last_offset_delta}")]
    Count {
        /// Number of records that the header gives.
        records_count: i32,
        /// Relative offset of the last one that the header gives.
        last_offset_delta: i32,
    },
    /// Only brokers write markers.
    #[error("clients are not allowed to write control records")]
    ControlByClient,
    /// A producer id without a sequence number.
    #[error("invalid sequence number {0} in a record batch with producerId")]
    Sequence(i32),
    /// A codec number that Kafka has not given out.
    #[error("unknown compression type id {0}")]
    UnknownCompression(i16),
    /// zstd, in a request of before KIP-110.
    #[error("produce requests of version {0} are not allowed to use ZStandard compression")]
    ZstdTooEarly(i16),
    /// The records do not have the form that the header promises.
    #[error("record {index} is malformed: {error}")]
    Record {
        /// Which record, from 0.
        index: i32,
        /// What is wrong with it.
        error: FormatError,
    },
    /// There are bytes after the last record.
    #[error("{0} bytes follow the last record of the batch")]
    TrailingBytes(usize),
    /// The records cannot be decompressed.
    #[error(transparent)]
    Compression(#[from] CompressionError),
    /// Single records break the topic's rules.
    #[error(transparent)]
    Rejected(#[from] RejectedRecords),
}

/// What is wrong with the form of one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// A length points past the end.
    #[error("it ends too early")]
    Truncated,
    /// A variable-length integer with too many bytes or bits.
    #[error("a number is too large for its field")]
    Varint,
    /// The length of the record is negative.
    #[error("its length is negative")]
    Length,
    /// The number of headers is negative, or larger than the record.
    #[error("the number of its headers is not possible")]
    HeaderCount,
    /// The key of a header is null.
    #[error("a header has no key")]
    HeaderKey,
    /// The record's parts do not fill its length.
    #[error("there are bytes behind its last header")]
    Trailing,
    /// The record's offset is not one more than that of the record before it.
    #[error("its relative offset is {0}, out of order")]
    OffsetDelta(i32),
}

/// Records that a topic's configuration does not allow (KIP-467): `record_errors` of the produce
/// response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedRecords {
    /// The first rejected records, in their order: no more than [`MAX_ERRORS`](Self::MAX_ERRORS),
    /// at least one.
    pub errors: Vec<RecordError>,
    /// How many records are rejected.
    pub total: usize,
}

/// One rejected record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordError {
    /// Position in the batch, from 0.
    pub batch_index: i32,
    /// What it breaks.
    pub kind: RecordErrorKind,
}

/// The rule that a record breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordErrorKind {
    /// A record without a key on a topic with `cleanup.policy=compact`.
    #[error("Compacted topic cannot accept message without key")]
    MissingKey,
    /// Outside of `message.timestamp.before.max.ms` or `message.timestamp.after.max.ms`;
    /// milliseconds since 1970.
    #[error(
        "Timestamp {timestamp} is out of range. The timestamp should be within [{earliest}, {latest}]"
    )]
    TimestampOutOfRange {
        /// The record's timestamp.
        timestamp: i64,
        /// The earliest that is allowed.
        earliest: i64,
        /// The latest that is allowed.
        latest: i64,
    },
    /// Only a broker may say that it has set the timestamp.
    #[error(
        "Invalid timestamp type in message. Producer should not set timestamp type to LogAppendTime"
    )]
    LogAppendTimeByClient,
}

impl RejectedRecords {
    /// How many records are named at most: a response must not grow with what a client does wrong.
    pub const MAX_ERRORS: usize = 1000;

    /// Whether a timestamp is among what is wrong: that decides the error code of the whole batch.
    #[must_use]
    pub fn any_timestamp(&self) -> bool {
        self.errors.iter().any(|error| error.kind != RecordErrorKind::MissingKey)
    }

    pub(super) fn add(&mut self, batch_index: i32, kind: RecordErrorKind) {
        self.total += 1;
        if self.errors.len() < Self::MAX_ERRORS {
            self.errors.push(RecordError { batch_index, kind });
        }
    }
}

impl std::error::Error for RejectedRecords {}

impl fmt::Display for RejectedRecords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.any_timestamp() {
            return f.write_str("One or more records have been rejected due to invalid timestamp");
        }
        let (total, shown) = (self.total, self.errors.iter().take(3));
        write!(
            f,
            "One or more records have been rejected due to {total} record errors in total, \
             and only showing the first three errors at most: "
        )?;
        f.debug_list().entries(shown.map(|e| format!("{}: {}", e.batch_index, e.kind))).finish()
    }
}

impl BatchError {
    /// The error code with which Kafka's broker refuses a produced batch.
    ///
    /// Kafka answers `UNKNOWN_SERVER_ERROR` to a codec that it does not know and to compressed
    /// records that it cannot open; those have better codes, which clients do not retry either.
    #[must_use]
    pub fn error_code(&self) -> ErrorCode {
        match self {
            Self::Truncated { .. } | Self::Length(_) | Self::UnknownMagic(_) | Self::Crc { .. } => {
                ErrorCode::CorruptMessage
            }
            Self::OldMagic(_)
            | Self::NoBatch
            | Self::SeveralBatches
            | Self::BaseOffset(_)
            | Self::Count { .. }
            | Self::ControlByClient
            | Self::Sequence(_)
            | Self::Record { .. }
            | Self::TrailingBytes(_)
            | Self::Compression(_) => ErrorCode::InvalidRecord,
            Self::UnknownCompression(_) | Self::ZstdTooEarly(_) => {
                ErrorCode::UnsupportedCompressionType
            }
            Self::Rejected(rejected) if rejected.any_timestamp() => ErrorCode::InvalidTimestamp,
            Self::Rejected(_) => ErrorCode::InvalidRecord,
        }
    }
}
