//! Record batches as the log holds them: a header of 61 bytes and a body that is never touched.

use barnabas_protocol::state::ids::{LeaderEpoch, Offset};
use bytes::Bytes;

/// The fields of a batch header.
#[derive(Clone, Copy, Debug)]
pub struct BatchHeader {
    /// Offset of the first record.
    pub base_offset: Offset,
    /// Bytes after this field.
    pub batch_length: i32,
    /// Leader epoch.
    pub partition_leader_epoch: LeaderEpoch,
    /// Last offset minus base offset.
    pub last_offset_delta: i32,
    /// Latest timestamp.
    pub max_timestamp: i64,
}

impl BatchHeader {
    /// Length of the header.
    pub const LEN: usize = 61;

    /// Parses.
    ///
    /// # Errors
    /// Too short.
    pub fn parse(b: &[u8]) -> Result<Self, String> {
        if b.len() < Self::LEN {
            return Err("short".into());
        }
        let i32_at = |at: usize| i32::from_be_bytes(std::array::from_fn(|i| b[at + i]));
        let i64_at = |at: usize| i64::from_be_bytes(std::array::from_fn(|i| b[at + i]));
        Ok(Self {
            base_offset: Offset(i64_at(0)),
            batch_length: i32_at(8),
            partition_leader_epoch: LeaderEpoch(i32_at(12)),
            last_offset_delta: i32_at(23),
            max_timestamp: i64_at(35),
        })
    }

    /// Last offset.
    #[must_use]
    pub fn last_offset(&self) -> Offset {
        self.base_offset.plus(i64::from(self.last_offset_delta))
    }
}

/// A batch with its offsets assigned.
#[derive(Clone, Debug)]
pub struct StoredBatch {
    /// Patched header.
    pub header: [u8; 61],
    /// The rest.
    pub body: Bytes,
}

/// A batch that is not one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// A batch and what its header says of its place in the log.
pub(super) struct Placed {
    pub(super) batch: StoredBatch,
    pub(super) first: Offset,
    pub(super) last: Offset,
    pub(super) max_timestamp: i64,
}

impl Placed {
    pub(super) fn new(batch: StoredBatch) -> Result<Self, Malformed> {
        let header = BatchHeader::parse(&batch.header).map_err(|_| Malformed)?;
        let (first, last) = (header.base_offset, header.last_offset());
        if first.0 < 0 || last < first {
            return Err(Malformed);
        }
        Ok(Self { first, last, max_timestamp: header.max_timestamp, batch })
    }

    pub(super) fn len(&self) -> usize {
        BatchHeader::LEN + self.batch.body.len()
    }
}
