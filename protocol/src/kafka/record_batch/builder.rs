//! Makes batches: for clients, for markers, for compaction and for tests.

use super::compression::{Compression, CompressionError};
use super::header::{BatchHeader, TimestampType};
use super::varint::{put_nullable_bytes, put_varlong};
use crate::state::ids::{LeaderEpoch, Offset, ProducerId};
use bytes::Bytes;

/// Collects records into a batch. What is not set is as a producer without idempotence sends it.
#[derive(Clone, Debug)]
pub struct BatchBuilder {
    header: BatchHeader,
    compression: Compression,
    level: Option<i32>,
    records: Vec<u8>,
    /// One record, before its length is known.
    scratch: Vec<u8>,
}

impl Default for BatchBuilder {
    fn default() -> Self {
        Self::new(Compression::None)
    }
}

impl BatchBuilder {
    /// An empty batch whose records will be compressed so.
    #[must_use]
    pub fn new(compression: Compression) -> Self {
        let mut header = BatchHeader {
            base_offset: Offset(0),
            batch_length: 0,
            partition_leader_epoch: LeaderEpoch::UNKNOWN,
            magic: BatchHeader::MAGIC,
            crc: 0,
            attributes: 0,
            last_offset_delta: -1,
            base_timestamp: -1,
            max_timestamp: -1,
            producer_id: ProducerId(-1),
            producer_epoch: -1,
            base_sequence: -1,
            records_count: 0,
        };
        header.set_compression(compression);
        Self { header, compression, level: None, records: Vec::new(), scratch: Vec::new() }
    }

    /// Sets the compression level; without it, each codec has its own default.
    #[must_use]
    pub fn level(mut self, level: Option<i32>) -> Self {
        self.level = level;
        self
    }

    /// Sets offset of the first record and leader epoch, as in a log.
    #[must_use]
    pub fn base_offset(mut self, base_offset: Offset, leader_epoch: LeaderEpoch) -> Self {
        self.header.base_offset = base_offset;
        self.header.partition_leader_epoch = leader_epoch;
        self
    }

    /// Numbers the batch as an idempotent producer does.
    #[must_use]
    pub fn producer(mut self, id: ProducerId, epoch: i16, base_sequence: i32) -> Self {
        self.header.producer_id = id;
        self.header.producer_epoch = epoch;
        self.header.base_sequence = base_sequence;
        self
    }

    /// Makes the batch part of a transaction.
    #[must_use]
    pub fn transactional(mut self) -> Self {
        self.header.set_transactional(true);
        self
    }

    /// Makes the batch hold a marker.
    #[must_use]
    pub fn control(mut self) -> Self {
        self.header.set_control(true);
        self
    }

    /// Gives all records the time of their append; wins over the timestamps that they are added
    /// with.
    #[must_use]
    pub fn log_append_time(mut self, now_ms: i64) -> Self {
        self.header.set_timestamp_type(TimestampType::LogAppendTime);
        self.header.max_timestamp = now_ms;
        self
    }

    /// Adds a record at the next offset. `timestamp` is in milliseconds since 1970, -1 for none.
    pub fn push(
        &mut self,
        timestamp: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[(&[u8], Option<&[u8]>)],
    ) {
        self.push_at(self.header.last_offset_delta + 1, timestamp, key, value, headers);
    }

    /// Adds a record at an offset of its own, relative to the first and above that of the record
    /// before it: compaction leaves gaps.
    pub fn push_at(
        &mut self,
        offset_delta: i32,
        timestamp: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[(&[u8], Option<&[u8]>)],
    ) {
        if self.is_empty() {
            self.header.base_timestamp = timestamp;
        }
        let record = &mut self.scratch;
        record.clear();
        // The record's attributes: unused.
        record.push(0);
        put_varlong(record, timestamp.wrapping_sub(self.header.base_timestamp));
        put_varlong(record, i64::from(offset_delta));
        put_nullable_bytes(record, key);
        put_nullable_bytes(record, value);
        put_varlong(record, headers.len() as i64);
        for (key, value) in headers {
            put_nullable_bytes(record, Some(key));
            put_nullable_bytes(record, *value);
        }
        put_nullable_bytes(&mut self.records, Some(record));
        self.header.records_count += 1;
        self.header.last_offset_delta = offset_delta;
        if self.header.timestamp_type() == TimestampType::CreateTime {
            self.header.max_timestamp = self.header.max_timestamp.max(timestamp);
        }
    }

    /// Number of records so far.
    #[must_use]
    pub fn records_count(&self) -> i32 {
        self.header.records_count
    }

    /// Whether there are no records yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.header.records_count == 0
    }

    /// Size in bytes that the batch would have now, if it were not compressed.
    #[must_use]
    pub fn uncompressed_size(&self) -> usize {
        BatchHeader::LEN + self.records.len()
    }

    /// The batch.
    ///
    /// # Errors
    /// A batch beyond the 2 GiB that its length field can tell.
    pub fn build(self) -> Result<Bytes, CompressionError> {
        let body = match self.compression {
            Compression::None => Bytes::from(self.records),
            codec => codec.compress_at(&self.records, self.level)?,
        };
        seal(self.header, &body)
    }
}

/// Puts length and checksum into a header, and the batch together.
pub(super) fn seal(mut header: BatchHeader, body: &[u8]) -> Result<Bytes, CompressionError> {
    let length = BatchHeader::LEN - BatchHeader::LENGTH_OVERHEAD + body.len();
    header.batch_length = i32::try_from(length).map_err(|_| CompressionError::TooLarge)?;
    let head_crc = crc32c::crc32c(&header.to_bytes()[BatchHeader::CRC_START..]);
    header.crc = crc32c::crc32c_append(head_crc, body);
    Ok([&header.to_bytes(), body].concat().into())
}
