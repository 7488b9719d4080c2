//! A whole batch, as it is on the wire.

use super::compression::{Compression, DecompressLimits};
use super::error::BatchError;
use super::header::{BatchHeader, TimestampType};
use super::record::{RecordIter, RecordView, walk};
use super::stored::StoredBatch;
use crate::state::ids::{LeaderEpoch, Offset};
use bytes::Bytes;

/// A batch and its parsed header. Making one checks no more than the frame: see
/// [`validate`](Self::validate).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordBatch {
    /// The header. Once checked it may be replaced by a patched one: [`stored`](Self::stored) takes
    /// this, not the header in `bytes`.
    pub header: BatchHeader,
    /// The whole batch as it came, header included.
    pub bytes: Bytes,
}

impl RecordBatch {
    /// Takes the batch at the front of `bytes`, which may be longer; the batch shares them.
    ///
    /// # Errors
    /// No v2 header, or fewer bytes than it says.
    pub fn parse(bytes: &Bytes) -> Result<Self, BatchError> {
        let header = BatchHeader::parse(bytes)?;
        match header.size() {
            Some(size) if size <= bytes.len() => Ok(Self { header, bytes: bytes.slice(..size) }),
            size => Err(BatchError::Truncated {
                needed: size.unwrap_or(usize::MAX),
                available: bytes.len(),
            }),
        }
    }

    /// The batches that `bytes` consists of, as in a fetch response or a log. Ends after the first
    /// error.
    #[must_use]
    pub fn split_all(bytes: Bytes) -> SplitBatches {
        SplitBatches { rest: bytes }
    }

    /// The records' bytes, which may be compressed.
    #[must_use]
    pub fn body(&self) -> Bytes {
        self.bytes.slice(BatchHeader::LEN..)
    }

    /// Checks the checksum, over everything but offset, length and leader epoch. Needs the header
    /// as it came.
    ///
    /// # Errors
    /// [`BatchError::Crc`].
    pub fn check_crc(&self) -> Result<(), BatchError> {
        let computed = crc32c::crc32c(&self.bytes[BatchHeader::CRC_START..]);
        let stored = self.header.crc;
        if computed == stored { Ok(()) } else { Err(BatchError::Crc { stored, computed }) }
    }

    /// Checks what a client sent: checksum, offsets, counts, what only brokers may write, and for
    /// uncompressed records the form of each. Compressed records stay closed. No allocation.
    ///
    /// A batch from another broker needs [`check_crc`](Self::check_crc) only: compaction may have
    /// thinned it out.
    ///
    /// # Errors
    /// What Kafka's broker refuses, in the order in which it looks.
    pub fn validate(&self) -> Result<(), BatchError> {
        self.validate_with(|_, _| ())
    }

    /// As [`validate`](Self::validate), showing every uncompressed record on the way.
    pub(super) fn validate_with(
        &self,
        visit: impl FnMut(i32, &RecordView<'_>),
    ) -> Result<(), BatchError> {
        self.check_header()?;
        if self.header.compression()? == Compression::None {
            self.walk_sequential(&self.bytes[BatchHeader::LEN..], visit)?;
        }
        Ok(())
    }

    /// The part of the validation that needs no record.
    fn check_header(&self) -> Result<(), BatchError> {
        let header = &self.header;
        if header.base_offset != Offset(0) {
            return Err(BatchError::BaseOffset(header.base_offset));
        }
        self.check_crc()?;
        let (records_count, last_offset_delta) = (header.records_count, header.last_offset_delta);
        if records_count <= 0 || records_count - 1 != last_offset_delta {
            return Err(BatchError::Count { records_count, last_offset_delta });
        }
        if header.is_control() {
            return Err(BatchError::ControlByClient);
        }
        if header.has_producer() && header.base_sequence < 0 {
            return Err(BatchError::Sequence(header.base_sequence));
        }
        Ok(())
    }

    /// Walks records that must be numbered 0, 1, 2, ...
    pub(super) fn walk_sequential(
        &self,
        records: &[u8],
        mut visit: impl FnMut(i32, &RecordView<'_>),
    ) -> Result<(), BatchError> {
        walk(records, self.header.records_count, |index, record| {
            if record.offset_delta != index {
                let error = super::FormatError::OffsetDelta(record.offset_delta);
                return Err(BatchError::Record { index, error });
            }
            visit(index, record);
            Ok(())
        })
    }

    /// The records' bytes, decompressed if need be.
    ///
    /// # Errors
    /// Corrupt compressed data, or more of it than the limits allow.
    pub fn decompressed(&self, limits: &DecompressLimits) -> Result<Bytes, BatchError> {
        match self.header.compression()? {
            Compression::None => Ok(self.body()),
            codec => Ok(codec.decompress(&self.bytes[BatchHeader::LEN..], limits)?),
        }
    }

    /// The records in their order. Uncompressed ones share the batch's bytes, others those that
    /// were decompressed.
    ///
    /// # Errors
    /// As [`decompressed`](Self::decompressed); what is wrong with single records, the iterator
    /// says.
    pub fn records(&self, limits: &DecompressLimits) -> Result<RecordIter, BatchError> {
        Ok(RecordIter::new(self.decompressed(limits)?, self.header.records_count))
    }

    /// The header that the batch has after an append at `now_ms` to a topic with
    /// `message.timestamp.type=LogAppendTime`, its checksum included. The batch's own checksum must
    /// have been checked.
    #[must_use]
    pub fn with_log_append_time(&self, now_ms: i64) -> BatchHeader {
        let mut header = self.header;
        header.set_timestamp_type(TimestampType::LogAppendTime);
        header.max_timestamp = now_ms;
        self.reseal(header)
    }

    /// Gives a changed header the checksum that goes with this batch's records.
    pub(super) fn reseal(&self, header: BatchHeader) -> BatchHeader {
        super::stored::reseal(&self.header, header, &self.bytes[BatchHeader::LEN..])
    }

    /// The batch at its place in the log: [`header`](Self::header) with offset and leader epoch,
    /// and the untouched rest.
    #[must_use]
    pub fn stored(&self, base_offset: Offset, leader_epoch: LeaderEpoch) -> StoredBatch {
        let header =
            BatchHeader { base_offset, partition_leader_epoch: leader_epoch, ..self.header };
        StoredBatch { header: header.to_bytes(), body: self.body() }
    }
}

/// Iterator of [`RecordBatch::split_all`].
#[derive(Clone, Debug)]
pub struct SplitBatches {
    rest: Bytes,
}

impl Iterator for SplitBatches {
    type Item = Result<RecordBatch, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let batch = RecordBatch::parse(&self.rest);
        self.rest = match &batch {
            Ok(batch) => self.rest.slice(batch.bytes.len()..),
            Err(_) => Bytes::new(),
        };
        Some(batch)
    }
}
