//! Record batch format v2: the unit that producers send, the log stores and consumers fetch.
//!
//! A batch is a 61-byte header ([`BatchHeader`]) and records, which may be compressed. The broker
//! keeps a batch as it came: it checks it ([`RecordBatch::validate`]), and patches offset, leader
//! epoch and, for `LogAppendTime`, timestamp into a copy of the header alone ([`StoredBatch`]). The
//! records are never copied, and decompressed only where something must be known about single ones:
//! keys on compacted topics, timestamp bounds, lookups by time, compaction.
//!
//! Formats v0 and v1 are not here: Kafka 4 has dropped them, too.

mod batch;
mod builder;
mod compression;
mod crc;
mod error;
mod header;
mod produce;
mod record;
mod stored;
mod timestamps;
mod varint;

pub use batch::{RecordBatch, SplitBatches};
pub use builder::BatchBuilder;
pub use compression::{Compression, CompressionError, DecompressLimits};
pub use error::{BatchError, FormatError, RecordError, RecordErrorKind, RejectedRecords};
pub use header::{BatchHeader, TimestampType};
pub use produce::AppendRules;
pub use record::{Record, RecordHeader, RecordIter};
pub use stored::StoredBatch;

#[cfg(test)]
mod tests;
