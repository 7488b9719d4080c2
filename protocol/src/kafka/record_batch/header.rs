//! The 61 bytes in front of every batch.

use super::compression::Compression;
use super::error::BatchError;
use crate::state::ids::{LeaderEpoch, Offset, ProducerId};

/// Which time a batch's timestamps tell (`message.timestamp.type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimestampType {
    /// When the producer made the record.
    CreateTime,
    /// When the broker appended the batch: all its records have the header's maximum timestamp.
    LogAppendTime,
}

/// The header of a v2 batch, parsed. All integers are big-endian on the wire; the fields are in
/// their order there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchHeader {
    /// Offset of the first record; 0 in what a producer sends. Outside the checksum.
    pub base_offset: Offset,
    /// Bytes of the batch after this field, which are 12 less than the whole.
    pub batch_length: i32,
    /// Epoch of the leader that appended the batch; -1 in what a producer sends. Outside the
    /// checksum.
    pub partition_leader_epoch: LeaderEpoch,
    /// Format version: always 2.
    pub magic: i8,
    /// CRC-32C of everything after this field.
    pub crc: u32,
    /// Bits 0-2 compression, 3 timestamp type, 4 transactional, 5 control, 6 delete horizon.
    pub attributes: i16,
    /// Offset of the last record, relative to the first; compaction keeps it when it removes
    /// records.
    pub last_offset_delta: i32,
    /// What the records' timestamp deltas count from, in milliseconds since 1970; -1 for none.
    pub base_timestamp: i64,
    /// Largest timestamp of the records, in milliseconds since 1970; -1 for none.
    pub max_timestamp: i64,
    /// Producer that numbered the batch, -1 for none.
    pub producer_id: ProducerId,
    /// Epoch of that producer, -1 for none.
    pub producer_epoch: i16,
    /// Sequence number of the first record, -1 for none.
    pub base_sequence: i32,
    /// Number of records in the batch.
    pub records_count: i32,
}

const COMPRESSION_MASK: i16 = 0x07;
const LOG_APPEND_TIME: i16 = 0x08;
const TRANSACTIONAL: i16 = 0x10;
const CONTROL: i16 = 0x20;
const DELETE_HORIZON: i16 = 0x40;

impl BatchHeader {
    /// Size of the header in bytes.
    pub const LEN: usize = 61;
    /// Bytes before those that `batch_length` counts.
    pub const LENGTH_OVERHEAD: usize = 12;
    /// The only format version.
    pub const MAGIC: i8 = 2;
    /// Position of the first byte under the checksum.
    pub(super) const CRC_START: usize = 21;
    const MAGIC_AT: usize = 16;

    /// Parses the front of `bytes`, which may be longer. Says nothing about the rest of the batch.
    ///
    /// # Errors
    /// Fewer than 61 bytes, another format version, a length that no v2 batch has.
    pub fn parse(bytes: &[u8]) -> Result<Self, BatchError> {
        let magic = bytes.get(Self::MAGIC_AT).map(|&magic| magic as i8);
        match magic {
            Some(Self::MAGIC) | None => {}
            Some(magic @ 0..=1) => return Err(BatchError::OldMagic(magic)),
            Some(magic) => return Err(BatchError::UnknownMagic(magic)),
        }
        let header = bytes
            .first_chunk::<{ Self::LEN }>()
            .ok_or(BatchError::Truncated { needed: Self::LEN, available: bytes.len() })?;
        let header = Self::read(header);
        if header.size().is_none_or(|size| size < Self::LEN) {
            return Err(BatchError::Length(header.batch_length));
        }
        Ok(header)
    }

    fn read(bytes: &[u8; Self::LEN]) -> Self {
        Self {
            base_offset: Offset(i64::from_be_bytes(field(bytes, 0))),
            batch_length: i32::from_be_bytes(field(bytes, 8)),
            partition_leader_epoch: LeaderEpoch(i32::from_be_bytes(field(bytes, 12))),
            magic: bytes[Self::MAGIC_AT] as i8,
            crc: u32::from_be_bytes(field(bytes, 17)),
            attributes: i16::from_be_bytes(field(bytes, 21)),
            last_offset_delta: i32::from_be_bytes(field(bytes, 23)),
            base_timestamp: i64::from_be_bytes(field(bytes, 27)),
            max_timestamp: i64::from_be_bytes(field(bytes, 35)),
            producer_id: ProducerId(i64::from_be_bytes(field(bytes, 43))),
            producer_epoch: i16::from_be_bytes(field(bytes, 51)),
            base_sequence: i32::from_be_bytes(field(bytes, 53)),
            records_count: i32::from_be_bytes(field(bytes, 57)),
        }
    }

    /// Writes the header as it is, checksum included.
    pub fn write(&self, out: &mut [u8; Self::LEN]) {
        out[0..8].copy_from_slice(&self.base_offset.0.to_be_bytes());
        out[8..12].copy_from_slice(&self.batch_length.to_be_bytes());
        out[12..16].copy_from_slice(&self.partition_leader_epoch.0.to_be_bytes());
        out[16] = self.magic as u8;
        out[17..21].copy_from_slice(&self.crc.to_be_bytes());
        out[21..23].copy_from_slice(&self.attributes.to_be_bytes());
        out[23..27].copy_from_slice(&self.last_offset_delta.to_be_bytes());
        out[27..35].copy_from_slice(&self.base_timestamp.to_be_bytes());
        out[35..43].copy_from_slice(&self.max_timestamp.to_be_bytes());
        out[43..51].copy_from_slice(&self.producer_id.0.to_be_bytes());
        out[51..53].copy_from_slice(&self.producer_epoch.to_be_bytes());
        out[53..57].copy_from_slice(&self.base_sequence.to_be_bytes());
        out[57..61].copy_from_slice(&self.records_count.to_be_bytes());
    }

    /// The header's bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        self.write(&mut bytes);
        bytes
    }

    /// Size of the whole batch in bytes, header included; none if the length is negative.
    #[must_use]
    pub fn size(&self) -> Option<usize> {
        usize::try_from(self.batch_length).ok().map(|length| length + Self::LENGTH_OVERHEAD)
    }

    /// How the records are compressed.
    ///
    /// # Errors
    /// A codec number that Kafka has not given out.
    pub fn compression(&self) -> Result<Compression, BatchError> {
        let id = self.attributes & COMPRESSION_MASK;
        Compression::from_id(id).ok_or(BatchError::UnknownCompression(id))
    }

    /// Sets the compression bits.
    pub fn set_compression(&mut self, compression: Compression) {
        self.attributes = self.attributes & !COMPRESSION_MASK | compression.id();
    }

    /// Which time the timestamps tell.
    #[must_use]
    pub fn timestamp_type(&self) -> TimestampType {
        if self.attributes & LOG_APPEND_TIME == 0 {
            TimestampType::CreateTime
        } else {
            TimestampType::LogAppendTime
        }
    }

    /// Sets which time the timestamps tell.
    pub fn set_timestamp_type(&mut self, timestamp_type: TimestampType) {
        self.set(LOG_APPEND_TIME, timestamp_type == TimestampType::LogAppendTime);
    }

    /// Whether the batch is part of a transaction.
    #[must_use]
    pub fn is_transactional(&self) -> bool {
        self.attributes & TRANSACTIONAL != 0
    }

    /// Sets whether the batch is part of a transaction.
    pub fn set_transactional(&mut self, transactional: bool) {
        self.set(TRANSACTIONAL, transactional);
    }

    /// Whether the batch holds a marker (the end of a transaction), and no data.
    #[must_use]
    pub fn is_control(&self) -> bool {
        self.attributes & CONTROL != 0
    }

    /// Sets whether the batch holds a marker.
    pub fn set_control(&mut self, control: bool) {
        self.set(CONTROL, control);
    }

    /// When compaction may remove the batch's tombstones or its marker, in milliseconds since 1970
    /// (KIP-534): it takes the place of the base timestamp.
    #[must_use]
    pub fn delete_horizon(&self) -> Option<i64> {
        (self.attributes & DELETE_HORIZON != 0).then_some(self.base_timestamp)
    }

    fn set(&mut self, bit: i16, on: bool) {
        self.attributes = if on { self.attributes | bit } else { self.attributes & !bit };
    }

    /// Offset of the last record.
    #[must_use]
    pub fn last_offset(&self) -> Offset {
        Offset(self.base_offset.0.wrapping_add(i64::from(self.last_offset_delta)))
    }

    /// Offset of the batch that follows.
    #[must_use]
    pub fn next_offset(&self) -> Offset {
        Offset(self.last_offset().0.wrapping_add(1))
    }

    /// Whether an idempotent or transactional producer numbered the batch.
    #[must_use]
    pub fn has_producer(&self) -> bool {
        self.producer_id.0 > -1
    }

    /// Sequence number of the last record: they wrap from `i32::MAX` to 0. -1 where there is none.
    #[must_use]
    pub fn last_sequence(&self) -> i32 {
        if self.base_sequence < 0 {
            return -1;
        }
        let last = i64::from(self.base_sequence) + i64::from(self.last_offset_delta);
        last.rem_euclid(i64::from(i32::MAX) + 1) as i32
    }
}

fn field<const N: usize>(bytes: &[u8; BatchHeader::LEN], at: usize) -> [u8; N] {
    let mut field = [0; N];
    field.copy_from_slice(&bytes[at..at + N]);
    field
}
