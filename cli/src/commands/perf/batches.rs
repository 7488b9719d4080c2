//! Record batches that are built once and sent many times.

use anyhow::Context;
use barnabas_protocol::kafka::Records;
use barnabas_protocol::kafka::record_batch::{BatchBuilder, BatchHeader, Compression};
use barnabas_protocol::state::ids::ProducerId;
use bytes::Bytes;
use crc32c::{crc32c, crc32c_combine};
use rand::{Rng, RngExt};

/// Offset in a header from which on its checksum counts.
const CHECKED: usize = 21;
/// An upper bound of what a record without key and headers needs besides its value.
const OVERHEAD: usize = 24;

#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    /// Size of a value, in bytes.
    pub(super) record_size: usize,
    /// Largest size of a batch with more than one record, in bytes before compression.
    pub(super) batch_bytes: usize,
    pub(super) compression: Compression,
    /// Timestamp of all records, in milliseconds since 1970.
    pub(super) timestamp: i64,
}

/// A batch that is sent again and again.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    header: BatchHeader,
    whole: Bytes,
    body_crc: u32,
}

impl Batch {
    /// Builds a batch with as many records as fit, at least one and at most `most`. Values are
    /// random capital letters, as in Kafka's tool.
    pub(super) fn build(shape: Shape, most: u64, random: &mut impl Rng) -> anyhow::Result<Self> {
        let mut builder = BatchBuilder::new(shape.compression);
        let mut value = vec![0; shape.record_size];
        let room = shape.batch_bytes.saturating_sub(shape.record_size + OVERHEAD);
        while builder.is_empty()
            || (builder.uncompressed_size() <= room && (builder.records_count() as u64) < most)
        {
            value.fill_with(|| random.random_range(b'A'..=b'Z'));
            builder.push(shape.timestamp, None, Some(&value), &[]);
        }
        let whole = builder.build()?;
        let header = BatchHeader::parse(&whole).context("a batch just built")?;
        Ok(Self { header, body_crc: crc32c(&whole[BatchHeader::LEN..]), whole })
    }

    pub(super) fn records(&self) -> u64 {
        self.header.records_count as u64
    }

    /// The batch without a producer id.
    pub(super) fn plain(&self) -> Records {
        Records::from(self.whole.clone())
    }

    /// The batch with a producer id and sequence number. Only the header is built again, because
    /// the checksum of the records is known.
    pub(super) fn numbered(&self, id: ProducerId, epoch: i16, sequence: i32) -> Records {
        let mut header = self.header;
        header.producer_id = id;
        header.producer_epoch = epoch;
        header.base_sequence = sequence;
        let body = self.whole.slice(BatchHeader::LEN..);
        let checked = crc32c(&header.to_bytes()[CHECKED..]);
        header.crc = crc32c_combine(checked, self.body_crc, body.len());
        Records::from(vec![Bytes::copy_from_slice(&header.to_bytes()), body])
    }
}

#[cfg(test)]
mod tests {
    use barnabas_protocol::kafka::record_batch::RecordBatch;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    fn batch(record_size: usize, batch_bytes: usize, most: u64) -> Batch {
        let shape =
            Shape { record_size, batch_bytes, compression: Compression::None, timestamp: 5 };
        Batch::build(shape, most, &mut StdRng::seed_from_u64(1)).expect("batch")
    }

    #[test]
    fn batches_are_as_full_as_they_may_be() {
        let full = batch(100, 16_384, u64::MAX);
        assert!((full.whole.len() <= 16_384) && full.whole.len() > 16_384 - 150);
        assert_eq!(batch(100, 16_384, 7).records(), 7);
        assert_eq!(batch(100, 1, u64::MAX).records(), 1);
    }

    #[test]
    fn numbered_batches_are_valid() {
        let batch = batch(50, 1000, u64::MAX);
        for records in [batch.plain(), batch.numbered(ProducerId(7), 1, 42)] {
            RecordBatch::parse(&records.to_bytes()).expect("a batch").validate().expect("valid");
        }
        let numbered = batch.numbered(ProducerId(7), 1, 42).to_bytes();
        let header = BatchHeader::parse(&numbered).expect("header");
        assert_eq!((header.producer_id, header.base_sequence), (ProducerId(7), 42));
    }
}
